"""The rehearsal model on the beta's wire."""

import json
from typing import Any

import pytest

from sim.model import RehearsalSession, Script
from sim.model.beta import BetaSession
from tests.sim.model_client import of_type, one, types
from tests.verbs.seed import SEED

JsonObject = dict[str, Any]


class Client:
    def __init__(self, script: JsonObject | None = None) -> None:
        self.now = 100.0
        self.session = BetaSession(RehearsalSession, Script.of(script or {}), self.now, model="m")
        self.events = self.session.tick(self.now)

    def send(self, event: Any) -> list[JsonObject]:
        told = self.session.receive(event if isinstance(event, str) else json.dumps(event), self.now)
        self.events += told
        return told

    def wait(self, seconds: float = 60) -> list[JsonObject]:
        self.now += seconds
        told = self.session.tick(self.now)
        self.events += told
        return told


def test_the_documentations_verb_is_understood_as_it_stands() -> None:
    client, options = Client(), SEED["llmOptions"]
    client.send({"type": "response.create", "response": options["response_create"]})
    client.send({"type": "session.update", "session": options["session_update"]})
    client.wait()
    assert of_type(client.events, "error") == []
    names = types(client.events)
    assert {"conversation.item.created", "response.audio.delta", "response.audio_transcript.done"} <= set(names)
    assert not [name for name in names if "output_audio" in name or name == "conversation.item.done"]


def test_a_session_is_flat_and_keeps_what_was_set() -> None:
    client = Client()
    new = one(client.events, "session.created")["session"]
    assert (new["modalities"], new["input_audio_format"], new["voice"]) == (["text", "audio"], "pcm16", "alloy")
    assert not {"audio", "output_modalities"} & new.keys()
    wanted = {
        "modalities": ["text"],
        "input_audio_format": "g711_ulaw",
        "input_audio_transcription": {"model": "whisper-1"},
        "turn_detection": None,
        "max_response_output_tokens": 100,
        "temperature": 0.8,
    }
    changed = one(client.send({"type": "session.update", "session": wanted}), "session.updated")["session"]
    assert (changed["modalities"], changed["input_audio_format"], changed["turn_detection"]) == (
        ["text"],
        "g711_ulaw",
        None,
    )
    assert changed["max_output_tokens"] == 100


@pytest.mark.parametrize("name", ["type", "audio", "output_modalities"])
def test_a_session_in_the_new_shape_is_refused(name: str) -> None:
    error = one(Client().send({"type": "session.update", "session": {name: {}}}), "error")["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", f"session.{name}")


def test_items_have_the_older_parts() -> None:
    client = Client()
    part = {"type": "text", "text": "I said so."}
    item = {"type": "message", "role": "assistant", "content": [part]}
    created = one(client.send({"type": "conversation.item.create", "item": item}), "conversation.item.created")
    assert created["item"]["content"][0]["type"] == "text"
    client.send({"type": "response.create"})
    client.wait()
    done = one(client.events, "response.done")["response"]
    assert done["output"][0]["content"][0]["type"] == "audio"
    assert done["modalities"] == ["text", "audio"]


def test_what_is_no_event_is_an_error_as_ever() -> None:
    client = Client()
    assert [one(client.send(text), "error")["error"]["type"] for text in ("{", "5")] == ["invalid_request_error"] * 2


def test_a_format_that_nobody_knows_is_refused_by_the_model() -> None:
    assert of_type(Client().send({"type": "session.update", "session": {"input_audio_format": "mp3"}}), "error")


def test_the_end_is_that_of_the_session_within() -> None:
    client = Client({"session_s": 1})
    assert (client.session.closing, client.session.lost_line) == (None, None)
    assert client.session.next_due() is not None
    client.wait()
    assert client.session.closing is not None
