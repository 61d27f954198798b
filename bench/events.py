"""What the model says besides audio: OpenAI Realtime server events, GA shape (openai-python: types/realtime)."""

import json
from collections.abc import Iterator
from typing import Any

JsonObject = dict[str, Any]
_SPEECH = ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped")
MATCHED = ["conversation.item.*", "response.done", "error", *_SPEECH]
"The event filter of the benchmark's `llm` verb: about one event a second and call is for the eventHook."


def wanted(event_type: str) -> bool:
    return event_type.startswith(("conversation.item.", "input_audio_buffer.speech_")) or event_type in {
        "response.done",
        "error",
    }


def encode(event: JsonObject) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def created(number: int) -> JsonObject:
    return {"type": "session.created", "event_id": f"event_{number}_created", "session": session(number, {})}


def updated(number: int, asked: JsonObject) -> JsonObject:
    return {"type": "session.updated", "event_id": f"event_{number}_updated", "session": session(number, asked)}


def session(number: int, asked: JsonObject) -> JsonObject:
    """The effective session: the defaults under what was asked."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    own: JsonObject = {
        "type": "realtime",
        "object": "realtime.session",
        "id": f"sess_{number}",
        "model": "gpt-realtime-2.1",
        "output_modalities": ["audio"],
        "audio": {"input": {"format": pcm}, "output": {"format": pcm, "voice": "marin"}},
        "expires_at": 4_102_444_800,
    }
    return merged(own, asked)


def merged(own: JsonObject, asked: JsonObject) -> JsonObject:
    both = dict(own)
    for key, value in asked.items():
        below = own.get(key)
        both[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return both


def speech_started(item_id: str) -> JsonObject:
    """The caller begins to talk over the agent."""
    return {"type": _SPEECH[0], "audio_start_ms": 1000, "item_id": item_id}


def speech_stopped(item_id: str) -> JsonObject:
    return {"type": _SPEECH[1], "audio_end_ms": 2000, "item_id": item_id}


class Response:
    """One spoken answer: what comes before its audio, beside it and after it."""

    def __init__(self, call: int, count: int, metadata: JsonObject | None) -> None:
        self.id = f"resp_{call:08d}_{count:06d}"
        self.item_id = f"item_{call:08d}_{count:06d}"
        self._metadata = metadata
        self._heard = 0
        self._place = {"response_id": self.id, "item_id": self.item_id, "output_index": 0, "content_index": 0}

    def before(self) -> Iterator[JsonObject]:
        item = self._item("in_progress", [])
        yield {"type": "response.created", "response": self._response("in_progress", [])}
        yield {"type": "response.output_item.added", "response_id": self.id, "output_index": 0, "item": item}
        yield {"type": "conversation.item.added", "previous_item_id": None, "item": item}
        yield {"type": "response.content_part.added", **self._place, "part": {"type": "audio", "transcript": ""}}

    def transcript(self) -> JsonObject:
        return {"type": "response.output_audio_transcript.delta", **self._place, "delta": " and then we will see"}

    def other_item(self) -> JsonObject:
        """What the caller said, done: the event that the filter picks once a second."""
        self._heard += 1
        content = [{"type": "input_audio", "transcript": "Yes, that would be very kind of you."}]
        item = {
            "id": f"{self.item_id}_u{self._heard}",
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
        }
        return {
            "type": "conversation.item.done",
            "previous_item_id": None,
            "item": {**item, "role": "user", "content": content},
        }

    def after(self) -> Iterator[JsonObject]:
        said = "and then we will see"
        item = self._item("completed", [{"type": "output_audio", "transcript": said}])
        yield {"type": "response.output_audio.done", **self._place}
        yield {"type": "response.output_audio_transcript.done", **self._place, "transcript": said}
        yield {"type": "response.content_part.done", **self._place, "part": {"type": "audio", "transcript": said}}
        yield {"type": "conversation.item.done", "previous_item_id": None, "item": item}
        yield {"type": "response.output_item.done", "response_id": self.id, "output_index": 0, "item": item}
        yield {"type": "response.done", "response": self._response("completed", [item])}

    def interrupted(self) -> Iterator[JsonObject]:
        """What comes when the caller talks over it."""
        item = self._item("incomplete", [{"type": "output_audio", "transcript": ""}])
        yield speech_started(f"{self.item_id}_b")
        yield {"type": "response.output_audio.done", **self._place}
        yield {"type": "response.output_item.done", "response_id": self.id, "output_index": 0, "item": item}
        cancelled = {"type": "cancelled", "reason": "turn_detected"}
        yield {"type": "response.done", "response": self._response("cancelled", [item]) | {"status_details": cancelled}}
        yield speech_stopped(f"{self.item_id}_b")

    def truncated(self) -> JsonObject:
        return {
            "type": "conversation.item.truncated",
            "item_id": self.item_id,
            "content_index": 0,
            "audio_end_ms": 2000,
        }

    def delta(self, audio: str) -> JsonObject:
        return {"type": "response.output_audio.delta", **self._place, "delta": audio}

    def delta_parts(self, event_id_digits: int) -> tuple[bytes, bytes, bytes]:
        """An audio delta around its two gaps: event id (of so many characters), base64."""
        event = {
            "type": "response.output_audio.delta",
            "event_id": "\0" * event_id_digits,
            **self._place,
            "delta": "\1",
        }
        start, _, rest = encode(event).partition(b"\\u0000" * event_id_digits)
        middle, _, end = rest.partition(b"\\u0001")
        return start, middle, end

    def _item(self, status: str, content: list[JsonObject]) -> JsonObject:
        item = {"id": self.item_id, "object": "realtime.item", "type": "message", "status": status}
        return {**item, "role": "assistant", "content": content}

    def _response(self, status: str, output: list[JsonObject]) -> JsonObject:
        usage = {"total_tokens": 90, "input_tokens": 40, "output_tokens": 50}
        whole = {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": None,
            "output": output,
        }
        return {**whole, "metadata": self._metadata, "usage": usage if output else None}
