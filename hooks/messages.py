"""The bodies that an application's hooks receive. Each is a JSON object; see `tests/hooks/test_messages.py`.

These are of `envelope: full`; `hooks/jambonz_messages.py` makes those of `envelope: jambonz`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from verbs.base import JsonObject

Event = dict[str, Any]
"An eventHook's body: the vendor's event, under the name asked for, with `call_sid`."


class ToolCall(TypedDict):
    """A toolHook's body; `from` and `to` are in the call."""

    tool_call_id: str
    name: str
    args: JsonObject
    call_sid: str


class End(TypedDict, total=False):
    """An actionHook's body at a conversation's end, beside the attributes of the call."""

    call_sid: str
    completion_reason: str
    reason_code: str
    ended_by: str
    error: JsonObject
    usage: JsonObject
    cost: JsonObject | None
    "None where something was used that has no price."
    duration_s: float
    transcript: list[JsonObject]


def event_body(event: JsonObject, *, name: str, call_sid: str) -> JsonObject:
    """Build an eventHook's body: the vendor's event as it came, under the name asked for, and whose call it is."""
    return {**event, "type": name, "call_sid": call_sid}


def dropped_body(count: int, *, call_sid: str) -> JsonObject:
    """Build what stands in an eventHook's order where deltas were dropped because it was too slow."""
    return {"type": "events.dropped", "count": count, "call_sid": call_sid}


def tool_body(call_id: str, name: str, arguments: JsonObject, *, call_sid: str, caller: str, called: str) -> JsonObject:
    """Build a toolHook's body. jambonz sends `tool_call_id` and documents `call_id`; both are here.

    Whose call it is stands beside `args`, and comes from the call: the model can say what it likes in there.
    """
    return {
        "tool_call_id": call_id,
        "call_id": call_id,
        "name": name,
        "args": arguments,
        "call_sid": call_sid,
        "from": caller,
        "to": called,
    }


def action_body(
    attributes: Mapping[str, Any],
    *,
    completion_reason: str,
    reason_code: str,
    ended_by: str,
    duration_s: float,
    transcript: Sequence[JsonObject],
    usage: JsonObject,
    cost: JsonObject | None = None,
    error: JsonObject | None = None,
    verb_id: str | None = None,
) -> JsonObject:
    """Build an actionHook's body: the call's attributes as its platform sends them, and how the conversation ended.

    `verb_id`: the `id` of the `llm` verb, where it has one.
    """
    body = {**attributes, "completion_reason": completion_reason, "reason_code": reason_code, "ended_by": ended_by}
    if error is not None:
        body["error"] = error
    if verb_id:
        body["verb_id"] = verb_id
    body["usage"] = usage
    body["cost"] = cost
    return body | {"duration_s": duration_s, "transcript": list(transcript)}
