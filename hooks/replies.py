"""What applications answer, made into what the call needs: one output string for the model, or verbs.

The shapes are those in use: plain JSON, `{"result": …}` (jambonz `agent`), `{"output": …}`, the client event that
jambonz forwards verbatim (feature-server: lib/tasks/llm/llms/openai_s2s.js), and Vapi's `results`
(https://docs.vapi.ai/tools/custom-tools). What cannot be used becomes `{"error": …}`, words the model can speak
about; the application's own text never gets there unasked.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from pydantic_core import to_json

from hooks.strict_json import MAX_DEPTH, is_deeper_than, read_json
from hooks.transports.base import HookFailure, HookReply, HookTimeout, HookUnreachable
from verbs.base import JsonObject

MAX_OUTPUT_BYTES = 32 * 1024
MAX_REASON_BYTES = 2 * 1024
"Of a failure's own words, escaped or not."
NO_CONTENT = 204

# https://platform.openai.com/docs/api-reference/realtime-client-events; the last one is of the beta API.
CLIENT_EVENTS = frozenset(
    {
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "output_audio_buffer.clear",
        "conversation.item.create",
        "conversation.item.retrieve",
        "conversation.item.truncate",
        "conversation.item.delete",
        "response.create",
        "response.cancel",
        "transcription_session.update",
    }
)
CALL_ID_KEYS = ("tool_call_id", "call_id", "toolCallId", "invocation_id")
# Beside nothing but these, `result` or `output` is the whole answer; beside anything else it is one field of it.
WRAPPER_KEYS = frozenset({*CALL_ID_KEYS, "type", "result", "output"})
WRAPPER_TYPES = ("function_call_output", "client_tool_result", "tool_result")


class UnusableReplyError(ValueError):
    """The answer cannot be given to the model or to the platform; str() says why, in words fit for both."""


class Output(NamedTuple):
    """What the model gets as a tool's output."""

    text: str
    complaint: str | None = None
    "Why it is not what the tool answered."


class Verbs(NamedTuple):
    """What an actionHook's reply says the call does next."""

    verbs: list[JsonObject] | None
    complaint: str | None = None
    "Why a reply that meant to say something was ignored."


def tool_output(reply: HookReply | HookFailure, call_id: str) -> Output:
    """Return the one output of a tool call, at most 32 KiB of UTF-8, whatever the toolHook did."""
    return _made(lambda: _output(reply, call_id))


def function_output(value: Any, call_id: str) -> Output:
    """Return the one output of a tool call that a function answered, by the same rules; a list is a list here."""
    return _made(lambda: _function_output(value, call_id))


def error_output(reason: str) -> str:
    """Return the output by which the model learns that a tool did not work, and can say so."""
    return _text({"error": _cut(reason, MAX_REASON_BYTES)})


def tells_error(output: str) -> bool:
    """Tell whether an output says that its tool did not work."""
    return output.startswith('{"error":')


def _made(make: Callable[[], str]) -> Output:
    try:
        return Output(_cut(make(), MAX_OUTPUT_BYTES))
    except UnusableReplyError as error:
        return Output(error_output(str(error)), str(error))


def _cut(text: str, most_bytes: int) -> str:
    """Cut between characters. Half of a surrogate pair has no UTF-8; "?" takes its place."""
    return text[:most_bytes].encode(errors="replace")[:most_bytes].decode(errors="ignore")


def verbs_in(reply: HookReply | HookFailure) -> Verbs:
    """Return the verbs of an actionHook's reply, not yet validated; `[]`, 204 and no JSON mean "nothing to say"."""
    if isinstance(reply, HookFailure):
        return Verbs(None, str(reply))
    try:
        verbs = _verbs(reply)
    except UnusableReplyError as error:
        return Verbs(None, str(error))
    return Verbs(verbs or None)


def _output(reply: HookReply | HookFailure, call_id: str) -> str:
    if isinstance(reply, HookFailure):
        raise UnusableReplyError(_spoken_failure(reply))
    if not reply.ok:
        raise UnusableReplyError(f"the tool failed with HTTP status {reply.status}")
    if reply.unreadable:
        raise UnusableReplyError(f"the tool's answer is {reply.unreadable}")
    if reply.status == NO_CONTENT or not reply.body.strip():
        return _text({"ok": True})
    if _is_html(reply):
        raise UnusableReplyError("the tool answered with a web page")
    if reply.media_type.startswith("text/") and not reply.is_json:
        return reply.body.decode(errors="replace")
    return _json_output(_parse(reply.body, "the tool's answer"), call_id)


