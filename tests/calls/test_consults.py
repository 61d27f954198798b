"""A human who is called, by REST, to take a caller over from the agent: what each of the three hears."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.consult import GRACE_S, MACHINE, MOST_WAITS
from calls.consults import BUSY, IMPOSSIBLE, MISSED_AFTER_S
from calls.leaving import OUTCOMES
from calls.outbound import TAG, Placed, seal, unseal
from media.effects import End
from media.ends import HUNG_UP
from media.remote import RemoteReply, RemoteUnreachable
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    SECRET,
    Applications,
    Exchange,
    JsonObject,
    StillLine,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from verbs.briefing import BRIEFED_WITHIN_S

API = {"base_url": "https://jambonz.example.com/api", "account_sid": "acc-1", "api_key": "key-of-the-api"}
SERVER = {"public_url": "https://voice.example.com/agent", "insecure": True}
PHONE = {"type": "phone", "number": "+15085551212"}
HANDOFF: JsonObject = {"mode": "warm", "target": [PHONE], "timeout": 20}
AMD = {"actionHook": "/detected"}
CONFIRM = {"prompt": "Press 1.", "digit": "1"}
BRIEFING = "Ann wants a refund for order 7."
LOST = End("disconnect from remote end", "model_disconnected", "model", {"message": "gone"})


class Desk(Exchange):
    """A call whose caller is with the agent."""

    line: StillLine
    verbs: list[JsonObject]

    def __init__(self, applications: Applications | None = None, *, api: bool = True, **handoff: Any) -> None:
        verbs = [LLM | {"handoff": HANDOFF | handoff}, SAY]
        platform: dict[str, Any] = {"platform": {"api": API}, "server": SERVER} if api else {}
        route: JsonObject = {"verbs": verbs} if api else {"url": "https://app.example.com/call"}
        route |= {"media": {"open_timeout_s": 900}}
        applications = applications or Applications({"/call": verbs_reply(*verbs)})
        super().__init__(settings_of(route, **platform), applications)
        self.outputs: list[JsonObject] = []

    async def begin(self) -> "Desk":
        self.verbs = await self.ring()
        line = await self.open(self.verbs)
        assert line
        self.line = line
        return self

    async def call_tool(self, call_id: str = "t-1") -> None:
        """Let the model want a human."""
        answer = lambda output: self.outputs.append(json.loads(output))  # noqa: E731
        self.line._hooks.call_tool(call_id, "transfer_to_human", {"briefing": BRIEFING}, answer)
        await settled()

    @property
    def placed(self) -> JsonObject:
        """What the API was asked for the human's call."""
        [body] = [body for method, _, body in self.api.asked if method == "POST"]
        return body

    @property
    def rung(self) -> list[JsonObject]:
        """Whom the API was asked to call."""
        return [body["to"] for method, _, body in self.api.asked if method == "POST"]

    @property
    def updates(self) -> list[tuple[str, JsonObject]]:
        return [(path.rpartition("/")[2], body) for method, path, body in self.api.asked if method == "PUT"]

    async def pick_up(self) -> list[JsonObject]:
        """Let the human answer; give what they hear."""
        return await self.ring("c-out", direction="outbound", customerData=self.placed["tag"])


async def a_desk(applications: Applications | None = None, **handoff: Any) -> Desk:
    desk = await Desk(applications, **handoff).begin()
    await desk.call_tool()
    return desk


def placed_as(call_sid: str) -> RemoteReply:
    return RemoteReply(201, json.dumps({"sid": call_sid}).encode())


