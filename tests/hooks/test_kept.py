"""Deliveries that are kept on a disk, which takes its time, and a process that dies at any moment. In virtual time."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hooks.asked import Call
from hooks.call import CallHooks
from hooks.delivery import Outcome
from hooks.dispatcher import Dispatcher
from hooks.draining import OutboxCourier
from hooks.endpoints import BREAK_AFTER, Endpoints
from hooks.filter import EventFilter
from hooks.lane import MAX_LANE_BYTES
from hooks.options import HookOptions, HookUrls
from hooks.transports.base import HookReply, HookRequest, HookUnreachable, Transport
from store.deliveries import NUMBERS, Delivery, Endpoint
from store.memory import MemoryStore
from tests.hooks.virtual_loop import run
from tests.properties import tries

URLS = HookUrls("http://app/event", "http://app/tool", "http://app/final", "http://app/status")
WRITE_S = 0.004
OPTIONS = HookOptions(retry_s=(0.2, 0.4, 0.8, 1.6, 3.2, 6.4))
START_S = 1_000.0


class Disk(MemoryStore):
    """What is handed over is there some milliseconds later, in its order; what was not yet there is lost in a crash."""

    durable = True

    def __init__(self) -> None:
        super().__init__()
        self.life = 0
        self.log: list[str] = []

    def keep(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._later(f"keep {delivery.kind} {delivery.seq}", partial(super().keep, delivery), then)

    def rewrite(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._later(f"rewrite {delivery.seq}", partial(super().rewrite, delivery), then)

    def settle(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._later(f"{delivery.state} {delivery.seq}", partial(super().settle, delivery), then)

    def reserve(self, call_sid: str, seq: int) -> None:
        self._later(f"reserve {seq}", partial(super().reserve, call_sid, seq), None)

    async def number_on(self, call_sid: str) -> int:
        taken = self._reserved.get(call_sid, NUMBERS)
        super().reserve(call_sid, taken + NUMBERS)
        return taken

    def _later(self, what: str, write: Callable[[], None], then: Callable[[], None] | None) -> None:
        asyncio.get_running_loop().call_later(WRITE_S, self._write, self.life, what, write, then)

    def _write(self, life: int, what: str, write: Callable[[], None], then: Callable[[], None] | None) -> None:
        if life != self.life:
            return
        self.log.append(what)
        write()
        if then:
            then()


@dataclass
class Receiver:
    """All applications: what they have seen, and a script of whether they take it."""

    takes: list[bool] = field(default_factory=list)
    "Of the requests, in order; after that all are taken."
    answers: dict[str, HookReply] = field(default_factory=dict)
    took_s: float = 0.01
    schemes: tuple[str, ...] = ("http",)
    seen: list[tuple[float, HookRequest]] = field(default_factory=list)

    async def send(self, request: HookRequest) -> HookReply:
        taken = self.takes.pop(0) if self.takes else True
        if not taken:
            raise HookUnreachable("refused")
        self.seen.append((asyncio.get_running_loop().time() - START_S, request))
        await asyncio.sleep(self.took_s)
        return self.answers.get(request.url.rpartition("/")[2], HookReply(200))

    async def close(self) -> None:
        """Nothing is open."""

    def at(self, path: str) -> list[HookRequest]:
        return [request for _, request in self.seen if request.url.endswith(path)]


class Process:
    """One run of the server."""

    def __init__(self, disk: Disk, receiver: Receiver) -> None:
        self.disk = disk
        self.outcomes: list[Outcome] = []
        loop = asyncio.get_running_loop()
        transports: dict[str, Transport] = {"http": receiver}
        self.dispatcher = Dispatcher(
            transports,
            OPTIONS,
            clock=loop.time,
            random=Random(int(loop.time() * 1000)),  # noqa: S311  # chance, and other ids after a restart
            observe=self.outcomes.append,
            kept=disk,
            endpoints=Endpoints(changed=disk.endpoint),
        )

    def call(self, call_sid: str = "c-1", *, numbered: int = 0) -> CallHooks:
        wanted = EventFilter(None, beta_names=False)
        return self.dispatcher.for_call(Call(call_sid, "+1", "+2", ""), urls=URLS, wanted=wanted, numbered=numbered)

    def in_flight(self) -> int:
        """How many were attempted of which it is not written what became of them."""
        lanes = [lane for courier in self.dispatcher._couriers.values() for lane in courier.outbox._lanes.values()]
        return sum(len(lane._under_way | lane._unsettled) for lane in lanes)

    async def crash(self) -> None:
        self.disk.life += 1
        await self.dispatcher.drain(0.0)

    async def recover(self) -> None:
        self.dispatcher.endpoints.learn(await self.disk.endpoints())
        self.dispatcher.take_back(await self.disk.undelivered(limit=10_000))


Scene = Callable[[], Coroutine[Any, Any, None]]


def play(scene: Scene) -> None:
    async def whole() -> None:
        await scene()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with capture_logs():
        run(whole())


def seqs(requests: list[HookRequest]) -> list[int]:
    return [int(request.headers["X-Hook-Seq"]) for request in requests]


def ids(requests: list[HookRequest]) -> list[str]:
    return [request.headers["webhook-id"] for request in requests]


def test_an_event_is_sent_when_it_is_written_and_the_next_when_its_outcome_is() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        process = Process(disk, receiver)
        hooks = process.call()
        hooks.report("response.done", {})
        hooks.report("response.done", {})
        await process.dispatcher.drain(10.0)
        await asyncio.sleep(1.0)
        times = [round(at, 4) for at, _ in receiver.seen]
        assert times == [WRITE_S, round(WRITE_S + receiver.took_s + WRITE_S, 4)]
        assert disk.log == ["keep event 1", "keep event 2", "delivered 1", "delivered 2"]

    play(scene)


def test_a_delta_is_not_kept_and_does_not_overtake() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        process = Process(disk, receiver)
        hooks = process.call()
        for name in ("response.text.delta", "response.text.done", "response.text.delta"):
            hooks.report(name, {})
        await asyncio.sleep(1.0)
        await process.crash()
        assert seqs(receiver.at("/event")) == [1, 2, 3]
        assert disk.log == ["keep event 2", "delivered 2"]

    play(scene)


def test_a_tool_call_waits_for_no_disk_and_is_kept_only_when_it_is_dead() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(answers={"tool": HookReply(500)}), Disk()
        process = Process(disk, receiver)
        outputs: list[str] = []
        process.call().call_tool("call_1", "get_weather", {}, outputs.append)
        await asyncio.sleep(1.0)
        assert receiver.seen[0][0] == 0.0
        assert len(outputs) == 1
        assert disk.log == ["keep tool 1"]
        [letter] = disk._deliveries.values()
        assert (letter.state, letter.last_error) == ("dead", "HTTP 500")
        await process.crash()

    play(scene)


def test_an_end_that_was_prepared_is_told_as_it_is_when_it_is_asked_for() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        process = Process(disk, receiver)
        hooks = process.call()
        hooks.prepare_end({"n": 1})
        await asyncio.sleep(1.0)
        assert receiver.seen == []
        await hooks.ask_action({"n": 2})
        assert [json.loads(request.body) for request in receiver.at("/final")] == [{"n": 2}]
        await process.dispatcher.drain(10.0)
        await asyncio.sleep(1.0)
        assert disk.log == ["keep action 1", "rewrite 1", "delivered 1"]

    play(scene)


def test_without_a_disk_a_prepared_end_goes_out_at_once() -> None:
    async def scene() -> None:
        receiver = Receiver()
        disk = Disk()
        disk.durable = False
        process = Process(disk, receiver)
        hooks = process.call()
        hooks.prepare_end({"n": 1})
        await hooks.ask_action({"n": 2})
        assert [json.loads(request.body) for request in receiver.at("/final")] == [{"n": 2}]
        assert disk.log == []
        await process.crash()

    play(scene)


@pytest.mark.parametrize("by", ["the dispatcher", "its call"])
def test_who_waits_for_the_outbox_waits_no_longer_than_it_says_for_an_end_that_is_only_prepared(by: str) -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        process = Process(disk, receiver)
        hooks = process.call()
        hooks.report_status({"n": 1})
        await asyncio.sleep(1.0)  # nothing was pending for a moment
        hooks.prepare_end({"n": 2})
        began = asyncio.get_running_loop().time()
        await (process.dispatcher.drain(3.0) if by == "the dispatcher" else hooks.close(3.0))
        assert asyncio.get_running_loop().time() - began == pytest.approx(3.0)
        await process.dispatcher.drain(0.0)

    play(scene)


def test_an_end_that_nobody_asked_for_before_the_crash_is_told_once_after_it() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        process = Process(disk, receiver)
        process.call().prepare_end({"n": 1})
        await asyncio.sleep(1.0)
        await process.crash()
        after = Process(disk, receiver)
        await after.recover()
        await asyncio.sleep(5.0)
        assert [json.loads(request.body) for request in receiver.at("/final")] == [{"n": 1}]
        await after.crash()

    play(scene)


def test_after_a_restart_numbers_go_on() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        before = Process(disk, receiver)
        hooks = before.call()
        hooks.report("response.done", {})
        hooks.report("response.done", {})
        await asyncio.sleep(1.0)
        await before.crash()
        after = Process(disk, receiver)
        await after.recover()
        after.call(numbered=await disk.number_on("c-1")).report("response.done", {})
        await after.dispatcher.drain(10.0)
        assert seqs(receiver.at("/event")) == [1, 2, NUMBERS + 1]

    play(scene)


def test_no_number_is_given_twice_whatever_was_given_and_never_kept() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        given: list[set[int]] = []
        for life, count in enumerate([3 * NUMBERS + 7, 0, NUMBERS, 1]):
            process = Process(disk, receiver)
            await process.recover()
            hooks = process.call(numbered=await disk.number_on("c-1") if life else 0)
            for nth in range(count):
                hooks.report("response.output_audio_transcript.delta", {})
                await asyncio.sleep(0 if nth % 100 else WRITE_S)
            hooks.prepare_end({})
            await hooks.ask_action({})
            await asyncio.sleep(1.0)  # all is delivered, and nothing left of what tells a number
            courier = hooks._courier
            assert isinstance(courier, OutboxCourier)
            given.append({*range(courier.outbox._seq - count, courier.outbox._seq + 1)})
            await process.crash()
        assert sum(map(len, given)) == len(set().union(*given))
        assert seqs(receiver.at("/final")) == [max(numbers) for numbers in given]
        assert max(map(max, given)) < 10 * NUMBERS

    play(scene)


def test_one_that_is_gone_is_gone_for_all_calls_and_after_a_restart() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(answers={"event": HookReply(410)}, took_s=0.05), Disk()
        before = Process(disk, receiver)
        first, second = before.call("c-1"), before.call("c-2")
        first.report("response.done", {})
        await asyncio.sleep(0.03)
        second.report("response.done", {})
        second.report("response.done", {})
        await asyncio.sleep(1.0)
        assert len(receiver.seen) == 2  # both were under way when the word was said
        first.report("response.done", {})
        await asyncio.sleep(1.0)
        await before.crash()
        after = Process(disk, receiver)
        await after.recover()
        after.call("c-3").report("response.done", {})
        await asyncio.sleep(1.0)
        assert len(receiver.seen) == 2
        assert {row.state for row in disk._deliveries.values()} == {"dead"}
        assert len(disk._deliveries) == 5
        await after.crash()

    play(scene)


def test_what_an_earlier_process_has_left_for_one_that_is_gone_is_not_sent() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(takes=[False] * 2), Disk()
        before = Process(disk, receiver)
        before.call().report("response.done", {})
        await asyncio.sleep(0.05)
        await before.crash()
        disk.endpoint(Endpoint("http://app/event", disabled_at=1.0))
        after = Process(disk, receiver)
        await after.recover()
        await asyncio.sleep(1.0)
        assert receiver.seen == []
        assert [row.state for row in disk._deliveries.values()] == ["dead"]
        await after.crash()

    play(scene)


def test_a_breaker_spares_an_endpoint_that_is_down() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(takes=[False] * 24), Disk()
        process = Process(disk, receiver)
        for n in range(20):
            process.call(f"c-{n}").report("response.done", {})
        await asyncio.sleep(120.0)
        assert len(ids(receiver.at("/event"))) == 20
        tried = [outcome.delivery.attempts for outcome in process.outcomes if outcome.delivery.state == "pending"]
        assert sorted(tried)[:20] == [1] * 20  # and after these, one at a time
        assert len(tried) == 24
        assert process.dispatcher.endpoints.open_breakers == 0
        assert [endpoint.failures for endpoint in await disk.endpoints()] == [0]
        await process.crash()

    play(scene)


def test_an_end_waits_for_no_breaker() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        process = Process(disk, receiver)
        for _ in range(BREAK_AFTER + 10):
            process.dispatcher.endpoints.failed("http://app/final", START_S)
        await process.call().ask_action({"n": 1})
        assert receiver.seen[0][0] < 0.1
        await process.crash()

    play(scene)


def test_no_event_is_dropped_where_there_is_a_disk_for_it() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(takes=[False] * 3), Disk()
        process = Process(disk, receiver)
        hooks = process.call()
        text = "x" * (MAX_LANE_BYTES // 4)
        for _ in range(8):
            hooks.report("response.done", {"text": text})
        await asyncio.sleep(0.1)
        rows = process.dispatcher.deliveries()
        assert sum(len(row.body) for row in rows if row.body is not None) <= MAX_LANE_BYTES
        assert any(row.body is None for row in rows)
        await process.dispatcher.drain(60.0)
        assert seqs(receiver.at("/event")) == list(range(1, 9))
        assert {len(request.body) for request in receiver.at("/event")} == {len(receiver.at("/event")[0].body)}

    play(scene)


def test_one_whose_body_was_taken_away_dies_and_the_next_goes_on() -> None:
    async def scene() -> None:
        receiver, disk = Receiver(takes=[False]), Disk()
        before = Process(disk, receiver)
        hooks = before.call()
        hooks.report("response.done", {"n": 1})
        hooks.report("response.done", {"n": 2})
        await asyncio.sleep(0.05)
        await before.crash()
        after = Process(disk, receiver)
        await after.recover()
        first = next(iter(disk._deliveries))
        disk._deliveries[first] = disk._deliveries[first]._replace(body=None)
        await asyncio.sleep(60.0)
        assert seqs(receiver.at("/event")) == [2]
        assert "not kept any more" in str(disk._deliveries[first].last_error)
        await after.crash()

    play(scene)


MOMENTS = st.lists(st.integers(min_value=0, max_value=400), min_size=1, max_size=4)


@settings(max_examples=tries(60), deadline=None)
@given(crashes=MOMENTS, takes=st.lists(st.booleans(), max_size=12), took_ms=st.integers(min_value=0, max_value=20))
def test_whatever_is_written_arrives_in_order_however_often_the_process_dies(
    crashes: list[int], takes: list[bool], took_ms: int
) -> None:
    async def scene() -> None:
        receiver, disk = Receiver(list(takes), took_s=took_ms / 1000), Disk()
        process = Process(disk, receiver)
        talking = asyncio.create_task(two_calls(process, over=True))
        committed: set[str] = set()
        in_flight = 0
        for moment in crashes:
            await asyncio.sleep(moment / 1000)
            talking.cancel()
            in_flight += process.in_flight()
            await process.crash()
            committed |= set(disk._deliveries)
            process = Process(disk, receiver)
            await process.recover()
            talking = asyncio.create_task(two_calls(process, over=False))
        await asyncio.gather(talking, return_exceptions=True)
        await process.dispatcher.drain(1_000.0)
        await asyncio.sleep(1.0)
        assert committed <= set(ids([request for _, request in receiver.seen]))
        assert not disk._deliveries
        assert len(receiver.seen) - len(set(ids([request for _, request in receiver.seen]))) <= in_flight
        for sid in ("c-1", "c-2"):
            for path in ("/event", "/status"):
                mine = [request for request in receiver.at(path) if request.headers["X-Call-Sid"] == sid]
                assert seqs(mine) == sorted(seqs(mine))
            ends = [request for request in receiver.at("/final") if request.headers["X-Call-Sid"] == sid]
            assert len(set(ids(ends))) <= 1
        bodies = {request.headers["webhook-id"]: request.body for _, request in receiver.seen}
        assert all(bodies[request.headers["webhook-id"]] == request.body for _, request in receiver.seen)

    play(scene)


async def two_calls(process: Process, *, over: bool) -> None:
    """Report, for as long as the process lives, what two calls do."""
    calls = [process.call(sid, numbered=await process.disk.number_on(sid)) for sid in ("c-1", "c-2")]
    for n in range(10):
        for hooks in calls:
            hooks.report("response.done", {"n": n})
            hooks.report_status({"n": n})
        await asyncio.sleep(0.015)
    for hooks in calls if over else []:
        hooks.prepare_end({"over": True})
        await hooks.ask_action({"over": True})


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_closed_takes_in_and_sends_no_more(*, durable: bool) -> None:
    async def scene() -> None:
        receiver, disk = Receiver(), Disk()
        disk.durable = durable
        process = Process(disk, receiver)
        hooks = process.call()
        await process.dispatcher.drain(1.0)
        hooks.report("response.done", {})
        hooks.prepare_end({"n": 1})
        assert await hooks.ask_action({"n": 1}) is None
        await asyncio.sleep(1.0)
        assert receiver.seen == []

    play(scene)
