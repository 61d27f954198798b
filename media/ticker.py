"""One timer for all calls: each says when it next wants to be woken, and is. It keeps no call alive."""

import heapq
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Protocol
from weakref import ref

ROUNDING_S = 0.0005
"uvloop's clock and timers count whole milliseconds, rounded: a timer rounded down would fire early, again and again."


class Woken(Protocol):
    """What the ticker wakes. `wakes_at` is the ticker's own note on it: leave it at infinity."""

    wakes_at: float

    def tick(self, now: float) -> None: ...


class Handle(Protocol):
    def cancel(self) -> None: ...


class Ticker:
    """`call_at(when, callback)` is the loop's; times are the loop's, in seconds."""

    def __init__(self, clock: Callable[[], float], call_at: Callable[[float, Callable[[], None]], Handle]) -> None:
        self._clock = clock
        self._call_at = call_at
        self._heap: list[tuple[float, int, ref[Woken]]] = []
        self._order = count()
        self._handle: Handle | None = None
        self._armed_for = inf

    def wake(self, sleeper: Woken, at: float) -> None:
        """Wake at this time, or at an earlier one that was asked for already and then asks again."""
        if at >= sleeper.wakes_at:
            return
        sleeper.wakes_at = at
        heapq.heappush(self._heap, (at, next(self._order), ref(sleeper)))
        if at < self._armed_for:
            self._arm(at)

    def _arm(self, at: float) -> None:
        if self._handle:
            self._handle.cancel()
        self._armed_for = at
        self._handle = self._call_at(at + ROUNDING_S, self._fire)

    def _fire(self) -> None:
        self._handle, self._armed_for = None, inf
        now = self._clock()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap))
        for at, _, woken in due:  # each once: what asks for a moment that is past has the next turn of the loop
            sleeper = woken()
            if sleeper and at == sleeper.wakes_at:  # else it was woken earlier: this is an old wish
                sleeper.wakes_at = inf
                sleeper.tick(now)
        if self._heap and self._heap[0][0] < self._armed_for:
            self._arm(self._heap[0][0])
