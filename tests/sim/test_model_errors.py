"""What OpenAI refuses, the rehearsal model refuses, in the same words; nothing of a refused event is applied."""

import base64
import json
from typing import Any

import pytest

from sim import voice
from sim.model.script import GREETING
from tests.sim.model_client import Client, errors, of_type, one, types

GREETING_MS = voice.duration_ms(voice.speech(GREETING))
LONG_ID = "i" * 33
PCM = {"type": "audio/pcm", "rate": 24000}
FUNCTION = {"type": "function", "name": "f"}

# A change of the session, the code it is refused with, and the parameter named.
SESSIONS: list[tuple[Any, str, str]] = [
    ({}, "missing_required_parameter", "session.type"),
    ({"voice": "alloy"}, "missing_required_parameter", "session.type"),
    ({"type": "realtime", "voice": "alloy"}, "unknown_parameter", "session.voice"),
    ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
    ({"type": "realtime", "modalities": ["audio"]}, "unknown_parameter", "session.modalities"),
    ({"type": "transcription"}, "invalid_value", "session.type"),
    ([], "invalid_type", "session"),
    ({"type": "realtime", "instructions": 7}, "invalid_type", "session.instructions"),
    ({"type": "realtime", "instructions": None}, "invalid_type", "session.instructions"),
    ({"type": "realtime", "output_modalities": ["text", "audio"]}, "invalid_value", "session.output_modalities"),
    ({"type": "realtime", "output_modalities": []}, "invalid_value", "session.output_modalities"),
    ({"type": "realtime", "output_modalities": ["video"]}, "invalid_value", "session.output_modalities[0]"),
    ({"type": "realtime", "model": "another"}, "invalid_value", "session.model"),
    ({"type": "realtime", "max_output_tokens": 0}, "integer_below_min_value", "session.max_output_tokens"),
    ({"type": "realtime", "max_output_tokens": 4097}, "integer_above_max_value", "session.max_output_tokens"),
    ({"type": "realtime", "max_output_tokens": "all"}, "invalid_value", "session.max_output_tokens"),
    ({"type": "realtime", "max_output_tokens": 1.5}, "invalid_type", "session.max_output_tokens"),
    ({"type": "realtime", "tools": [{"name": "f"}]}, "missing_required_parameter", "session.tools[0].type"),
    ({"type": "realtime", "tools": [FUNCTION | {"name": "a b"}]}, "invalid_value", "session.tools[0].name"),
    ({"type": "realtime", "tools": [FUNCTION | {"strict": True}]}, "unknown_parameter", "session.tools[0].strict"),
    ({"type": "realtime", "tools": {}}, "invalid_type", "session.tools"),
    (
        {"type": "realtime", "tools": [FUNCTION | {"parameters": {"properties": {"a": 1}}}]},
        "invalid_function_parameters",
        "session.tools[0].parameters.properties.a",
    ),
    (
        {"type": "realtime", "tools": [FUNCTION | {"parameters": {"properties": {"a": {"enum": "b"}}}}]},
        "invalid_function_parameters",
        "session.tools[0].parameters.properties.a.enum",
    ),
    ({"type": "realtime", "tool_choice": "always"}, "invalid_value", "session.tool_choice"),
    (
        {"type": "realtime", "tool_choice": {"type": "function"}},
        "missing_required_parameter",
        "session.tool_choice.name",
    ),
    ({"type": "realtime", "parallel_tool_calls": "yes"}, "invalid_type", "session.parallel_tool_calls"),
    ({"type": "realtime", "reasoning": {"effort": "huge"}}, "invalid_value", "session.reasoning.effort"),
    ({"type": "realtime", "truncation": "some"}, "invalid_value", "session.truncation"),
    ({"type": "realtime", "include": ["all"]}, "invalid_value", "session.include[0]"),
]
# The same below session.audio.
AUDIO: list[tuple[Any, str, str]] = [
    ({"output": {"format": {"type": "audio/pcm"}}}, "missing_required_parameter", "output.format.rate"),
    ({"output": {"format": PCM | {"rate": 16000}}}, "integer_below_min_value", "output.format.rate"),
    ({"input": {"format": PCM | {"rate": 48000}}}, "integer_above_max_value", "input.format.rate"),
    ({"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}, "unknown_parameter", "input.format.rate"),
    ({"input": {"format": "pcm16"}}, "invalid_type", "input.format"),
    ({"output": {"voice": "nobody"}}, "invalid_value", "output.voice"),
    ({"output": {"voice": {"name": "x"}}}, "missing_required_parameter", "output.voice.id"),
    ({"output": {"speed": 2}}, "decimal_above_max_value", "output.speed"),
    ({"output": {"speed": 0.1}}, "decimal_below_min_value", "output.speed"),
    ({"input": {"turn_detection": False}}, "invalid_type", "input.turn_detection"),
    ({"input": {"turn_detection": {"threshold": 0.5}}}, "missing_required_parameter", "input.turn_detection.type"),
    (
        {"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}},
        "unknown_parameter",
        "input.turn_detection.threshold",
    ),
    (
        {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 0.5}}},
        "invalid_type",
        "input.turn_detection.silence_duration_ms",
    ),
    ({"input": {"transcription": {"modell": "x"}}}, "unknown_parameter", "input.transcription.modell"),
    (
        {"input": {"transcription": {"model": "gpt-realtime-whisper", "prompt": "x"}}},
        "unsupported_parameter",
        "input.transcription.prompt",
    ),
    (
        {"input": {"transcription": {"model": "gpt-transcribe", "delay": "low"}}},
        "unsupported_parameter",
        "input.transcription.delay",
    ),
    (
        {"input": {"transcription": {"language": "en", "languages": ["en"]}}},
        "unsupported_parameter",
        "input.transcription.languages",
    ),
    ({"input": {"noise_reduction": {"type": "far"}}}, "invalid_value", "input.noise_reduction.type"),
]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        *SESSIONS,
        *(({"type": "realtime", "audio": audio}, code, f"session.audio.{param}") for audio, code, param in AUDIO),
    ],
)
def test_a_bad_setting_is_refused_and_nothing_of_the_update_applied(session: Any, code: str, param: str) -> None:
    client = Client()
    before = client.events[0]["session"]
    if isinstance(session, dict) and "instructions" not in session:
        session = {**session, "instructions": "changed"}
    [event] = client.send("session.update", session=session, event_id="evt_1")
    assert event["error"]["type"] == "invalid_request_error"
    assert (event["error"]["code"], event["error"]["param"], event["error"]["event_id"]) == (code, param, "evt_1")
    assert param in event["error"]["message"] or code in {"invalid_value", "unsupported_parameter"}
    assert one(client.update(), "session.updated")["session"] == before