@pytest.mark.claim("J31", "handoff")
@in_virtual_time
async def test_a_human_who_accepts_is_briefed_and_joined_to_the_caller() -> None:
    desk = await a_desk(confirm=CONFIRM, callerId="+15550001111")
    assert desk.placed["to"] == PHONE
    assert (desk.placed["from"], desk.placed["timeout"], "amd" in desk.placed) == ("+15550001111", 20, False)
    assert not desk.line.over.is_set(), "the caller is with the agent meanwhile"

    [gather, last] = await desk.pick_up()
    assert gather["say"] == {"text": f"{BRIEFING} Press 1."}
    assert last == HANGUP
    assert desk.outputs == []

    human = await desk.hook(gather["actionHook"], call_sid="c-out", digits="1", reason="dtmfDetected")
    await settled()
    assert names(human) == ["conference", "hangup"]
    assert desk.line.end
    assert (desk.line.end.reason_code, desk.line.end.completion_reason) == ("handoff", "normal conversation end")

    caller = await desk.ended(desk.verbs, call_status="in-progress")
    assert names(caller) == ["conference", "hangup"]
    assert caller[0]["name"] == human[0]["name"]
    assert caller[0]["endConferenceOnExit"] is human[0]["endConferenceOnExit"] is True
    [end] = desk.applications.bodies("/final")
    assert (end["reason_code"], end["ended_by"]) == ("handoff", "agent")
    assert desk.outputs == [], "there is nobody left to be told"

    assert await desk.hook(caller[0]["actionHook"], call_status="in-progress") == [SAY, HANGUP]
    assert desk.updates == []


@in_virtual_time
async def test_a_human_who_need_press_no_key_is_joined_after_the_briefing() -> None:
    desk = await a_desk(brief="auto")
    assert desk.placed["from"] == "+15551230001", "a number of ours: the one that was called"
    [say, redirect] = await desk.pick_up()
    assert say["text"] == BRIEFING
    assert names(await desk.hook(redirect["actionHook"], call_sid="c-out")) == ["conference", "hangup"]


@pytest.mark.claim("J31", "handoff")
@pytest.mark.parametrize(
    ("status", "sip_status", "outcome"),
    [("no-answer", 487, "no-answer"), ("busy", 486, "busy"), ("busy", 603, "declined"), ("failed", 503, "error")],
)
def test_a_human_who_does_not_answer_leaves_the_caller_with_an_agent_who_knows_why(
    status: str, sip_status: int, outcome: Any
) -> None:
    @in_virtual_time
    async def story() -> None:
        applications = Applications()
        desk = await a_desk(applications, actionHook="/transferred", eventHook="/progress")
        desk.status("ringing", "c-out", sip_status=180)
        desk.status(status, "c-out", sip_status=sip_status)
        await settled()
        assert desk.line.end is None
        [output] = desk.outputs
        assert (output["transferred"], output["reason"]) == (False, outcome)
        assert OUTCOMES[outcome] in output["message"]
        [told] = applications.bodies("/transferred")
        assert (told["transfer_result"], told["transfer_reason"]) == ("returned", outcome)
        assert (told["call_sid"], told["dial_call_sid"]) == ("c-1", "c-out")
        assert [body["call_status"] for body in applications.bodies("/progress")] == ["ringing", status]
        assert desk.updates == [], "who is gone already is not hung up on"

        await desk.call_tool("t-2")
        assert len([method for method, _, _ in desk.api.asked if method == "POST"]) == 2, "it may be tried again"

    story()


@pytest.mark.parametrize("digits", ["2", None])
def test_a_human_who_declines_is_hung_up_on(digits: str | None) -> None:
    @in_virtual_time
    async def story() -> None:
        desk = await a_desk(confirm=CONFIRM)
        [gather, _] = await desk.pick_up()
        told = {"digits": digits} if digits else {"reason": "timeout"}
        assert await desk.hook(gather["actionHook"], call_sid="c-out", **told) == [HANGUP]
        await settled()
        assert desk.outputs[0]["reason"] == "declined"
        assert desk.updates == [("c-out", {"call_status": "completed"})]
        assert await desk.hook(gather["actionHook"], call_sid="c-out", digits="1") == [HANGUP], "it is too late"

    story()


@in_virtual_time
async def test_a_human_who_hangs_up_during_the_briefing_has_declined() -> None:
    desk = await a_desk(confirm=CONFIRM)
    await desk.pick_up()
    desk.status("completed", "c-out", sip_status=200)
    await settled()
    assert desk.outputs[0]["reason"] == "declined"


