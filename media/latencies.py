"""How long the caller waits for the agent's voice: for its first word, and after each turn."""

from media.effects import Effect, Measure
from media.record import Record


class Latencies:
    """One conversation's; effects go to `out`, turns to the record. Times are monotonic seconds."""

    def __init__(self, record: Record, out: list[Effect]) -> None:
        self._record = record
        self._out = out
        self._greeting_since: float | None = None
        self._greeted = False
        self._turn_ended_at: float | None = None

    def greeting_awaited(self, since: float) -> None:
        """The agent is to speak first, since then; where it begins anew, that is no caller's first word."""
        if not self._greeted:
            self._greeted, self._greeting_since = True, since

    def turn_began(self, now: float) -> None:
        self._record.caller_began(now)
        self._turn_ended_at = None

    def turn_ended(self, at: float) -> None:
        self._turn_ended_at = at

    def interrupted(self, now: float) -> None:
        """The agent has just been cut short."""
        self._out.append(Measure("barge_in", since=now))
        self._record.interrupted(now)

    def heard(self, now: float) -> bool:
        """Agent speech has just been sent to the caller; say whether it was waited for since the end of a turn."""
        if self._greeting_since is not None:
            self._out.append(Measure("first_audio", since=self._greeting_since))
            self._greeting_since = None
        if self._turn_ended_at is None:
            return False
        self._out.append(Measure("turn_latency", since=self._turn_ended_at))
        self._record.turn(now - self._turn_ended_at, now)
        self._turn_ended_at = None
        return True
