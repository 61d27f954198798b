"""The session object: what `session.created` shows, and how a `session.update` changes it."""

import copy
import re
from collections.abc import Iterable
from typing import Any

from sim.model.checks import JsonObject, RequestError

# Defaults as a new GA session shows them.
TURN_DETECTION: dict[str, JsonObject] = {
    "server_vad": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    },
}
_NOWHERE = object()
_WITHOUT_REASONING = re.compile(r"gpt-realtime(-1\.5|-mini)?(-\d{4}-\d\d-\d\d)?")


def new_session(session_id: str, model: str, expires_at: int) -> JsonObject:
    """Return the settings of a session nobody has updated yet; `expires_at` in Unix seconds."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "A rehearsal voice answers from a script. It is no AI and follows no instructions.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": expires_at,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": TURN_DETECTION["server_vad"],
            },
            "output": {"format": pcm, "voice": "alloy", "speed": 1.0},
        },
        "include": None,
    }


def check_known(event: JsonObject, unknown: Iterable[str]) -> None:
    """Refuse an update that names a setting which this model is said not to know."""
    for path in unknown:
        place: Any = event
        for name in path.split("."):
            place = place.get(name, _NOWHERE) if isinstance(place, dict) else _NOWHERE
        if place is not _NOWHERE:
            raise RequestError("unknown_parameter", f"Unknown parameter: '{path}'.", path)


def updated(session: JsonObject, changes: JsonObject, *, spoken: bool) -> JsonObject:
    """Merge an update that has passed the field check; the given session stays as it is.

    Objects below `audio.input` and `audio.output` are replaced whole. `spoken`: the model has sent audio already.
    """
    changes = copy.deepcopy(changes)
    sides = changes.pop("audio", {})
    _refuse_what_cannot_be(session, changes, sides, spoken=spoken)
    detection = sides.get("input", {}).get("turn_detection")
    if detection:
        sides["input"]["turn_detection"] = TURN_DETECTION[detection["type"]] | detection
    audio = {side: session["audio"][side] | sides.get(side, {}) for side in ("input", "output")}
    return {**session, **changes, "audio": audio}


def _refuse_what_cannot_be(session: JsonObject, changes: JsonObject, sides: JsonObject, *, spoken: bool) -> None:
    voice = sides.get("output", {}).get("voice")
    if spoken and voice is not None and voice != session["audio"]["output"]["voice"]:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise RequestError("cannot_update_voice", message, "session.audio.output.voice")
    model = changes.get("model", session["model"])
    if model != session["model"]:
        message = f"Invalid value: '{model}'. The model of a session cannot be changed."
        raise RequestError("invalid_value", message, "session.model")
    if "reasoning" in changes and _WITHOUT_REASONING.fullmatch(model):
        message = f"Unsupported parameter: 'session.reasoning' is not supported with the '{model}' model."
        raise RequestError("unsupported_parameter", message, "session.reasoning")
    _check_transcription(sides.get("input", {}).get("transcription"))


def _check_transcription(wanted: Any) -> None:
    if not wanted:
        return
    path, whisper = "session.audio.input.transcription", wanted.get("model") == "gpt-realtime-whisper"
    wrong = {
        "prompt": whisper and "prompt" in wanted,
        "delay": not whisper and "delay" in wanted,
        "languages": "language" in wanted and "languages" in wanted,
    }
    for name in (name for name, is_wrong in wrong.items() if is_wrong):
        message = f"Unsupported parameter: '{path}.{name}' cannot be used with these transcription settings."
        raise RequestError("unsupported_parameter", message, f"{path}.{name}")
