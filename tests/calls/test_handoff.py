"""A call whose model hands it to a human: what the platform is told, and who is told what, in virtual time."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from media.ends import HANDOFF as LEFT
from media.ends import HANGUP as HUNG_UP
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    listen_in,
    names,
    settings_of,
    settled,
    verbs_reply,
)

PHONE = {"type": "phone", "number": "+15085551212"}
HANDOFF: JsonObject = {"mode": "blind", "blindMethod": "dial", "target": [PHONE], "timeout": 20, "callerId": "+1"}
NO_ANSWER = {"call_status": "in-progress", "dial_call_status": "no-answer", "dial_sip_status": 487}
ANSWERED = {"call_status": "in-progress", "dial_call_status": "completed", "dial_sip_status": 200}


def verb(**handoff: Any) -> JsonObject:
    return LLM | {"auth": {"apiKey": "sk-of-the-verb"}, "hangup": {"reason": "by itself"}, "handoff": HANDOFF | handoff}


async def left(exchange: Exchange, verbs: list[JsonObject]) -> list[JsonObject]:
    """Let the model of the document's listen leave by its tool; give what the call does then."""
    line = await exchange.open(verbs)
    assert line
    line._bridge.record.caller_turn("u1", transcribed=True, now=0)
    line._bridge.record.caller_text("u1", "A human, please.", 0)
    line._bridge.record.tool_called("c1", "refund", "{}", 0)
    line._bridge.record.tool_answered("c1", "A17 refunded", 0)
    line.finish(LEFT)
    return await exchange.ended(verbs, call_status="in-progress")


async def a_transfer(
    applications: Applications | None = None, *, verbs: list[JsonObject] | None = None, **handoff: Any
) -> tuple[Exchange, list[JsonObject]]:
    exchange = Exchange(settings_of({"verbs": verbs or [verb(**handoff), SAY]}), applications)
    return exchange, await left(exchange, await exchange.ring())


@pytest.mark.claim("J31", "hangup")
@in_virtual_time
async def test_a_model_that_hangs_up_ends_the_call_with_its_reason() -> None:
    exchange = Exchange(settings_of({"verbs": [verb(), SAY]}))
    verbs = await exchange.ring()
    line = await exchange.open(verbs)
    assert line
    line.finish(replace(HUNG_UP, told={"reason": "all done"}))
    assert await exchange.ended(verbs) == [{"verb": "hangup", "headers": {"X-Reason": "all done"}}]
    [end] = exchange.applications.bodies("/final")
    assert (end["reason_code"], end["ended_by"]) == ("agent_hung_up", "agent")


@pytest.mark.claim("J31", "handoff")
@in_virtual_time
async def test_a_handoff_dials_the_human_and_every_url_is_ours() -> None:
    exchange, document = await a_transfer()
    [dial, last] = document
    assert last == HANGUP
    assert dial.pop("actionHook").startswith("https://voice.example.com/agent/call/hook/")
    assert dial == {"verb": "dial", "target": [PHONE], "callerId": "+1", "timeout": 20}
    [end] = exchange.applications.bodies("/final")
    assert (end["completion_reason"], end["reason_code"], end["ended_by"]) == (
        "normal conversation end",
        "handoff",
        "agent",
    )


@in_virtual_time
async def test_the_action_hooks_verbs_go_before_the_transfer() -> None:
    exchange, document = await a_transfer(Applications({"/final": verbs_reply(SAY)}))
    assert document == [SAY, HANGUP]
    await settled()
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_after_a_transfer_that_came_about_the_rest_of_the_document_follows() -> None:
    exchange, [dial, _] = await a_transfer()
    assert await exchange.hook(dial["actionHook"], **ANSWERED) == [SAY, HANGUP]
    await settled()
    assert exchange.counts.ended == [("route-0", "handoff")]
    alone, [dial, _] = await a_transfer(verbs=[verb()])
    assert await alone.hook(dial["actionHook"], **ANSWERED) == [HANGUP]


@pytest.mark.claim("J31", "handoff")
@in_virtual_time
async def test_a_caller_whom_nobody_answers_is_back_with_an_agent_who_knows() -> None:
    exchange, [dial, _] = await a_transfer()
    back = await exchange.hook(dial["actionHook"], **NO_ANSWER)
    assert names(back) == ["listen", "say", "hangup"]
    assert back == await exchange.hook(dial["actionHook"], **NO_ANSWER), "asked again, nothing begins anew"
    assert len(exchange.lines.made) == 2
    options = exchange.lines.made[1]._bridge._options
    assert options.history == (
        ("user", "A human, please."),
        ("system", "The tool refund was called with {}: A17 refunded"),
        ("system", "The transfer to a human has failed: nobody answered. The caller is with you again."),
    )
    assert "nobody answered" in options.opening["instructions"]
    assert exchange.lines.made[1]._dials[0].headers["Authorization"] == "Bearer sk-of-the-verb"

    [dial, _] = await left(exchange, back)
    twice = await exchange.hook(dial["actionHook"], **NO_ANSWER | {"dial_call_status": "busy"})
    history = exchange.lines.made[2]._bridge._options.history
    assert [role for role, _ in history] == ["user", "system", "system"] * 2
    assert "the line is busy" in history[-1][1]

    line = await exchange.open(twice)
    assert line
    line.finish(replace(HUNG_UP, told={}))
    assert await exchange.ended(twice) == [{"verb": "hangup", "headers": {"X-Reason": "by itself"}}]
    assert [end["reason_code"] for end in exchange.applications.bodies("/final")] == [
        "handoff",
        "handoff",
        "agent_hung_up",
    ]
    await settled()
    assert exchange.switchboard.active == 0