def _function_output(value: Any, call_id: str) -> str:
    if value is None:
        return _text({"ok": True})
    if isinstance(value, str):
        return value
    try:
        written = to_json(value, inf_nan_mode="null")
    except ValueError as error:
        kind = type(value).__name__
        raise UnusableReplyError(f"the tool's result cannot be written as JSON: it is a {kind}") from error
    plain = _parse(written, "the tool's result")
    return _text(plain) if isinstance(plain, list) else _json_output(plain, call_id)


def _spoken_failure(failure: HookFailure) -> str:
    match failure:
        case HookTimeout():
            return "the tool did not answer in time"
        case HookUnreachable():
            return "the tool cannot be reached"
        case _:
            return "the tool did not answer"


def _is_html(reply: HookReply) -> bool:
    start = reply.body[:200].lstrip().lower()
    return "html" in reply.media_type or start.startswith((b"<!doctype html", b"<html"))


def _json_output(value: Any, call_id: str) -> str:
    match value:
        case list():
            raise UnusableReplyError("the tool answered with a bare list; it must be an object or a text")
        case {"type": "conversation.item.create"}:
            return _item_output(value.get("item"), call_id)
        case {"type": str(kind)} if kind in CLIENT_EVENTS:
            raise UnusableReplyError(f"the tool answered with a {kind} event, which it must not send")
        case {"results": [{"toolCallId": _}, *_] as results}:
            return _vapi_output(results, call_id)
        case {"result": inner} | {"output": inner} if _is_wrapper(value):
            return _text(inner) if _is_ours(value, call_id) else _refuse_foreign()
        case _:
            return _text(value)


def _item_output(item: Any, call_id: str) -> str:
    match item:
        case {"type": "function_call_output", "call_id": given, "output": output}:
            return _text(output) if given == call_id else _refuse_foreign()
        case _:
            raise UnusableReplyError("the tool's item is not a function_call_output with call_id and output")


def _vapi_output(results: list[Any], call_id: str) -> str:
    for result in results:
        match result:
            case {"toolCallId": given, "result": inner} if given == call_id:
                return _text(inner)
            case {"toolCallId": given, "error": inner} if given == call_id:
                return _text({"error": inner})
    return _refuse_foreign()


def _is_wrapper(value: JsonObject) -> bool:
    if {"result", "output"}.issubset(value) or not WRAPPER_KEYS.issuperset(value):
        return False
    return value.get("type", WRAPPER_TYPES[0]) in WRAPPER_TYPES


def _is_ours(value: JsonObject, call_id: str) -> bool:
    return all(value[key] == call_id for key in CALL_ID_KEYS if key in value)


def _refuse_foreign() -> NoReturn:
    raise UnusableReplyError("the tool answered for another call")


def _verbs(reply: HookReply) -> list[JsonObject]:
    if not reply.ok:
        raise UnusableReplyError(f"HTTP status {reply.status}")
    if reply.unreadable:
        raise UnusableReplyError(f"the reply is {reply.unreadable}")
    if reply.status == NO_CONTENT or not reply.body.strip():
        return []
    if not reply.is_json:  # jambonz takes no other type for verbs either: http-requestor.js
        raise UnusableReplyError(
            f"the reply's content type is {reply.media_type or 'missing'}; verbs come as application/json"
        )
    verbs = _parse(reply.body, "the reply")
    if not isinstance(verbs, list):
        raise UnusableReplyError(f"the reply is a JSON {_kind(verbs)}; verbs come as an array of objects")
    for place, verb in enumerate(verbs):
        if not isinstance(verb, dict):
            raise UnusableReplyError(f"verbs[{place}]: a JSON {_kind(verb)} stands where a verb's object must be")
    return verbs


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _parse(body: bytes, what: str) -> Any:
    try:
        value = read_json(body)
    except ValueError:
        raise UnusableReplyError(f"{what} is not valid JSON") from None
    if is_deeper_than(value, MAX_DEPTH):
        raise UnusableReplyError(f"{what} is nested more than {MAX_DEPTH} deep")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