def test_an_unknown_parameter_is_named_as_openai_names_it() -> None:
    [event] = Client().update(voice="alloy")
    assert event["error"]["message"] == "Unknown parameter: 'session.voice'."


def test_an_update_changes_what_it_names_and_keeps_the_rest() -> None:
    client = Client()
    detection = {"type": "server_vad", "threshold": 0.8}
    session = one(
        client.update(
            instructions="x",
            audio={"input": {"turn_detection": detection, "transcription": {"model": "whisper-1"}}},
            tool_choice={"type": "function", "name": "f"},
            tracing=None,
            truncation={"type": "retention_ratio", "retention_ratio": 0.8},
            tools=[FUNCTION, {"type": "mcp", "server_label": "s", "server_url": "https://example.com"}],
        ),
        "session.updated",
    )["session"]
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.8
    assert session["audio"]["input"]["turn_detection"]["prefix_padding_ms"] == 300
    assert session["audio"]["output"]["voice"] == "alloy"
    session = one(client.update(audio={"input": {"turn_detection": None}}), "session.updated")["session"]
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    assert session["instructions"] == "x"


@pytest.mark.parametrize(
    ("model", "codes"), [("gpt-realtime", ["unsupported_parameter"]), ("gpt-realtime-2.1", []), ("rehearsal", [])]
)
def test_reasoning_is_for_reasoning_models(model: str, codes: list[str]) -> None:
    events = Client(model=model).update(reasoning={"effort": "low"})
    assert [code for code, _ in errors(events)] == codes


