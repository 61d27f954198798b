import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.flood import BURST_S, LASTS_S, PER_S, Flood


def read_at(rate_per_s: float, seconds: float) -> list[float | None]:
    """Read a message at each turn, for so long, from somebody who sends as fast as is read."""
    flood, now_s = Flood(), 0.0
    waits: list[float | None] = []
    while now_s < seconds:
        waits.append(flood.wait_s(now_s))
        now_s += 1 / rate_per_s + (waits[-1] or 0.0)
    return waits


def test_who_keeps_to_the_rate_never_waits() -> None:
    assert set(read_at(PER_S, 100)) == {0.0}


def test_a_burst_is_read_at_once() -> None:
    flood = Flood()
    waits = [flood.wait_s(10.0) for _ in range(int(PER_S * BURST_S))]
    assert waits == pytest.approx([0.0] * len(waits))
    assert flood.wait_s(10.0) == pytest.approx(1 / PER_S)
    assert flood.wait_s(12.0) == 0.0


def test_a_flood_is_read_at_the_rate_and_cut_off_after_a_minute() -> None:
    waits = read_at(5000, LASTS_S * 2)
    cut_off = waits.index(None)
    assert cut_off == pytest.approx(PER_S * (LASTS_S + BURST_S), rel=0.02)


def test_who_pauses_in_time_is_not_cut_off() -> None:
    flood = Flood()
    for minute in range(5):
        for _ in range(400):
            assert flood.wait_s(minute * LASTS_S) is not None


@given(st.lists(st.floats(0, 1), max_size=300))
def test_no_more_than_the_rate_and_a_burst_are_ever_read(gaps: list[float]) -> None:
    flood, now_s = Flood(), 0.0
    for count, gap in enumerate(gaps, 1):
        now_s += gap + (flood.wait_s(now_s) or 0.0)
        assert count <= PER_S * (now_s + BURST_S) + 2