@in_virtual_time
async def test_an_answering_machine_is_no_human() -> None:
    desk = await a_desk(amd=AMD)
    hook = desk.placed["amd"]["actionHook"]
    placed = unseal(hook.rpartition("/")[2], SECRET, now_s=0.0)
    assert placed
    [_, redirect] = await desk.pick_up()
    assert names(await desk.hook(redirect["actionHook"], call_sid="c-out")) == ["pause", "redirect", "hangup"][:2]
    told = {"call_sid": "c-out", "type": "amd_machine_detected"}
    assert await desk.switchboard.machine(placed, told | {"type": "amd_stopped"}) == b"[]"
    assert await desk.switchboard.machine(placed, told) == b"[]"
    await settled()
    [output] = desk.outputs
    assert output["reason"] == "declined"
    assert MACHINE in output["message"]
    assert desk.updates == [("c-out", {"call_status": "completed"})]
    assert [body["type"] for body in desk.applications.bodies("/detected")] == ["amd_stopped", "amd_machine_detected"]
    late = unseal(hook.rpartition("/")[2], SECRET, now_s=0.0)
    assert late
    assert await desk.switchboard.machine(late._replace(consult="nobodys"), told) == b"[]"


@in_virtual_time
async def test_a_platform_that_detects_nothing_keeps_no_human() -> None:
    desk = await a_desk(amd=AMD)
    verbs = await desk.pick_up()
    for _ in range(MOST_WAITS + 1):
        verbs = await desk.hook(verbs[-1]["actionHook"], call_sid="c-out")
    assert names(verbs) == ["conference", "hangup"]


@in_virtual_time
async def test_nobody_rings_for_ever() -> None:
    desk = await a_desk()
    [_, redirect] = await desk.pick_up()
    desk.line.finish(HUNG_UP)
    await asyncio.sleep(90)
    assert await desk.hook(redirect["actionHook"], call_sid="c-out") == [HANGUP], "nobody knows of it any more"

    desk = await a_desk()
    await asyncio.sleep(20 + GRACE_S + 0.1)
    assert desk.outputs[0]["reason"] == "no-answer"
    assert desk.updates == [("c-out", {"call_status": "completed"})]
    assert await desk.pick_up() == [HANGUP], "they answer too late"
    await asyncio.sleep(90)
    forgotten = await desk.ring("c-late", direction="outbound", customerData=desk.placed["tag"])
    assert forgotten == [HANGUP]


@in_virtual_time
async def test_nobody_is_briefed_for_ever() -> None:
    desk = await a_desk(confirm=CONFIRM)
    await desk.pick_up()
    await asyncio.sleep(BRIEFED_WITHIN_S + 0.1)
    assert desk.outputs[0]["reason"] == "declined"


@pytest.mark.parametrize(
    ("end", "reason"), [(HUNG_UP, "caller-abandoned"), (LOST, "error")], ids=["caller hangs up", "agent lost"]
)
def test_a_caller_who_is_not_with_the_agent_any_more_is_not_handed_over(end: End, reason: str) -> None:
    @in_virtual_time
    async def story() -> None:
        desk = await a_desk(Applications(), confirm=CONFIRM, actionHook="/transferred")
        [gather, _] = await desk.pick_up()
        desk.line.finish(end)
        await settled()
        assert desk.updates == [("c-out", {"call_status": "completed"})]
        [told] = desk.applications.bodies("/transferred")
        assert told["transfer_reason"] == reason
        assert desk.outputs == []
        assert await desk.hook(gather["actionHook"], call_sid="c-out", digits="1") == [HANGUP]

    story()


@pytest.mark.parametrize(
    ("disposition", "verbs"),
    [
        ({"onBusy": "hangup"}, [HANGUP]),
        (
            {"onBusy": "voicemail", "voicemailUrl": "sip:vm@example.com"},
            [{"verb": "dial", "target": [{"type": "sip", "sipUri": "sip:vm@example.com"}]}, HANGUP],
        ),
    ],
)
def test_another_disposition_ends_the_conversation(disposition: JsonObject, verbs: list[JsonObject]) -> None:
    @in_virtual_time
    async def story() -> None:
        desk = await a_desk(disposition=disposition)
        desk.status("busy", "c-out", sip_status=486)
        await settled()
        assert desk.line.end
        assert await desk.ended(desk.verbs, call_status="in-progress") == verbs
        assert desk.outputs == []

    story()


