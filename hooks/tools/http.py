"""`{url: …}`: a toolHook of the tool's own, asked and answering as the verb's toolHook does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.delivery import Result, is_delivered
from hooks.redaction import PLAIN
from hooks.replies import error_output, tool_output
from hooks.tools.base import CONFIRM, only, wants_confirmation
from verbs import connecting
from verbs.base import JsonObject
from verbs.tools import ToolError

log = structlog.get_logger(__name__)

KEY = "url"
KEYS = (KEY, CONFIRM, "headers", "description", "parameters")


@dataclass(frozen=True, slots=True)
class HttpTool:
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    declaration: JsonObject | None = None
    confirm: bool = False

    @property
    def target(self) -> str:
        return self.url

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        try:
            # The arguments go as the model gave them: a tool's own secret is the tool's business.
            body = PLAIN.encode(_body(asked))
        except (ValueError, TypeError, RecursionError):  # json.loads takes NaN, and depths that dumps does not
            courier.soon(answer, error_output("the arguments cannot be written as JSON"))
        else:
            courier.post("tool", self.url, body, headers=self.headers, heard=partial(_heard, asked, answer))


def read(name: str, entry: JsonObject, *, folder: Path, base_url: str | None) -> HttpTool:  # noqa: ARG001  # see base.Read
    only(entry, KEYS)
    url, headers = _url(entry[KEY], base_url), _headers(entry.get("headers"))
    return HttpTool(url, headers, _declaration(name, entry), wants_confirmation(entry))


def _url(url: object, base_url: str | None) -> str:
    if not isinstance(url, str) or not url:
        raise ToolError("must be a URL, or a path below hooks.base_url", KEY)
    whole = f"{base_url.rstrip('/')}/{url.lstrip('/')}" if base_url and not urlsplit(url).scheme else url
    if urlsplit(whole).scheme not in {"http", "https"}:
        raise ToolError("must be an http:// or https:// URL; a path needs hooks.base_url", KEY)
    return whole


def _headers(headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    kind = connecting.FIELDS["headers"]
    if not (isinstance(headers, dict) and kind.fits(headers)):
        raise ToolError(f"must be {kind.wants}", "headers")
    return headers


def _declaration(name: str, entry: JsonObject) -> JsonObject | None:
    """Declare it where it says what it takes; else the verb does."""
    if entry.get("parameters") is None and entry.get("description") is None:
        return None
    told = {key: entry[key] for key in ("description", "parameters") if entry.get(key) is not None}
    return {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}, **told}


def _body(asked: Asked) -> JsonObject:
    call = asked.call
    return asked.envelope.tool_body(
        asked.call_id, asked.name, asked.arguments, call_sid=call.call_sid, caller=call.caller, called=call.called
    )


def _heard(asked: Asked, answer: Answer, result: Result, next_at: float | None) -> None:
    if next_at is not None:
        return
    output, complaint = tool_output(result, asked.call_id)
    if complaint and is_delivered(result):  # else the delivery itself has failed, and is told of
        log.warning("tool.bad_response", tool=asked.name, call_sid=asked.call.call_sid, complaint=complaint)
    answer(output)
