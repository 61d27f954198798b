"""The rehearsal model on the wire of the beta: flat settings, and the older names of seven events.

OpenAI has switched that wire off in May 2026; jambonz 0.9, where it carries out an `llm` verb by itself, speaks it
still. What a client says is put into the GA shape, what the model says out of it (openai-python before 2.0:
types/beta/realtime/*).
"""

import json
from collections.abc import Callable
from typing import Any

from sim.model.agenda import Close
from sim.model.checks import JsonObject

OLD_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
UNKNOWN_THEN = frozenset({"conversation.item.done"})
FORMATS = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
OLD_FORMATS = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
PARTS = {"text": "output_text", "audio": "output_audio"}
OLD_PARTS = {new: old for old, new in PARTS.items()}
NOT_BETA = ("type", "audio", "output_modalities")
"Settings of the GA shape: unknown parameters, then."


class BetaSession:
    """A session that is spoken to in the beta's shape; `opens` makes the one within."""

    def __init__(self, opens: Callable[..., Any], *args: Any, **options: Any) -> None:
        self._session = opens(*args, **options)

    @property
    def closing(self) -> Close | None:
        closing: Close | None = self._session.closing
        return closing

    @property
    def lost_line(self) -> str | None:
        line: str | None = self._session.lost_line
        return line

    def next_due(self) -> float | None:
        due_s: float | None = self._session.next_due()
        return due_s

    def receive(self, message: str | bytes, now: float) -> list[JsonObject]:
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            return self._old(self._session.receive(message, now))
        settings = event.get("session")
        strange = next((name for name in NOT_BETA if isinstance(settings, dict) and name in settings), None)
        if strange:
            return [*self.tick(now), _unknown(f"session.{strange}", event)]
        return self._old(self._session.receive(json.dumps(modern(event)), now))

    def tick(self, now: float) -> list[JsonObject]:
        return self._old(self._session.tick(now))

    def _old(self, events: list[JsonObject]) -> list[JsonObject]:
        return [old(event) for event in events if event["type"] not in UNKNOWN_THEN]


def modern(event: JsonObject) -> JsonObject:
    """Put a client's event into the GA shape."""
    changed = dict(event)
    if isinstance(event.get("session"), dict):
        changed["session"] = {"type": "realtime", **_settings(event["session"])}
    if isinstance(event.get("response"), dict):
        changed["response"] = _settings(event["response"])
    if isinstance(event.get("item"), dict):
        changed["item"] = _item(event["item"], PARTS if event["item"].get("role") == "assistant" else {})
    return changed


def old(event: JsonObject) -> JsonObject:
    """Put an event of the model into the beta's shape."""
    changed = {**event, "type": OLD_NAMES.get(event["type"], event["type"])}
    if "session" in event:
        changed["session"] = _flat(event["session"])
    if "response" in event:
        response = event["response"]
        changed["response"] = _flat(response) | {"output": [_item(item, OLD_PARTS) for item in response["output"]]}
    if "item" in event:
        changed["item"] = _item(event["item"], OLD_PARTS)
    return changed


def _settings(flat: JsonObject) -> JsonObject:
    """Nest what was flat; the temperature is no setting any more."""
    given = {name: value for name, value in flat.items() if name != "temperature"}
    sides: dict[str, JsonObject] = {"input": {}, "output": {}}
    for name, side, path in (
        ("input_audio_transcription", "input", "transcription"),
        ("input_audio_noise_reduction", "input", "noise_reduction"),
        ("turn_detection", "input", "turn_detection"),
        ("voice", "output", "voice"),
        ("speed", "output", "speed"),
    ):
        if name in given:
            sides[side][path] = given.pop(name)
    for side, values in sides.items():
        form = given.pop(f"{side}_audio_format", None)
        if form is not None:
            values["format"] = FORMATS.get(str(form), {"type": form})
    if isinstance(given.get("modalities"), list):
        given["output_modalities"] = ["audio"] if "audio" in given.pop("modalities") else ["text"]
    if "max_response_output_tokens" in given:
        given["max_output_tokens"] = given.pop("max_response_output_tokens")
    audio = {side: values for side, values in sides.items() if values}
    return given | ({"audio": audio} if audio else {})


def _flat(nested: JsonObject) -> JsonObject:
    """Flatten the settings of a session or a response, as far as it has them."""
    flat = {name: value for name, value in nested.items() if name not in {"audio", "output_modalities"}}
    if "output_modalities" in nested:
        flat["modalities"] = ["text", "audio"] if nested["output_modalities"] == ["audio"] else ["text"]
    heard, spoken = (nested.get("audio", {}).get(side, {}) for side in ("input", "output"))
    if "format" in heard:
        flat["input_audio_format"] = OLD_FORMATS[heard["format"]["type"]]
        flat["input_audio_transcription"], flat["turn_detection"] = heard["transcription"], heard["turn_detection"]
    if "format" in spoken:
        flat["output_audio_format"] = OLD_FORMATS[spoken["format"]["type"]]
    if "voice" in spoken:
        flat["voice"] = spoken["voice"]
    return flat


def _item(item: JsonObject, parts: dict[str, str]) -> JsonObject:
    if not isinstance(item.get("content"), list):
        return item
    content = [
        {**part, "type": parts.get(str(part.get("type")), part.get("type"))} if isinstance(part, dict) else part
        for part in item["content"]
    ]
    return {**item, "content": content}


def _unknown(path: str, event: JsonObject) -> JsonObject:
    error = {
        "type": "invalid_request_error",
        "code": "unknown_parameter",
        "message": f"Unknown parameter: '{path}'.",
        "param": path,
        "event_id": event.get("event_id"),
    }
    return {"type": "error", "event_id": "event_beta", "error": error}
