"""jambonz' REST API, as far as calls are placed and told things by it.

Sources: jambonz-api-server lib/routes/api/accounts.js; jambonz-feature-server lib/http-routes/api (create-call.js,
update-call.js).
"""

import json
import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from media.platforms.jambonz.call import DIALLED, REFUSED
from media.remote import Access, Application, JsonObject, Order, RemoteRefused, RemoteReply, RemoteRequest, Why
from verbs.handoff import Outcome

__all__ = ["JambonzRest"]

SPEECH: Final[JsonObject] = {
    "speech_synthesis_vendor": "google",
    "speech_synthesis_language": "en-US",
    "speech_synthesis_voice": "en-US-Standard-C",
    "speech_recognizer_vendor": "google",
    "speech_recognizer_language": "en-US",
}
"Demanded of a call without an application; only verbs that speak or listen without naming a vendor go by it."
PARTS: Final = {"phone": "number", "teams": "number", "user": "name", "sip": "sipUri"}
PHONE: Final = re.compile(r"\+?[0-9*#]{1,32}")
MAX_ADDRESS_CHARS: Final = 256
MAX_MESSAGE_CHARS: Final = 300
COMMANDS: Final = {
    "boostAudioSignal": "boostAudioSignal",
    "conf:hold-status": "conf_hold_status",
    "conf:mute-status": "conf_mute_status",
    "conf:participant-action": "conferenceParticipantAction",
    "dtmf": "dtmf",
    "dub": "dub",
    "listen:status": "listen_status",
    "media:path": "media_path",
    "mute:status": "mute_status",
    "record": "record",
    "sip:request": "sip_request",
    "stream:status": "stream_status",
    "tag": "tag",
    "transcribe:status": "transcribe_status",
    "whisper": "whisper",
}
"The commands of the websocket API that are options of updateCall, too, and what these are called."
RENAMED: Final = {"stream_status": "listen_status"}
"By the API server, which knows one name only (validateUpdateCall)."
DETECTED: Final = {"amd_human_detected": False, "amd_machine_detected": True, "amd_tone_detected": True}
"What answering machine detection tells that decides something (jambonz-feature-server lib/utils/constants.json)."
WHY: Final[dict[int, Why]] = {
    HTTPStatus.BAD_REQUEST: "request",
    HTTPStatus.NOT_FOUND: "unknown",
    HTTPStatus.UNPROCESSABLE_ENTITY: "state",
}
REMEDIES: Final = {
    HTTPStatus.UNAUTHORIZED: "look at platform.api.api_key",
    HTTPStatus.FORBIDDEN: "look at platform.api.api_key and .account_sid",
    HTTPStatus.NOT_FOUND: "look at platform.api.base_url and .account_sid",
}


class JambonzRest:
    """Holds nothing."""

    def destination(self, to: object) -> JsonObject | None:
        """Read `+1555…`, `sip:…`, `user@realm`, or an object as createCall takes it."""
        match to:
            case {"type": str(kind)} if isinstance(to, dict) and kind in PARTS:
                return to if isinstance(address := to.get(PARTS[kind]), str) and _is_address(address) else None
            case str() if PHONE.fullmatch(to):
                return {"type": "phone", "number": to}
            case str() if to.startswith(("sip:", "sips:")) and _is_address(to):
                return {"type": "sip", "sipUri": to}
            case str() if "@" in to and _is_address(to):
                return {"type": "user", "name": to}
            case _:
                return None

    def place(self, access: Access, order: Order) -> RemoteRequest:
        told: JsonObject = {"from": order.caller, "to": order.to, "tag": order.tag, **_application(order.application)}
        told |= {"amd": order.amd} if order.amd else {}
        return RemoteRequest("POST", _calls(access), told | ({"timeout": order.rings_s} if order.rings_s else {}))

    def placed(self, reply: RemoteReply) -> str:
        if reply.status == HTTPStatus.NOT_FOUND:  # there is no call yet that could be unknown
            raise RemoteRefused("platform", str(_refusal(reply)))
        if reply.status != HTTPStatus.CREATED:
            raise _refusal(reply)
        match _json(reply.body):
            case {"sid": str(call_sid)} if call_sid:
                return call_sid
            case _:
                raise RemoteRefused("platform", "the platform has placed a call without telling its sid")

    def hang_up(self, access: Access, call_sid: str, *, answered: bool) -> RemoteRequest:
        """`completed` ends a call that was answered, `no-answer` one that still rings, and neither the other."""
        return _update(access, call_sid, {"call_status": "completed" if answered else "no-answer"})

    def redirect(self, access: Access, call_sid: str, url: str) -> RemoteRequest:
        return _update(access, call_sid, {"call_hook": {"url": url, "method": "POST"}})

    def command(self, access: Access, call_sid: str, name: str, data: Any) -> RemoteRequest | None:
        """A command's `data` is the option itself, or holds it; what stands beside it there is left out."""
        option = COMMANDS.get(name, "")
        value = data[option] if isinstance(data, dict) and option in data else data
        return _update(access, call_sid, {RENAMED.get(option, option): value}) if option and value else None

    def unanswered(self, attributes: JsonObject) -> Outcome:
        """The SIP status tells more than the call's: of a 603, too, jambonz says `busy` (lib/http-routes/api)."""
        by_sip = REFUSED.get(str(attributes.get("sip_status")))
        return by_sip or DIALLED.get(str(attributes.get("call_status")), "error")

    def is_machine(self, attributes: JsonObject) -> bool | None:
        return DETECTED.get(str(attributes.get("type")))

    def done(self, reply: RemoteReply) -> None:
        """202 with the text `Accepted`; older ones answer 204."""
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(reply)


def _application(application: str | Application) -> JsonObject:
    if isinstance(application, str):
        return {"application_sid": application}
    names = ("username", "password")
    auth = dict(zip(names, application.basic_auth, strict=True)) if application.basic_auth else {}
    hooks = {"call_hook": application.call_hook, "call_status_hook": application.status_hook}
    return {**{name: {"url": url, "method": "POST", **auth} for name, url in hooks.items()}, **SPEECH}


def _calls(access: Access) -> str:
    return f"/Accounts/{quote(access.account_sid, safe='')}/Calls"


def _update(access: Access, call_sid: str, change: JsonObject) -> RemoteRequest:
    return RemoteRequest("PUT", f"{_calls(access)}/{quote(call_sid, safe='')}", change)


def _is_address(text: str) -> bool:
    return 0 < len(text) <= MAX_ADDRESS_CHARS and text.isprintable() and not any(char.isspace() for char in text)


def _refusal(reply: RemoteReply) -> RemoteRefused:
    """Say what the platform said: `{"msg": …}` or a text; of a page of HTML or nothing, the status."""
    told = _json(reply.body)
    message = told.get("msg") if isinstance(told, dict) else None
    remedy = REMEDIES.get(HTTPStatus(reply.status)) if reply.status in set(HTTPStatus) else None
    said = message if isinstance(message, str) and message.isprintable() else f"HTTP status {reply.status}"
    text = f"the platform refused it: {said[:MAX_MESSAGE_CHARS]}"
    return RemoteRefused(WHY.get(reply.status, "platform"), f"{text} ({remedy})" if remedy else text)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