@in_virtual_time
async def test_the_handoffs_own_hook_may_say_what_follows() -> None:
    desk = await a_desk(Applications({"/transferred": verbs_reply(SAY)}), actionHook="/transferred")
    desk.status("busy", "c-out", sip_status=486)
    await settled()
    assert await desk.ended(desk.verbs, call_status="in-progress") == [SAY, HANGUP]


@in_virtual_time
async def test_those_who_may_take_the_caller_are_called_one_after_the_other_until_one_accepts() -> None:
    others = [{"type": "phone", "number": f"+1508555000{nth}"} for nth in (1, 2)]
    desk = await a_desk(target=[PHONE, *others])
    desk.api.replies = [placed_as("c-2"), placed_as("c-3")]
    with capture_logs() as logged:
        desk.status("no-answer", "c-out", sip_status=487)
        await settled()
        assert desk.rung == [PHONE, others[0]]
        await desk.call_tool("t-2")
        assert desk.outputs == [{"error": BUSY}]
        await asyncio.sleep(20 + GRACE_S + 1)
        assert desk.rung == [PHONE, *others]
    assert [one["outcome"] for one in logged if one["event"] == "handoff_ended"] == ["no-answer", "no-answer"]
    tag = [body for method, _, body in desk.api.asked if method == "POST"][-1]["tag"]
    [_, redirect] = await desk.ring("c-3", direction="outbound", customerData=tag)
    assert names(await desk.hook(redirect["actionHook"], call_sid="c-3")) == ["conference", "hangup"]
    await settled()
    assert desk.line.end
    assert (desk.line.end.reason_code, len(desk.outputs)) == ("handoff", 1)


@in_virtual_time
async def test_of_several_who_do_not_accept_the_model_is_told_of_the_last() -> None:
    desk = await a_desk(target=[PHONE, PHONE], actionHook="/transferred")
    desk.api.replies = [placed_as("c-2")]
    desk.status("no-answer", "c-out", sip_status=487)
    await settled()
    desk.status("busy", "c-2", sip_status=486)
    await settled()
    assert [output["reason"] for output in desk.outputs] == ["busy"]
    assert [body["transfer_reason"] for body in desk.applications.bodies("/transferred")] == ["busy"]


@in_virtual_time
async def test_nobody_else_is_called_for_a_caller_who_has_left() -> None:
    desk = await a_desk(target=[PHONE, PHONE])
    desk.line.finish(HUNG_UP)
    await settled()
    assert desk.rung == [PHONE]


@in_virtual_time
async def test_one_human_at_a_time_is_called_for_a_caller() -> None:
    desk = await a_desk()
    await desk.call_tool("t-2")
    assert desk.outputs == [{"error": BUSY}]
    assert desk.placed


@in_virtual_time
async def test_without_the_rest_api_the_model_is_told_that_nobody_can_be_called() -> None:
    with capture_logs() as logged:
        desk = await Desk(api=False).begin()
        await desk.call_tool()
    assert desk.outputs == [{"error": IMPOSSIBLE}]
    assert any("set platform.api" in str(line.get("remedy")) for line in logged)


@pytest.mark.parametrize("reply", [RemoteReply(400, b'{"msg": "no carrier"}'), RemoteUnreachable("down")])
def test_a_call_that_cannot_be_placed_is_told_to_the_model(reply: Any) -> None:
    @in_virtual_time
    async def story() -> None:
        desk = await Desk().begin()
        desk.api.replies.append(reply)
        with capture_logs() as logged:
            await desk.call_tool()
        assert desk.outputs[0]["reason"] == "error"
        assert "handoff_not_placed" in [line["event"] for line in logged]
        assert desk.updates == []

    story()


@in_virtual_time
async def test_a_fault_of_ours_is_told_to_the_model_too() -> None:
    desk = await Desk().begin()

    async def fails(*_: Any) -> Any:
        raise OSError("broken")

    desk.api.ask = fails  # type: ignore[assignment,method-assign]
    with capture_logs() as logged:
        await desk.call_tool()
    assert desk.outputs[0]["reason"] == "error"
    assert "handoff_failed" in [line["event"] for line in logged]