@pytest.mark.parametrize(
    ("disposition", "verbs"),
    [
        ({"onNoAnswer": "hangup"}, [HANGUP]),
        (
            {"onNoAnswer": "voicemail", "voicemailUrl": "sip:vm@example.com"},
            [{"verb": "dial", "target": [{"type": "sip", "sipUri": "sip:vm@example.com"}]}, HANGUP],
        ),
    ],
)
def test_another_disposition_is_done(disposition: JsonObject, verbs: list[JsonObject]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, [dial, _] = await a_transfer(disposition=disposition)
        assert await exchange.hook(dial["actionHook"], **NO_ANSWER) == verbs
        await settled()
        assert exchange.switchboard.active == 0

    story()


@in_virtual_time
async def test_a_voicemail_that_is_an_application_is_asked_for_its_verbs() -> None:
    disposition = {"onNoAnswer": "voicemail", "voicemailUrl": "https://app.example.com/voicemail"}
    exchange, [dial, _] = await a_transfer(Applications({"/voicemail": verbs_reply(SAY)}), disposition=disposition)
    [redirect] = await exchange.hook(dial["actionHook"], **NO_ANSWER)
    assert await exchange.hook(redirect["actionHook"]) == [SAY, HANGUP]


@in_virtual_time
async def test_a_refer_that_could_not_be_sent_asks_us_too() -> None:
    exchange, [refer, redirect] = await a_transfer(blindMethod="refer", eventHook="/progress")
    assert (refer["verb"], refer["referTo"], redirect["verb"]) == ("sip:refer", "+15085551212", "redirect")
    assert await exchange.hook(refer["eventHook"], event="transfer-status", call_status=180) == []
    assert exchange.applications.bodies("/progress") == [{"event": "transfer-status", "call_status": 180}]
    back = await exchange.hook(redirect["actionHook"], call_status="in-progress")
    assert names(back) == ["listen", "say", "hangup"]
    assert "the connection could not be made" in exchange.lines.made[1]._bridge._options.history[-1][1]


@in_virtual_time
async def test_the_handoffs_own_hook_is_told_the_result_and_may_say_what_follows() -> None:
    applications = Applications({"/transferred": verbs_reply({"verb": "pause", "length": 1})})
    exchange, [dial, _] = await a_transfer(applications, actionHook="/transferred")
    assert await exchange.hook(dial["actionHook"], **NO_ANSWER) == [{"verb": "pause", "length": 1}, HANGUP]
    [told] = applications.bodies("/transferred")
    assert (told["transfer_result"], told["transfer_reason"]) == ("returned", "no-answer")
    assert told["dial_call_status"] == "no-answer"


@in_virtual_time
async def test_a_hook_that_answers_nonsense_changes_nothing() -> None:
    applications = Applications({"/transferred": verbs_reply({"verb": 5})})
    exchange, [dial, _] = await a_transfer(applications, actionHook="/transferred")
    with capture_logs() as logged:
        assert names(await exchange.hook(dial["actionHook"], **NO_ANSWER)) == ["listen", "say", "hangup"]
    assert [line["event"] for line in logged if line["log_level"] == "warning"] == ["hook_verbs_refused"]


@in_virtual_time
async def test_a_caller_who_hangs_up_while_it_rings_is_dialled_no_model() -> None:
    exchange, [dial, _] = await a_transfer()
    exchange.status("completed")
    assert await exchange.hook(dial["actionHook"], **NO_ANSWER | {"call_status": "completed"}) == []
    assert len(exchange.lines.made) == 1


@in_virtual_time
async def test_a_transfer_that_cannot_be_followed_is_the_fallback_and_may_be_asked_for_again() -> None:
    exchange, [dial, _] = await a_transfer()
    kept = exchange.store.by_row

    async def fails(row_id: bytes) -> Any:
        if fails.times:  # type: ignore[attr-defined]
            fails.times -= 1  # type: ignore[attr-defined]
            return await kept(row_id)
        fails.times = 99  # type: ignore[attr-defined]
        raise OSError("disk")

    fails.times = 1  # type: ignore[attr-defined]  # the first question is the switchboard's own
    exchange.store.by_row = fails  # type: ignore[method-assign]
    with capture_logs() as logged:
        assert await exchange.hook(dial["actionHook"], **NO_ANSWER) == SORRY
    assert "transfer_failed" in [line["event"] for line in logged]


@pytest.mark.claim("handoff", "hangup")
@in_virtual_time
async def test_the_model_is_told_of_the_tools_that_the_verb_and_its_route_have() -> None:
    route = {"verbs": [verb()], "tools": {"crm": {"url": "/crm", "description": "Look."}, "clock": {"url": "/clock"}}}
    with capture_logs() as logged:
        exchange = Exchange(settings_of(route))
        verbs = await exchange.ring()
    [line] = exchange.lines.made
    assert list(line._bridge._session.model.tools) == ["crm", "hangup", "transfer_to_human"]
    [told] = [entry["message"] for entry in logged if entry["event"] == "llm_options_translated"]
    assert told.startswith("the tool 'clock' is declared nowhere")
    outputs: list[str] = []
    line._hooks.call_tool("call_9", "crm", {"id": 1}, outputs.append)
    await settled()
    assert outputs == ['{"ok":true}']
    [asked] = exchange.applications.bodies("/crm")
    assert (asked["args"], asked["call_sid"], asked["from"]) == ({"id": 1}, "c-1", "+15557654321")
    assert listen_in(verbs)
