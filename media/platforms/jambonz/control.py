"""jambonz' websocket application API: one socket for each call, opened by the platform, text frames of JSON.

It says `{"type", "msgid", "call_sid", "hook"?, "data"}`, and understands an `ack` and a `command`.
Sources: jambonz-feature-server lib/utils/ws-requestor.js, lib/session/call-session.js (_onCommand).
"""

import json
import re
from typing import Any, ClassVar, Final

from media.control import ControlEvent, ControlKind
from media.platforms.base import JsonObject, PlatformError, read_mended_json

__all__ = ["JambonzControl"]

KINDS: Final[dict[str, ControlKind]] = {
    "session:new": "new",
    "session:reconnect": "reconnect",
    "session:redirect": "redirect",
    "session:adulting": "adulting",
    "verb:hook": "hook",
    "dial:confirm": "confirm",
    "queue:status": "queue_status",
    "call:status": "status",
    "verb:status": "verb_status",
    "llm:event": "llm_event",
    "llm:tool-call": "tool_call",
    "tts:tokens-result": "tokens_result",
    "tts:streaming-event": "streaming_event",
    "jambonz:error": "error",
}
WANT_ACK: Final = frozenset({"new", "reconnect", "redirect", "adulting", "hook", "confirm", "queue_status"})
"Without an ack within five seconds they fail, and the call with most of them (its MTYPE_WANTS_ACK lists the others)."

NAME: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")
"What a call_sid or a msgid is made of: both are some kind of uuid."
MAX_WORD_CHARS: Final = 128
ENVELOPE_BYTES: Final = 256
"More than an ack or a redirect has around its document."
MAX_HOOK_CHARS: Final = 2048
HANG_UP: Final[JsonObject] = {"command": "call:status", "data": {"call_status": "completed"}}


class JambonzControl:
    """The messages of every control socket. Holds nothing."""

    subprotocol: ClassVar[str] = "ws.jambonz.org"
    "Must be echoed: else the platform gives up the call with `Server sent no subprotocol`."

    patience_s: ClassVar[float] = 4.0
    "It waits five seconds (lib/config.js JAMBONES_WS_API_MSG_RESPONSE_TIMEOUT), half as long as for a webhook."

    max_message_bytes: ClassVar[int] = 24 * 1024
    "lib/config.js JAMBONES_WS_MAX_PAYLOAD. For a longer one it closes the socket, comes back, and asks again."

    max_document_bytes: ClassVar[int] = max_message_bytes - ENVELOPE_BYTES

    def receive(self, text: str) -> ControlEvent:
        """Read one message. Raises PlatformError.

        The sid of the envelope is the session's: `data` may tell of a child leg (dial:confirm, call:status). It is
        absent where the socket was opened by session:redirect or session:adulting; then that of `data` counts.
        """
        message = read_mended_json(text)
        if not isinstance(message, dict):
            raise PlatformError("control message: not a JSON object")
        kind = KINDS.get(_text(message, "type", MAX_WORD_CHARS), "unknown")
        data = {} if message.get("data") is None else message["data"]
        if not isinstance(data, dict):
            raise PlatformError("control message: data is not an object")
        msgid = _name(message, "msgid")
        if kind in WANT_ACK and not msgid:
            raise PlatformError("control message: no msgid to acknowledge")
        return ControlEvent(
            kind,
            msgid,
            call_sid=_name(message, "call_sid") or _name(data, "call_sid"),
            hook=_text(message, "hook", MAX_HOOK_CHARS),
            data=data,
            wants_ack=kind in WANT_ACK,
        )

    def ack(self, msgid: str, document: bytes | None = None) -> str:
        """Acknowledge a message; without a document, the call goes on with the verbs that it has."""
        data = b"" if document is None else b',"data":' + document
        return f'{{"type":"ack","msgid":{json.dumps(msgid)}{data.decode()}}}'

    def redirect(self, document: bytes, *, queue: bool = False) -> str:
        """Replace what the call does, the running verb included; with `queue`, add the verbs behind the last one."""
        queued = json.dumps(queue)
        return f'{{"type":"command","command":"redirect","queueCommand":{queued},"data":{document.decode()}}}'

    def hang_up(self) -> str:
        """End a call that was answered; one that only rings, the platform lets ring."""
        return self.command(HANG_UP)

    def command(self, command: JsonObject) -> str:
        """Write any other command: `{"command", "data", …}`."""
        return json.dumps({**command, "type": "command"}, allow_nan=False)


def _text(message: JsonObject, key: str, max_chars: int) -> str:
    """Give a text of the envelope; nothing where it is missing."""
    value: Any = message.get(key, "")
    if not isinstance(value, str) or len(value) > max_chars:
        raise PlatformError(f"control message: {key} is not a text of at most {max_chars} characters")
    return value


def _name(message: JsonObject, key: str) -> str:
    value: Any = message.get(key, "")
    if value and not (isinstance(value, str) and NAME.fullmatch(value)):
        raise PlatformError(f"control message: {key} is not usable")
    return value or ""
