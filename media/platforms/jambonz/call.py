"""jambonz' webhooks: who signed them, what they tell, how to answer.

Sources: jambonz-feature-server lib/middleware.js, lib/session/call-info.js, lib/utils/http-requestor.js.
"""

import hmac
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from media.platforms.base import Call, CallStatus, JsonObject, PlatformError, Reply, read_json

__all__ = ["JambonzCalls"]

SIGNATURE_AGE_S: Final = 300
"jambonz' own libraries take a signature for five minutes; retries repeat it with its time, byte for byte."
SIGNED_AT: Final = re.compile(r"[0-9]{1,12}")

MAX_BODY_BYTES: Final = 256 * 1024
MAX_NAME_CHARS: Final = 512

FINAL_STATUSES: Final = frozenset({"completed", "failed", "busy", "no-answer"})

SIP_COPIES: Final = frozenset({"raw", "body", "payload"})
"The INVITE and its SDP, whole: up to 64 KB that nothing of ours reads."
FIRST_ONLY: Final = frozenset({"sip", "defaults", "env_vars"})
"What the first webhook alone carries. env_vars may hold keys."
LATER_NAMES: Final = {"local_sip_address": "fs_sip_address", "public_ip": "fs_public_ip"}
"The first body shows the object's own fields; all later ones are made by CallInfo.toJSON, which names two otherwise."

CallSid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@+-]{1,128}$")]
Name = Annotated[str, StringConstraints(max_length=MAX_NAME_CHARS)]


class _Told(BaseModel):
    """Every field but the sid may be missing: it depends on the direction, the method and the version."""

    model_config = ConfigDict(coerce_numbers_to_str=True, hide_input_in_errors=True)

    call_sid: CallSid
    caller: Name | None = Field(None, alias="from")
    called: Name | None = Field(None, alias="to")
    direction: Name | None = None
    caller_name: Name | None = None
    call_status: Name | None = None
    call_termination_by: Name | None = None


class JambonzCalls:
    """The webhooks of one application. Holds nothing."""

    def verify(self, body: bytes, header: str | None, secrets: Sequence[str], *, now_s: float) -> bool:
        """Tell whether one of the secrets signed these very bytes within five minutes of `now_s` (Unix time).

        `Jambonz-Signature: t=<unix s>,v1=<hex hmac-sha256 of "<t>." + body>`; while a secret is being replaced there
        are several v1. No input raises. An empty secret signs nothing.
        """
        parts = [part.strip().partition("=") for part in (header or "").split(",")]
        signed_at = next((value for key, _, value in parts if key == "t"), "")
        if not SIGNED_AT.fullmatch(signed_at) or abs(now_s - int(signed_at)) > SIGNATURE_AGE_S:
            return False
        offered = [value.encode(errors="replace") for key, _, value in parts if key == "v1"]
        message = signed_at.encode() + b"." + body
        wanted = [hmac.new(secret.encode(), message, "sha256").hexdigest().encode() for secret in secrets if secret]
        return any(hmac.compare_digest(ours, theirs) for ours in wanted for theirs in offered)

    def parse(self, body: bytes) -> Call:
        """Read a call webhook. Raises PlatformError."""
        attributes, told = _read(body, "call webhook")
        return Call(
            call_sid=told.call_sid,
            caller=told.caller or "",
            called=told.called or "",
            direction=told.direction or "inbound",
            caller_name=told.caller_name or "",
            attributes=_without_sip_copies(attributes),
        )

    def status(self, body: bytes) -> CallStatus:
        """Read a status webhook. Raises PlatformError."""
        attributes, told = _read(body, "status webhook")
        return CallStatus(
            call_sid=told.call_sid,
            status=told.call_status or "",
            ended=told.call_status in FINAL_STATUSES,
            terminated_by=told.call_termination_by,
            attributes=attributes,
        )

    def hook_attributes(self, attributes: JsonObject) -> JsonObject:
        """Return the attributes of a first webhook as jambonz' later hooks would carry them, with caller_name."""
        return {LATER_NAMES.get(key, key): value for key, value in attributes.items() if key not in FIRST_ONLY}

    def reply(self, document: Sequence[JsonObject] | JsonObject) -> Reply:
        """Answer 200 with JSON. Of the other statuses jambonz takes 202 and 204 only; any else ends the call."""
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(document, allow_nan=False).encode())

    def nothing(self) -> Reply:
        """Answer 204 without a content type: with a JSON one jambonz would parse the empty body, and hang up."""
        return Reply(204, {}, b"")


def _read(body: bytes, what: str) -> tuple[JsonObject, _Told]:
    if len(body) > MAX_BODY_BYTES:
        raise PlatformError(f"{what}: body longer than {MAX_BODY_BYTES} bytes")
    try:
        attributes: Any = read_json(body)
        return attributes, _Told.model_validate(attributes)
    except PlatformError as error:
        raise PlatformError(f"{what}: {error}") from None
    except ValidationError as error:
        raise PlatformError(f"{what}: {_fault(error)}") from None


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        return "not a JSON object"
    return f"field {first['loc'][0]!r} is missing or not usable"


def _without_sip_copies(attributes: JsonObject) -> JsonObject:
    match attributes:
        case {"sip": dict(sip)}:
            return attributes | {"sip": {key: value for key, value in sip.items() if key not in SIP_COPIES}}
        case _:
            return attributes
