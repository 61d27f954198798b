"""What the events of the Realtime protocol mean, under their names of today.

Event names and fields: openai-python `types/realtime`. Everything here comes from a stranger: a field that is kept,
compared or sent back is looked at first.
"""

import json
from collections.abc import Callable

from media.ends import FATAL
from media.playout import Speech
from media.realtime.base import (
    AsideEnded,
    CallerCommitted,
    CallerStarted,
    CallerStopped,
    CallerText,
    ItemAnnounced,
    JsonObject,
    ModelError,
    ModelEvent,
    ModelRefused,
    ResponseEnded,
    ResponseStarted,
    SessionOpened,
    SpeechComplete,
    SpokenText,
    TextWritten,
    ToolCalled,
)
from media.realtime.dialect import MISSING, find
from verbs.event_names import BETA_OF

AUDIO_DELTA = "response.output_audio.delta"
AUDIO_DELTAS = frozenset({AUDIO_DELTA, BETA_OF[AUDIO_DELTA]})
DELTA_TYPE = b'audio.delta"'
HEAD_BYTES = 512
"Where the type of an event stands, whatever the order of its keys."
LATEST_UNIX_S = 1e11
"A session that ends later than in thousands of years is not believed to know."

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

TOLD_IN_WORDS = {
    "already has an active response": "conversation_already_has_active_response",
    "no active response": "response_cancel_not_active",
}
"Races that xAI, and sometimes OpenAI, names in the message only (pipecat: services/xai/realtime/llm.py)."


def parse(data: bytes) -> JsonObject:
    try:
        event = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ModelError("a message that is not JSON") from error
    if not isinstance(event, dict):
        raise ModelError("a message that is not a JSON object")
    return event


def type_of(event: JsonObject) -> str:
    if not isinstance(event.get("type"), str):
        raise ModelError("an event without a type")
    return str(event["type"])


def text_in(event: JsonObject, name: str) -> str:
    """Give a field that must be a text: it is kept, compared and sent back. TypeError where it is none."""
    if not isinstance(event[name], str):
        raise TypeError(name)
    return str(event[name])


def speech_of(event: JsonObject) -> Speech:
    content_index = event.get("content_index", 0)
    if not isinstance(content_index, int):
        raise TypeError("content_index")
    return Speech(text_in(event, "item_id"), content_index)


def opened(session: JsonObject) -> SessionOpened:
    expires_at = session.get("expires_at")
    told = isinstance(expires_at, int | float) and 0 < expires_at < LATEST_UNIX_S
    return SessionOpened(expires_at if told else None)


def aside(response: JsonObject) -> bool:
    """Tell whether a response is out of band: it belongs to no conversation and may run beside the one that does."""
    return response.get("conversation_id", "") is None


def refusal(event: JsonObject, benign: tuple[str, ...] = ()) -> ModelRefused:
    """Read an error; one whose message holds a `benign` text is harmless."""
    error = event["error"]
    message = str(error.get("message") or "")
    code = _code(str(error.get("code") or error.get("type") or "unknown"), message)
    param, event_id = (value if isinstance(value, str) else None for value in map(error.get, ("param", "event_id")))
    told = any(words in message for words in ("already shorter", *benign))
    harmless = code in HARMLESS or str(event_id).startswith("bi-") or told
    return ModelRefused(code, message, param, event_id, code in FATAL, harmless, error)


def mismatch(asked_for: JsonObject, session: object) -> str | None:
    """Compare the formats in force with those asked for: AVA saw G.711 answered with PCM (2026-02)."""
    told = session if isinstance(session, dict) else {}
    for way in ("input", "output"):
        asked = find(asked_for, ("audio", way, "format"))
        has = ((told.get("audio") or {}).get(way) or {}).get("format", asked)
        if isinstance(asked, dict) and not (isinstance(has, dict) and has.items() >= asked.items()):
            return f"audio.{way}.format is {json.dumps(has)}, asked for {json.dumps(asked)}"
        flat = told.get(f"{way}_audio_format", "pcm")  # as vendors tell it that still speak as the beta did
        if asked is MISSING and not str(flat).startswith("pcm"):
            return f"{way}_audio_format is {json.dumps(flat)}, not linear audio"
    return None


def _code(code: str, message: str) -> str:
    if code in FATAL | HARMLESS:
        return code
    return next((meant for words, meant in TOLD_IN_WORDS.items() if words in message.lower()), code)


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _spoken(event: JsonObject) -> SpokenText:
    final = event["type"].endswith("done")
    return SpokenText(speech_of(event), text_in(event, "transcript" if final else "delta"), final)


def _response_started(event: JsonObject) -> ResponseStarted | None:
    response = event["response"]
    return None if aside(response) else ResponseStarted(text_in(response, "id"))


def _response_ended(event: JsonObject) -> ResponseEnded | AsideEnded:
    response = event["response"]
    usage = _object(response.get("usage")) or _object(event.get("usage"))  # xAI has it beside the response
    if aside(response):
        return AsideEnded(usage)
    details = _object(response.get("status_details"))
    error = _object(details.get("error"))
    status = response.get("status")
    ended = status if isinstance(status, str) and status else "completed"
    reason = str(details.get("reason") or "")
    return ResponseEnded(text_in(response, "id"), ended, error or None, usage, reason, _empty(response.get("output")))


def _empty(output: object) -> bool:
    """Tell a list of nothing, or of messages that hold nothing."""
    return isinstance(output, list) and not any(_object(item).get("content", True) for item in output)


def _item_announced(event: JsonObject) -> ItemAnnounced | None:
    item = event["item"]
    message = item.get("type") == "message"
    return ItemAnnounced(text_in(event, "response_id"), text_in(item, "id")) if message else None


def _item_done(event: JsonObject) -> ToolCalled | None:
    item = event["item"]
    if item.get("type") != "function_call" or item.get("status", "completed") != "completed":
        return None
    arguments = text_in(item, "arguments") if item.get("arguments") else "{}"
    return ToolCalled(text_in(event, "response_id"), text_in(item, "call_id"), text_in(item, "name"), arguments)


def _caller_text(event: JsonObject) -> CallerText:
    return CallerText(text_in(event, "item_id"), text_in(event, "transcript"), _object(event.get("usage")))


MEANINGS: dict[str, Callable[[JsonObject], ModelEvent | None]] = {
    "session.created": lambda e: opened(_object(e.get("session"))),
    "response.output_item.added": _item_announced,
    "response.output_audio.done": lambda e: SpeechComplete(speech_of(e)),
    "response.output_text.done": lambda e: TextWritten(text_in(e, "response_id"), text_in(e, "text")),
    "response.output_audio_transcript.delta": _spoken,
    "response.output_audio_transcript.done": _spoken,
    "input_audio_buffer.speech_started": lambda e: CallerStarted(text_in(e, "item_id")),
    "input_audio_buffer.speech_stopped": lambda e: CallerStopped(text_in(e, "item_id")),
    "input_audio_buffer.committed": lambda e: CallerCommitted(text_in(e, "item_id")),
    "conversation.item.input_audio_transcription.completed": _caller_text,
    "conversation.item.input_audio_transcription.failed": lambda e: CallerText(text_in(e, "item_id"), None),
    "response.created": _response_started,
    "response.done": _response_ended,
    "response.output_item.done": _item_done,
    "error": refusal,
}
