from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.ticker import ROUNDING_S, Ticker


class Clock:
    """A loop that jumps to what is due; `armed` are the timers that it holds, cancelled ones not among them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.armed: list[tuple[float, Callable[[], None], Timer]] = []
        self.ticker = Ticker(lambda: self.now, self.call_at)

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        timer = Timer()
        self.armed.append((when, callback, timer))
        return timer

    def run(self, until: float) -> None:
        while due := [entry for entry in self.armed if not entry[2].cancelled and entry[0] <= until]:
            entry = min(due, key=lambda entry: entry[0])
            self.armed.remove(entry)
            self.now = max(self.now, entry[0])
            entry[1]()
        self.now = until


class Timer:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Sleeper:
    """Woken once for each of `naps`, in seconds from one to the next."""

    def __init__(self, clock: Clock, *naps: float) -> None:
        self.wakes_at = inf
        self.woken: list[float] = []
        self._clock = clock
        self._naps = list(naps)

    def tick(self, now: float) -> None:
        self.woken.append(now)
        if self._naps:
            self._clock.ticker.wake(self, now + self._naps.pop(0))


def soon_after(*times: float) -> Any:
    """Compare with these times; the timer is a rounding late each time, never early."""
    return pytest.approx(times, abs=ROUNDING_S * (len(times) + 0.1))


def test_each_is_woken_when_it_wants_to_be() -> None:
    clock = Clock()
    early, late = Sleeper(clock, 1.0), Sleeper(clock)
    clock.ticker.wake(late, 2.0)
    clock.ticker.wake(early, 0.5)
    clock.run(5)
    assert early.woken == soon_after(0.5, 1.5)
    assert late.woken == soon_after(2.0)


def test_an_earlier_wish_replaces_a_later_one() -> None:
    clock = Clock()
    sleeper = Sleeper(clock)
    clock.ticker.wake(sleeper, 2.0)
    clock.ticker.wake(sleeper, 1.0)
    clock.run(5)
    assert sleeper.woken == soon_after(1.0)


def test_a_later_wish_is_not_heard_before_the_earlier_one_has_passed() -> None:
    clock = Clock()
    sleeper = Sleeper(clock)
    clock.ticker.wake(sleeper, 1.0)
    clock.ticker.wake(sleeper, 2.0)
    clock.run(5)
    assert sleeper.woken == soon_after(1.0)


def test_there_is_one_timer_however_many_sleep() -> None:
    clock = Clock()
    for seconds in (3.0, 1.0, 2.0):
        clock.ticker.wake(Sleeper(clock), seconds)
    assert len([timer for _, _, timer in clock.armed if not timer.cancelled]) == 1


def test_one_that_wakes_another_for_now_does_not_lose_it() -> None:
    clock = Clock()
    other = Sleeper(clock)

    class Waker(Sleeper):
        def tick(self, now: float) -> None:
            super().tick(now)
            clock.ticker.wake(other, now)

    waker = Waker(clock)
    clock.ticker.wake(waker, 1.0)
    clock.run(1.1)
    assert other.woken == [pytest.approx(1.0, abs=2.2 * ROUNDING_S)]  # the next turn of the loop


@given(st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), max_size=5), max_size=5))
def test_nobody_is_woken_early_late_or_twice(naps: list[list[float]]) -> None:
    clock = Clock()
    sleepers = [Sleeper(clock, *mine) for mine in naps]
    for sleeper in sleepers:
        clock.ticker.wake(sleeper, 1.0)
    clock.run(100)
    for sleeper, mine in zip(sleepers, naps, strict=True):
        assert sleeper.woken == soon_after(*(1.0 + sum(mine[:at]) for at in range(len(mine) + 1)))
        assert all(woken >= 1.0 for woken in sleeper.woken)


def test_it_keeps_nobody_alive_and_passes_over_who_is_gone() -> None:
    clock = Clock()
    clock.ticker.wake(Sleeper(clock), 1.0)
    clock.run(2.0)
    assert clock.armed == []
