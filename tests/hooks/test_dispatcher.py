"""Calls against applications that follow a script, in virtual time."""

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from hooks.asked import Call
from hooks.call import CallHooks
from hooks.delivery import Outcome
from hooks.dispatcher import Dispatcher
from hooks.envelope import ENVELOPES, FULL, Envelope
from hooks.filter import EventFilter
from hooks.options import HookOptions, HookUrls
from hooks.transports.base import (
    HookBlocked,
    HookBroken,
    HookReply,
    HookRequest,
    HookTimeout,
    HookUnreachable,
    Transport,
)
from tests.hooks.virtual_loop import run

OK = HookReply(200)
REFUSED = HookUnreachable("no connection: Connection refused")
VERBS = HookReply(200, "application/json", b'[{"verb":"hangup"}]')
URLS = HookUrls("http://app/event", "http://app/tool", "http://app/final", "http://app/status")

Result = HookReply | Exception
Script = dict[str, list[tuple[float, Result]]]
"For each path what it answers, in order, and after how many seconds; the last entry goes on for ever."


@dataclass
class Seen:
    at_s: float
    request: HookRequest

    @property
    def body(self) -> dict[str, Any]:
        body = json.loads(self.request.body)
        assert isinstance(body, dict)
        return body

    @property
    def id(self) -> str:
        return self.request.headers["webhook-id"]

    @property
    def seq(self) -> int:
        return int(self.request.headers["X-Hook-Seq"])


class Applications:
    """A transport with all applications behind it."""

    schemes: tuple[str, ...] = ("http",)

    def __init__(self, script: Script) -> None:
        self._script = {path: list(steps) for path, steps in script.items()}
        self.seen: dict[str, list[Seen]] = {path: [] for path in ("event", "tool", "final", "status")}

    async def send(self, request: HookRequest) -> HookReply:
        path = request.url.rpartition("/")[2]
        self.seen[path].append(Seen(asyncio.get_running_loop().time() - START_S, request))
        steps = self._script.get(path, [(0.0, OK)])
        after_s, result = steps.pop(0) if len(steps) > 1 else steps[0]
        await asyncio.sleep(min(after_s, request.timeout_s))
        if after_s > request.timeout_s:
            raise HookTimeout(f"no complete answer within {request.timeout_s:g} s")
        if isinstance(result, Exception):
            raise result
        return result

    async def close(self) -> None:
        """Nothing is open."""


START_S = 1_000.0  # the virtual loop's first moment


@dataclass
class Room:
    """A dispatcher with its applications."""

    applications: Applications
    dispatcher: Dispatcher
    outcomes: list[Outcome] = field(default_factory=list)

    def call(
        self,
        call_sid: str = "c-1",
        *,
        urls: HookUrls = URLS,
        events: list[str] | None = None,
        secrets: tuple[str, ...] = (),
        envelope: Envelope = FULL,
    ) -> CallHooks:
        wanted = EventFilter(events, beta_names=False)
        return self.dispatcher.for_call(
            Call(call_sid, "+1", "+2", ""), urls=urls, wanted=wanted, secrets=secrets, envelope=envelope
        )

    def seen(self, path: str) -> list[Seen]:
        return self.applications.seen[path]


def chance() -> Random:
    return Random(7)  # noqa: S311  # the same in every run


Play = Callable[[Room], Coroutine[Any, Any, None]]


