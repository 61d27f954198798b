"""Calls whose `llm` verbs the platform carries out, in virtual time; the methods are what feature-server posts."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.carrying import changes_rate
from calls.control import CallUnreachableError
from calls.diagnosis import trials
from calls.keeping import kept
from calls.native_document import answer_of_lost, native_hook
from hooks.transports.base import HookReply
from media.ends import RESTART
from tests.calls.exchange import (
    HANGUP,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
    ticket_in,
    verbs_reply,
)
from tests.calls.test_commands import Socket

TOOL: JsonObject = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
LLM: JsonObject = {
    "verb": "llm",
    "vendor": "openai",
    "model": "gpt-4o-realtime-preview-2024-10-01",
    "auth": {"apiKey": "sk-of-the-verb"},
    "connectOptions": {"host": "beta.example.com"},
    "actionHook": "/final",
    "eventHook": "/event",
    "toolHook": "/toolCall",
    "events": ["response.*", "-response.done"],
    "llmOptions": {"response_create": {"instructions": "Help."}, "session_update": {"tools": [TOOL]}},
}
ROUTE: JsonObject = {"llm_mode": "native", "verbs": [LLM, SAY]}
SIGNED = {"webhook_secrets": ["secret of the webhooks"]}
TALK = settings_of(ROUTE, platform=SIGNED)
LIVE: JsonObject = {"call_sid": "c-1", "call_status": "in-progress"}
ASKED: JsonObject = {"tool_call_id": "call_9", "name": "get_weather", "args": {"city": "Rome"}}


def output_of(reply: JsonObject) -> Any:
    item = reply["item"]
    assert (reply["type"], item["type"], item["call_id"]) == (
        "conversation.item.create",
        "function_call_output",
        "call_9",
    )
    return item["output"]


def known(settings: Any = TALK, applications: Applications | None = None) -> Exchange:
    """Make an exchange with a platform that shows its secret."""
    exchange = Exchange(settings, applications)
    exchange.authenticated = True
    return exchange


async def talking(settings: Any = TALK, applications: Applications | None = None) -> tuple[Exchange, JsonObject]:
    """Begin a call, and give its `llm` as it left."""
    exchange = known(settings, applications)
    document = await exchange.ring()
    return exchange, next(verb for verb in document if verb["verb"] == "llm")


@pytest.mark.claim("J1")
@in_virtual_time
async def test_the_verb_leaves_as_it_is_with_hooks_of_ours_and_no_model_is_dialled() -> None:
    exchange = known()
    document = await exchange.ring()
    assert names(document) == ["llm", "say", "hangup"]
    hooks = {name for name in document[0] if name.endswith("Hook")}
    assert hooks == {"actionHook", "eventHook", "toolHook"}
    assert all(document[0][name].startswith("https://voice.example.com/agent/call/hook/") for name in hooks)
    assert {name: document[0][name] for name in ("vendor", "model", "auth", "connectOptions", "llmOptions")} == {
        name: LLM[name] for name in ("vendor", "model", "auth", "connectOptions", "llmOptions")
    }
    assert exchange.lines.made == []
    assert exchange.switchboard.active == 1


@pytest.mark.claim("J7")
@in_virtual_time
async def test_the_key_leaves_only_to_who_has_shown_a_secret_and_is_not_kept() -> None:
    exchange = Exchange(TALK)
    with capture_logs() as logs:
        [llm, *_] = await exchange.ring("c-2")
    assert "auth" not in llm
    assert [(line["event"], "webhook_secrets" in line["remedy"]) for line in logs] == [("native_key_withheld", True)]
    exchange.authenticated = True
    first = await exchange.ring()
    assert await exchange.ring() == first
    assert "sk-of-the-verb" in json.dumps(first)
    assert "sk-of-the-verb" not in repr(await exchange.store.by_sid("c-1"))
    assert "sk-of-the-verb" in exchange.hidden
    row = await exchange.store.by_sid("c-1")
    assert row
    assert row.document == kept(first)


@in_virtual_time
async def test_so_do_the_keys_of_its_mcp_servers() -> None:
    server = {"url": "https://me:pw@mcp.example.com/sse?key=k", "auth": {"token": "token-of-mcp"}}
    exchange = Exchange(settings_of({**ROUTE, "verbs": [LLM | {"mcpServers": [server]}]}, platform=SIGNED))
    [llm, *_] = await exchange.ring("c-2")
    assert llm["mcpServers"] == [{"url": "https://mcp.example.com/sse"}]
    exchange.authenticated = True
    [llm, *_] = await exchange.ring()
    assert llm["mcpServers"] == [server]


@in_virtual_time
async def test_a_key_of_ours_goes_to_the_configured_host_only() -> None:
    bare = {name: value for name, value in LLM.items() if name != "auth"}
    vendors = {"openai": {"url": "wss://beta.example.com/v1/realtime"}}
    _, llm = await talking(settings_of({**ROUTE, "verbs": [bare]}, platform=SIGNED, vendors=vendors))
    assert llm["auth"] == {"apiKey": "sk-of-the-server"}
    for options in ({}, {"connectOptions": {"host": "api.openai.com"}}):
        verb = {name: value for name, value in bare.items() if name != "connectOptions"} | options
        _, llm = await talking(settings_of({**ROUTE, "verbs": [verb]}, platform=SIGNED | {"version": "10"}))
        assert llm["auth"] == {"apiKey": "sk-of-the-server"}


@in_virtual_time
async def test_without_a_key_the_older_platform_gets_the_fallback_and_the_newer_one_the_verb() -> None:
    verb = {"verb": "llm", "vendor": "ultravox", "llmOptions": {}}
    exchange = known(settings_of({**ROUTE, "verbs": [verb]}, platform=SIGNED))
    with capture_logs() as logs:
        assert await exchange.ring() == SORRY
    assert [line["event"] for line in logs] == ["model_not_configured"]
    assert logs[0]["message"] == "no key for vendor 'ultravox': put `auth` into the verb"
    _, llm = await talking(settings_of({**ROUTE, "verbs": [verb]}, platform=SIGNED | {"version": "10"}))
    assert (llm["vendor"], "auth" in llm) == ("ultravox", False)


def test_no_model_of_its_is_looked_for_here() -> None:
    assert not changes_rate(TALK.routes[0], "0.9")
    assert trials(TALK) == []


# Events


@pytest.mark.claim("J9", "eventHook")
@in_virtual_time
async def test_events_go_to_the_event_hook_in_order_by_the_verbs_own_filter() -> None:
    exchange, llm = await talking()
    for type_ in ("session.created", "response.created", "response.done", "response.brand_new", "response.text.done"):
        assert await exchange.answer(llm["eventHook"], type=type_, event_id="e") is None
    await settled()
    assert exchange.applications.bodies("/event") == [
        {"type": type_, "event_id": "e", "call_sid": "c-1"}
        for type_ in ("response.created", "response.brand_new", "response.text.done")
    ]


@in_virtual_time
async def test_an_event_without_a_type_has_the_name_that_jambonz_gives_it() -> None:
    google = {
        "verb": "llm",
        "vendor": "google",
        "auth": {"apiKey": "k" * 8},
        "eventHook": "/event",
        "llmOptions": {"setup": {}},
    }
    exchange, llm = await talking(settings_of({**ROUTE, "verbs": [google]}, platform=SIGNED))
    await exchange.answer(llm["eventHook"], server_content={"turn_complete": True})
    await settled()
    assert [body["type"] for body in exchange.applications.bodies("/event")] == ["llm_event"]


# Tools


@pytest.mark.claim("J10", "toolHook")
@in_virtual_time
async def test_a_tool_is_asked_of_the_tool_hook_and_answered_as_the_platform_understands() -> None:
    applications = Applications(
        {"/toolCall": (0.1, HookReply(200, "application/json", b'{"result": {"sky": "blue"}}'))}
    )
    exchange, llm = await talking(applications=applications)
    assert json.loads(output_of(await exchange.answer(llm["toolHook"], **ASKED))) == {"sky": "blue"}
    [body] = applications.bodies("/toolCall")
    assert (body["name"], body["args"], body["call_sid"], body["from"]) == (
        "get_weather",
        {"city": "Rome"},
        "c-1",
        "+15557654321",
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (ASKED | {"args": {}}, "'city' is a required property"),
        (ASKED | {"args": "Rome"}, "not a JSON object"),
        (ASKED | {"name": "another"}, "there is no tool named another"),
        (ASKED | {"args": {"city": "x" * 17_000}}, "longer than"),
    ],
)
def test_a_call_that_breaks_the_tools_schema_reaches_nobody(asked: JsonObject, told: str) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, llm = await talking()
        assert told in json.loads(output_of(await exchange.answer(llm["toolHook"], **asked)))["error"]
        assert exchange.applications.bodies("/toolCall") == []

    story()


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((0.0, HookReply(500)), "HTTP status 500"),
        ((0.0, HookReply(200, "text/html", b"<html>")), "web page"),
        ((30.0, HookReply(200)), "did not answer in time"),
    ],
)
def test_a_tool_that_fails_or_is_late_is_told_to_the_model(reply: tuple[float, HookReply], told: str) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, llm = await talking(applications=Applications({"/toolCall": reply}))
        began = asyncio.get_running_loop().time()
        assert told in json.loads(output_of(await exchange.answer(llm["toolHook"], **ASKED)))["error"]
        assert asyncio.get_running_loop().time() - began < 10
        await asyncio.sleep(60)

    story()


@in_virtual_time
async def test_an_answer_is_never_waited_for_longer_than_the_platform_waits() -> None:
    late = Applications({"/toolCall": (9.8, HookReply(200))})
    exchange, llm = await talking(settings_of(ROUTE, platform=SIGNED, hooks={"tool_timeout_s": 60}), late)
    assert "in time" in output_of(await exchange.answer(llm["toolHook"], **ASKED))


@in_virtual_time
async def test_a_tool_without_anybody_to_serve_it_is_a_failure_and_no_silence() -> None:
    lonely = {name: value for name, value in LLM.items() if name != "toolHook"}
    exchange, llm = await talking(settings_of({**ROUTE, "verbs": [lonely]}, platform=SIGNED))
    assert "no toolHook" in output_of(await exchange.answer(llm["toolHook"], **ASKED))


@pytest.mark.claim("J10")
@in_virtual_time
async def test_the_routes_tools_are_declared_and_served() -> None:
    tools = {"book": {"url": "/book", "parameters": {"type": "object", "properties": {"day": {"type": "string"}}}}}
    applications = Applications({"/book": (0.0, HookReply(200, "text/plain", b"booked"))})
    exchange, llm = await talking(settings_of({**ROUTE, "tools": tools}, platform=SIGNED), applications)
    declared = llm["llmOptions"]["session_update"]["tools"]
    assert [tool["name"] for tool in declared] == ["get_weather", "book"]
    asked = ASKED | {"name": "book", "args": {"day": "Monday"}}
    assert output_of(await exchange.answer(llm["toolHook"], **asked)) == "booked"
    assert applications.bodies("/toolCall") == []


@in_virtual_time
async def test_a_vendor_that_is_told_of_its_tools_in_its_own_words_may_call_any() -> None:
    verb = {"verb": "llm", "vendor": "ultravox", "auth": {"apiKey": "k" * 8}, "toolHook": "/toolCall", "llmOptions": {}}
    exchange, llm = await talking(settings_of({**ROUTE, "verbs": [verb]}, platform=SIGNED))
    assert await exchange.answer(llm["toolHook"], **ASKED | {"name": "any"}) == {
        "type": "client_tool_result",
        "invocation_id": "call_9",
        "result": '{"ok":true}',
    }


@in_virtual_time
async def test_a_fault_of_ours_ends_no_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, llm = await talking()
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    monkeypatch.setattr(live.native_legs[0]._hooks, "call_tool", lambda *_: 1 / 0)
    with capture_logs() as logs:
        assert "failed" in output_of(await exchange.answer(llm["toolHook"], **ASKED))
    assert [line["event"] for line in logs] == ["tool_failed"]


# The end


@pytest.mark.claim("J8", "J30", "actionHook")
@in_virtual_time
async def test_the_end_is_told_once_and_its_answer_is_what_the_call_does() -> None:
    applications = Applications({"/final": verbs_reply({"verb": "play", "url": "x"}, after_s=1)})
    exchange, llm = await talking(applications=applications)
    await exchange.answer(llm["eventHook"], type="response.done", response={"usage": {"input_tokens": 7}})
    heard = {"item_id": "1", "transcript": "Hello?"}
    await exchange.answer(llm["eventHook"], type="conversation.item.input_audio_transcription.completed", **heard)
    await exchange.answer(llm["eventHook"], type="response.audio_transcript.done", item_id="2", transcript="Hi.")
    await exchange.answer(llm["eventHook"], type="response.audio_transcript.done", item_id=2)
    await asyncio.sleep(10)
    body = {**LIVE, "completion_reason": "server error", "error": {"code": "boom"}, "verb_id": "v1"}
    first, again = await asyncio.gather(*(exchange.answer(llm["actionHook"], **body) for _ in range(2)))
    assert first == again == [{"verb": "play", "url": "x"}, HANGUP]
    [told] = applications.bodies("/final")
    assert {name: told[name] for name in ("call_sid", "completion_reason", "reason_code", "ended_by", "error")} == {
        "call_sid": "c-1",
        "completion_reason": "server error",
        "reason_code": "boom",
        "ended_by": "model",
        "error": {"code": "boom"},
    }
    assert (told["usage"], told["duration_s"], told["verb_id"]) == ({"input_tokens": 7}, 10.0, "v1")
    assert [(line["role"], line["text"]) for line in told["transcript"]] == [("user", "Hello?"), ("assistant", "Hi.")]
    row = await exchange.store.by_sid("c-1")
    assert row
    assert row.legs[0].end
    assert row.legs[0].end.reason_code == "boom"
    assert exchange.counts.spent == {"input_tokens": 7}
    assert exchange.switchboard.active == 0
    assert exchange.hidden == []


@pytest.mark.parametrize(
    ("reason", "reply", "after"),
    [
        ("server failure", (0.0, HookReply(204)), SORRY),
        ("server failure", (20.0, HookReply(204)), SORRY),
        ("server failure", verbs_reply({"verb": "say"}, {"verb": 5}), SORRY),
        ("normal conversation end", (0.0, HookReply(500)), []),
        ("normal conversation end", verbs_reply({"verb": 5}), []),
    ],
)
def test_with_nothing_to_do_next_come_the_fallback_or_the_rest_of_the_document(
    reason: str, reply: tuple[float, HookReply], after: list[JsonObject]
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, llm = await talking(applications=Applications({"/final": reply}))
        assert await exchange.answer(llm["actionHook"], **LIVE, completion_reason=reason) == after
        assert exchange.switchboard.active == 0

    story()


@in_virtual_time
async def test_a_caller_who_hangs_up_is_told_by_the_hook_that_comes_after_the_status() -> None:
    exchange, llm = await talking(applications=Applications({"/final": verbs_reply(SAY)}))
    exchange.status("completed", call_termination_by="caller")
    await settled()
    over = {**LIVE, "call_status": "completed", "completion_reason": "normal conversation end"}
    assert await exchange.answer(llm["actionHook"], **over) == []
    await asyncio.sleep(60)
    [told] = exchange.applications.bodies("/final")
    assert (told["reason_code"], told["call_status"]) == ("caller_hung_up", "completed")
    assert exchange.counts.ended == [("route-0", "caller_hung_up")]


@in_virtual_time
async def test_an_end_that_the_platform_never_tells_goes_out_all_the_same_once() -> None:
    exchange, llm = await talking()
    exchange.status("completed", call_termination_by="jambonz")
    await asyncio.sleep(60)
    [told] = exchange.applications.bodies("/final")
    assert (told["completion_reason"], told["reason_code"]) == ("normal conversation end", "platform_hung_up")
    assert await exchange.answer(llm["actionHook"], **LIVE) == []
    assert len(exchange.applications.bodies("/final")) == 1
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_call_of_which_nothing_is_heard_any_more_is_ended_by_the_reaper() -> None:
    exchange, _ = await talking(settings_of({**ROUTE, "max_call_s": 30}, platform=SIGNED))
    await asyncio.sleep(100)
    [told] = exchange.applications.bodies("/final")
    assert told["completion_reason"] == "connection failure"
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_server_that_stops_tells_the_end() -> None:
    exchange, _ = await talking()
    await exchange.switchboard.drain(1)
    assert [body["reason_code"] for body in exchange.applications.bodies("/final")] == [RESTART.reason_code]
    hurried, _ = await talking()
    await hurried.switchboard.hurry()
    await hurried.switchboard.hurry()
    await settled()
    assert [body["reason_code"] for body in hurried.applications.bodies("/final")] == [RESTART.reason_code]


@in_virtual_time
async def test_a_second_llm_is_the_platforms_too_and_has_an_end_of_its_own() -> None:
    second = LLM | {"id": "second", "actionHook": "/final-2"}
    exchange = known(settings_of({**ROUTE, "verbs": [LLM, SAY, second]}, platform=SIGNED))
    document = await exchange.ring()
    assert names(document) == ["llm", "say", "llm", "hangup"]
    assert await exchange.answer(document[0]["actionHook"], **LIVE) == []
    assert exchange.switchboard.active == 1
    assert exchange.applications.bodies("/final-2") == []
    await exchange.answer(document[2]["eventHook"], type="response.created")
    exchange.status("completed")
    await asyncio.sleep(60)
    assert len(exchange.applications.bodies("/final")) == len(exchange.applications.bodies("/final-2")) == 1


@in_virtual_time
async def test_an_llm_in_the_action_hooks_reply_is_left_to_the_platform_too_with_its_key() -> None:
    exchange, llm = await talking(applications=Applications({"/final": verbs_reply(SAY, LLM, {"verb": "newer"})}))
    with capture_logs() as logs:
        document = await exchange.answer(llm["actionHook"], **LIVE)
    assert names(document) == ["say", "llm", "newer", "hangup"]
    assert document[1]["auth"] == LLM["auth"]
    assert document[1]["actionHook"] != llm["actionHook"]
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["hook_verbs_unknown"]
    assert await exchange.answer(document[1]["actionHook"], **LIVE) != []
    assert len(exchange.applications.bodies("/final")) == 2


@in_virtual_time
async def test_what_cannot_be_kept_is_told_and_the_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, llm = await talking()
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live

    async def broken(*_: Any) -> Any:
        raise OSError

    monkeypatch.setattr(live.native_legs[0], "_keep", broken)
    with capture_logs() as logs:
        assert await exchange.answer(llm["actionHook"], **LIVE, completion_reason="server failure") == SORRY
    assert "action_hook_failed" in [line["event"] for line in logs]


# Told by its control socket


@in_virtual_time
async def test_a_redirected_call_asks_what_comes_next_and_is_told_nothing() -> None:
    exchange, socket = known(applications=Applications({"/final": verbs_reply(SAY, after_s=3)})), Socket()
    [llm, *_] = await exchange.ring(control=socket)
    await exchange.switchboard.redirect("c-1", [LLM, SAY])
    [[again, *_]] = socket.said
    assert await exchange.answer(llm["actionHook"], **LIVE, completion_reason="normal conversation end") == []
    await settled()
    [told] = exchange.applications.bodies("/final")
    assert (told["completion_reason"], told["reason_code"]) == ("normal conversation end", "redirected")
    asked = asyncio.create_task(exchange.answer(again["actionHook"], **LIVE))
    await asyncio.sleep(1)
    await exchange.switchboard.redirect("c-1", [SAY])
    assert await asked == []
    assert (exchange.switchboard.active, len(exchange.applications.bodies("/final"))) == (1, 2)


@in_virtual_time
async def test_a_native_call_that_is_hung_up_ends_by_the_operators_hand() -> None:
    exchange, socket = known(settings_of({**ROUTE, "verbs": [LLM, LLM]}, platform=SIGNED)), Socket()
    await exchange.ring(control=socket)
    await exchange.switchboard.hang_up("c-1")
    exchange.status("completed", call_termination_by="jambonz")
    await asyncio.sleep(60)
    assert socket.said == ["hang up"]
    assert [body["reason_code"] for body in exchange.applications.bodies("/final")] == ["operator_hung_up"]


@in_virtual_time
async def test_without_a_way_to_a_native_call_it_says_so() -> None:
    exchange, _ = await talking()
    with pytest.raises(CallUnreachableError, match=r"platform\.api"):
        await exchange.switchboard.redirect("c-1", [SAY])


# Of another life


@pytest.mark.parametrize("target", ["/final", "hookswitch:native/other/0", "hookswitch:native/tool/x", "native/tool/0"])
def test_a_hook_of_somebody_elses_is_none_of_these(target: str) -> None:
    assert native_hook(target) is None


@in_virtual_time
async def test_after_a_restart_the_model_is_told_a_failure_and_the_platform_goes_on() -> None:
    exchange, llm = await talking()
    reborn = Exchange(TALK, store=exchange.store)
    assert "restarted" in output_of(await reborn.answer(llm["toolHook"], **ASKED))
    assert await reborn.answer(llm["eventHook"], type="response.created") is None
    assert await reborn.answer(llm["actionHook"], **LIVE) == []
    row = await exchange.store.by_sid("c-1")
    assert row
    assert answer_of_lost(row, "hookswitch:native/tool/7", {}) == answer_of_lost(row, "/other", {}) == b"[]"
    assert ticket_in(llm["toolHook"]).purpose == "hook"
