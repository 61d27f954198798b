"""jambonz' own `llm` verb: how it asks for a tool, what answer each vendor's part of it takes, and how it ends.

Source: jambonz-feature-server lib/tasks/llm. A tool's answer in any other shape is dropped there with a log line, and
the model waits for ever; one that is no JSON, or no 200, ends the conversation.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from media.effects import End
from media.ends import HUNG_UP, PLATFORM_ENDED
from media.native import JsonObject, ToolAsked, ToolOutput
from media.platforms.jambonz.call import ITSELF, JambonzCalls

__all__ = ["JambonzLlm"]

MAX_CALLS: Final = 16
"Of tools in one request; google's brings several."
MAX_REASON_CHARS: Final = 200


class _Why(NamedTuple):
    reason_code: str
    ended_by: str


CALLS: Final = JambonzCalls()
NORMAL: Final = HUNG_UP.completion_reason
LEFT: Final = End(NORMAL, "platform_ended", "platform")
WHY: Final[Mapping[str, _Why]] = {
    "connection failure": _Why("connect_failed", "model"),
    "disconnect from remote end": _Why("model_disconnected", "model"),
    "server failure": _Why("response_failed", "model"),
    "server error": _Why("model_error", "model"),
    "client error calling function": _Why("tool_failed", "server"),
    "client error calling mcp function": _Why("mcp_tool_failed", "server"),
}
"What each `completion_reason` of a fault says; for all vendors the same."


def _item(asked: ToolAsked, output: ToolOutput) -> JsonObject:
    item = {"type": "function_call_output", "call_id": asked.call_id, "output": output.text}
    return {"type": "conversation.item.create", "item": item}


def _ultravox(asked: ToolAsked, output: ToolOutput) -> JsonObject:
    return {"type": "client_tool_result", "invocation_id": asked.call_id, "result": output.text}


def _elevenlabs(asked: ToolAsked, output: ToolOutput) -> JsonObject:
    result = {"type": "client_tool_result", "tool_call_id": asked.call_id, "result": output.text}
    return {"data": {**result, "is_error": output.failed}}


def _deepgram(asked: ToolAsked, output: ToolOutput) -> JsonObject:
    answer = {"type": "FunctionCallResponse", "id": asked.call_id, "name": asked.name, "content": output.text}
    return {"data": answer}


ENVELOPES: Final[Mapping[str, Callable[[ToolAsked, ToolOutput], JsonObject]]] = {
    "ultravox": _ultravox,
    "elevenlabs": _elevenlabs,
    "deepgram": _deepgram,
    "voiceagent": _deepgram,
}
"Of the vendors that do not take OpenAI's."
GOOGLE: Final = "google"
"Alone asks for several tools at once, and takes one answer for all of them."


class JambonzLlm:
    """What the verb tells its hooks, and what they answer. Holds nothing."""

    def tool_calls(self, body: JsonObject) -> list[ToolAsked]:
        """Read a toolHook's body: `{"tool_call_id", "name", "args"}`, or google's list of calls. No input raises."""
        many = body.get("function_calls", body.get("functionCalls"))
        if isinstance(many, list):
            return [_asked(call, "id") for call in many[:MAX_CALLS] if isinstance(call, dict)]
        return [_asked(body, "tool_call_id")]

    def tool_reply(self, vendor: str, answers: Sequence[tuple[ToolAsked, ToolOutput]]) -> JsonObject:
        """Put the outputs into the one shape that this vendor's part of the platform understands."""
        if vendor == GOOGLE or len(answers) != 1:
            responses = [
                {"id": asked.call_id, "name": asked.name, "response": {"error" if failed else "output": text}}
                for asked, (text, failed) in answers
            ]
            return {"toolResponse": {"functionResponses": responses}}
        return ENVELOPES.get(vendor, _item)(*answers[0])

    def ended(self, attributes: JsonObject) -> End:
        """Read how the verb ended. No input raises."""
        told, error = attributes.get("completion_reason"), attributes.get("error")
        reason = told if isinstance(told, str) and told else NORMAL
        fault: JsonObject | None = error if isinstance(error, dict) and error else None
        if reason == NORMAL:
            return _end_of_call(attributes)
        name = next((known for known in WHY if reason.startswith(known)), None)
        code, ended_by = WHY[name] if name else _Why("unknown", "platform")
        if ended_by == "model" and isinstance(named := (fault or {}).get("code"), str) and named.strip():
            code = named[:MAX_REASON_CHARS]
        return End(reason, code, ended_by, fault or {"message": reason[:MAX_REASON_CHARS]})


def _end_of_call(attributes: JsonObject) -> End:
    """Read who ended the call; of one that goes on, the platform has left the verb for another document."""
    if not CALLS.is_over(attributes):
        return LEFT
    return PLATFORM_ENDED if attributes.get("call_termination_by") == ITSELF else HUNG_UP


def _asked(call: JsonObject, key: str) -> ToolAsked:
    name, call_id, arguments = call.get("name"), call.get(key), call.get("args")
    return ToolAsked(_text(call_id), _text(name), json.dumps({} if arguments is None else arguments))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
