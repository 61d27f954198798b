from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost.budget import CallPurse, Limit, Spent
from cost.meter import Meter, by_model, cost_of, paid
from cost.prices import Price, Prices, Rates

PRICES = Prices(
    {"openai/m": Price(text=Rates(Decimal(4), Decimal("0.4"), Decimal(24))), "openai/w": Price(minute=Decimal(6))}
)


def text(read: int, cached: int = 0, written: int = 0) -> dict[str, object]:
    details = {"text_tokens": read, "cached_tokens_details": {"text_tokens": cached}}
    return {"input_token_details": details, "output_token_details": {"text_tokens": written}}


@pytest.mark.claim("P39")
def test_each_response_has_its_bill_and_each_model_its_sum() -> None:
    meter = Meter(PRICES)
    bills = [
        meter.bill("openai/m", text(10, 5, 1), "response", at=1.0),
        meter.bill("openai/w", {"type": "duration", "seconds": 0.1}, "transcription", at=2.0),
        meter.bill("openai/m", text(20), "response", at=3.0),
        meter.bill("openai/w", {"type": "duration", "seconds": 0.2}, "transcription", at=4.0),
    ]
    assert bills[0] == {
        "at": 1.0,
        "model": "openai/m",
        "of": "response",
        "usage": {"input": 10, "cached": 5, "output": 1, "text": {"input": 10, "cached": 5, "output": 1}},
        "usd": 0.000046,
    }
    assert by_model(bills) == [
        {
            "model": "openai/m",
            "usage": {"input": 30, "cached": 5, "output": 1, "text": {"input": 30, "cached": 5, "output": 1}},
            "usd": 0.000126,
        },
        {"model": "openai/w", "usage": {"input": 0, "cached": 0, "output": 0, "seconds": 0.3}, "usd": 0.03},
    ]
    assert cost_of(bills) == {
        "usd": 0.030126,
        "models": [{"model": "openai/m", "usd": 0.000126}, {"model": "openai/w", "usd": 0.03}],
    }
    assert paid(bills) == Spent(31, Decimal("0.030126"))


def test_a_model_that_nobody_knows_has_tokens_and_no_cost() -> None:
    meter = Meter(PRICES)
    bills = [meter.bill(name, text(7), "response", at=0.0) for name in ("openai/m", "openai/new", "openai/new")]
    assert [bill["usd"] for bill in bills] == [0.000028, None, None]
    assert by_model(bills)[1] == {
        "model": "openai/new",
        "usage": {"input": 14, "cached": 0, "output": 0, "text": {"input": 14, "cached": 0, "output": 0}},
        "usd": None,
    }
    assert cost_of(bills) is None
    assert paid(bills) == Spent(21, Decimal("0.000028"))


def test_where_nothing_was_used_there_is_nothing_to_tell() -> None:
    assert (by_model([]), cost_of([]), paid([])) == ([], None, Spent())


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["openai/m", "openai/w"]))))
def test_a_thousand_bills_add_up_without_a_drift(told: list[tuple[int, int, str]]) -> None:
    purse = CallPurse()
    meter = Meter(PRICES, [purse])
    bills = [
        meter.bill(model, text(count) if model == "openai/m" else {"seconds": ms / 1000}, "response", at=0.0)
        for count, ms, model in told
    ]
    exact = sum((Decimal(count) * 4 / 10**6 for count, _, model in told if model == "openai/m"), Decimal(0))
    exact += sum((Decimal(ms) / 10_000 for _, ms, model in told if model == "openai/w"), Decimal(0))
    cost = cost_of(bills)
    read = {each["model"]: each["usage"]["input"] for each in by_model(bills)}
    assert sum(read.values()) == purse.spent.tokens == sum(count for count, _, model in told if model == "openai/m")
    assert purse.spent.usd == exact == paid(bills).usd
    assert Decimal(str(cost["usd"] if cost else 0)) == exact


@pytest.mark.parametrize(
    ("limit", "spent", "low", "empty"),
    [
        (Limit(), Spent(10**9, Decimal(10**6)), False, False),
        (Limit(usd=Decimal("0.5")), Spent(0, Decimal("0.399999999999")), False, False),
        (Limit(usd=Decimal("0.5")), Spent(0, Decimal("0.4")), True, False),
        (Limit(usd=Decimal("0.5")), Spent(10**9, Decimal("0.5")), True, True),
        (Limit(tokens=1000), Spent(799), False, False),
        (Limit(tokens=1000), Spent(800), True, False),
        (Limit(tokens=1000), Spent(1000), True, True),
        (Limit(usd=Decimal(9), tokens=10), Spent(10), True, True),
    ],
)
def test_a_purse_is_low_at_its_share_and_empty_at_its_limit(limit: Limit, spent: Spent, low: bool, empty: bool) -> None:  # noqa: FBT001
    purse, other = CallPurse(limit, Decimal("0.8")), CallPurse()
    purse.pay(spent)
    meter = Meter(purses=[other, purse])
    assert (purse.low(), purse.empty(), meter.low, meter.empty) == (low, empty, low, empty)
