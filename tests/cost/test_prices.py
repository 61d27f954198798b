from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost.prices import Price, Prices, Rates
from cost.usage import Tokens, Usage


def rates(*told: str) -> Rates:
    return Rates(*(Decimal(one) for one in told))


REALTIME = Price(text=rates("4", "0.4", "24"), audio=rates("32", "0.4", "64"), image=rates("5", "0.5"))
WHISPER = Price(minute=Decimal("0.006"))


@pytest.mark.claim("L21")
@pytest.mark.parametrize(
    ("price", "usage", "usd"),
    [
        (REALTIME, Usage(), "0"),
        # OpenAI's own way to count: what is cached is taken out of the input first, in each modality.
        (REALTIME, Usage(text=Tokens(1_000_000, 1_000_000)), "0.4"),
        (REALTIME, Usage(audio=Tokens(1_000_000, 250_000, 1_000_000)), "88.1"),
        (REALTIME, Usage(Tokens(90, 64, 22), Tokens(40, 8, 100), Tokens(2)), "0.0080948"),
        (REALTIME, Usage(image=Tokens(3, 1)), "0.0000105"),
        (REALTIME, Usage(image=Tokens(output=1)), None),
        (REALTIME, Usage(seconds=Decimal(1)), None),
        (REALTIME, Usage(text=Tokens(5), other=Tokens(1)), None),
        (REALTIME, Usage(text=Tokens(5), audio=Tokens(5), other=Tokens(0, 1)), None),
        (WHISPER, Usage(seconds=Decimal(90)), "0.009"),
        (WHISPER, Usage(seconds=Decimal("0.007")), "0.0000007"),
        (WHISPER, Usage(text=Tokens(output=1)), None),
        (Price(minute=Decimal("0.017")), Usage(seconds=Decimal(1)), "0.000283333333"),
        (Price(text=rates("0.000001")), Usage(text=Tokens(1)), "0.000000000001"),
        (Price(text=rates("1")), Usage(text=Tokens(2, 1)), None),
    ],
)
def test_l21_what_was_used_comes_to_so_much_and_to_nothing_known_where_a_price_is_missing(
    price: Price, usage: Usage, usd: str | None
) -> None:
    assert price.of(usage) == (None if usd is None else Decimal(usd))


COUNTS = st.builds(
    lambda rest, cached, output: Tokens(rest + cached, cached, output),
    *[st.integers(0, 10**6)] * 3,
)
USAGES = st.builds(Usage, text=COUNTS, audio=COUNTS)


@given(st.lists(USAGES, max_size=30))
def test_the_price_of_a_sum_is_the_sum_of_the_prices_to_the_last_place(usages: list[Usage]) -> None:
    parts = [REALTIME.of(usage) for usage in usages]
    text, audio = (sum((getattr(usage, name) for usage in usages), Tokens()) for name in ("text", "audio"))
    assert REALTIME.of(Usage(text, audio)) == sum((part for part in parts if part is not None), Decimal(0))


@given(USAGES)
def test_what_is_cached_makes_nothing_dearer(usage: Usage) -> None:
    fresh = Usage(Tokens(usage.text.input, 0, usage.text.output), Tokens(usage.audio.input, 0, usage.audio.output))
    cached, whole = REALTIME.of(usage), REALTIME.of(fresh)
    assert cached is not None
    assert whole is not None
    assert cached <= whole


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai/gpt-realtime-2.1", "openai/gpt-realtime-2.1"),
        ("openai/gpt-realtime-2.1-2026-05-06", "openai/gpt-realtime-2.1"),
        ("openai/gpt-realtime-2.1-2026-07-08", "openai/gpt-realtime-2.1-2026-07-08"),
        ("openai/gpt-realtime-2.1-mini", None),
        ("openai/gpt-realtime-2", None),
        ("openai/gpt-realtime-2.1-20260506", None),
        ("microsoft/gpt-realtime-2.1", None),
        ("microsoft/house-3", "microsoft/house-*"),
        ("microsoft/house-big-3", "microsoft/house-big-*"),
    ],
)
def test_a_name_stands_for_its_snapshots_and_for_nothing_else_unless_it_says_so(model: str, name: str | None) -> None:
    snapshot = "openai/gpt-realtime-2.1-2026-07-08"
    names = ["openai/gpt-realtime-2.1", snapshot, "microsoft/house-*", "microsoft/house-big-*"]
    prices = Prices({each: Price(minute=Decimal(place)) for place, each in enumerate(names)})
    assert prices.find(model) == (prices.of[name] if name else None)
