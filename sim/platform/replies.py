"""What the platform makes of an HTTP answer to its webhooks.

Measured on jambonz-feature-server 0.9.8 (lib/utils/http-requestor.js, lib/middleware.js, lib/tasks/task.js): only
200, 202 and 204 count; only a content type of JSON is read at all; and an error hangs up where "nothing" goes on.
"""

import json
from dataclasses import dataclass
from typing import Any

from sim.platform.bodies import JsonObject
from sim.platform.verbs import DocumentRefusedError, checked

GOOD = frozenset({200, 202, 204})
NOT_AN_ARRAY = "malformed jambonz payload: must be array"
EMPTY = "no application provided"


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing came back: refused, reset, or no headers in time."""

    why: str


@dataclass(frozen=True, slots=True)
class Verbs:
    """A document to obey."""

    verbs: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No document: a new call is rejected for it, a running one goes on with what it has."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An error: a new call is rejected, a running one hung up (but for some verbs' actionHooks)."""

    why: str
    status: int | None = None
    "Of HTTP, where it came with one."


Outcome = Verbs | Nothing | Failed


def read(reply: HttpReply | NoReply) -> Outcome:
    """Read a webhook's answer as a document."""
    value = content(reply)
    return value if isinstance(value, Failed) else meant(value)


def content(reply: HttpReply | NoReply) -> Any:
    """Return the JSON value of an answer; an empty string where the type is not JSON, or Failed."""
    if isinstance(reply, NoReply):
        return Failed(reply.why)
    if reply.status not in GOOD:
        return Failed(f"Unexpected HTTP Response ({reply.status})", reply.status)
    if "application/json" not in reply.content_type:
        return ""
    try:
        return json.loads(reply.body)
    except ValueError as error:
        return Failed(f"SyntaxError: {error}")


def meant(value: Any) -> Outcome:
    """Tell what a JSON value means where verbs may stand, in a webhook's answer or an acknowledgement."""
    if not isinstance(value, list):
        return Nothing(NOT_AN_ARRAY)
    if not value:
        return Nothing(EMPTY)
    try:
        return Verbs(document(value))
    except DocumentRefusedError as error:
        return Failed(str(error))


def document(value: list[Any]) -> tuple[JsonObject, ...]:
    """Check each verb; DocumentRefusedError if the platform would not take one."""
    return tuple(checked(item) for item in value)
