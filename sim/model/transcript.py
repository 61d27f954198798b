"""The transcription of a spoken turn: what the script knows was said, or how long somebody spoke."""

from sim.model.checks import JsonObject


def transcript(item_id: str, line: str | None, heard_ms: int, *, failed: bool) -> list[JsonObject]:
    """Return the events that end the transcription of an item; `line` None: nobody knows what was said."""
    name = "conversation.item.input_audio_transcription"
    place = {"item_id": item_id, "content_index": 0}
    if failed:
        error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Not understood."}
        return [{"type": f"{name}.failed", **place, "error": error}]
    text = f"(speech of {heard_ms / 1000:.1f} s)" if line is None else line
    usage = {"type": "duration", "seconds": heard_ms / 1000}
    return [
        {"type": f"{name}.delta", **place, "delta": text},
        {"type": f"{name}.completed", **place, "transcript": text, "usage": usage},
    ]
