"""Whether there is room for one more call. Pure: who is here, what the machine has left and the time are arguments.

A call that is let in is not among those that go on before its document is made, for which its application may take
seconds. `coming` holds its place meanwhile, so that a hundred webhooks at one moment do not all find the last one.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

Reason = Literal[
    "draining",
    "file_descriptors",
    "memory",
    "max_calls",
    "max_calls_of_route",
    "budget_per_day",
    "max_calls_per_caller",
    "max_calls_per_s",
]

WINDOW_S = 1.0
FDS_PER_CALL = 4
"The media socket, the model's, the connection that brings the platform's webhooks, one to an application."
SPARE_FDS = 16
"For what is none of a call: operators who look, the store, a file that is read."
MEMORY_SHARE = 0.85


class Guest(NamedTuple):
    """Of a call what is counted."""

    route: str
    caller: str = ""
    "As routes compare numbers. Nothing where nobody knows who calls, or where it is we who call."


class Limits(NamedTuple):
    calls: int
    of_route: int | None = None
    per_caller: int | None = None
    per_s: int | None = None
    spent: bool = False
    "Whether the route has spent what it may in a day."


class Means(NamedTuple):
    """What this process has left, as far as that is limited."""

    free_fds: int | None = None
    memory_share: float = 0.0
    "Of the memory that it may have, the part that is in use."


class Refusal(NamedTuple):
    reason: Reason
    message: str


class Admission:
    """Remembers who is coming, and the calls of the last second."""

    def __init__(self) -> None:
        self._coming: Counter[Guest] = Counter()
        self._begun: deque[float] = deque()

    def refusal(
        self, guest: Guest, here: Iterable[Guest], limits: Limits, means: Means, *, now: float, announced: bool = False
    ) -> Refusal | None:
        """Say why this call cannot be taken; None where it can.

        `here`: the calls that go on. `announced`: its turn among those of a second was taken before, by `begun`.
        """
        if short := self.shortage(means, now=now):
            return short
        others = [*here, *self._coming.elements()]
        if len(others) >= limits.calls:
            return Refusal("max_calls", f"{len(others)} calls are live: server.max_calls")
        if full := _of_route(sum(other.route == guest.route for other in others), limits):
            return full
        same = sum(other.caller == guest.caller for other in others)
        if limits.per_caller is not None and guest.caller and same >= limits.per_caller:
            return Refusal("max_calls_per_caller", f"{same} calls of this caller are live: server.max_calls_per_caller")
        if limits.per_s is not None and not announced and self._of_late(now) >= limits.per_s:
            return Refusal(
                "max_calls_per_s", f"{limits.per_s} calls have begun within a second: server.max_calls_per_s"
            )
        return None

    def shortage(self, means: Means, *, now: float) -> Refusal | None:
        """Say what the machine lacks for one more call, whoever it is."""
        needed = SPARE_FDS + FDS_PER_CALL * (1 + self._of_late(now))  # those of late have not opened theirs yet
        if means.free_fds is not None and means.free_fds < needed:
            remedy = "raise the limit (ulimit -n, LimitNOFILE) or lower server.max_calls"
            return Refusal("file_descriptors", f"{means.free_fds} file descriptors are left: {remedy}")
        if means.memory_share >= MEMORY_SHARE:
            remedy = "raise the limit or lower server.max_calls"
            return Refusal("memory", f"{means.memory_share:.0%} of this process's memory is in use: {remedy}")
        return None

    def begun(self, now: float) -> None:
        """Take note of a call that was let in, or that we have placed ourselves."""
        self._begun.append(now)

    @contextmanager
    def coming(self, guest: Guest) -> Iterator[None]:
        """Keep a place for a call until it is among those that go on, or has failed."""
        self._coming[guest] += 1
        try:
            yield
        finally:
            self._coming[guest] -= 1
            if not self._coming[guest]:
                del self._coming[guest]

    def _of_late(self, now: float) -> int:
        while self._begun and self._begun[0] <= now - WINDOW_S:
            self._begun.popleft()
        return len(self._begun)


def _of_route(same: int, limits: Limits) -> Refusal | None:
    """Say why a route takes no call besides its `same` ones."""
    if limits.of_route is not None and same >= limits.of_route:
        return Refusal("max_calls_of_route", f"{same} calls of this route are live: its max_calls")
    if limits.spent:
        return Refusal("budget_per_day", "what this route may spend in a day is spent: its budget.per_day_…")
    return None
