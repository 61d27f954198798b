"""One call under load, both of its far ends: what was sent when, and what has come."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.audio import Run, Track, caller_tag, model_tag


@dataclass(slots=True)
class Lane:
    """One direction. `sent_ns[k]` is when frame k was sent."""

    track: Track
    sent_ns: "array[int]" = field(default_factory=lambda: array("q"))

    @property
    def runs(self) -> list[Run]:
        return self.track.runs

    @property
    def cuts(self) -> Sequence[tuple[int, int]]:
        return ()

    @property
    def open(self) -> bool:
        """Whole frames have come through."""
        return self.track.expected > 0


@dataclass(slots=True)
class Call:
    number: int
    to_model: Lane
    to_caller: Lane
    dropped: str = ""
    "Why the call ended before it was hung up; empty while all is well."
    asked_ns: int = 0
    "When its webhook was posted."
    configured_ns: int = -1
    "From there to the arrival of `session.update`."

    @classmethod
    def numbered(cls, number: int, asked_ns: int) -> "Call":
        return cls(number, Lane(Track(caller_tag(number))), Lane(Track(model_tag(number))), asked_ns=asked_ns)
