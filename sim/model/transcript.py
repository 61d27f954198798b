"""The transcription of a spoken turn: what the script knows was said, or how long somebody spoke."""

from collections.abc import Callable, Iterable

from sim.model.checks import JsonObject

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def transcript(item_id: str, line: str | None, heard_ms: int, *, failed: bool) -> list[JsonObject]:
    """Return the events that end the transcription of an item; `line` None: nobody knows what was said."""
    name = TRANSCRIPTION
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


class Untold:
    """What the caller said and no transcript has told yet, by its item."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}

    def add(self, item_id: str, line: str | None) -> None:
        if line:
            self._lines[item_id] = line

    def tell(self, events: Iterable[JsonObject]) -> None:
        """Note what these events tell."""
        for event in events:
            if event["type"].startswith(TRANSCRIPTION):
                self._lines.pop(event["item_id"], None)

    def last(self, answered: Callable[[str], bool]) -> str | None:
        """Return the newest line, unless its item was `answered`."""
        item_id = next(reversed(self._lines), None)
        return None if item_id is None or answered(item_id) else self._lines[item_id]
