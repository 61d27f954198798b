"""What one server did in one stretch of time: from what was noted of each call to figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench import figures
from bench.audio import Run
from bench.figures import Spread, spread


class Lane(Protocol):
    """One direction of one call, as its load noted it. `sent_ns[k]` is when frame k was sent."""

    @property
    def sent_ns(self) -> Sequence[int]: ...
    @property
    def runs(self) -> Sequence[Run]: ...
    @property
    def cuts(self) -> Sequence[tuple[int, int]]:
        """(first frame, frames): speech that the caller cut short, and that was rightly never delivered."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    calls: int
    seconds: float
    server_cpu_s: float
    server_waited_s: float
    generator_cpu_s: float
    generator_late: Spread
    to_model: Spread
    to_caller: Spread
    "Added latency, `figures.added`."
    to_caller_whole: Spread
    "Arrival less the sending of the frame's own delta: with the time that a lot is being gathered."
    heard_late: Spread
    gaps: int
    lead_p01_ms: float
    "What the platform still held when a message came, inside speech: the first percentile."
    frames: int
    lost: int
    dropped_calls: int
    hooks_wanted: int
    hooks_received: int
    rss_kb: int
    silenced: Spread
    "From `speech_started` to the platform's being told to fall silent."
    barge_ins: int
    barge_ins_missed: int
    configured: Spread
    "From the posting of the call webhook to the arrival of `session.update`, of every call that is up."

    @property
    def cpu_ms_per_call_s(self) -> float:
        return self.server_cpu_s * 1000 / (self.calls * self.seconds)

    @property
    def server_share(self) -> float:
        return self.server_cpu_s / self.seconds

    @property
    def server_waited_share(self) -> float:
        return self.server_waited_s / self.seconds

    @property
    def generator_share(self) -> float:
        return self.generator_cpu_s / self.seconds


@dataclass(slots=True)
class Tally:
    """What the frames sent within [start_ns, end_ns) say, over all calls."""

    start_ns: int
    end_ns: int
    paces: bool
    to_model_ns: list[int] = field(default_factory=list)
    to_caller_ns: list[int] = field(default_factory=list)
    to_caller_whole_ns: list[int] = field(default_factory=list)
    heard_late_ns: list[int] = field(default_factory=list)
    leads_ns: list[int] = field(default_factory=list)
    silenced_ns: list[int] = field(default_factory=list)
    gaps: int = 0
    frames: int = 0
    lost: int = 0
    barge_ins: int = 0
    barge_ins_missed: int = 0

    @property
    def lead_p01_ms(self) -> float:
        ranked = sorted(self.leads_ns)
        return round(ranked[len(ranked) // 100] / 1e6, 1) if ranked else 0.0

    def add(self, to_model: Lane, to_caller: Lane, barge_ins: Lane | None = None) -> None:
        first, end = self._count(to_model)
        self.to_model_ns += [late for seq, late in figures.plain(to_model.sent_ns, to_model.runs) if first <= seq < end]
        first, end = self._count(to_caller)
        for runs in between_cuts(to_caller.runs, to_caller.cuts):
            self._spoken(to_caller.sent_ns, runs, first, end)
        if barge_ins is not None:
            self._interrupted(barge_ins)

    def spreads(self) -> dict[str, Spread]:
        return {
            "to_model": spread(self.to_model_ns),
            "to_caller": spread(self.to_caller_ns),
            "to_caller_whole": spread(self.to_caller_whole_ns),
            "heard_late": spread(self.heard_late_ns),
            "silenced": spread(self.silenced_ns),
        }

    def _spoken(self, sent_ns: Sequence[int], runs: Sequence[Run], first: int, end: int) -> None:
        added = figures.added(sent_ns, runs, paces=self.paces)
        self.to_caller_ns += [late for seq, late in added if first <= seq < end]
        self.to_caller_whole_ns += [late for seq, late in figures.plain(sent_ns, runs) if first <= seq < end]
        played = [frame for frame in figures.heard(sent_ns, runs) if first <= frame[0] < end]
        self.heard_late_ns += [really_ns - best_ns for _, really_ns, best_ns in played]
        self.gaps += figures.gaps(played)
        # The first message of an answer finds an empty platform: that is no sign of a bridge that is late.
        self.leads_ns += [lead for seq, lead in figures.leads(runs) if first <= seq < end and lead]

    def _interrupted(self, lane: Lane) -> None:
        first, end = figures.between(lane.sent_ns, self.start_ns, self.end_ns)
        self.barge_ins += end - first
        self.barge_ins_missed += figures.missing(lane.runs, first, end)
        self.silenced_ns += [late for seq, late in figures.plain(lane.sent_ns, lane.runs) if first <= seq < end]

    def _count(self, lane: Lane) -> tuple[int, int]:
        first, end = figures.between(lane.sent_ns, self.start_ns, self.end_ns)
        cut = [(max(start, first), min(start + count, end)) for start, count in lane.cuts]
        excused = sum(figures.missing(lane.runs, start, over) for start, over in cut if start < over)
        self.frames += end - first - excused
        self.lost += figures.missing(lane.runs, first, end) - excused
        return first, end


def between_cuts(runs: Sequence[Run], cuts: Sequence[tuple[int, int]]) -> Iterator[Sequence[Run]]:
    """Yield the runs of each stretch that nobody cut short: what comes behind a cut finds an empty platform."""
    rest = list(runs)
    for first, _ in cuts:
        before = [run for run in rest if run[1] < first]
        yield before
        rest = rest[len(before) :]
    yield rest
