"""The platform's leg: awaited, opened, talking, gone; how long it may take to come, and how long the call may last.

awaited ──socket──▶ opened ──call named──▶ talking ──▶ gone
"""

from enum import Enum, auto
from math import inf

from media.effects import End
from media.ends import NO_METADATA, NO_SHOW, TOO_LONG
from media.options import Options


class PlatformLeg(Enum):
    AWAITED = auto()
    OPENED = auto()
    TALKING = auto()
    GONE = auto()


class Arrival:
    """One call's. Times are monotonic seconds."""

    def __init__(self, options: Options, now: float) -> None:
        self._metadata_timeout_s = options.metadata_timeout_s
        self._call_until = now + options.max_call_s
        self._step_until, self._missing = now + options.open_timeout_s, NO_SHOW
        self.leg = PlatformLeg.AWAITED
        self.opened_at = now

    @property
    def talking(self) -> bool:
        return self.leg is PlatformLeg.TALKING

    def opened(self, now: float) -> None:
        """Its media socket is open; what names the call is awaited."""
        self.leg, self.opened_at = PlatformLeg.OPENED, now
        self._step_until, self._missing = now + self._metadata_timeout_s, NO_METADATA

    def named(self) -> None:
        """It has named its call: now the caller is there."""
        self.leg, self._step_until = PlatformLeg.TALKING, inf

    def gone(self) -> None:
        self.leg = PlatformLeg.GONE

    def overdue(self, now: float) -> End | None:
        """Say why the call ends now, if time alone ends it."""
        if now >= self._call_until:
            return TOO_LONG
        return self._missing if now >= self._step_until else None

    def next_due(self) -> float:
        return min(self._call_until, self._step_until)
