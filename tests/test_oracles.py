"""An oracle that says yes to everything is none: each of these is refused by the service."""

from typing import Any

import pytest

from tests.oracles import check_client, check_server

PCM = {"type": "audio/pcm", "rate": 24000}


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
        {"type": "response.create"},
        {"type": "response.create", "event_id": "greeting", "response": {"metadata": {"k": "v"}}},
        update(output_modalities=["audio"], audio={"input": {"format": PCM, "turn_detection": None}}),
        update(audio={"output": {"format": {"type": "audio/pcmu"}}}),
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
        },
    ],
)
def test_a_good_client_event_passes(message: dict[str, Any]) -> None:
    assert check_client(message) == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ({"type": "input_audio_buffer.append"}, "input_audio_buffer.append.audio: Field required"),
        ({"type": "session.update", "session": {"voice": "alloy"}}, "type: Field required"),
        (update(voice="alloy"), "unknown field .session.voice"),
        ({"type": "response.create", "response": {"temperature": 0.8}}, "unknown field .response.temperature"),
        (update(audio={"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}), "unknown field"),
        (update(audio={"input": {"turn_detection": False}}), "turn_detection"),
        (update(tools=[{"type": "function", "name": "f", "strict": True}]), "unknown field .session.tools[0].strict"),
        (update(audio={"input": {"format": {"type": "audio/pcm"}}}), "audio.input.format.rate: Field required"),
        (update(output_modalities=["text", "audio"]), "exactly one"),
        ({"type": "response.create", "event_id": "e" * 33}, "event_id: longer than 32"),
        (
            {
                "type": "conversation.item.create",
                "item": {"id": "i" * 33, "type": "function_call_output", "call_id": "c", "output": ""},
            },
            "item.id: longer than 32",
        ),
        ({"type": "response.create", "response": {"metadata": {"k": "v" * 513}}}, "metadata: too much"),
        (
            {"type": "response.create", "response": {"metadata": {str(i): "" for i in range(17)}}},
            "metadata: too much",
        ),
        ({"type": "input_audio_buffer.append", "audio": "A" * (15 * 1024 * 1024 + 1)}, "more than 15 MiB"),
        ({"type": "no.such.event"}, "does not match any of the expected tags"),
        ({}, "Unable to extract tag"),
    ],
)
def test_a_bad_client_event_is_named(message: dict[str, Any], fault: str) -> None:
    assert any(fault in told for told in check_client(message))


def test_server_events_are_known_by_their_names_of_today() -> None:
    delta = {"event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "delta": ""}
    assert check_server(delta | {"type": "response.output_audio.delta"}) == []
    assert check_server(delta | {"type": "response.output_audio.delta", "more": 1}) == ["unknown field .more"]
    assert check_server(delta | {"type": "response.audio.delta"}) != []


def test_a_session_may_carry_more_than_the_package_models() -> None:
    session = {"type": "realtime", "id": "sess_1", "object": "realtime.session", "expires_at": 1}
    assert check_server({"type": "session.created", "event_id": "e", "session": session}) == []
    assert check_server({"type": "session.created", "session": session}) != []