def test_the_voice_is_fixed_once_the_model_has_spoken() -> None:
    client = Client()
    assert not errors(client.update(audio={"output": {"voice": "marin"}}))
    client.ask()
    again = client.update(audio={"output": {"voice": "marin"}})
    assert types(again) == ["session.updated"]
    changed = client.update(audio={"output": {"voice": "cedar"}})
    assert errors(changed) == [("cannot_update_voice", "session.audio.output.voice")]
    created = client.send("response.create", response={"audio": {"output": {"voice": "cedar"}}})
    assert errors(created) == [("cannot_update_voice", "response.audio.output.voice")]


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{", "invalid_json", None),
        (b"\xff\xfe", "invalid_json", None),
        ("[]", "invalid_type", ""),
        ('{"event_id": "e"}', "missing_required_parameter", "type"),
        ('{"type": "session.create"}', "invalid_value", "type"),
        ('{"type": 5}', "invalid_type", "type"),
    ],
)
def test_what_is_no_event_is_refused(message: str | bytes, code: str, param: str | None) -> None:
    assert errors(Client().send_raw(message)) == [(code, param)]


# A client event, the code it is refused with, and the parameter named.
EVENTS: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("input_audio_buffer.append", {}, "missing_required_parameter", "audio"),
    ("input_audio_buffer.append", {"audio": "?"}, "invalid_value", "audio"),
    ("input_audio_buffer.append", {"audio": "AAAA", "rate": 8000}, "unknown_parameter", "rate"),
    ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty", None),
    ("output_audio_buffer.clear", {}, None, "type"),
    ("response.cancel", {}, "response_cancel_not_active", None),
    ("response.cancel", {"response_id": "resp_none"}, "response_cancel_not_active", None),
    ("response.create", {"response": {"modalities": ["audio"]}}, "unknown_parameter", "response.modalities"),
    ("response.create", {"response": {"temperature": 1}}, "unknown_parameter", "response.temperature"),
    ("response.create", {"response": {"conversation": "x"}}, "invalid_value", "response.conversation"),
    (
        "response.create",
        {"response": {"metadata": {str(n): "" for n in range(17)}}},
        "object_above_max_properties",
        "response.metadata",
    ),
    (
        "response.create",
        {"response": {"metadata": {"n": "x" * 513}}},
        "string_above_max_length",
        "response.metadata.n",
    ),
    (
        "response.create",
        {"response": {"input": [{"type": "item_reference", "id": "none"}]}},
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    ("conversation.item.retrieve", {"item_id": "none"}, "item_retrieve_invalid_item_id", "item_id"),
    ("conversation.item.delete", {"item_id": "none"}, "item_delete_invalid_item_id", "item_id"),
    (
        "conversation.item.truncate",
        {"item_id": "none", "content_index": 0, "audio_end_ms": 1},
        "item_truncate_invalid_item_id",
        "item_id",
    ),
    (
        "conversation.item.truncate",
        {"item_id": "none", "content_index": 0, "audio_end_ms": 1.5},
        "invalid_type",
        "audio_end_ms",
    ),
    ("conversation.item.truncate", {"item_id": "x", "content_index": 0}, "missing_required_parameter", "audio_end_ms"),
]
# The same for items of conversation.item.create.
ITEMS: list[tuple[Any, str, str]] = [
    ({"type": "thought"}, "invalid_value", "item.type"),
    ({"type": "message", "content": []}, "missing_required_parameter", "item.role"),
    ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
    ({"type": "message", "role": "user", "content": [], "id": LONG_ID}, "string_above_max_length", "item.id"),
    (
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "x"}]},
        "missing_required_parameter",
        "item.content[0].text",
    ),
    (
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}]},
        "invalid_value",
        "item.content[0].type",
    ),
    ({"type": "function_call_output", "call_id": "call_1", "output": {"a": 1}}, "invalid_type", "item.output"),
    ({"type": "function_call_output", "call_id": "call_1", "output": ""}, "invalid_tool_call_id", "item.call_id"),
    ({"type": "function_call_output", "call_id": LONG_ID, "output": ""}, "string_above_max_length", "item.call_id"),
]


