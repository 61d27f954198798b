"""The two ways to make the bodies of hooks, by the words of the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hooks import jambonz_messages, messages
from verbs.base import JsonObject


class Envelope(Protocol):
    """What makes the bodies of a call's eventHook, toolHook and actionHook."""

    def event_body(self, event: JsonObject, *, name: str, call_sid: str) -> JsonObject: ...

    def tool_body(
        self, call_id: str, name: str, arguments: JsonObject, *, call_sid: str, caller: str, called: str
    ) -> JsonObject: ...

    def action_body(
        self,
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
    ) -> JsonObject: ...


FULL: Envelope = messages
ENVELOPES: Mapping[str, Envelope] = {"full": FULL, "jambonz": jambonz_messages}
