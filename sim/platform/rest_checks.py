"""What the REST API refuses, in its words (jambonz-api-server lib/routes/api/accounts.js, 0.9.6). Pure."""

import json
from typing import Any

from sim.platform.bodies import JsonObject
from sim.platform.requestor import hook_url, is_http, is_socket

SPEECH = (
    "speech_synthesis_vendor",
    "speech_synthesis_language",
    "speech_synthesis_voice",
    "speech_recognizer_vendor",
    "speech_recognizer_language",
)
UPDATES = (
    *("call_hook", "child_call_hook", "call_status", "listen_status", "transcribe_status", "conf_hold_status"),
    *("conf_mute_status", "mute_status", "sip_request", "record", "tag", "dtmf", "conferenceParticipantAction"),
    *("dub", "boostAudioSignal", "media_path"),
)
ALLOWED = {
    "call_status": ("completed", "no-answer"),
    "listen_status": ("pause", "silence", "resume"),
    "mute_status": ("mute", "unmute"),
    "conf_hold_status": ("hold", "unhold"),
    "conf_mute_status": ("mute", "unmute"),
    "media_path": ("no-media", "partial-media", "full-media"),
}
ADDRESSED_BY = {"phone": "number", "teams": "number", "user": "name", "sip": "sipUri"}


class BadRequestError(ValueError):
    """400, with this text as `msg`."""


def check_create(body: JsonObject, application_sid: str) -> None:
    """Check the body of `POST …/Calls`; the platform has one application, of this sid."""
    if not body.get("from"):
        raise BadRequestError("missing from parameter")
    to = body.get("to")
    address = ADDRESSED_BY.get(to.get("type", ""), "") if isinstance(to, dict) else ""
    if not isinstance(to, dict) or not isinstance(to.get(address), str):
        raise BadRequestError(f"missing or invalid to property: {json.dumps(to, separators=(',', ':'))}")
    if body.get("application_sid"):
        if body["application_sid"] != application_sid:
            raise BadRequestError(f"application_sid not found {body['application_sid']}")
        return
    if not all(body.get(name) for name in SPEECH):
        needed = ", ".join(SPEECH)
        raise BadRequestError(f"either application_sid or set of {needed} required")
    _check_hooks(body)


def _check_hooks(body: JsonObject) -> None:
    if not body.get("call_hook"):
        raise BadRequestError("either call_hook or application_sid required")
    for name in ("call_hook", "call_status_hook"):
        hook = body.get(name)
        if not hook:
            continue
        url = hook_url(hook)
        if not url:
            raise BadRequestError(f"{name} must be string or an object containing a url property")
        if not (is_http(url) or is_socket(url)):
            raise BadRequestError(f"{name} url be an absolute url")


def address(to: JsonObject) -> str:
    """Return what the call's `to` is."""
    return str(to[ADDRESSED_BY[to["type"]]])


def check_update(body: JsonObject) -> None:
    """Check the body of `PUT …/Calls/{sid}`: one thing at a time, a whisper with it or alone."""
    given = [name for name in UPDATES if body.get(name)]
    if not given and not body.get("whisper"):
        raise BadRequestError("no valid options supplied to updateCall")
    if len(given) > 1 and set(given) != {"call_hook", "child_call_hook"}:
        raise BadRequestError("multiple options are not allowed in updateCall")
    for name, allowed in ALLOWED.items():
        if body.get(name) and body[name] not in allowed:
            raise BadRequestError(f"invalid {name}")
    _check_parts(body)
    if body.get("call_status_hook") and not body.get("call_hook"):
        raise BadRequestError("call_status_hook can be updated only when call_hook is also being updated")


def _check_parts(body: JsonObject) -> None:
    request, record = _part(body, "sip_request"), _part(body, "record")
    if body.get("sip_request") and not all(request.get(name) for name in ("method", "content_type", "content")):
        raise BadRequestError("sip_request requires method, content_type and content properties")
    if body.get("record") and not record.get("action"):
        raise BadRequestError("record requires action property")
    if body.get("dtmf") and not _part(body, "dtmf").get("digit"):
        raise BadRequestError("invalid dtmf")
    if record.get("action") and not record.get("siprecServerURL") and record.get("type") != "cloud":
        raise BadRequestError("record requires siprecServerURL property when starting recording")
    if body.get("tag") and not isinstance(body["tag"], dict):
        raise BadRequestError("invalid tag data")


def _part(body: JsonObject, name: str) -> Any:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def incompatible(body: JsonObject, call_sid: str, *, over: bool, answered: bool, ringing: bool) -> str | None:
    """Say why the feature server would refuse an update with 422; None: it would not."""
    if over:
        return f"call session is gone for call_sid {call_sid}"
    wrong = {"completed": not answered, "no-answer": not ringing}
    if wrong.get(body.get("call_status", "")):
        return f"current call state is incompatible with requested action for call_sid {call_sid}"
    return None