@pytest.mark.parametrize(
    ("type_", "fields", "code", "param"),
    [
        *EVENTS,
        *(("conversation.item.create", {"item": item}, code, param) for item, code, param in ITEMS),
    ],
)
def test_a_bad_event_is_refused(type_: str, fields: dict[str, Any], code: str | None, param: str | None) -> None:
    assert errors(Client().send(type_, **fields)) == [(code, param)]


def test_audio_of_more_than_15_mib_is_refused() -> None:
    audio = base64.b64encode(bytes(15 * 1024 * 1024 + 1)).decode()
    assert errors(Client().send("input_audio_buffer.append", audio=audio)) == [("invalid_value", "audio")]


def test_a_second_response_is_refused_while_one_is_active() -> None:
    client = Client()
    active = one(client.send("response.create"), "response.created")["response"]["id"]
    [event] = client.send("response.create", event_id="again")
    assert event["error"]["code"] == "conversation_already_has_active_response"
    assert event["error"]["event_id"] == "again"
    assert active in event["error"]["message"]
    assert one(client.until_quiet(), "response.done")["response"]["status"] == "completed"


def test_a_cancelled_response_says_who_cancelled_it() -> None:
    client = Client()
    response_id = one(client.send("response.create"), "response.created")["response"]["id"]
    assert errors(client.send("response.cancel", response_id="resp_other")) == [("response_cancel_not_active", None)]
    events = client.send("response.cancel", response_id=response_id)
    assert one(events, "response.done")["response"]["status_details"]["reason"] == "client_cancelled"
    assert types(events) == ["response.done"]
    assert client.until_quiet() == []


def spoken_item(client: Client) -> str:
    [item] = one(client.ask(), "response.done")["response"]["output"]
    return str(item["id"])


def truncated(client: Client, item_id: str, audio_end_ms: int) -> list[dict[str, Any]]:
    return client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=audio_end_ms)


def test_a_truncated_item_keeps_that_much_audio_and_no_transcript() -> None:
    client = Client()
    item_id = spoken_item(client)
    [event] = truncated(client, item_id, 1500)
    assert (event["type"], event["audio_end_ms"]) == ("conversation.item.truncated", 1500)
    item = one(client.send("conversation.item.retrieve", item_id=item_id), "conversation.item.retrieved")["item"]
    [part] = item["content"]
    assert len(base64.b64decode(part["audio"])) == 1500 * 48
    assert "transcript" not in part


def test_an_item_is_never_truncated_beyond_its_audio() -> None:
    client = Client()
    item_id = spoken_item(client)
    [event] = truncated(client, item_id, GREETING_MS + 1)
    assert event["error"]["type"] == "invalid_request_error"
    assert event["error"]["message"] == f"Audio content of {GREETING_MS}ms is already shorter than {GREETING_MS + 1}ms"
    assert types(truncated(client, item_id, GREETING_MS)) == ["conversation.item.truncated"]


@pytest.mark.parametrize("what", ["zero", "user", "call"])
def test_only_heard_assistant_audio_is_truncated(what: str) -> None:
    client = Client({"greeting": {"say": "Yes.", "tool": {"name": "f"}}})
    message, call = one(client.ask(), "response.done")["response"]["output"]
    client.say("Hello?")
    user = of_type(client.events, "input_audio_buffer.committed")[0]["item_id"]
    item_id, end_ms = {"zero": (message["id"], 0), "user": (user, 1), "call": (call["id"], 1)}[what]
    [event] = truncated(client, item_id, end_ms)
    assert event["error"]["code"] == "unsupported_content_type"
    assert event["error"]["message"] == "Only model output audio messages can be truncated"


