"""The idle ladder: what is done, step by step, about a caller who says nothing.

A step is due when caller and agent have both been silent for `after_s` and nothing is being tried. What it says
is the model's to say; silence after that leads to the next step. A word or a key of the caller leads back to the
first one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Rung:
    """After so much silence, let the model say something (an instruction to it), or end the call, or both."""

    after_s: float
    say: str = ""
    end: bool = False


class Idle:
    """One call's ladder. Times are monotonic seconds."""

    def __init__(self, rungs: Sequence[Rung]) -> None:
        self._rungs = rungs
        self._next = 0
        self._due = inf

    def watch(self, *, silent: bool, now: float) -> Rung | None:
        """Say what is to be done now."""
        if not silent or self._next >= len(self._rungs):
            self._due = inf
            return None
        rung = self._rungs[self._next]
        if self._due == inf:
            self._due = now + rung.after_s
        if now < self._due:
            return None
        self._next += 1
        self._due = inf
        return rung

    def stirred(self) -> None:
        """The caller said or typed something: begin anew."""
        self._next, self._due = 0, inf

    def next_due(self) -> float:
        return self._due
