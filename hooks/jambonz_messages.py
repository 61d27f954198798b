"""The bodies of `envelope: jambonz`: what jambonz' own `llm` verb sends to its hooks, and nothing more.

An application that was written for it, and takes no key that it does not know, is served by these. None of them but
the end says whose call it is; `X-Call-Sid` does. Sources: jambonz-feature-server 0.9.8, lib/tasks/llm/index.js
(`sendEventHook`, `sendToolHook`), lib/tasks/llm/llms/openai_s2s.js, lib/tasks/task.js (`performAction`),
lib/session/call-info.js (`toJSON`), lib/utils/http-requestor.js and lib/utils/snakecase-keys.js.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from verbs.base import JsonObject

VERBATIM = frozenset({"customerData", "sip", "env_vars", "args"})
"Keys that are left as they are, with all that is under them."

ATTRIBUTES = (
    "call_sid",
    "direction",
    "from",
    "to",
    "call_id",
    "sbc_callid",
    "sip_status",
    "sip_reason",
    "call_status",
    "caller_id",
    "account_sid",
    "trace_id",
    "application_sid",
    "fs_sip_address",
    "parent_call_sid",
    "originating_sip_ip",
    "originating_sip_trunk_name",
    "call_termination_by",
    "duration",
    "customerData",
    "headers",
    "api_base_url",
    "fs_public_ip",
)
"What an actionHook tells of its call, in this order."

WITH_ERROR = frozenset(
    {"server failure", "server error", "client error calling function", "client error calling mcp function"}
)
"The reasons for which jambonz tells an error."

JS_SPACE = re.compile("[\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]")
SEPARATOR = re.compile(r"[_\-.:]")
CAMEL = re.compile(r"[a-z][A-Z]|[A-Z][a-z]")
SPLIT = re.compile(r"[\W_]+(\w|\Z)", re.ASCII)
HUMP = re.compile(r"(.)([A-Z]+)")
MAX_JS_DIGITS = 1e21
"From here on JavaScript writes whole numbers with an exponent."
MAX_DEPTH = 64
"What is nested deeper stays as it came: no vendor writes it, and the stack has an end."


def event_body(event: JsonObject, *, name: str, call_sid: str) -> JsonObject:  # noqa: ARG001  # the vendor's event, and only it
    """Build an eventHook's body: the vendor's event, its keys in snake case, under the name asked for."""
    return _renamed({**event, "type": name}, snake_key)


def tool_body(call_id: str, name: str, arguments: JsonObject, *, call_sid: str, caller: str, called: str) -> JsonObject:  # noqa: ARG001  # jambonz says of no call whose it is
    """Build a toolHook's body."""
    return _renamed({"tool_call_id": call_id, "name": name, "args": arguments}, snake_key)


def action_body(
    attributes: Mapping[str, Any],
    *,
    completion_reason: str,
    reason_code: str,  # noqa: ARG001  # this and what follows is ours to tell, not jambonz'
    ended_by: str,  # noqa: ARG001
    duration_s: float,  # noqa: ARG001
    transcript: Sequence[JsonObject],  # noqa: ARG001
    usage: JsonObject,  # noqa: ARG001
    cost: JsonObject | None = None,  # noqa: ARG001
    error: JsonObject | None = None,
    verb_id: str | None = None,
) -> JsonObject:
    """Build an actionHook's body: the call as jambonz tells it, the reason in its words, and the verb's own id."""
    body = {key: attributes[key] for key in ATTRIBUTES if key in attributes}
    body["completion_reason"] = completion_reason
    if error is not None and completion_reason in WITH_ERROR:
        body["error"] = error
    if verb_id:
        body["verb_id"] = verb_id
    return _renamed(body, snake_key)


def _renamed(body: JsonObject, rename: Callable[[str], str], depth: int = MAX_DEPTH) -> JsonObject:
    """Give an object as it leaves jambonz: its keys renamed at any depth, 1.0 written as 1."""
    return {
        (key if key in VERBATIM else rename(key)): _inner(value, str if key in VERBATIM else rename, depth)
        for key, value in body.items()
    }


def _inner(value: Any, rename: Callable[[str], str], depth: int) -> Any:
    match value:
        case dict() if depth:
            return _renamed(value, rename, depth - 1)
        case list() | tuple() if depth:
            return [_inner(item, rename, depth - 1) for item in value]
        case float() if value.is_integer() and abs(value) < MAX_JS_DIGITS:
            return int(value)  # JavaScript has one kind of numbers
        case _:
            return value


@lru_cache(maxsize=2_000)
def snake_key(key: str) -> str:
    """Rename a key as to-snake-case 1.0.0 (npm) does: `cityName` → `city_name`, `X-Reason` → `x_reason`."""
    return SPLIT.sub(_spaced, _no_case(key)).strip(" ").replace(" ", "_")


def _no_case(key: str) -> str:
    if JS_SPACE.search(key):
        return key.lower()
    if SEPARATOR.search(key):
        return (SPLIT.sub(_spaced, key) or key).lower()
    if CAMEL.search(key):
        return HUMP.sub(lambda found: f"{found[1]} {' '.join(found[2].lower())}", key).lower()
    return key.lower()


def _spaced(found: re.Match[str]) -> str:
    return f" {found[1]}" if found[1] else ""