def play(scene: Play, script: Script | None = None, options: HookOptions | None = None) -> None:
    """Run a scene to its end; whatever it has not drained itself is drained, and no task may be left."""

    async def whole() -> None:
        loop = asyncio.get_running_loop()
        outcomes: list[Outcome] = []
        applications = Applications(script or {})
        transports: dict[str, Transport] = {"http": applications}
        dispatcher = Dispatcher(
            transports,
            options or HookOptions(),
            clock=loop.time,
            random=chance(),
            secrets=["sk-the-key"],
            observe=outcomes.append,
        )
        await scene(Room(applications, dispatcher, outcomes))
        await dispatcher.drain(100_000.0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with capture_logs():
        run(whole())


def passed_s() -> float:
    return asyncio.get_running_loop().time() - START_S


def event(n: int, kind: str = "response.done") -> dict[str, Any]:
    return {"type": kind, "n": n}


@pytest.mark.claim("J9", "eventHook")
def test_events_arrive_one_at_a_time_in_order_and_numbered() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        for n in range(5):
            hooks.report("response.done", event(n))
        assert passed_s() == 0
        await hooks.close(60.0)
        assert [seen.body for seen in room.seen("event")] == [{**event(n), "call_sid": "c-1"} for n in range(5)]
        assert [seen.seq for seen in room.seen("event")] == [1, 2, 3, 4, 5]
        assert [seen.at_s for seen in room.seen("event")] == pytest.approx([0, 1, 2, 3, 4], abs=0.01)
        assert room.dispatcher.pending() == 0

    play(scene, {"event": [(1.0, OK)]})


@pytest.mark.claim("J9", "eventHook", "toolHook")
def test_jambonz_bodies_name_no_call_and_the_headers_do() -> None:
    async def scene(room: Room) -> None:
        secrets = ("sk-of-this-call",)
        hooks = room.call(envelope=ENVELOPES["jambonz"], secrets=secrets)
        hooks.report("response.done", {"type": "response.done", "cityName": "a sk-of-this-call"})
        hooks.call_tool("call_9", "f", {"cityName": "Rome"}, list[str]().append)
        await hooks.close(60.0)
        [event], [tool] = room.seen("event"), room.seen("tool")
        assert event.request.body == b'{"type":"response.done","city_name":"a ***"}'
        assert tool.request.body == b'{"tool_call_id":"call_9","name":"f","args":{"cityName":"Rome"}}'
        assert [(seen.request.headers["X-Call-Sid"], seen.seq) for seen in (event, tool)] == [("c-1", 1), ("c-1", 2)]
        assert all(seen.id.startswith("msg_") for seen in (event, tool))

    options = HookOptions(secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",))
    play(scene, options=options)


@pytest.mark.claim("J9", "J11", "events")
def test_an_event_is_delivered_under_the_name_asked_for_and_others_not_at_all() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call(events=["response.audio_transcript.done"])
        hooks.report("response.output_audio_transcript.done", {"type": "response.output_audio_transcript.done"})
        hooks.report("response.done", event(1))
        room.call(urls=HookUrls()).report("response.audio_transcript.done", {})
        await hooks.close(60.0)
        [seen] = room.seen("event")
        assert seen.body["type"] == "response.audio_transcript.done"

    play(scene)


@pytest.mark.claim("J7")
def test_known_secrets_leave_in_no_event_but_a_tool_gets_what_the_model_said() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call(secrets=("sk-of-this-call",))
        hooks.report("response.done", {"type": "response.done", "text": "sk-the-key and sk-of-this-call"})
        hooks.report_status({"note": "sk-the-key"})
        hooks.call_tool("call_9", "f", {"a": "sk-the-key"}, list[str]().append)
        await hooks.close(60.0)
        assert room.seen("event")[0].body["text"] == "*** and ***"
        assert room.seen("status")[0].body == {"note": "***"}
        assert room.seen("tool")[0].body["args"] == {"a": "sk-the-key"}

    play(scene)


@pytest.mark.claim("J9", "eventHook")
def test_a_slow_event_hook_holds_up_neither_tools_nor_the_end() -> None:
    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()
        for n in range(3):
            hooks.report("response.done", event(n))
        hooks.call_tool("call_9", "f", {}, outputs.append)
        assert await hooks.ask_action({}) == [{"verb": "hangup"}]
        assert passed_s() < 1
        assert outputs == ['{"ok":true}']

    play(scene, {"event": [(4.0, OK)], "final": [(0.5, VERBS)]})


def test_after_ten_minutes_without_event_hook_all_events_come_in_order() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        for n in range(20):
            hooks.report("response.done", event(n))
            await asyncio.sleep(30.0)
        await hooks.close(4_000.0)
        delivered = [outcome.delivery.seq for outcome in room.outcomes if outcome.delivery.state == "delivered"]
        assert delivered == [*range(1, 21)]
        first_id = room.seen("event")[0].id
        tries = [seen for seen in room.seen("event") if seen.seq == 1]
        assert {seen.id for seen in tries} == {first_id}
        assert len(tries) == 6
        told = [int(seen.request.headers["webhook-timestamp"]) for seen in tries]
        assert told == [int(START_S + seen.at_s) for seen in tries]
        assert told[-1] - told[0] > 300, "a receiver refuses one that is five minutes old"

    play(scene, {"event": [(0.0, REFUSED)] * 5 + [(0.0, OK)]})


def test_a_backlog_outlives_its_call_and_is_forgotten_when_delivered() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        hooks.report("response.done", event(1))
        await hooks.close(0.01)
        del hooks
        gc.collect()
        await asyncio.sleep(0.1)
        assert room.dispatcher.pending() == 1
        [row] = room.dispatcher.deliveries()
        assert (row.kind, row.seq, row.state, row.attempts, row.call_sid) == ("event", 1, "pending", 1, "c-1")
        assert row.last_error == "no connection: Connection refused"
        await asyncio.sleep(1.0)
        gc.collect()
        assert room.dispatcher.deliveries() == []
        room.call().report("response.done", event(2))
        await asyncio.sleep(1.0)
        assert room.seen("event")[-1].seq == 1

    play(scene, {"event": [(0.0, REFUSED), (0.0, OK)]})


def test_two_models_of_one_call_share_its_numbering() -> None:
    async def scene(room: Room) -> None:
        first, second = room.call(), room.call()
        first.report("response.done", event(1))
        second.report("response.done", event(2))
        await first.close(1.0)
        assert [seen.seq for seen in room.seen("event")] == [1, 2]

    play(scene)


def test_deltas_that_a_slow_hook_cannot_take_are_dropped_and_announced() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        for n in range(300):
            hooks.report("response.output_audio_transcript.delta", event(n))
        await hooks.close(10_000.0)
        gap = room.seen("event")[1]
        assert gap.body == {"type": "events.dropped", "count": 99, "call_sid": "c-1"}
        assert [gap.seq, room.seen("event")[2].seq] == [2, 101]

    play(scene, {"event": [(1.0, OK)]})


def test_a_hook_that_is_too_slow_is_told_of_once_a_call() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        with capture_logs() as logs:
            for n in range(250):
                hooks.report("response.output_audio_transcript.delta", event(n))
        [told] = [line for line in logs if line["event"] == "hook.backlog"]
        assert (told["call_sid"], told["url"], told["pending"]) == ("c-1", "http://app/event", 202)

    play(scene, {"event": [(0.1, OK)]})


def test_a_poisonous_event_dies_alone_and_can_be_found() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        for n in range(3):
            hooks.report("response.done", event(n))
        await hooks.close(10.0)
        assert [seen.body["n"] for seen in room.seen("event")] == [0, 0, 0, 1, 2]
        [dead] = room.dispatcher.deliveries()
        assert (dead.state, dead.attempts, dead.last_error) == ("dead", 3, "HTTP 413")
        assert [outcome.delivery.state for outcome in room.outcomes[:3]] == ["pending", "pending", "dead"]

    poison: list[tuple[float, Result]] = [(0.0, HookReply(413))]
    play(scene, {"event": [*poison * 3, (0.0, OK)]}, HookOptions(retry_s=(0.1, 0.2)))


def test_a_hook_whose_answer_is_lost_comes_again_under_the_same_id() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        hooks.report("response.done", event(1))
        await hooks.close(10.0)
        first, second = room.seen("event")
        assert (first.id, first.seq, first.body) == (second.id, second.seq, second.body)

    play(scene, {"event": [(0.0, HookBroken("connection lost: Connection reset by peer")), (0.0, OK)]})


def test_a_blocked_hook_is_a_failure_that_is_told_and_tried_again() -> None:
    blocked = HookBlocked("app.internal (10.0.0.1)", "is no address of the internet (private)")

    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()
        with capture_logs() as logs:
            hooks.report("response.done", event(1))
            hooks.call_tool("call_9", "f", {}, outputs.append)
            await hooks.close(10.0)
        assert [outcome.delivery.state for outcome in room.outcomes if outcome.delivery.kind == "event"] == [
            "pending",
            "delivered",
        ]
        assert outputs == ['{"error":"the tool cannot be reached"}']
        told = [line for line in logs if line["event"] == "egress.blocked"]
        assert {line["kind"]: line["host"] for line in told} == dict.fromkeys(["event", "tool"], blocked.host)
        assert {(line["call_sid"], line["log_level"], line["why"]) for line in told} == {
            ("c-1", "warning", blocked.why)
        }

    play(scene, {"event": [(0.0, blocked), (0.0, OK)], "tool": [(0.0, blocked)]})


def test_an_endpoint_that_is_gone_is_left_alone() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        for n in range(3):
            hooks.report("response.done", event(n))
        await hooks.close(10.0)
        hooks.report("response.done", event(4))
        assert len(room.seen("event")) == 1
        assert [row.state for row in room.dispatcher.deliveries()] == ["dead"] * 4

    play(scene, {"event": [(0.0, HookReply(410))]})


def test_retry_after_is_waited_for() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        hooks.report("response.done", event(1))
        await hooks.close(100.0)
        assert [seen.at_s for seen in room.seen("event")] == pytest.approx([0.0, 40.0], abs=0.01)

    play(scene, {"event": [(0.0, HookReply(429, retry_after_s=40.0)), (0.0, OK)]})


def test_the_schedule_has_twenty_percent_of_chance() -> None:
    async def scene(room: Room) -> None:
        calls = [room.call(f"c-{n}", urls=HookUrls(f"http://app-{n}/event")) for n in range(20)]
        for hooks in calls:
            hooks.report("response.done", event(1))
        await asyncio.sleep(2.0)
        retries = [seen.at_s for seen in room.seen("event")[20:]]
        assert len(set(retries)) == 20
        assert all(0.4 <= at_s <= 0.601 for at_s in retries)

    play(scene, {"event": [(0.0, REFUSED)] * 20 + [(0.0, OK)]})


def test_statuses_keep_the_platforms_order() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        room.call(urls=HookUrls()).report_status({"call_status": "lost"})
        for status in ("trying", "in-progress", "completed"):
            hooks.report_status({"call_status": status})
        await hooks.close(10.0)
        assert [seen.body["call_status"] for seen in room.seen("status")] == [
            "trying",
            "trying",
            "in-progress",
            "completed",
        ]

    play(scene, {"status": [(0.0, HookReply(500)), (0.0, OK)]})


@pytest.mark.claim("J10", "toolHook")
def test_a_tool_is_asked_with_all_it_needs_and_its_answer_given_once() -> None:
    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()
        hooks.call_tool("call_9", "get_weather", {"cityName": "Rome"}, outputs.append)
        await hooks.close(10.0)
        assert outputs == ["sunny"]
        [seen] = room.seen("tool")
        assert seen.body["args"] == {"cityName": "Rome"}
        assert (seen.body["from"], seen.body["to"], seen.body["call_sid"]) == ("+1", "+2", "c-1")
        assert seen.request.max_reply_bytes == 256 * 1024
        assert not room.outcomes[0].late

    play(scene, {"tool": [(0.1, HookReply(200, "text/plain", b"sunny"))]})


def test_tools_run_side_by_side() -> None:
    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()
        for n in range(4):
            hooks.call_tool(f"call_{n}", "f", {}, outputs.append)
        await hooks.close(10.0)
        assert len(outputs) == 4
        assert passed_s() < 1.5

    play(scene, {"tool": [(1.0, OK)]})


@pytest.mark.parametrize(
    ("results", "requests", "output"),
    [
        ([REFUSED, OK], 2, '{"ok":true}'),
        ([REFUSED, REFUSED, OK], 2, '{"error":"the tool cannot be reached"}'),
        ([HookBroken("reset"), OK], 1, '{"error":"the tool did not answer"}'),
        ([HookReply(500), OK], 1, '{"error":"the tool failed with HTTP status 500"}'),
    ],
)
def test_only_a_tool_that_was_not_reached_is_asked_again(results: list[Result], requests: int, output: str) -> None:
    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()
        hooks.call_tool("call_9", "f", {}, outputs.append)
        await hooks.close(10.0)
        assert outputs == [output]
        assert len({seen.id for seen in room.seen("tool")}) == 1
        assert len(room.seen("tool")) == requests

    play(scene, {"tool": [(0.0, result) for result in results]})


@pytest.mark.claim("slow tool")
@pytest.mark.parametrize(
    ("after_s", "output", "state"),
    [(12.0, "sunny", "delivered"), (60.0, '{"error":"the tool did not answer in time"}', "dead")],
)
def test_a_tool_that_answers_late_is_still_heard_for_half_a_minute(after_s: float, output: str, state: str) -> None:
    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()
        hooks.call_tool("call_9", "f", {}, outputs.append)
        await hooks.close(100.0)
        assert outputs == [output]
        assert passed_s() == pytest.approx(min(after_s, 38.0), abs=0.1)
        assert (room.outcomes[0].late, room.outcomes[0].delivery.state) == (True, state)

    play(scene, {"tool": [(after_s, HookReply(200, "text/plain", b"sunny"))]})


@pytest.mark.claim("J10", "toolHook")
def test_without_a_tool_hook_or_with_arguments_that_are_no_json_the_model_is_told() -> None:
    async def scene(room: Room) -> None:
        outputs: list[str] = []
        room.call(urls=HookUrls()).call_tool("call_1", "f", {}, outputs.append)
        room.call().call_tool("call_2", "f", {"a": float("nan")}, outputs.append)
        assert outputs == []
        await asyncio.sleep(0.1)
        assert [[*json.loads(output)] for output in outputs] == [["error"], ["error"]]
        assert room.seen("tool") == []

    play(scene)


@pytest.mark.claim("J8", "actionHook")
def test_an_end_returns_what_the_call_does_next() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        assert await hooks.ask_action({"completion_reason": "normal conversation end"}) == [{"verb": "hangup"}]
        assert room.seen("final")[0].body == {"completion_reason": "normal conversation end"}

    play(scene, {"final": [(0.0, VERBS)]})


@pytest.mark.claim("J8", "actionHook")
def test_there_is_one_end_however_often_it_is_asked_for() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        answers = await asyncio.gather(hooks.ask_action({"n": 1}), hooks.ask_action({"n": 2}))
        assert [*answers, await hooks.ask_action({"n": 3})] == [[{"verb": "hangup"}]] * 3
        assert [seen.body for seen in room.seen("final")] == [{"n": 1}]

    play(scene, {"final": [(1.0, VERBS)]})


def test_an_end_is_tried_again_while_the_platform_waits() -> None:
    async def scene(room: Room) -> None:
        assert await room.call().ask_action({}) == [{"verb": "hangup"}]
        assert passed_s() < 4
        assert len({seen.id for seen in room.seen("final")}) == 1
        assert len(room.seen("final")) == 3

    play(scene, {"final": [(0.0, REFUSED), (0.0, HookReply(503)), (0.0, VERBS)]})


def test_a_late_answer_to_an_end_is_recorded_and_ignored() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        assert await hooks.ask_action({}) is None
        assert passed_s() == pytest.approx(8.0, abs=0.01)
        await hooks.close(100.0)
        assert await hooks.ask_action({}) is None
        assert len(room.seen("final")) == 1
        [outcome] = room.outcomes
        assert (outcome.late, outcome.delivery.state) == (True, "delivered")

    play(scene, {"final": [(10.0, VERBS)]})


def test_when_no_further_try_fits_nobody_waits_but_delivery_goes_on() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        assert await hooks.ask_action({}) is None
        assert passed_s() < 1
        await hooks.close(100.0)
        assert len(room.seen("final")) == 2
        assert room.dispatcher.pending() == 0

    play(scene, {"final": [(0.0, REFUSED), (0.0, VERBS)]}, HookOptions(retry_s=(20.0,)))


@pytest.mark.parametrize("status", [301, 302, 401, 404, 410, 422])
def test_an_application_that_refuses_the_end_is_neither_waited_for_nor_told_again(status: int) -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        assert await hooks.ask_action({}) is None
        assert passed_s() < 0.1
        await hooks.close(100_000.0)
        assert len(room.seen("final")) == 1
        assert [row.state for row in room.dispatcher.deliveries()] == ["dead"]

    play(scene, {"final": [(0.0, HookReply(status))]})


@pytest.mark.parametrize(
    "reply", [HookReply(204), HookReply(200, "application/json", b"[]"), HookReply(200, "application/json", b'"x"')]
)
def test_an_end_without_usable_verbs_is_none_and_delivered(reply: HookReply) -> None:
    async def scene(room: Room) -> None:
        assert await room.call().ask_action({}) is None
        assert room.outcomes[0].delivery.state == "delivered"

    play(scene, {"final": [(0.0, reply)]})


def test_without_an_action_hook_or_with_a_body_that_is_no_json_there_is_no_answer() -> None:
    async def scene(room: Room) -> None:
        assert await room.call(urls=HookUrls()).ask_action({}) is None
        assert await room.call().ask_action({"a": float("inf")}) is None

    play(scene)


def test_whoever_stops_waiting_for_the_end_leaves_it_to_others() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        asker = asyncio.create_task(hooks.ask_action({}))
        await asyncio.sleep(0.5)
        asker.cancel()
        assert await hooks.ask_action({}) == [{"verb": "hangup"}]
        assert len(room.seen("final")) == 1

    play(scene, {"final": [(1.0, VERBS)]})


@pytest.mark.parametrize(("result", "state"), [(VERBS, "delivered"), (HookReply(500), "dead"), (REFUSED, "dead")])
def test_a_webhook_passed_on_is_tried_once_and_its_answer_returned_as_it_came(result: Result, state: str) -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        hooks.report("response.done", event(1))
        answer = await hooks.forward("http://app/final", {"digits": "1"})
        assert answer is result
        [seen] = room.seen("final")
        assert (seen.body, seen.seq, seen.request.timeout_s) == ({"digits": "1"}, 2, 8.0)
        assert room.outcomes[-1].delivery.state == state
        await hooks.close(1.0)
        assert room.dispatcher.deliveries() == []

    play(scene, {"final": [(0.0, result)]})


def test_what_is_no_json_is_not_sent_and_hurts_nobody() -> None:
    async def scene(room: Room) -> None:
        hooks = room.call()
        hooks.report("response.done", {"a": float("nan")})
        hooks.report_status({"a": float("nan")})
        answer = await hooks.forward("http://app/final", {"a": float("nan")})
        assert str(await hooks.introduce("http://app/final", {"a": float("nan")})) == str(answer)
        assert str(answer) == "the body cannot be written as JSON"
        assert room.dispatcher.pending() == 0

    play(scene)


def test_a_crash_in_one_hook_stays_there() -> None:
    async def scene(room: Room) -> None:
        hooks, outputs = room.call(), list[str]()

        def broken(_output: str) -> None:
            raise RuntimeError("the call is over")

        hooks.call_tool("call_1", "f", {}, broken)
        hooks.call_tool("call_2", "f", {}, outputs.append)
        hooks.report("response.done", event(1))
        await hooks.close(10.0)
        assert outputs == ['{"ok":true}']
        assert len(room.seen("event")) == 2
        assert [outcome.delivery.kind for outcome in room.outcomes] == ["tool", "tool", "event", "event"]
        assert room.outcomes[2].delivery.last_error == "internal error"

    play(scene, {"event": [(0.0, ZeroDivisionError("a bug")), (0.0, OK)], "tool": [(0.0, OK)]})


def test_a_url_that_no_transport_serves_is_unreachable() -> None:
    async def scene(room: Room) -> None:
        answer = await room.call().forward("gopher://app/final", {})
        assert str(answer) == "no transport for the scheme 'gopher'"

    play(scene)


def test_a_stop_delivers_what_it_can_and_counts_the_rest() -> None:
    async def scene(room: Room) -> None:
        fast, slow, outputs = room.call("c-1"), room.call("c-2"), list[str]()
        fast.report("response.done", event(1))
        slow.call_tool("call_1", "f", {}, outputs.append)
        slow.report_status({})
        end = asyncio.create_task(slow.ask_action({}))
        assert await room.dispatcher.drain(3.0) == 3
        assert passed_s() == pytest.approx(3.0, abs=0.01)
        assert await end is None
        assert outputs == ['{"error":"the tool did not answer"}']
        assert len(room.seen("event")) == 1
        assert passed_s() < 4

        slow.report("response.done", event(2))
        slow.call_tool("call_2", "f", {}, outputs.append)
        await asyncio.sleep(10.0)
        assert (len(outputs), len(room.seen("event")), len(room.seen("tool"))) == (2, 1, 1)

    play(scene, {"tool": [(20.0, OK)], "status": [(0.0, REFUSED)], "final": [(20.0, OK)]})


def test_an_attempt_that_cannot_be_stopped_starts_no_other() -> None:
    class Stubborn(Applications):
        async def send(self, request: HookRequest) -> HookReply:
            try:
                return await super().send(request)
            except asyncio.CancelledError:
                return OK

    async def whole() -> None:
        stubborn = Stubborn({"event": [(4.0, OK)]})
        loop = asyncio.get_running_loop()
        dispatcher = Dispatcher(
            {"http": stubborn}, HookOptions(), clock=loop.time, random=chance(), observe=list[Outcome]().append
        )
        hooks = Room(stubborn, dispatcher).call()
        for n in range(2):
            hooks.report("response.done", event(n))
        assert await dispatcher.drain(1.0) == 2
        assert len(stubborn.seen["event"]) == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(whole())


def test_what_is_sent_is_signed() -> None:
    async def scene(room: Room) -> None:
        room.call().report("response.done", event(1))
        await room.dispatcher.drain(1.0)
        assert room.seen("event")[0].request.headers["webhook-signature"].startswith("v1,")

    play(scene, options=HookOptions(secrets=("", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))


def test_a_secret_that_cannot_sign_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"hooks\.secrets\[0\]"):
        Dispatcher({}, HookOptions(secrets=("whsec_a",)), clock=lambda: 0.0, random=chance(), observe=print)
