"""The load in Python, where there is no compiler: it serves the plain variants, and says so when it is the limit."""

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import count
from time import perf_counter_ns

from bench.audio import FRAME_NS
from bench.call import Call
from bench.caller import Caller, connect
from bench.load import SLOTS, Counts, Load, Noted, Status
from bench.model import Model, Studio
from bench.sink import HookCount, Sink
from bench.variant import Variant


class PythonLoad(Load):
    def __init__(self, variant: Variant) -> None:
        super().__init__(variant)
        assert not variant.needs_native
        self._studio = Studio("bursts" if variant.mode == "bursts" else "realtime")
        self._hooks = HookCount()
        self._callers: dict[int, Caller] = {}
        self._slots: list[list[tuple[int, bool]]] = [[] for _ in range(SLOTS)]
        self._late: list[int] = []

    @property
    def pid(self) -> int:
        return os.getpid()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Load]:
        loop = asyncio.get_running_loop()
        model = await loop.create_server(lambda: Model(self._studio), "127.0.0.1", 0, backlog=1024)
        sink = await loop.create_server(lambda: Sink(self._hooks), "127.0.0.1", 0, backlog=1024)
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

    async def _connect(self, number: int, url: str, slots: tuple[int, int], asked_ns: int) -> None:
        call = self._studio.calls[number] = Call.numbered(number, asked_ns)
        try:
            self._callers[number] = await connect(call, url)
        except BaseException:
            del self._studio.calls[number]
            raise
        for callers_own, slot in zip((True, False), slots, strict=True):
            self._slots[slot].append((number, callers_own))

    async def _disconnect(self, number: int) -> None:
        self._slots = [[entry for entry in slot if entry[0] != number] for slot in self._slots]
        del self._studio.calls[number]
        self._callers.pop(number).hang_up()

    async def _status(self) -> Status:
        calls = self._studio.calls.values()
        dropped = [call.dropped for call in calls if call.dropped]
        return Status(
            mute_to_model=sum(not call.to_model.open for call in calls),
            mute_to_caller=sum(not call.to_caller.open for call in calls),
            complaint="; ".join([*dropped[:1], *self._studio.complaints[:2]]),
        )

    async def _begin_anew(self, delays_ticks: dict[int, int]) -> None:
        for call in self._studio.calls.values():
            call.to_model.runs.clear()
            call.to_caller.runs.clear()
        for number, ticks in delays_ticks.items():
            if model := self._studio.speaking.get(number):
                model.restart(ticks)

    async def _mark(self) -> Counts:
        self._late.clear()
        return await self._counts()

    async def _counts(self) -> Counts:
        return Counts(perf_counter_ns(), self._studio.events_wanted, self._hooks.of("/event"))

    async def _late_ns(self) -> Sequence[int]:
        return list(self._late)

    async def _noted(self) -> list[Noted]:
        return [
            Noted(call.to_model, call.to_caller, bool(call.dropped), configured_ns=call.configured_ns)
            for call in self._studio.calls.values()
        ]

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        gc.collect()
        gc.disable()
        try:
            yield
        finally:
            gc.enable()

    async def _tick_for_ever(self) -> None:
        """Every millisecond one twentieth of the speakers has its 20 ms; what is late is made up for at once."""
        slot_ns = FRAME_NS // SLOTS
        due_ns = perf_counter_ns()
        for slot in count():
            await asyncio.sleep(max(0, due_ns - perf_counter_ns()) / 1e9)
            self._late.append(max(0, perf_counter_ns() - due_ns))
            for number, callers_own in self._slots[slot % SLOTS]:
                speaker = self._callers.get(number) if callers_own else self._studio.speaking.get(number)
                if speaker is not None:
                    speaker.tick()
            due_ns += slot_ns
