"""What a conversation uses, as it goes on, and the same as it is kept and told: bills, and their sums.

A bill is JSON: `{"at", "model", "of", "usage", "usd"}`, the seconds of the conversation, `vendor/model`, `response` or
`transcription`, what `Usage.shown` gives, and US dollars; null where nobody knows what it costs.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from cost.budget import Purse, Spent
from cost.prices import NO_PRICES, Prices
from cost.usage import JsonObject, Of, read


class Meter:
    """One conversation's. It is paid from all `purses` at once: the call's, and that of its route and day.

    Whether they are `low` or `empty` is looked at with each bill: it is asked much more often than that.
    """

    def __init__(self, prices: Prices = NO_PRICES, purses: Sequence[Purse] = ()) -> None:
        self._prices = prices
        self._purses = purses
        self._look()

    def bill(self, model: str, told: JsonObject, of: Of, *, at: float) -> JsonObject:
        """Take in what a vendor tells that a response or a transcription has used; give its bill."""
        usage, price = read(told, of), self._prices.find(model)
        usd = price.of(usage) if price else None
        for purse in self._purses:
            purse.pay(Spent(usage.tokens, usd or Decimal(0)))
        self._look()
        return {"at": at, "model": model, "of": of, "usage": usage.shown(), "usd": None if usd is None else float(usd)}

    def _look(self) -> None:
        self.low = any(purse.low() for purse in self._purses)
        self.empty = any(purse.empty() for purse in self._purses)


def paid(bills: Iterable[JsonObject]) -> Spent:
    """Give what these came to, as far as that is known."""
    spent = Spent()
    for bill in bills:
        usd = Decimal(0) if bill["usd"] is None else _exact(bill["usd"])
        spent = spent.and_(Spent(bill["usage"]["input"] + bill["usage"]["output"], usd))
    return spent


def by_model(bills: Iterable[JsonObject]) -> list[JsonObject]:
    """Add bills up: `[{"model", "usage", "usd"}]`, in the order in which the models were first used."""
    found: dict[str, JsonObject] = {}
    for bill in bills:
        one = {name: bill[name] for name in ("model", "usage", "usd")}
        before = found.get(bill["model"])
        found[bill["model"]] = _together(before, one) if before else one
    return list(found.values())


def cost_of(bills: Iterable[JsonObject]) -> JsonObject | None:
    """Give `{"usd", "models": [{"model", "usd"}]}`; None where nothing was used, or something has no price."""
    models = by_model(bills)
    if not models or any(each["usd"] is None for each in models):
        return None
    total = sum((_exact(each["usd"]) for each in models), Decimal(0))
    return {"usd": float(total), "models": [{"model": each["model"], "usd": each["usd"]} for each in models]}


def _together(one: JsonObject, other: JsonObject) -> JsonObject:
    usd = None if None in (one["usd"], other["usd"]) else float(_exact(one["usd"]) + _exact(other["usd"]))
    return {"model": one["model"], "usage": _summed(one["usage"], other["usage"]), "usd": usd}


def _summed(one: JsonObject, other: JsonObject) -> JsonObject:
    """Add two usages as `Usage.shown` gives them."""
    summed = dict(one)
    for name, value in other.items():
        has = one.get(name)
        if isinstance(value, dict):
            summed[name] = _summed(has or {}, value)
        else:
            exact = _exact(has or 0) + _exact(value)
            summed[name] = float(exact) if isinstance(value, float) else int(exact)
    return summed


def _exact(number: float) -> Decimal:
    """Give a number of JSON as it is written: fifteen digits come back as they were."""
    return Decimal(str(number))
