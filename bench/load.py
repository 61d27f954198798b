"""The load: N calls at once, from one process, in real time, and what is measured on them."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from random import Random
from time import perf_counter, perf_counter_ns, process_time

from bench import figures
from bench.audio import FRAME_MS, FRAME_NS
from bench.call import Call
from bench.caller import Caller, SetupError, end, place
from bench.figures import Spread, spread
from bench.machine import cpu_times, rss_kb
from bench.model import Mode, Model, Studio
from bench.servers import Server
from bench.sink import HookCount, Sink

NEW_CALLS_PER_S = 40
UP_TIMEOUT_S = 15
RESTARTS_OVER_TICKS = 1000 // FRAME_MS
SETTLE_S: dict[Mode, float] = {"realtime": 1.9, "bursts": 5.2}
"After this long every call speaks anew: restarts are spread over 1 s, pauses last 0.3 s; a burst cycle lasts 5 s."
DRAIN_S: dict[Mode, float] = {"realtime": 0.6, "bursts": 4.5}
"How long after the window a frame may still come: a bridge that paces holds up to 4 s of a burst, rightly."
SLOTS = FRAME_MS


@dataclass(frozen=True, slots=True)
class Window:
    """What one server did in one stretch of time."""

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


class Load:
    def __init__(self, mode: Mode) -> None:
        self.studio = Studio(mode)
        self.hooks = HookCount()
        self.model_port = 0
        self.sink_port = 0
        self._random = Random(7)  # noqa: S311  # the same phases in every run
        self._numbers = count(1)
        self._callers: dict[int, Caller] = {}
        self._slots: list[list[tuple[int, bool]]] = [[] for _ in range(SLOTS)]
        self._late_ns: list[int] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Load"]:
        """The model's and the sink's doors and the clock; closed when the block is left."""
        loop = asyncio.get_running_loop()
        model = await loop.create_server(lambda: Model(self.studio), "127.0.0.1", 0, backlog=1024)
        sink = await loop.create_server(lambda: Sink(self.hooks), "127.0.0.1", 0, backlog=1024)
        self.model_port, self.sink_port = (door.sockets[0].getsockname()[1] for door in (model, sink))
        ticking = asyncio.create_task(self._tick_for_ever())
        try:
            yield self
        finally:
            ticking.cancel()
            for caller in self._callers.values():
                caller.hang_up()
            model.close()
            sink.close()

    async def hold(self, server: Server, calls: int) -> None:
        """Place or end calls until so many are up and talking. Raises SetupError."""
        while len(self._callers) > calls:
            await self._hang_up(max(self._callers))
        try:
            async with asyncio.timeout(UP_TIMEOUT_S + calls / NEW_CALLS_PER_S), asyncio.TaskGroup() as placing:
                for _ in range(calls - len(self._callers)):
                    placing.create_task(self._place(server, next(self._numbers)))
                    await asyncio.sleep(1 / NEW_CALLS_PER_S)
        except TimeoutError:
            raise SetupError(f"{server.name}: calls are not answered within {UP_TIMEOUT_S} s") from None
        except ExceptionGroup as several:
            raise SetupError(f"{server.name}: {several.exceptions[0]}") from None
        await self._all_talking(server)

    async def measure(self, server: Server, seconds: float) -> Window:
        """Let every call begin to speak anew, then watch for so long."""
        self._begin_anew()
        await asyncio.sleep(SETTLE_S[self.studio.mode])
        gc.collect()
        gc.disable()
        try:
            return await self._watch(server, seconds)
        finally:
            gc.enable()

    async def _watch(self, server: Server, seconds: float) -> Window:
        self._late_ns.clear()
        cpu, own_cpu, wanted = cpu_times(server.pid), process_time(), self.studio.events_wanted
        received, start_ns = self.hooks.of("/event"), perf_counter_ns()
        await asyncio.sleep(seconds)
        used, own_used, end_ns = cpu_times(server.pid) - cpu, process_time() - own_cpu, perf_counter_ns()
        wanted, received = self.studio.events_wanted - wanted, self.hooks.of("/event") - received
        late, rss = spread(self._late_ns), rss_kb(server.pid)
        await asyncio.sleep(DRAIN_S[self.studio.mode])
        tally = Tally(start_ns, end_ns, paces=server.paces)
        for number in self._callers:
            tally.add(self.studio.calls[number])
        return Window(
            calls=len(self._callers),
            seconds=(end_ns - start_ns) / 1e9,
            server_cpu_s=used.ran_s,
            server_waited_s=used.waited_s,
            generator_cpu_s=own_used,
            generator_late=late,
            to_model=spread(tally.to_model_ns),
            to_caller=spread(tally.to_caller_ns),
            to_caller_whole=spread(tally.to_caller_whole_ns),
            heard_late=spread(tally.heard_late_ns),
            gaps=tally.gaps,
            lead_p01_ms=tally.lead_p01_ms,
            frames=tally.frames,
            lost=tally.lost,
            dropped_calls=tally.dropped,
            hooks_wanted=wanted,
            hooks_received=received,
            rss_kb=rss,
        )

    def _begin_anew(self) -> None:
        """Forget what has come; in realtime mode let the platform run dry, so that no stall of the set-up stays."""
        for number in self._callers:
            call = self.studio.calls[number]
            call.to_model.runs.clear()
            call.to_caller.runs.clear()
            model = self.studio.speaking.get(number)
            if model is not None and self.studio.mode == "realtime":
                model.restart(self._random.randrange(RESTARTS_OVER_TICKS))

    async def _place(self, server: Server, number: int) -> None:
        call = self.studio.calls[number] = Call.numbered(number)
        try:
            self._callers[number] = await place(call, server.url)
        except BaseException:
            del self.studio.calls[number]
            raise
        for callers_own in (True, False):
            self._slots[self._random.randrange(SLOTS)].append((number, callers_own))

    async def _hang_up(self, number: int) -> None:
        caller = self._callers.pop(number)
        self._slots = [[entry for entry in slot if entry[0] != number] for slot in self._slots]
        await end(self.studio.calls.pop(number), caller)

    async def _all_talking(self, server: Server) -> None:
        until = perf_counter() + UP_TIMEOUT_S
        while mute := [call for call in self.studio.calls.values() if not call.talking]:
            if perf_counter() > until:
                one = mute[0]
                what = "caller to model" if not one.to_model.open else "model to caller"
                why = one.dropped or "; ".join(self.studio.complaints[:2])
                raise SetupError(f"{server.name}: {len(mute)} calls carry no audio from {what}; {why}")
            await asyncio.sleep(0.05)

    async def _tick_for_ever(self) -> None:
        """Every millisecond one twentieth of the speakers has its 20 ms; what is late is made up for at once."""
        slot_ns = FRAME_NS // SLOTS
        due_ns = perf_counter_ns()
        for slot in count():
            await asyncio.sleep(max(0, due_ns - perf_counter_ns()) / 1e9)
            self._late_ns.append(max(0, perf_counter_ns() - due_ns))
            for number, callers_own in self._slots[slot % SLOTS]:
                speaker = self._callers.get(number) if callers_own else self.studio.speaking.get(number)
                if speaker is not None:
                    speaker.tick()
            due_ns += slot_ns


class Tally:
    """What the frames sent within [start_ns, end_ns) say, over all calls."""

    def __init__(self, start_ns: int, end_ns: int, *, paces: bool) -> None:
        self._span = start_ns, end_ns
        self._paces = paces
        self.to_model_ns: list[int] = []
        self.to_caller_ns: list[int] = []
        self.to_caller_whole_ns: list[int] = []
        self.heard_late_ns: list[int] = []
        self._leads_ns: list[int] = []
        self.gaps = 0
        self.frames = 0
        self.lost = 0
        self.dropped = 0

    @property
    def lead_p01_ms(self) -> float:
        ranked = sorted(self._leads_ns)
        return round(ranked[len(ranked) // 100] / 1e6, 1) if ranked else 0.0

    def add(self, call: Call) -> None:
        self.dropped += bool(call.dropped)
        sent_ns, runs = call.to_model.sent_ns, call.to_model.runs
        first, end = self._count(call, caller_side=True)
        self.to_model_ns += [late for seq, late in figures.plain(sent_ns, runs) if first <= seq < end]
        sent_ns, runs = call.to_caller.sent_ns, call.to_caller.runs
        first, end = self._count(call, caller_side=False)
        added = figures.added(sent_ns, runs, paces=self._paces)
        self.to_caller_ns += [late for seq, late in added if first <= seq < end]
        self.to_caller_whole_ns += [late for seq, late in figures.plain(sent_ns, runs) if first <= seq < end]
        played = [frame for frame in figures.heard(sent_ns, runs) if first <= frame[0] < end]
        self.heard_late_ns += [really_ns - best_ns for _, really_ns, best_ns in played]
        self.gaps += figures.gaps(played)
        # The first message of an answer finds an empty platform: that is no sign of a bridge that is late.
        self._leads_ns += [lead for seq, lead in figures.leads(runs) if first <= seq < end and lead]

    def _count(self, call: Call, *, caller_side: bool) -> tuple[int, int]:
        lane = call.to_model if caller_side else call.to_caller
        first, end = figures.between(lane.sent_ns, *self._span)
        self.frames += end - first
        self.lost += figures.missing(lane.runs, first, end) + lane.track.damaged
        return first, end
