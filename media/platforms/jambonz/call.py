"""jambonz' webhooks: who signed them, and what they tell.

Sources: jambonz-feature-server lib/middleware.js, lib/session/call-info.js, lib/utils/http-requestor.js.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from media.platforms.base import Call, CallStatus, JsonObject, PlatformError, Signature, Stage, read_mended_json
from verbs.handoff import Outcome

__all__ = ["JambonzCalls"]

SIGNATURE_AGE_S: Final = 300
"jambonz' own libraries take a signature for five minutes; retries repeat it with its time, byte for byte."
SIGNED_AT: Final = re.compile(r"[0-9]{1,12}")

MAX_BODY_BYTES: Final = 256 * 1024
MAX_NAME_CHARS: Final = 512

STAGES: Final = {
    **dict.fromkeys(("queued", "trying", "ringing", "early-media"), Stage.RINGING),
    "in-progress": Stage.ANSWERED,
    **dict.fromkeys(("completed", "failed", "busy", "no-answer"), Stage.OVER),
}
ITSELF: Final = "jambonz"
"What call_termination_by says where the platform ended the call; else it says `caller`."

DIALLED: Final[dict[str, Outcome]] = {"completed": "completed", "no-answer": "no-answer", "busy": "busy"}
REFUSED: Final[dict[str, Outcome]] = {
    **dict.fromkeys(("408", "480", "487"), "no-answer"),
    **dict.fromkeys(("486", "600"), "busy"),
    **dict.fromkeys(("603", "607"), "declined"),
}
"What SIP calls it: RFC 3261 §21, RFC 8197 (607)."

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
    parent_call_sid: Name | None = None
    call_status: Name | None = None
    sip_status: Name | None = None
    call_termination_by: Name | None = None


class JambonzCalls:
    """The webhooks of one application. Holds nothing."""

    signature_header: ClassVar[str] = "Jambonz-Signature"

    def verify(self, body: bytes, header: str | None, secrets: Sequence[str], *, now_s: float) -> Signature:
        """Tell whether one of the secrets signed these very bytes within five minutes of `now_s` (Unix time).

        `Jambonz-Signature: t=<unix s>,v1=<hex hmac-sha256 of "<t>." + body>`; while a secret is being replaced there
        are several v1. No input raises. An empty secret signs nothing.
        """
        if header is None:
            return Signature("absent")
        parts = [part.strip().partition("=") for part in header.split(",")]
        signed_at = next((value for key, _, value in parts if key == "t"), "")
        offered = [value.encode(errors="replace") for key, _, value in parts if key == "v1"]
        if not (SIGNED_AT.fullmatch(signed_at) and _signed(signed_at.encode() + b"." + body, offered, secrets)):
            return Signature("wrong")
        skew_s = now_s - int(signed_at)
        return Signature("stale", round(skew_s)) if abs(skew_s) > SIGNATURE_AGE_S else Signature("valid")

    def parse(self, body: bytes) -> Call:
        """Read a call webhook. Raises PlatformError."""
        return self.announced(_object(body, "call webhook"))

    def announced(self, attributes: JsonObject) -> Call:
        """Read what announces a call: a webhook's body, `data` of session:new. Raises PlatformError."""
        told = _told(attributes, "call webhook")
        return Call(
            call_sid=told.call_sid,
            caller=told.caller or "",
            called=told.called or "",
            direction=told.direction or "inbound",
            caller_name=told.caller_name or "",
            attributes=_without_sip_copies(attributes),
            parent_sid=told.parent_call_sid or _sid_in(attributes.get("parent_call_info")),
            body=attributes,
        )

    def status(self, body: bytes) -> CallStatus:
        """Read a status webhook. Raises PlatformError."""
        return self.reported(_object(body, "status webhook"))

    def reported(self, attributes: JsonObject) -> CallStatus:
        """Read a status: a webhook's body, `data` of call:status. Raises PlatformError."""
        told = _told(attributes, "status webhook")
        status = told.call_status or ""
        return CallStatus(
            call_sid=told.call_sid,
            parent_sid=told.parent_call_sid,
            status=status,
            sip_status=told.sip_status or "",
            stage=STAGES.get(status),
            by_platform=told.call_termination_by == ITSELF,
            attributes=attributes,
        )

    def is_over(self, attributes: JsonObject) -> bool:
        """Tell whether the attributes that came with a hook say that the call is over."""
        status = attributes.get("call_status")
        return isinstance(status, str) and STAGES.get(status) is Stage.OVER

    def transferred(self, attributes: JsonObject) -> Outcome:
        """Read what a `dial` or a `sip:refer` tells as it ends (lib/tasks/dial.js, lib/tasks/sip_refer.js).

        Of a REFER the last word counts, which comes as text. A `failed` dial tells more by its SIP status.
        """
        status = attributes.get("dial_call_status")
        if isinstance(status, str) and status in DIALLED:
            return DIALLED[status]
        codes = (attributes.get(key) for key in ("dial_sip_status", "final_referred_call_status", "refer_status"))
        code = next((str(code) for code in codes if code is not None), "")
        if status is None and code.startswith("2"):
            return "completed"
        return REFUSED.get(code, "error")

    def hook_attributes(self, attributes: JsonObject) -> JsonObject:
        """Return the attributes of a first webhook as jambonz' later hooks would carry them, with caller_name."""
        return {LATER_NAMES.get(key, key): value for key, value in attributes.items() if key not in FIRST_ONLY}


def _sid_in(parent: object) -> str | None:
    """Give the sid of the parent whose CallInfo stands in a session:adulting (lib/utils/place-outdial.js)."""
    sid = parent.get("call_sid") if isinstance(parent, dict) else None
    return sid if isinstance(sid, str) else None


def _signed(message: bytes, offered: Sequence[bytes], secrets: Sequence[str]) -> bool:
    wanted = [hmac.new(secret.encode(), message, "sha256").hexdigest().encode() for secret in secrets if secret]
    return any(hmac.compare_digest(ours, theirs) for ours in wanted for theirs in offered)


def _object(body: bytes, what: str) -> JsonObject:
    if len(body) > MAX_BODY_BYTES:
        raise PlatformError(f"{what}: body longer than {MAX_BODY_BYTES} bytes")
    try:
        attributes: Any = read_mended_json(body)
    except PlatformError as error:
        raise PlatformError(f"{what}: {error}") from None
    return attributes  # type: ignore[no-any-return]  # what is no object, _told refuses


def _told(attributes: JsonObject, what: str) -> _Told:
    try:
        return _Told.model_validate(attributes)
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
