"""The verb llm as the platform itself carries it out (jambonz-feature-server 0.9.8, lib/tasks/llm/**)."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sim.platform.bodies import identify
from sim.platform.call import Call
from sim.platform.effects import CloseMedia, Effect, Note, OpenModel, Post, SendModel
from sim.platform.replies import HttpReply, NoReply
from sim.platform.snake import snake, snakecased
from sim.platform.tasks.llm import address
from sim.platform.tasks.llm_events import KNOWN, event_filter
from tests.sim.test_platform_control import Platform, ended, running

JSON = "application/json"
OPTIONS = {"response_create": {"instructions": "Hi"}, "session_update": {"tools": []}}
LLM: dict[str, Any] = {
    "verb": "llm",
    "id": "v-llm",
    "vendor": "openai",
    "model": "gpt-realtime",
    "auth": {"apiKey": "sk-1"},
    "connectOptions": {"host": "127.0.0.1:4000"},
    "llmOptions": OPTIONS,
    "actionHook": "/final",
    "eventHook": "/event",
    "toolHook": "/tool",
}
CALLED = {
    "type": "response.output_item.done",
    "item": {"type": "function_call", "name": "get_weather", "call_id": "c1", "arguments": '{"cityName":"Rome"}'},
}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "{}"}
ENVELOPE = {"type": "conversation.item.create", "item": OUTPUT}


def begun(**more: Any) -> tuple[Call, list[Effect]]:
    """A call by webhook in the middle of its llm verb."""
    count = iter(range(10))
    call = Call(identify("+1", "+2", lambda: f"id-{next(count)}"), "http://app.example/call", None)
    call.begin()
    effects = call.replied(HttpReply(200, JSON, json.dumps([{**LLM, **more}, {"verb": "hangup"}]).encode()), 0.0)
    return call, [*effects, *call.media_opened(0.0)]


def posts(effects: Sequence[Effect]) -> list[tuple[str, Any]]:
    return [
        (effect.url.removeprefix("http://app.example"), effect.body) for effect in effects if isinstance(effect, Post)
    ]


def sent(effects: Sequence[Effect]) -> list[Any]:
    return [effect.event for effect in effects if isinstance(effect, SendModel)]


def notes(effects: Sequence[Effect]) -> list[str]:
    return [effect.name for effect in effects if isinstance(effect, Note)]


def final(effects: Sequence[Effect]) -> dict[str, Any]:
    [body] = [body for path, body in posts(effects) if path == "/final"]
    assert isinstance(body, dict)
    return body


def test_the_response_is_asked_for_before_the_session_is_set_up_and_both_verbatim() -> None:
    _, effects = begun()
    assert "answered" in notes(effects)
    assert sent(effects) == [
        {"type": "response.create", "response": OPTIONS["response_create"]},
        {"type": "session.update", "session": OPTIONS["session_update"]},
    ]
    _, alone = begun(llmOptions={"response_create": {}})
    assert [event["type"] for event in sent(alone)] == ["response.create"]


@pytest.mark.parametrize(
    ("more", "opened"),
    [
        ({}, OpenModel("ws://127.0.0.1:4000/v1/realtime?model=gpt-realtime", ("Authorization", "Bearer sk-1"))),
        (
            {"connectOptions": None, "model": None},
            OpenModel(
                "wss://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview-2024-12-17",
                ("Authorization", "Bearer sk-1"),
            ),
        ),
        (
            {"connectOptions": {"host": "model.example", "path": "/x"}},
            OpenModel("wss://model.example/x", ("Authorization", "Bearer sk-1")),
        ),
        (
            {"vendor": "microsoft", "auth": {"apiKey": "a&b"}, "connectOptions": {"host": "az.example"}},
            OpenModel(
                "wss://az.example/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-realtime&api-key=a%26b",
                None,
            ),
        ),
    ],
)
def test_the_model_is_where_the_verb_says_and_without_tls_on_this_machine_only(
    more: dict[str, Any], opened: OpenModel
) -> None:
    assert address({**LLM, **more}) == opened


def test_a_vendor_that_it_has_no_tongue_for_is_a_connection_failure() -> None:
    google = {"vendor": "google", "llmOptions": {"setup": {}}}
    _, effects = begun(**google)
    assert final(effects)["completion_reason"] == "connection failure"


def test_events_go_to_the_hook_with_snake_cased_keys_and_audio_to_nobody() -> None:
    call, _ = begun(events=["session.updated"])
    event = {"type": "session.updated", "session": {"tools": [{"parameters": {"cityName": 1}}]}}
    [(path, body)] = posts(call.model_said(event, 1.0))
    assert (path, body["session"]["tools"][0]["parameters"]) == ("/event", {"city_name": 1})
    call, _ = begun(events=[])
    assert call.model_said({"type": "response.audio.delta", "delta": ""}, 1.0) == []
    quiet, _ = begun(eventHook=None)
    assert quiet.model_said(event, 1.0) == []


@pytest.mark.parametrize(
    ("events", "passes", "stops"),
    [
        (None, ["response.done", "response.audio_transcript.delta"], ["response.output_audio.done"]),
        (["all"], list(KNOWN), ["conversation.item.added"]),
        (["all", "-response.*"], ["error", "conversation.item.added"], ["response.done"]),
        (["all", "-response.done", "error"], ["session.created"], ["response.done"]),
        (["response.audio.*"], ["response.audio.done", "response.audio_transcript.done"], ["response.done"]),
        (["conversation.item.*"], ["conversation.item.created"], ["conversation.item.added"]),
        (["response.output_audio.done"], ["response.output_audio.done"], ["error"]),
        (["-error"], ["error", "whatever"], []),
        ([], ["error", "whatever"], []),
        (["*"], [], ["error"]),
        (["response"], [], ["response.done"]),
    ],
)
def test_the_filter_has_the_real_ones_oddities(events: list[str] | None, passes: list[str], stops: list[str]) -> None:
    wanted = event_filter(events)
    assert [name for name in passes if not wanted.passes(name)] == []
    assert [name for name in stops if wanted.passes(name)] == []


def test_a_tool_is_called_by_its_hook_and_only_the_envelope_reaches_the_model() -> None:
    call, _ = begun(events=["error"])
    effects = call.model_said(CALLED, 1.0)
    told = {"tool_call_id": "c1", "name": "get_weather", "args": {"cityName": "Rome"}}
    assert posts(effects) == [("/tool", told)]
    answered = HttpReply(200, JSON, json.dumps(ENVELOPE).encode())
    assert sent(call.replied(answered, 1.1, "task:tool:c1")) == [ENVELOPE, {"type": "response.create"}]
    for other in ({"result": 1}, [ENVELOPE], {"type": "session.update"}):
        effects = call.replied(HttpReply(200, JSON, json.dumps(other).encode()), 1.2, "task:tool:c1")
        assert notes(effects) == ["tool_output_dropped"]
    assert call.over is None


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (HttpReply(200, "text/plain", b"sunny"), {}),
        (HttpReply(204, "", b""), {}),
        (HttpReply(200, JSON, b"null"), {}),
        (HttpReply(200, JSON, b'"sunny"'), {}),
        (HttpReply(200, JSON, b""), {}),
        (HttpReply(500, JSON, b"{}"), {"status_code": 500}),
        (NoReply("Headers Timeout Error"), {}),
    ],
)
def test_a_toolhook_that_answers_with_no_object_ends_the_conversation(
    reply: HttpReply | NoReply, error: dict[str, Any]
) -> None:
    call, _ = begun(events=["error"])
    call.model_said(CALLED, 1.0)
    effects = call.replied(reply, 1.1, "task:tool:c1")
    body = final(effects)
    assert (body["completion_reason"], body["error"], body["verb_id"]) == (
        "client error calling function",
        error,
        "v-llm",
    )
    assert CloseMedia() in effects


def test_arguments_that_are_no_json_lose_the_call_without_a_word() -> None:
    call, _ = begun()
    broken = {**CALLED, "item": {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{"}}
    assert notes(call.model_said(broken, 1.0)) == ["tool_lost"]
    hookless, _ = begun(toolHook=None, eventHook=None)
    assert notes(hookless.model_said(CALLED, 1.0)) == ["skipped"]


@pytest.mark.parametrize(
    ("event", "reason", "error"),
    [
        ({"type": "error", "error": {"code": "x"}}, "server error", {"code": "x"}),
        ({"type": "error"}, "server error", None),
        (
            {"type": "response.done", "response": {"status": "failed", "status_details": {"error": {"code": "y"}}}},
            "server failure",
            {"code": "y"},
        ),
    ],
)
def test_an_error_of_any_kind_ends_the_conversation(event: Any, reason: str, error: Any) -> None:
    call, _ = begun()
    effects = call.model_said(event, 1.0)
    assert [path for path, _ in posts(effects)] == ["/event", "/final"]
    body = final(effects)
    assert (body["completion_reason"], body.get("error")) == (reason, error)
    call.replied(HttpReply(200, JSON, b"[]"), 1.1)
    assert call.over is not None


def test_a_model_that_leaves_or_was_never_there_ends_it_too() -> None:
    call, _ = begun()
    assert final(call.media_closed("closed", 1.0))["completion_reason"] == "disconnect from remote end"
    count = iter(range(10))
    call = Call(identify("+1", "+2", lambda: f"id-{next(count)}"), "http://app.example/call", None)
    call.begin()
    call.replied(HttpReply(200, JSON, json.dumps([LLM]).encode()), 0.0)
    assert final(call.media_closed("refused", 1.0))["completion_reason"] == "connection failure"


def test_a_caller_who_hangs_up_ends_it_normally() -> None:
    call, _ = begun()
    effects = call.caller_hung_up(2.0)
    body = final(effects)
    assert (body["completion_reason"], body["call_status"]) == ("normal conversation end", "completed")
    assert CloseMedia() in effects


def test_an_actionhook_that_fails_hangs_up() -> None:
    call, _ = begun()
    call.media_closed("closed", 1.0)
    call.replied(NoReply("refused"), 1.1)
    assert call.over is not None
    assert call.over.failed


# --- over a control socket ---


def talking(**more: Any) -> Platform:
    platform = running({**LLM, **more}, {"verb": "hangup"})
    platform.add(platform.call.media_opened(0.0))
    return platform


def test_events_and_tool_calls_go_over_the_socket_and_outputs_come_by_command() -> None:
    platform = talking(events=["response.done"])
    platform.add(platform.call.model_said(CALLED, 1.0))
    platform.add(platform.call.model_said({"type": "response.done", "response": {"status": "completed"}}, 1.0))
    tool, event = platform.sent[-2:]
    assert (tool["type"], tool["hook"], tool["data"]["args"]) == ("llm:tool-call", "/tool", {"cityName": "Rome"})
    assert (event["type"], event["hook"], event["data"]["type"]) == ("llm:event", "/event", "response.done")
    platform.command("llm:tool-output", ENVELOPE, tool_call_id="c1")
    platform.command("llm:tool-output", {"result": 1}, tool_call_id="c1")
    platform.command("llm:tool-output", tool_call_id="c1")
    assert [one.event for one in platform.of(SendModel)][2:] == [ENVELOPE, {"type": "response.create"}]
    assert len(platform.notes("tool_output_dropped")) == 2


def test_an_update_is_one_of_four_events() -> None:
    platform = talking()
    before = len(platform.of(SendModel))
    allowed = ("session.update", "conversation.item.create", "conversation.item.delete", "response.cancel")
    for name in (*allowed, "response.create", "conversation.item.truncate"):
        platform.command("llm:update", {"type": name})
    assert [one.event["type"] for one in platform.of(SendModel)[before:]] == list(allowed)
    assert len(platform.notes("ignored")) == 2
    outside = running({"verb": "pause", "length": 9}).command("llm:update", {"type": "session.update"})
    assert "not in an llm" in outside.notes("ignored")[0]


def test_a_redirect_ends_the_conversation_normally() -> None:
    platform = talking().command("redirect", [{"verb": "hangup"}])
    assert platform.sent[-1]["data"]["completion_reason"] == "normal conversation end"
    platform.ack()
    assert ended(platform).why == "hangup"


# --- the names of keys ---


@pytest.mark.parametrize(
    ("key", "as_told"),
    [
        ("callSid", "call_sid"),
        ("X-Reason", "x_reason"),
        ("gpt-4o", "gpt_4o"),
        ("response.x", "response_x"),
        ("someURLValue", "some_u_r_l_value"),
        ("OPENAI_API_KEY", "openai_api_key"),
        ("$ref", "ref"),
        ("ключ", ""),
        ("_customerData", "customerdata"),
        ("already_snake", "already_snake"),
    ],
)
def test_keys_are_renamed_as_the_package_renames_them(key: str, as_told: str) -> None:
    assert snake(key) == as_told


def test_some_values_are_left_alone() -> None:
    told = snakecased({"customerData": {"aB": 1}, "args": {"cD": 1}, "list": [{"eF": 1}], "n": None})
    assert told == {"customerData": {"aB": 1}, "args": {"cD": 1}, "list": [{"e_f": 1}], "n": None}
