"""What the calls of this process spend: paid, written down, counted, and told where nobody knows what it costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import time
from typing import Protocol

from calls.daybook import Daybook, DayPurse, Entry
from calls.live import LiveCall
from config.settings import Route
from cost.budget import Spent
from cost.meter import Meter
from store.base import Store
from store.spending import DaySum
from verbs.base import JsonObject

E12 = 12
"A dollar is kept as so many powers of ten of its smallest part: databases have no exact decimals in common."


class Counter(Protocol):
    def billed(self, route: str, bill: JsonObject) -> None:
        """Count what a response or a transcription has used."""
        ...


class Spending:
    """Make it with the store that keeps the sums of the days."""

    def __init__(self, store: Store, counter: Counter, clock: Callable[[], float] = time) -> None:
        """`clock` gives Unix seconds."""
        self._store = store
        self._counter = counter
        self._clock = clock
        self._daybook = Daybook(clock, self._keep)
        self._unpriced: set[str] = set()
        "Models of which it was told that they have no price."

    async def learn(self) -> None:
        """Take in what was spent today before this process was started: in some time zone it may still be yesterday."""
        yesterday = datetime.fromtimestamp(self._clock(), UTC).date() - timedelta(days=1)
        sums = await self._store.spending(yesterday.isoformat())
        self._daybook.learn(
            Entry(each.day, each.route, Spent(each.tokens, Decimal(each.usd_e12).scaleb(-E12))) for each in sums
        )

    def exhausted(self, route: Route) -> bool:
        """Tell whether the route may spend nothing more today."""
        return DayPurse(self._daybook, route).empty()

    def meter(self, live: LiveCall) -> Meter:
        """Give what makes the bills of a conversation."""
        return Meter(live.settings.prices, (live.purse, DayPurse(self._daybook, live.route)))

    def billed(self, live: LiveCall, bill: JsonObject) -> None:
        """Count a bill; of a model without a price, tell once."""
        self._counter.billed(live.route.name, bill)
        if bill["usd"] is None and bill["model"] not in self._unpriced:
            self._unpriced.add(bill["model"])
            budget = live.route.budget.in_dollars
            unkept = {"not_kept_to": [f"budget.{key}" for key in budget]} if budget else {}
            remedy = f"name what it costs under prices: {bill['model']}, of each kind that it uses"
            live.log.warning("price_unknown", model=bill["model"], usage=bill["usage"], remedy=remedy, **unkept)

    def _keep(self, entry: Entry) -> None:
        usd_e12 = int(entry.spent.usd.scaleb(E12))
        self._store.spend(DaySum(entry.day, entry.route, entry.spent.tokens, usd_e12))
