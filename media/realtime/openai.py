"""The OpenAI Realtime API in its GA shape, without its socket.

The beta shape is refused since 2026-05-12 (close code 4000, `beta_api_shape_disabled`); what a verb says in it is
translated by `legacy.py` before it gets here. Event names and fields: openai-python `types/realtime`.
"""

import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from media.audio import AudioFormat
from media.playout import Speech
from media.realtime import legacy
from media.realtime.base import (
    CallerCommitted,
    CallerStarted,
    CallerStopped,
    CallerText,
    JsonObject,
    ModelError,
    ModelEvent,
    ModelRefused,
    ResponseEnded,
    ResponseStarted,
    Said,
    SessionOpened,
    SessionReady,
    SpeechComplete,
    SpeechReceived,
    SpokenText,
    ToolCalled,
    Vendor,
)
from media.realtime.dialling import dial
from media.realtime.habits import habits
from verbs.event_names import BETA_OF, GA_OF
from verbs.llm import Llm

AUDIO_DELTA = "response.output_audio.delta"
AUDIO_DELTAS = frozenset({AUDIO_DELTA, BETA_OF[AUDIO_DELTA]})
_DELTA_MARK = b'"delta":"'
_DELTA_TYPE = b'audio.delta"'
_HEAD_BYTES = 512
"Where the type of an event stands, whatever the order of its keys."

FATAL = frozenset(
    {
        "account_deactivated",
        "beta_api_shape_disabled",
        "billing_hard_limit_reached",
        "insufficient_quota",
        "invalid_api_key",
        "model_not_found",
        "session_expired",
    }
)
"Errors after which a session, or the next one, cannot work. Most others leave it open (OpenAI: realtime errors)."

HARMLESS = frozenset(
    {
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "invalid_tool_call_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
        "item_truncate_invalid_item_id",
        "response_cancel_not_active",
        "unsupported_content_type",
    }
)
"Races that a correct client can lose."

INDISPENSABLE = frozenset({"type", "audio", "input", "output", "format"})
"Settings without which a call would be heard as noise: better that it ends."


class Realtime:
    """One session of the OpenAI Realtime API; see `base.Realtime` for what each method does."""

    def __init__(self, llm: Llm, *, audio: AudioFormat, wants_audio_events: bool = False) -> None:
        translated = legacy.translate(llm.llm_options, audio=audio)
        self.audio = audio
        _, renamed = legacy.resolve_model(llm.model)
        self.warnings = [*translated.warnings, *([renamed] if renamed else [])]
        self.greeting: JsonObject = translated.response
        self._session = translated.session
        self._wants_audio_events = wants_audio_events
        self._updates = 0
        self._odd: dict[Speech, bytes] = {}
        by_itself = habits(self._session)
        self.interrupts_itself = by_itself.interrupts_itself
        self.answers_itself = by_itself.answers_itself
        self.pause_ms = by_itself.pause_ms
        self.transcribes = by_itself.transcribes
        self.tools: Mapping[str, JsonObject] = by_itself.tools
        self.follow_up = by_itself.follow_up

    def receive(self, wire: str | bytes) -> Said:
        """Read one server event.

        :raises ModelError: not JSON, not an object, or an audio delta that is not base64
        """
        data = wire if isinstance(wire, bytes) else wire.encode()
        if not self._wants_audio_events and data.find(_DELTA_TYPE, 0, _HEAD_BYTES) >= 0:
            event, audio = _split_delta(data)
            if _type_of(event) in AUDIO_DELTAS:
                return Said(AUDIO_DELTA, {}, self._speech(event, audio))
        event = _parse(data)
        type_ = _type_of(event)
        return Said(type_, event, self._meaning(GA_OF.get(type_, type_), event))

    def configure(self) -> bytes:
        self._updates += 1
        return _wire("session.update", f"session-{self._updates}", session=self._session)

    def without(self, param: str) -> bool:
        *parents, leaf = param.removeprefix("session.").split(".")
        place: Any = self._session
        for name in parents:
            place = place.get(name) if isinstance(place, dict) else None
        return isinstance(place, dict) and leaf not in INDISPENSABLE and place.pop(leaf, _MISSING) is not _MISSING

    def hear(self, audio: bytes) -> bytes:
        encoded = binascii.b2a_base64(audio, newline=False)
        return b'{"type":"input_audio_buffer.append","audio":"' + encoded + b'"}'

    def ask(self, response: JsonObject, event_id: str) -> bytes:
        return _wire("response.create", event_id, **({"response": response} if response else {}))

    def cancel(self, response_id: str, event_id: str) -> bytes:
        return _wire("response.cancel", event_id, response_id=response_id)

    def truncate(self, speech: Speech, heard_ms: int, event_id: str) -> bytes:
        return _wire(
            "conversation.item.truncate",
            event_id,
            item_id=speech.item_id,
            content_index=speech.content_index,
            audio_end_ms=heard_ms,
        )

    def forget(self, item_id: str, event_id: str) -> bytes:
        return _wire("conversation.item.delete", event_id, item_id=item_id)

    def answer_tool(self, call_id: str, output: str, event_id: str) -> bytes:
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        return _wire("conversation.item.create", event_id, item=item)

    def say(self, role: str, text: str, event_id: str) -> bytes:
        part = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        item = {"type": "message", "role": role, "content": [part]}
        return _wire("conversation.item.create", event_id, item=item)

    def leave_turns(self) -> None:
        listening = self._session["audio"]["input"]
        if listening.get("turn_detection", {}) is not None:
            asked = _object(listening.get("turn_detection")) or {"type": "server_vad"}
            listening["turn_detection"] = {**asked, "create_response": False, "interrupt_response": False}
            self.answers_itself = self.interrupts_itself = False

    def _meaning(self, type_: str, event: JsonObject) -> ModelEvent | None:
        if type_ == AUDIO_DELTA:
            return self._speech(event, event.get("delta"))
        try:
            if type_ == "session.updated":
                return SessionReady(self._mismatch(event.get("session")))
            return _MEANINGS[type_](event) if type_ in _MEANINGS else None
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{type_} lacks what it must have: {type(error).__name__} {error}") from error

    def _speech(self, event: JsonObject, delta: object) -> SpeechReceived:
        try:
            speech, response_id = _speech_of(event), _text(event, "response_id")
            audio = binascii.a2b_base64(delta, strict_mode=True)  # type: ignore[arg-type]  # checked by the call
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"an audio delta that cannot be read: {type(error).__name__}") from error
        whole = self._odd.pop(speech, b"") + audio
        if self.audio.encoding == "pcm16" and len(whole) % 2:
            whole, self._odd[speech] = whole[:-1], whole[-1:]
        return SpeechReceived(response_id, speech, whole)

    def _mismatch(self, session: object) -> str | None:
        """Compare the formats in force with those asked for: AVA saw G.711 answered with PCM (2026-02)."""
        got = session.get("audio") if isinstance(session, dict) else None
        for way in ("input", "output"):
            asked = self._session["audio"][way]["format"]
            has = ((got or {}).get(way) or {}).get("format", asked)
            if has != asked:
                return f"audio.{way}.format is {json.dumps(has)}, asked for {json.dumps(asked)}"
        return None