def test_items_are_placed_where_the_client_says() -> None:
    client = Client()
    for name, after in (("b", None), ("a", "root"), ("c", "b"), ("d", None), ("x", "a")):
        item = {"type": "message", "role": "system", "id": name, "content": []}
        client.send("conversation.item.create", item=item, previous_item_id=after)
    before = [event["previous_item_id"] for event in of_type(client.events, "conversation.item.added")]
    assert before == [None, None, "b", "c", "a"]
    again = client.send("conversation.item.create", item=item)
    assert errors(again) == [("item_create_duplicate_item_id", "item.id")]
    nowhere = client.send("conversation.item.create", item={**item, "id": "y"}, previous_item_id="none")
    assert errors(nowhere) == [("item_create_invalid_previous_item_id", "previous_item_id")]


def test_a_deleted_item_is_gone() -> None:
    client = Client()
    item_id = spoken_item(client)
    assert types(client.send("conversation.item.delete", item_id=item_id)) == ["conversation.item.deleted"]
    assert errors(client.send("conversation.item.retrieve", item_id=item_id))


def test_written_items_are_shown_without_their_audio() -> None:
    client = Client()
    content = [{"type": "input_audio", "audio": "AAAA", "transcript": "bye"}]
    item = {"type": "message", "role": "user", "id": "u", "content": content}
    event = one(client.send("conversation.item.create", item=item), "conversation.item.done")
    assert event["item"]["content"] == [{"type": "input_audio", "transcript": "bye"}]
    retrieved = client.send("conversation.item.retrieve", item_id="u")
    assert one(retrieved, "conversation.item.retrieved")["item"]["content"] == event["item"]["content"]


def output(client: Client, call_id: str, text: str = "1") -> list[dict[str, Any]]:
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return client.send("conversation.item.create", item=item)


def test_an_output_is_refused_before_the_response_of_its_call_is_done() -> None:
    client = Client({"greeting": {"tools": [{"name": "f"}, {"name": "g", "arguments": {"long": "x " * 99}}]}})
    events = client.send("response.create") + client.wait(0.2)
    call_id = one(events, "response.function_call_arguments.done")["call_id"]
    [event] = output(client, call_id)
    assert event["error"]["code"] == "invalid_tool_call_id"
    assert event["error"]["message"] == f"Tool call ID '{call_id}' not found in conversation."
    client.until_quiet()
    assert not errors(output(client, call_id))


def test_a_call_that_was_cut_off_takes_no_output() -> None:
    client = Client({"greeting": {"tool": {"name": "g", "arguments": {"long": "x " * 99}}}})
    events = client.send("response.create") + client.wait(0.2) + client.send("response.cancel")
    done = one(events, "response.function_call_arguments.done")
    assert one(events, "response.output_item.done")["item"]["status"] == "incomplete"
    with pytest.raises(ValueError, match="Unterminated string"):
        json.loads(done["arguments"])
    assert errors(output(client, done["call_id"])) == [("invalid_tool_call_id", "item.call_id")]


def test_a_replayed_call_takes_an_output_until_it_is_deleted() -> None:
    client = Client()
    call = {"type": "function_call", "id": "it", "name": "f", "arguments": "{}", "call_id": "call_1"}
    client.send("conversation.item.create", item=call)
    assert not errors(output(client, "call_1"))
    client.send("conversation.item.delete", item_id="it")
    assert errors(output(client, "call_1")) == [("invalid_tool_call_id", "item.call_id")]


def test_less_than_100_ms_cannot_be_committed() -> None:
    client = Client()
    client.update(audio={"input": {"turn_detection": None}})
    client.hear(voice.silence(80))
    [event] = client.send("input_audio_buffer.commit")
    assert event["error"]["message"].endswith("but buffer only has 80.00ms of audio.")
    client.hear(voice.silence(20))
    assert types(client.send("input_audio_buffer.commit"))[0] == "input_audio_buffer.committed"
