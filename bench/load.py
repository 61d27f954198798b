"""The load: N calls at once, in real time, and what is measured on them. What makes it is in C, or else in Python."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from time import perf_counter, perf_counter_ns

from bench.caller import Listen, SetupError, answered, asked_what_next
from bench.figures import spread
from bench.machine import cpu_times, rss_kb
from bench.servers import Server
from bench.variant import Mode, Variant
from bench.window import Lane, Tally, Window

NEW_CALLS_PER_S = 40
UP_TIMEOUT_S = 15
SLOTS = 20
RESTARTS_OVER_TICKS = 50
SETTLE_S: dict[Mode, float] = {"realtime": 1.9, "bursts": 5.2, "barge_ins": 5.2}
"After this long every call speaks anew: restarts are spread over 1 s, pauses last 0.3 s; a burst cycle lasts 5 s."
DRAIN_S: dict[Mode, float] = {"realtime": 0.6, "bursts": 4.5, "barge_ins": 5.5}
"""How long after the window a frame may still come: a bridge that paces holds up to 4 s of a burst, rightly.
What was cut short is known to be so when the next answer begins."""


@dataclass(frozen=True, slots=True)
class Counts:
    now_ns: int
    events_wanted: int
    "Events sent that the eventHook's filter picks."
    hooks: int
    "eventHooks received."


@dataclass(frozen=True, slots=True)
class Status:
    mute_to_model: int
    mute_to_caller: int
    complaint: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What was noted of one call."""

    to_model: Lane
    to_caller: Lane
    dropped: bool
    barge_ins: Lane | None = None
    configured_ns: int = -1
    "From the call webhook to `session.update`; -1 when it was not noted."


class Load(ABC):
    """Subclasses make the load; here it is decided when, and how much of it."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.model_port = 0
        self.sink_port = 0
        self.certificate = ""
        "The file of the model's certificate, where it speaks TLS."
        self._random = Random(7)  # noqa: S311  # the same phases in every run
        self._numbers = count(1)
        self._up: dict[int, Listen] = {}

    @abstractmethod
    def open(self) -> contextlib.AbstractAsyncContextManager["Load"]:
        """The model's and the sink's doors and the clock; closed when the block is left."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process that makes the load."""

    async def hold(self, server: Server, calls: int) -> None:
        """Place or end calls until so many are up and talking. Raises SetupError."""
        await asyncio.gather(*(self._hang_up(number) for number in sorted(self._up)[calls:]))
        missing = calls - len(self._up)
        try:
            async with asyncio.timeout(UP_TIMEOUT_S + calls / NEW_CALLS_PER_S):
                await (self._place_in_turn if self.variant.tones else self._place_at_once)(server, missing)
        except TimeoutError:
            raise SetupError(f"{server.name}: calls are not answered within {UP_TIMEOUT_S} s") from None
        except ExceptionGroup as several:
            raise SetupError(f"{server.name}: {several.exceptions[0]}") from None
        await self._all_talking(server)

    async def measure(self, server: Server, seconds: float) -> Window:
        """Let every call begin to speak anew, then watch for so long."""
        delays = {number: self._random.randrange(RESTARTS_OVER_TICKS) for number in self._up}
        await self._begin_anew(delays if self.variant.mode == "realtime" else {})
        await asyncio.sleep(SETTLE_S[self.variant.mode])
        with self._undisturbed():
            return await self._watch(server, seconds)

    async def _watch(self, server: Server, seconds: float) -> Window:
        before, cpu, own_cpu = await self._mark(), cpu_times(server.pids), cpu_times([self.pid])
        await asyncio.sleep(seconds)
        used, own_used = cpu_times(server.pids) - cpu, cpu_times([self.pid]) - own_cpu
        after, late, rss = await self._counts(), await self._late_ns(), rss_kb(server.pids)
        await asyncio.sleep(DRAIN_S[self.variant.mode])
        tally = Tally(before.now_ns, after.now_ns, paces=server.paces)
        noted = list(await self._noted())
        for call in noted:
            tally.add(call.to_model, call.to_caller, call.barge_ins)
        return Window(
            calls=len(self._up),
            seconds=(after.now_ns - before.now_ns) / 1e9,
            server_cpu_s=used.ran_s,
            server_waited_s=used.waited_s,
            generator_cpu_s=own_used.ran_s,
            generator_late=spread(late),
            gaps=tally.gaps,
            lead_p01_ms=tally.lead_p01_ms,
            frames=tally.frames,
            lost=tally.lost,
            dropped_calls=sum(call.dropped for call in noted),
            hooks_wanted=after.events_wanted - before.events_wanted,
            hooks_received=after.hooks - before.hooks,
            rss_kb=rss,
            barge_ins=tally.barge_ins,
            barge_ins_missed=tally.barge_ins_missed,
            configured=spread([call.configured_ns for call in noted if call.configured_ns >= 0]),
            **tally.spreads(),
        )

    async def _place_at_once(self, server: Server, calls: int) -> None:
        async with asyncio.TaskGroup() as placing:
            for _ in range(calls):
                placing.create_task(self._place(server, next(self._numbers)))
                await asyncio.sleep(1 / NEW_CALLS_PER_S)

    async def _place_in_turn(self, server: Server, calls: int) -> None:
        """Nothing in a tone says whose it is: the model's new socket is that of the call that was placed last."""
        for _ in range(calls):
            await self._place(server, next(self._numbers))
            await self._all_talking(server)

    async def _place(self, server: Server, number: int) -> None:
        """POST /call, then the media socket of the `listen` verb in the answer."""
        asked_ns = perf_counter_ns()
        listen = await answered(server.urls[number % len(server.urls)], number)
        slots = self._random.randrange(SLOTS), self._random.randrange(SLOTS)
        await self._connect(number, listen.url, slots, asked_ns)
        self._up[number] = listen

    async def _hang_up(self, number: int) -> None:
        listen = self._up.pop(number)
        await self._disconnect(number)
        await asked_what_next(listen, number)

    async def _all_talking(self, server: Server) -> None:
        until = perf_counter() + UP_TIMEOUT_S
        while (status := await self._status()).mute_to_model or status.mute_to_caller:
            if perf_counter() > until:
                mute, what = status.mute_to_caller, "model to caller"
                if status.mute_to_model:
                    mute, what = status.mute_to_model, "caller to model"
                raise SetupError(f"{server.name}: {mute} calls carry no audio from {what}; {status.complaint}")
            await asyncio.sleep(0.05)

    def _undisturbed(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    @abstractmethod
    async def _connect(self, number: int, url: str, slots: tuple[int, int], asked_ns: int) -> None:
        """Open a media socket; `slots`: the milliseconds of each 20 in which the caller and the model speak."""

    @abstractmethod
    async def _disconnect(self, number: int) -> None: ...

    @abstractmethod
    async def _status(self) -> Status: ...

    @abstractmethod
    async def _begin_anew(self, delays_ticks: dict[int, int]) -> None:
        """Forget what has come; let the platform run dry in these calls, so that no stall of the set-up stays."""

    @abstractmethod
    async def _mark(self) -> Counts:
        """Begin to note how late the load itself is."""

    @abstractmethod
    async def _counts(self) -> Counts: ...

    @abstractmethod
    async def _late_ns(self) -> Sequence[int]:
        """How late each tick was since `_mark`."""

    @abstractmethod
    async def _noted(self) -> Iterable[Noted]:
        """What came since `_begin_anew`, of every call that is up."""