@in_virtual_time
async def test_a_status_that_comes_before_the_sid_is_known_by_its_tag() -> None:
    desk = await Desk().begin()
    held = asyncio.Event()
    ask = desk.api.ask

    async def slow(access: Any, request: Any) -> Any:
        reply = await ask(access, request)
        await held.wait()
        return reply

    desk.api.ask = slow  # type: ignore[method-assign]
    await desk.call_tool()
    forged = {TAG: seal(Placed("", "", "x"), b"another", now_s=0.0)}
    desk.status("busy", "c-other", sip_status=486, customerData=forged)
    desk.status("busy", "c-third", sip_status=486)
    desk.status("busy", "c-out", sip_status=486, customerData=desk.placed["tag"])
    held.set()
    await settled()
    assert desk.outputs[0]["reason"] == "busy"


@in_virtual_time
async def test_a_caller_who_comes_to_an_empty_conference_is_led_on() -> None:
    desk = await a_desk()
    [_, redirect] = await desk.pick_up()
    await desk.hook(redirect["actionHook"], call_sid="c-out")
    await settled()
    desk.status("completed", "c-out", sip_status=200)
    await desk.ended(desk.verbs, call_status="in-progress")
    with capture_logs() as logged:
        await asyncio.sleep(desk.switchboard.settings.hooks.action_timeout_s + MISSED_AFTER_S + 0.1)
    assert "handoff_missed" in [line["event"] for line in logged]
    [(sid, update)] = desk.updates
    assert sid == "c-1"
    assert await desk.hook(update["call_hook"]["url"]) == [SAY, HANGUP]


@in_virtual_time
async def test_a_caller_who_cannot_be_led_on_is_one_line_in_the_log() -> None:
    desk = await a_desk()
    [_, redirect] = await desk.pick_up()
    await desk.hook(redirect["actionHook"], call_sid="c-out")
    desk.status("completed", "c-out", sip_status=200)
    await desk.ended(desk.verbs, call_status="in-progress")
    desk.api.replies.append(RemoteUnreachable("down"))
    with capture_logs() as logged:
        await asyncio.sleep(desk.switchboard.settings.hooks.action_timeout_s + MISSED_AFTER_S + 0.1)
    assert [line.get("message") for line in logged if line["event"] == "handoff_missed"] == [None, "down"]


@in_virtual_time
async def test_a_human_whose_caller_has_just_left_is_let_go() -> None:
    desk = await a_desk()
    [_, redirect] = await desk.pick_up()
    desk.line.finish(HUNG_UP)
    assert names(await desk.hook(redirect["actionHook"], call_sid="c-out")) == ["conference", "hangup"]
    await settled()
    assert desk.updates == [("c-out", {"call_status": "completed"})]


@in_virtual_time
async def test_a_human_whose_caller_leaves_on_the_way_to_them_is_let_go() -> None:
    desk = await a_desk()
    [_, redirect] = await desk.pick_up()
    await desk.hook(redirect["actionHook"], call_sid="c-out")
    await settled()
    desk.status("completed")
    await settled()
    assert desk.updates == [("c-out", {"call_status": "completed"})]


@in_virtual_time
async def test_a_human_who_leaves_after_the_caller_has_met_them_changes_nothing() -> None:
    desk = await a_desk()
    [_, redirect] = await desk.pick_up()
    await desk.hook(redirect["actionHook"], call_sid="c-out")
    await settled()
    [conference, _] = await desk.ended(desk.verbs, call_status="in-progress")
    desk.status("completed", "c-out", sip_status=200)
    assert await desk.hook(conference["actionHook"], call_status="in-progress") == [SAY, HANGUP]
    await asyncio.sleep(60)
    assert desk.updates == []


@in_virtual_time
async def test_a_human_is_called_and_let_in_however_full_the_server_is() -> None:
    desk = Desk()
    desk.switchboard.settings = desk.switchboard.settings.model_copy(
        update={"server": desk.switchboard.settings.server.model_copy(update={"max_calls": 1})}
    )
    await desk.begin()
    await desk.call_tool()
    assert names(await desk.pick_up()) == ["say", "redirect"]
    assert PLACE.public_url
