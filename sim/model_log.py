"""The rehearsal model's diary: what it was told and what it said, as JSON lines, for whoever judges the call.

A line is {"at_s", "session", "from": "client" | "model", "event"}; the caller's audio is left out, the model's own is
kept, because what the caller heard is found again by it.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sim.growing_file import GrowingFile
from sim.happening import Happening
from sim.model import Close, RehearsalSession

JsonObject = dict[str, Any]
AUDIO_IN = "input_audio_buffer.append"


class DiarySession:
    """A session of the rehearsal model that writes down what passes. `write` takes one entry."""

    def __init__(self, write: Callable[[JsonObject], None], *args: Any, **options: Any) -> None:
        self._write = write
        self._session = RehearsalSession(*args, **options)
        self._name = str(options.get("nonce", ""))

    @property
    def closing(self) -> Close | None:
        return self._session.closing

    @property
    def lost_line(self) -> str | None:
        return self._session.lost_line

    def next_due(self) -> float | None:
        return self._session.next_due()

    def receive(self, message: str | bytes, now: float) -> list[JsonObject]:
        event = _event(message)
        if event.get("type") != AUDIO_IN:
            self._note("client", event, now)
        return self._noted(self._session.receive(message, now), now)

    def tick(self, now: float) -> list[JsonObject]:
        return self._noted(self._session.tick(now), now)

    def _noted(self, events: list[JsonObject], now: float) -> list[JsonObject]:
        for event in events:
            self._note("model", event, now)
        return events

    def _note(self, side: str, event: JsonObject, now: float) -> None:
        self._write({"at_s": now, "session": self._name, "from": side, "event": event})


@contextmanager
def keeping_diary(path: Path) -> Iterator[Callable[..., DiarySession]]:
    """Give what opens the sessions that write into this file, for the model's server."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", buffering=1) as file:

        def write(entry: JsonObject) -> None:
            file.write(json.dumps(entry) + "\n")

        yield partial(DiarySession, write)


def _event(message: str | bytes) -> JsonObject:
    try:
        event = json.loads(message)
    except ValueError:
        event = None
    return event if isinstance(event, dict) and "type" in event else {"type": "(no event)"}


@dataclass(slots=True)
class Item:
    """One thing that the model said."""

    item_id: str
    audio: bytearray = field(default_factory=bytearray)
    text: str = ""
    truncated_ms: int | None = None
    truncated_at_s: float | None = None


class Diary:
    """Reads the file while it grows."""

    def __init__(self, path: Path) -> None:
        self.items: dict[str, Item] = {}
        "In the order in which they were begun."
        self._lines = GrowingFile(path)

    def read_on(self) -> Iterator[Happening]:
        """Read what is new; what the model was told comes as `to_model:<type>`."""
        for line in self._lines.read_on():
            entry = json.loads(line)
            event: JsonObject = entry["event"]
            if entry["from"] == "client":
                self._told(event, entry["at_s"])
                yield Happening(entry["at_s"], f"to_model:{event['type']}", json.dumps(event), event)
            else:
                self._said(event)

    def _said(self, event: JsonObject) -> None:
        match event["type"]:
            case "response.output_audio.delta":
                item = self.items.setdefault(event["item_id"], Item(event["item_id"]))
                item.audio += base64.b64decode(event["delta"])
            case "response.output_audio_transcript.done" if event["item_id"] in self.items:
                self.items[event["item_id"]].text = event["transcript"]
            case _:
                return

    def _told(self, event: JsonObject, at_s: float) -> None:
        item = self.items.get(str(event.get("item_id")))
        if event["type"] == "conversation.item.truncate" and item:
            item.truncated_ms, item.truncated_at_s = int(event["audio_end_ms"]), at_s
