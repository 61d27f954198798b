"""Whatever a client does, the rehearsal model answers with events that OpenAI's types accept, and never breaks."""

import base64
import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from sim import voice
from sim.model import RehearsalSession, Script
from sim.model.beta import BetaSession
from tests.properties import NEARLY_JSON, changed, json_values, tried_with, tries
from tests.sim.model_client import Client, of_type

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}
SCRIPT = {
    "greeting": {"say": ["Here is the answer.", "Please go on."], "tools": [{"name": "f"}, {"name": "g"}]},
    "caller": ["Stop, please.", "Tell me a long story."],
    "delta_rate": 2,
}
AUDIO = [voice.silence(700), voice.caller_line("Paris"), voice.caller_line("Stop, please.")]


def item_ids(client: Client) -> list[str]:
    return [event["item"]["id"] for event in of_type(client.events, "conversation.item.added")] or ["none"]


def call_ids(client: Client) -> list[str]:
    return [event["call_id"] for event in of_type(client.events, "response.function_call_arguments.done")] or ["none"]


def act(client: Client, deed: int, number: int) -> None:
    items, calls = item_ids(client), call_ids(client)
    item_id = items[number % len(items)]
    deeds: list[tuple[str, dict[str, Any]]] = [
        ("response.create", {}),
        ("response.create", {"response": {"conversation": "none", "output_modalities": ["text"]}}),
        ("response.cancel", {}),
        ("session.update", {"session": {"type": "realtime", "tools": [TOOL]}}),
        ("session.update", {"session": {"type": "realtime", "audio": {"output": {"format": {"type": "audio/pcmu"}}}}}),
        ("input_audio_buffer.append", {"audio": base64.b64encode(AUDIO[number % len(AUDIO)]).decode()}),
        ("input_audio_buffer.commit", {}),
        ("input_audio_buffer.clear", {}),
        ("conversation.item.truncate", {"item_id": item_id, "content_index": 0, "audio_end_ms": number}),
        ("conversation.item.delete", {"item_id": item_id}),
        ("conversation.item.retrieve", {"item_id": item_id}),
        (
            "conversation.item.create",
            {"item": {"type": "function_call_output", "call_id": calls[number % len(calls)], "output": "1"}},
        ),
    ]
    type_, fields = deeds[deed % len(deeds)]
    client.send(type_, **fields)


@settings(max_examples=tries(40), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 3000)), max_size=15))
def test_any_order_of_events_is_answered_and_every_response_ends(deeds: list[tuple[int, int]]) -> None:
    client = Client(SCRIPT)
    for deed, number in deeds:
        act(client, deed, number)
        client.wait(number / 1000)
    client.until_quiet()
    created = [event["response"]["id"] for event in of_type(client.events, "response.created")]
    done = [event["response"]["id"] for event in of_type(client.events, "response.done")]
    assert sorted(created) == sorted(done)
    added = [event["item"]["id"] for event in of_type(client.events, "conversation.item.added")]
    assert added == list(dict.fromkeys(added))
    assert sorted(added) == sorted(event["item"]["id"] for event in of_type(client.events, "conversation.item.done"))


HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
EVENTS: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "tools": [TOOL], "audio": {"output": {}}}},
    {"type": "session.update", "session": {"modalities": ["audio"], "voice": "alloy", "input_audio_format": "pcm16"}},
    {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(960)).decode()},
    {"type": "conversation.item.create", "item": HELLO},
    {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 0},
    {"type": "response.create", "response": {"instructions": "Greet.", "modalities": ["audio"]}, "event_id": "e"},
]
ODD_TEXTS = st.sampled_from(["\ud800", "AAA", "pcm16", "text", "function_call_output", "x" * 600])


NOT_ASCII = json.dumps({"type": "input_audio_buffer.append", "audio": "é"}).encode()


@tried_with("messages", [[message] for message in (NOT_ASCII, *NEARLY_JSON)])
@settings(max_examples=tries(60), deadline=None)
@given(messages=st.lists(changed(EVENTS, json_values(ODD_TEXTS)).map(json.dumps).map(str.encode), max_size=4))
def test_whatever_is_said_to_a_rehearsal_of_either_shape_is_answered(messages: list[bytes]) -> None:
    for session in (
        RehearsalSession(Script(), 0.0, model="m"),
        BetaSession(RehearsalSession, Script(), 0.0, model="m"),
    ):
        for nth, message in enumerate(messages):
            for event in session.receive(message, float(nth)):
                assert isinstance(event["type"], str)
                json.dumps(event)
