"""A client of the rehearsal model without a socket: a virtual clock, and OpenAI's own types as the judge."""

import base64
import json
from typing import Any

from sim import voice
from sim.model import RehearsalSession, Script
from tests.oracles import check_server

JsonObject = dict[str, Any]


def judged(events: list[JsonObject]) -> list[JsonObject]:
    """Return the events if OpenAI's types accept every one, without a field they do not know."""
    sent: list[JsonObject] = json.loads(json.dumps(events))
    for event in sent:
        assert check_server(event) == [], event
        assert len(event["event_id"]) <= 32
    return sent


class Client:
    """Speaks the protocol at whole milliseconds of its own clock and keeps all that it was sent in `events`."""

    def __init__(self, script: Any = None, *, model: str = "rehearsal") -> None:
        self.now = 100.0
        self.session = RehearsalSession(Script.of(script or {}), self.now, model=model, unix_s=1_900_000_000)
        self.events = judged(self.session.tick(self.now))

    def send(self, type_: str, **fields: Any) -> list[JsonObject]:
        return self.send_raw(json.dumps({"type": type_, **fields}))

    def send_raw(self, message: str | bytes) -> list[JsonObject]:
        return self._keep(self.session.receive(message, self.now))

    def wait(self, seconds: float) -> list[JsonObject]:
        self.now += seconds
        return self._keep(self.session.tick(self.now))

    def until_quiet(self) -> list[JsonObject]:
        """Let all pass that is due within ten minutes."""
        return self.wait(600)

    def update(self, **session: Any) -> list[JsonObject]:
        return self.send("session.update", session={"type": "realtime", **session})

    def hear(self, pcm: bytes) -> list[JsonObject]:
        """Send audio as a phone does: 20 ms every 20 ms."""
        events: list[JsonObject] = []
        for at in range(0, len(pcm), 960):
            audio = base64.b64encode(pcm[at : at + 960]).decode()
            events += self.send("input_audio_buffer.append", audio=audio)
            events += self.wait(0.02)
        return events

    def say(self, text: str, silence_ms: int = 600) -> list[JsonObject]:
        return self.hear(voice.caller_line(text) + voice.silence(silence_ms))

    def ask(self, **response: Any) -> list[JsonObject]:
        """Ask for a response and wait for its end."""
        return self.send("response.create", response=response) + self.until_quiet()

    def _keep(self, events: list[JsonObject]) -> list[JsonObject]:
        events = judged(events)
        self.events += events
        return events


def types(events: list[JsonObject]) -> list[str]:
    """Name the events in order; a run of deltas counts as one of each kind."""
    names: list[str] = []
    for event in events:
        repeated = event["type"].endswith(".delta") and event["type"] in names[-2:]
        names += [] if repeated else [event["type"]]
    return names


def of_type(events: list[JsonObject], type_: str) -> list[JsonObject]:
    return [event for event in events if event["type"] == type_]


def one(events: list[JsonObject], type_: str) -> JsonObject:
    [event] = of_type(events, type_)
    return event


def errors(events: list[JsonObject]) -> list[tuple[str | None, str | None]]:
    return [(event["error"]["code"], event["error"]["param"]) for event in of_type(events, "error")]


def audio_ms(events: list[JsonObject], bytes_per_s: int = 48000) -> int:
    deltas = of_type(events, "response.output_audio.delta")
    return sum(len(base64.b64decode(event["delta"])) for event in deltas) * 1000 // bytes_per_s


def said(events: list[JsonObject]) -> str:
    return "".join(event["delta"] for event in of_type(events, "response.output_audio_transcript.delta"))
