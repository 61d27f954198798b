"""The arithmetic: what is called late, lost and heard. Pure; times are integer nanoseconds of one clock.

Both ends of every call live in the load generator, so there is one clock and no clock error.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import median

from bench.audio import FRAME_NS, Run

LOT_FRAMES = 4
"jambonz passes audio on in lots of 80 ms (mod_audio_fork/lws_glue.cpp), so a bridge may gather as much."
LEAD_NS = 200_000_000
"How far ahead of the caller's ear a pacing bridge fills the platform: `media.lead_ms`."
GAP_NS = 1_000_000


class Playout:
    """What the platform does with the audio: keeps back less than 80 ms, plays the rest in a row (mod_audio_fork)."""

    __slots__ = ("_ends_ns", "_kept")

    def __init__(self) -> None:
        self._ends_ns = 0
        self._kept = 0

    def room_ns(self, frames: int) -> int:
        """From when on `frames` more fit under the lead."""
        return self._ends_ns + (self._kept + frames) * FRAME_NS - LEAD_NS

    def held_ns(self, now_ns: int) -> int:
        return max(0, self._ends_ns - now_ns) + self._kept * FRAME_NS

    def receive(self, now_ns: int, frames: int) -> list[int]:
        """Returns the play times of the frames that this message has released."""
        self._kept += frames
        if self._kept < LOT_FRAMES:
            return []
        start_ns, released = max(self._ends_ns, now_ns), self._kept
        self._kept = 0
        self._ends_ns = start_ns + released * FRAME_NS
        return [start_ns + i * FRAME_NS for i in range(released)]


def plain(sent_ns: Sequence[int], runs: Sequence[Run]) -> Iterator[tuple[int, int]]:
    """(frame, arrival - its own sending): the caller's audio on its way to the model."""
    for arrived_ns, first, count in runs:
        for seq in range(first, first + count):
            yield seq, arrived_ns - sent_ns[seq]


def added(sent_ns: Sequence[int], runs: Sequence[Run], *, paces: bool) -> Iterator[tuple[int, int]]:
    """(frame, arrival - the later of: the delta that completed its lot was sent; its scheduled time, for who paces).

    A lot is what came in one message, cut into 80 ms from its beginning: gathering more than the platform does
    counts as delay. The scheduled time is when the lot fits under the lead of a platform that a bridge which takes no
    time has filled; or, where audio came late before, when it fits under the lead that is really left, provided that
    the message shows it was waiting for that: it came within 20 ms of the moment. Ahead of schedule counts as 0.
    """
    really, at_best = Playout(), Playout()
    for arrived_ns, first, count in runs:
        room_ns = really.room_ns(count)
        excused_until_ns = room_ns if abs(arrived_ns - room_ns) <= FRAME_NS else 0
        really.receive(arrived_ns, count)
        for start in range(first, first + count, LOT_FRAMES):
            end = min(start + LOT_FRAMES, first + count)
            due_ns = sent_ns[end - 1]
            if paces:
                due_ns = max(due_ns, at_best.room_ns(end - start))
                at_best.receive(due_ns, end - start)
                due_ns = max(due_ns, excused_until_ns)
            late_ns = max(0, arrived_ns - due_ns)
            for seq in range(start, end):
                yield seq, late_ns


def leads(runs: Sequence[Run]) -> Iterator[tuple[int, int]]:
    """(first frame of a message, how much the platform still held when the message came)."""
    playout = Playout()
    for arrived_ns, first, count in runs:
        yield first, playout.held_ns(arrived_ns)
        playout.receive(arrived_ns, count)


def play_times(arrivals: Sequence[tuple[int, int]]) -> list[int]:
    """[(arrival_ns, frames)] → when each frame begins to be heard."""
    playout = Playout()
    return [start_ns for now_ns, frames in arrivals for start_ns in playout.receive(now_ns, frames)]


def heard(sent_ns: Sequence[int], runs: Sequence[Run]) -> list[tuple[int, int, int]]:
    """(frame, when heard, when heard over a bridge that takes no time). Empty when frames are missing in between."""
    if not runs or any(b[1] != a[1] + a[2] for a, b in pairwise(runs)):
        return []
    first, end = runs[0][1], runs[-1][1] + runs[-1][2]
    really = play_times([(arrived_ns, count) for arrived_ns, _, count in runs])
    at_best = play_times([(sent_ns[seq], 1) for seq in range(first, end)])
    return list(zip(range(first, end), really, at_best, strict=False))


def gaps(played: Sequence[tuple[int, int, int]]) -> int:
    """How often speech stood still where it need not have."""
    steps = ((b[1] - a[1], b[2] - a[2]) for a, b in pairwise(played))
    return sum(1 for step_ns, best_ns in steps if step_ns - FRAME_NS > GAP_NS >= best_ns - FRAME_NS)


def between(sent_ns: Sequence[int], start_ns: int, end_ns: int) -> tuple[int, int]:
    """The frames sent within [start_ns, end_ns), as a half-open range of numbers."""
    return bisect_left(sent_ns, start_ns), bisect_left(sent_ns, end_ns)


def missing(runs: Sequence[Run], first: int, end: int) -> int:
    """How many of the frames first … end-1 never came whole."""
    came = {seq for _, start, count in runs for seq in range(max(start, first), min(start + count, end))}
    return end - first - len(came)


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p99: float
    max: float


def spread(values_ns: Sequence[int]) -> Spread:
    """By nearest rank; all zero when there is nothing to rank."""
    if not values_ns:
        return Spread(0.0, 0.0, 0.0)
    ranked = sorted(values_ns)
    p50, p99 = (ranked[max(0, ceil(len(ranked) * q) - 1)] / 1e6 for q in (0.50, 0.99))
    return Spread(round(p50, 3), round(p99, 3), round(ranked[-1] / 1e6, 3))


def middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def ratio(ours: float | None, theirs: float | None) -> float | None:
    return round(ours / theirs, 3) if ours is not None and theirs else None