def _split_delta(data: bytes) -> tuple[JsonObject, bytes]:
    """Take the audio out of a delta event, so that the JSON parser need not walk through it."""
    start = data.find(_DELTA_MARK) + len(_DELTA_MARK)
    end = data.find(b'"', start)
    if start < len(_DELTA_MARK) or end < 0 or b"\\" in data[start:end]:
        event = _parse(data)
        return event, str(event.get("delta", "")).encode(errors="replace")
    return _parse(data[:start] + data[end:]), data[start:end]


def _parse(data: bytes) -> JsonObject:
    try:
        event = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ModelError("a message that is not JSON") from error
    if not isinstance(event, dict):
        raise ModelError("a message that is not a JSON object")
    return event


def _type_of(event: JsonObject) -> str:
    if not isinstance(event.get("type"), str):
        raise ModelError("an event without a type")
    return str(event["type"])


def _text(event: JsonObject, name: str) -> str:
    """Give a field that must be a text: it is kept, compared and sent back. TypeError where it is none."""
    if not isinstance(event[name], str):
        raise TypeError(name)
    return str(event[name])


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _wire(type_: str, event_id: str, **fields: object) -> bytes:
    return json.dumps({"type": type_, "event_id": event_id, **fields}, separators=(",", ":")).encode()


def _spoken(event: JsonObject) -> SpokenText:
    final = event["type"].endswith("done")
    return SpokenText(_speech_of(event), _text(event, "transcript" if final else "delta"), final)


def _speech_of(event: JsonObject) -> Speech:
    content_index = event.get("content_index", 0)
    if not isinstance(content_index, int):
        raise TypeError("content_index")
    return Speech(_text(event, "item_id"), content_index)


def _response_started(event: JsonObject) -> ResponseStarted | None:
    """Out-of-band responses belong to no conversation and may run beside the one that does."""
    response = event["response"]
    return ResponseStarted(_text(response, "id")) if response.get("conversation_id", "") is not None else None


def _response_ended(event: JsonObject) -> ResponseEnded | None:
    response = event["response"]
    if response.get("conversation_id", "") is None:
        return None
    error = _object(_object(response.get("status_details")).get("error"))
    status = response.get("status") or "completed"
    return ResponseEnded(_text(response, "id"), status, error or None, _object(response.get("usage")))


def _item_done(event: JsonObject) -> ToolCalled | None:
    item = event["item"]
    if item.get("type") != "function_call" or item.get("status", "completed") != "completed":
        return None
    arguments = _text(item, "arguments") if item.get("arguments") else "{}"
    return ToolCalled(_text(event, "response_id"), _text(item, "call_id"), _text(item, "name"), arguments)


def _caller_text(event: JsonObject) -> CallerText:
    return CallerText(_text(event, "item_id"), _text(event, "transcript"))


def _error(event: JsonObject) -> ModelRefused:
    error = event["error"]
    code = str(error.get("code") or error.get("type") or "unknown")
    message = str(error.get("message") or "")
    param, event_id = (value if isinstance(value, str) else None for value in map(error.get, ("param", "event_id")))
    harmless = code in HARMLESS or str(event_id).startswith("bi-") or "already shorter" in message
    return ModelRefused(code, message, param, event_id, code in FATAL, harmless, error)


_MISSING = object()
_MEANINGS: dict[str, Callable[[JsonObject], ModelEvent | None]] = {
    "session.created": lambda e: SessionOpened(e["session"].get("expires_at")),
    "response.output_audio.done": lambda e: SpeechComplete(_speech_of(e)),
    "response.output_audio_transcript.delta": _spoken,
    "response.output_audio_transcript.done": _spoken,
    "input_audio_buffer.speech_started": lambda e: CallerStarted(_text(e, "item_id")),
    "input_audio_buffer.speech_stopped": lambda e: CallerStopped(_text(e, "item_id")),
    "input_audio_buffer.committed": lambda e: CallerCommitted(_text(e, "item_id")),
    "conversation.item.input_audio_transcription.completed": _caller_text,
    "conversation.item.input_audio_transcription.failed": lambda e: CallerText(_text(e, "item_id"), None),
    "response.created": _response_started,
    "response.done": _response_ended,
    "response.output_item.done": _item_done,
    "error": _error,
}

VENDOR = Vendor(Realtime, dial)
