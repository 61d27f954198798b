"""What the platform tells about a call: the bodies of its webhooks and the media socket's first frame.

jambonz 0.9.8 tells the same call in three ways (jambonz-feature-server: lib/middleware.js, lib/session/call-info.js):
the first webhook serialises the CallInfo object itself, every later one its toJSON() with other fields and other
names (`local_sip_address` becomes `fs_sip_address`), both in snake_case; the media socket gets toJSON() in camelCase.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]

SIP_ADDRESS = "10.0.0.5:5070"
PUBLIC_IP = "203.0.113.7"
CARRIER_IP = "198.51.100.9"
CARRIER = "carrier-1"
SPEECH = {"vendor": "google", "language": "en-US"}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls whom, and by which names the call is known; of all that only the tag may be replaced."""

    call_sid: str
    account_sid: str
    application_sid: str
    call_id: str
    trace_id: str
    caller: str
    called: str
    caller_name: str = "Fake Caller"
    env_vars: JsonObject = field(default_factory=dict)
    direction: str = "inbound"
    customer_data: JsonObject = field(default_factory=dict)
    "The tag that an outbound call was made with, or was given since; told in every hook."


def identify(
    caller: str, called: str, unique: Callable[[], str], env_vars: JsonObject | None = None, **more: Any
) -> Identity:
    """Give a call its ids; `unique` makes them. `more`: the direction and the tag of an outbound one."""
    return Identity(
        call_sid=unique(),
        account_sid=unique(),
        application_sid=unique(),
        call_id=unique(),
        trace_id=unique().replace("-", ""),
        caller=caller,
        called=called,
        env_vars=env_vars or {},
        **more,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call has come, as SIP and jambonz put it."""

    call_status: str = "trying"
    sip_status: int = 100
    sip_reason: str = "Trying"


def session_new(call: Identity, progress: Progress) -> JsonObject:
    """Return the first webhook of a call: an outbound one's is sent when it is answered (lib/tasks/rest_dial.js)."""
    defaults = {"synthesizer": SPEECH | {"voice": "en-US-Standard-C"}, "recognizer": SPEECH}
    env_vars: JsonObject = {"env_vars": call.env_vars} if call.env_vars else {}
    if call.direction == "outbound":
        return call_info(call, progress, defaults=defaults, **env_vars)
    told = {
        "sip": _invite(call),
        "direction": "inbound",
        "trace_id": call.trace_id,
        "has_recording": False,
        "caller_name": call.caller_name,
        "call_sid": call.call_sid,
        "account_sid": call.account_sid,
        "application_sid": call.application_sid,
        "from": call.caller,
        "to": call.called,
        "call_id": call.call_id,
        "sip_status": 100,
        "sip_reason": "Trying",
        "call_status": "trying",
        "sbc_callid": call.call_id,
        "originating_sip_ip": CARRIER_IP,
        "originating_sip_trunk_name": CARRIER,
        "local_sip_address": SIP_ADDRESS,
        "public_ip": PUBLIC_IP,
        "service_provider_sid": call.account_sid,
        "defaults": defaults,
    }
    return told | env_vars


def _invite(call: Identity) -> JsonObject:
    here = f"IN IP4 {CARRIER_IP}"
    sdp = f"v=0\r\no=- 1 1 {here}\r\ns=-\r\nc={here}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n"
    uri = f"sip:{call.called}@{SIP_ADDRESS}"
    headers = {
        "call-id": call.call_id,
        "from": f'"{call.caller_name}" <sip:{call.caller}@{CARRIER_IP}>;tag=1',
        "to": f"<{uri}>",
        "X-Account-Sid": call.account_sid,
        "X-CID": call.call_id,
        "X-Forwarded-For": CARRIER_IP,
        "X-Originating-Carrier": CARRIER,
    }
    return {
        "headers": headers,
        "raw": f"INVITE {uri} SIP/2.0\r\n",
        "body": sdp,
        "method": "INVITE",
        "version": "2.0",
        "uri": uri,
        "payload": [{"type": "application/sdp", "content": sdp}],
    }


def call_info(call: Identity, progress: Progress, **more: object) -> JsonObject:
    """Return the body of every later webhook, with what the occasion adds."""
    tag: JsonObject = {"customerData": call.customer_data} if call.customer_data else {}
    return {
        "call_sid": call.call_sid,
        "direction": call.direction,
        "from": call.caller,
        "to": call.called,
        "call_id": call.call_id,
        "sbc_callid": call.call_id,
        "sip_status": progress.sip_status,
        "sip_reason": progress.sip_reason,
        "call_status": progress.call_status,
        "account_sid": call.account_sid,
        "trace_id": call.trace_id,
        "application_sid": call.application_sid,
        "fs_sip_address": SIP_ADDRESS,
        "originating_sip_ip": CARRIER_IP,
        "originating_sip_trunk_name": CARRIER,
        "api_base_url": "http://127.0.0.1/v1",
        "fs_public_ip": PUBLIC_IP,
        **tag,
        **more,
    }


def metadata(call: Identity, progress: Progress, sample_rate_hz: int, mix_type: str, own: JsonObject) -> JsonObject:
    """Return the media socket's first frame; the verb's own metadata may overwrite anything, as it does there."""
    tag: JsonObject = {"customerData": call.customer_data} if call.customer_data else {}
    return {
        "sampleRate": sample_rate_hz,
        "mixType": mix_type,
        "callSid": call.call_sid,
        "direction": call.direction,
        "from": call.caller,
        "to": call.called,
        "callId": call.call_id,
        "sbcCallid": call.call_id,
        "sipStatus": progress.sip_status,
        "sipReason": progress.sip_reason,
        "callStatus": progress.call_status,
        "accountSid": call.account_sid,
        "traceId": call.trace_id,
        "applicationSid": call.application_sid,
        "fsSipAddress": SIP_ADDRESS,
        "originatingSipIp": CARRIER_IP,
        "originatingSipTrunkName": CARRIER,
        "fsPublicIp": PUBLIC_IP,
        **tag,
        **own,
    }


def wire(body: JsonObject) -> bytes:
    """Write a body as JavaScript's JSON.stringify does: the bytes that are signed and posted."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
