import base64
import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat, Encoding
from media.ends import FATAL
from media.playout import Speech
from media.realtime.base import (
    AsideEnded,
    CallerCommitted,
    CallerStarted,
    CallerStopped,
    CallerText,
    ModelError,
    ModelEvent,
    ModelRefused,
    ResponseEnded,
    ResponseStarted,
    Said,
    SessionOpened,
    SessionReady,
    SpeechComplete,
    SpeechReceived,
    SpokenText,
    ToolCalled,
)
from media.realtime.openai import Realtime
from media.realtime.protocol import MAX_ASIDES
from media.realtime.reading import HARMLESS
from tests.oracles import check_client
from tests.simulation import WEATHER, llm

JsonObject = dict[str, Any]
PCM = AudioFormat("pcm16", 24000)
SPEECH = Speech("i1", 0)
ACTIVE = "conversation_already_has_active_response"
ABOUT: JsonObject = {"item_id": "i1", "content_index": 0, "response_id": "r1"}


def model(audio: AudioFormat = PCM, *, wants_audio_events: bool = False, **options: Any) -> Realtime:
    return Realtime(llm(**options), audio=audio, wants_audio_events=wants_audio_events)


def wire(type_: str, **fields: Any) -> bytes:
    return json.dumps({"type": type_, **fields}, separators=(",", ":")).encode()


def meaning(type_: str, **fields: Any) -> ModelEvent | None:
    return model().receive(wire(type_, **fields)).meaning


def delta(audio: bytes, type_: str = "response.output_audio.delta", **fields: Any) -> bytes:
    return wire(type_, **{**ABOUT, "delta": base64.b64encode(audio).decode(), **fields})


# What the model says


@pytest.mark.parametrize(
    ("type_", "fields", "means"),
    [
        ("session.created", {"session": {"expires_at": 17}}, SessionOpened(17)),
        ("session.created", {}, SessionOpened()),
        ("response.done", {"response": {"id": "r1", "status": ["failed"]}}, ResponseEnded("r1", "completed")),
        ("session.created", {"session": None}, SessionOpened()),
        ("session.updated", {"session": {}}, SessionReady()),
        ("response.output_audio.done", ABOUT, SpeechComplete(SPEECH)),
        ("response.audio.done", ABOUT, SpeechComplete(SPEECH)),
        ("response.output_audio_transcript.delta", {**ABOUT, "delta": "Hel"}, SpokenText(SPEECH, "Hel", final=False)),
        ("response.audio_transcript.done", {**ABOUT, "transcript": "Hello"}, SpokenText(SPEECH, "Hello", final=True)),
        ("input_audio_buffer.speech_started", {"item_id": "u1"}, CallerStarted("u1")),
        ("input_audio_buffer.speech_stopped", {"item_id": "u1"}, CallerStopped("u1")),
        ("input_audio_buffer.committed", {"item_id": "u1"}, CallerCommitted("u1")),
        (
            "conversation.item.input_audio_transcription.completed",
            {"item_id": "u1", "transcript": "Hi"},
            CallerText("u1", "Hi"),
        ),
        ("conversation.item.input_audio_transcription.failed", {"item_id": "u1"}, CallerText("u1", None)),
        ("response.created", {"response": {"id": "r1"}}, ResponseStarted("r1")),
        ("response.created", {"response": {"id": "r1", "conversation_id": "conv"}}, ResponseStarted("r1")),
        ("response.created", {"response": {"id": "r1", "conversation_id": None}}, None),
        ("response.done", {"response": {"id": "r1", "conversation_id": None}}, AsideEnded({})),
        ("response.done", {"response": {"id": "r1", "conversation_id": None}, "usage": {"n": 1}}, AsideEnded({"n": 1})),
        ("response.done", {"response": {"id": "r1"}}, ResponseEnded("r1", "completed")),
        (
            "response.done",
            {
                "response": {
                    "id": "r1",
                    "status": "failed",
                    "status_details": {"error": {"code": "x"}},
                    "usage": {"n": 1},
                }
            },
            ResponseEnded("r1", "failed", {"code": "x"}, {"n": 1}),
        ),
        ("rate_limits.updated", {"rate_limits": []}, None),
        (
            "response.done",
            {"response": {"id": "r1", "usage": [], "status_details": 5}},
            ResponseEnded("r1", "completed"),
        ),
    ],
)
def test_an_event_means_one_thing_under_its_name_of_today_and_its_old_one(
    type_: str, fields: JsonObject, means: ModelEvent | None
) -> None:
    event = {"type": type_, **fields}
    assert model().receive(wire(type_, **fields)) == Said(type_, event, means)


@pytest.mark.parametrize(
    ("item", "means"),
    [
        ({"arguments": '{"a":1}', "status": "completed"}, ToolCalled("r1", "c1", "get_weather", '{"a":1}')),
        ({"arguments": ""}, ToolCalled("r1", "c1", "get_weather", "{}")),
        ({"status": "incomplete", "arguments": '{"a'}, None),
        ({"type": "message"}, None),
    ],
)
def test_a_tool_is_called_by_an_item_that_was_completed(item: JsonObject, means: ModelEvent | None) -> None:
    whole = {"type": "function_call", "call_id": "c1", "name": "get_weather", **item}
    assert meaning("response.output_item.done", response_id="r1", item=whole) == means


@pytest.mark.parametrize(
    ("error", "code", "fatal", "harmless"),
    [
        ({"code": "insufficient_quota", "message": "pay"}, "insufficient_quota", True, False),
        ({"code": "response_cancel_not_active"}, "response_cancel_not_active", False, True),
        ({"type": "server_error", "code": None}, "server_error", False, False),
        ({}, "unknown", False, False),
        ({"code": "invalid_value", "event_id": "bi-7"}, "invalid_value", False, True),
        (
            {"code": "invalid_value", "message": "Audio content of 5ms is already shorter than 9ms"},
            "invalid_value",
            False,
            True,
        ),
        ({"code": 5, "param": [], "event_id": {}}, "5", False, False),
    ],
)
def test_an_error_is_fatal_harmless_or_neither(error: JsonObject, code: str, *, fatal: bool, harmless: bool) -> None:
    refusal = meaning("error", error=error)
    assert isinstance(refusal, ModelRefused)
    assert (refusal.code, refusal.fatal, refusal.harmless, refusal.error) == (code, fatal, harmless, error)
    assert not FATAL & HARMLESS


@pytest.mark.parametrize("type_", ["response.output_audio.delta", "response.audio.delta"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("wants_audio_events", [False, True])
def test_a_piece_of_speech_is_read_however_it_is_written(
    type_: str, separators: tuple[str, str], *, wants_audio_events: bool
) -> None:
    event = {"type": type_, **ABOUT, "delta": base64.b64encode(b"\1\2" * 500).decode()}
    said = model(wants_audio_events=wants_audio_events).receive(json.dumps(event, separators=separators))
    assert said.meaning == SpeechReceived("r1", SPEECH, b"\1\2" * 500)
    assert said.event == (event if wants_audio_events else {})


def test_base64_with_escaped_slashes_is_speech_too() -> None:
    text = delta(b"\xff\xff" * 300).replace(b"/", b"\\/")
    assert model().receive(text).meaning == SpeechReceived("r1", SPEECH, b"\xff\xff" * 300)


def test_an_event_that_only_names_the_delta_is_not_taken_for_one() -> None:
    error = {"param": "response.output_audio.delta", "message": "no"}
    assert isinstance(model().receive(wire("error", error=error)).meaning, ModelRefused)


def test_half_a_sample_waits_for_its_other_half() -> None:
    reader = model()
    pieces = [reader.receive(delta(part)).meaning for part in (b"\1\2\3", b"\4", b"\5\6")]
    assert [piece.audio for piece in pieces if isinstance(piece, SpeechReceived)] == [b"\1\2", b"\3\4", b"\5\6"]


def test_g711_has_no_half_samples() -> None:
    reader = model(AudioFormat("ulaw", 8000))
    said = reader.receive(delta(b"\1\2\3"))
    assert said.meaning == SpeechReceived("r1", SPEECH, b"\1\2\3")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b'{"type":5}',
        b'{"type":["response.output_audio.delta"]}',
        b'{"type":"response.output_audio.delta"}',
        b'{"type":"response.output_audio.delta","delta":"AAAA","item_id":{},"response_id":"r1"}',
        b'{"type":"response.output_audio.delta","delta":"AAAA","item_id":"i1","response_id":[]}',
        b'{"type":"response.output_audio.delta","delta":"AAAA","item_id":"i1","response_id":"r1","content_index":[]}',
        b'{"type":"response.output_audio.delta","delta":"?","item_id":"i1","response_id":"r1"}',
        b'{"type":"response.output_audio.delta","delta":"\\ud800","item_id":"i1","response_id":"r1"}',
        b'{"type":"response.output_audio.delta","delta":"AAAA',
        b'{"type":"session.updated","session":{"audio":[1]}}',
        b'{"type":"response.done","response":{"id":[]}}',
        b'{"type":"response.created","response":[]}',
        b'{"type":"input_audio_buffer.speech_started","item_id":{}}',
        b'{"type":"response.output_audio_transcript.done","item_id":"i1","transcript":null}',
        b'{"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call"}}',
        b'{"type":"error","error":"no"}',
    ],
)
def test_what_cannot_be_read_is_refused_in_words_that_quote_nothing(text: bytes) -> None:
    with pytest.raises(ModelError) as refused:
        model().receive(text)
    assert len(str(refused.value)) < 120


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for wants_audio_events in (False, True):
        try:
            model(wants_audio_events=wants_audio_events).receive(data)
        except ModelError:
            continue


@pytest.mark.claim("J17")
@pytest.mark.parametrize(
    ("encoding", "rate_hz", "has", "complaint"),
    [
        ("pcm16", 24000, {"type": "audio/pcm", "rate": 24000}, None),
        ("ulaw", 8000, {"type": "audio/pcmu"}, None),
        ("alaw", 8000, {"type": "audio/pcm", "rate": 24000}, "audio.input.format is "),
        ("pcm16", 24000, {"type": "audio/pcmu"}, "audio.input.format is "),
        ("pcm16", 24000, None, "audio.input.format is null"),
    ],
)
def test_a_session_in_another_format_than_asked_for_is_a_mismatch(
    encoding: Encoding, rate_hz: int, has: JsonObject | None, complaint: str | None
) -> None:
    reader = model(AudioFormat(encoding, rate_hz))
    session = {"audio": {way: {"format": has} for way in ("input", "output")}}
    said = reader.receive(wire("session.updated", session=session)).meaning
    assert isinstance(said, SessionReady)
    assert (said.mismatch or "").startswith(complaint or "")
    assert bool(said.mismatch) == bool(complaint)


# What is said to the model


@pytest.mark.parametrize("audio", [PCM, AudioFormat("ulaw", 8000), AudioFormat("alaw", 8000)])
def test_every_message_is_one_that_openai_knows(audio: AudioFormat) -> None:
    speaker = model(audio, session_update={"tools": [WEATHER], "turn_detection": {"type": "server_vad"}})
    messages = [
        speaker.configure(),
        speaker.hear(b"\0\1\2"),
        speaker.ask({}, "ask-1"),
        speaker.ask({"instructions": "Be kind."}, "ask-2"),
        speaker.cancel("r1", "bi-1"),
        speaker.truncate(SPEECH, 350, "bi-2"),
        speaker.forget("i1", "bi-3"),
        speaker.answer_tool("c1", '{"ok":true}', "tool-1"),
        speaker.say("system", "It came late.", "say-1"),
        speaker.say("user", "Hello.", "say-2"),
        speaker.say("assistant", "Good day.", "say-3"),
    ]
    assert [check_client(json.loads(message or b"")) for message in messages] == [[]] * len(messages)


def test_each_configuration_has_an_id_of_its_own() -> None:
    speaker = model()
    ids = [json.loads(speaker.configure())["event_id"] for _ in range(2)]
    assert ids == ["session-1", "session-2"]


@given(st.binary(max_size=200))
def test_the_callers_audio_goes_out_as_it_is(audio: bytes) -> None:
    event = json.loads(model().hear(audio))
    assert event["type"] == "input_audio_buffer.append"
    assert base64.b64decode(event["audio"]) == audio


# What is said beside the conversation


@pytest.mark.parametrize("wants_audio_events", [False, True])
def test_out_of_band_speech_is_an_event_and_is_not_heard(*, wants_audio_events: bool) -> None:
    reader = model(wants_audio_events=wants_audio_events)
    aside = {"id": "r1", "conversation_id": None}
    item = {"type": "function_call", "call_id": "c1", "name": "get_weather"}
    told = [
        reader.receive(wire("response.created", response=aside)),
        reader.receive(delta(b"\1\2")),
        reader.receive(wire("response.output_audio_transcript.done", transcript="Hi", **ABOUT)),
        reader.receive(wire("response.output_audio.done", **ABOUT)),
        reader.receive(wire("response.output_item.done", response_id="r1", item=item)),
        reader.receive(wire("response.done", response=aside)),
        reader.receive(delta(b"\3\4")),
    ]
    assert [said.meaning for said in told] == [*[None] * 5, AsideEnded({}), None]
    assert bool(told[1].event) is wants_audio_events
    assert isinstance(reader.receive(delta(b"\1\2", response_id="r2")).meaning, SpeechReceived)


def test_so_many_responses_beside_the_conversation_are_remembered_and_no_more() -> None:
    reader = model()
    for nth in range(MAX_ASIDES + 1):
        reader.receive(wire("response.created", response={"id": f"r{nth}", "conversation_id": None}))
    heard = [reader.receive(delta(b"\1\2", response_id=f"r{nth}")).meaning is not None for nth in range(MAX_ASIDES + 1)]
    assert heard == [True, *[False] * MAX_ASIDES]


@pytest.mark.parametrize(
    ("error", "code", "harmless"),
    [
        ({"message": "Cancellation failed: no active response found"}, "response_cancel_not_active", True),
        ({"code": "x", "message": "Conversation already has an active response."}, ACTIVE, True),
        ({"code": "invalid_api_key", "message": "no active response"}, "invalid_api_key", False),
        ({"message": "no active subscription", "type": "t"}, "t", False),
    ],
)
def test_a_race_may_be_told_in_words_only(error: JsonObject, code: str, *, harmless: bool) -> None:
    refusal = meaning("error", error=error)
    assert isinstance(refusal, ModelRefused)
    assert (refusal.code, refusal.harmless) == (code, harmless)


@pytest.mark.parametrize("expires_at", ["soon", None, [], float("nan"), float("inf"), -1, 10**400])
def test_an_end_that_is_no_time_is_none(expires_at: Any) -> None:
    assert meaning("session.created", session={"expires_at": expires_at}) == SessionOpened(None)


def test_usage_may_stand_beside_the_response() -> None:
    ended = meaning("response.done", response={"id": "r1"}, usage={"n": 1})
    assert ended == ResponseEnded("r1", "completed", None, {"n": 1})


# What the verb says of the model


@pytest.mark.claim("J25")
@pytest.mark.parametrize(
    ("turn_detection", "interrupts", "answers", "pause_ms"),
    [
        ({}, True, True, 500),
        ({"type": "server_vad", "silence_duration_ms": 200}, True, True, 200),
        ({"type": "server_vad", "interrupt_response": False}, False, True, 500),
        ({"type": "server_vad", "create_response": False}, True, False, 500),
        ({"type": "semantic_vad"}, True, True, 500),
        ({"type": "server_vad", "silence_duration_ms": None}, True, True, 500),
        (None, False, False, 500),
    ],
)
def test_turn_detection_says_what_the_model_does_by_itself(
    turn_detection: JsonObject | None, pause_ms: float, *, interrupts: bool, answers: bool
) -> None:
    told = model(session_update={"turn_detection": turn_detection})
    assert (told.interrupts_itself, told.answers_itself, told.pause_ms) == (interrupts, answers, pause_ms)


@pytest.mark.claim("J21")
def test_a_tool_that_only_the_first_response_knows_may_be_called_as_well() -> None:
    other = {**WEATHER, "name": "other"}
    told = model(session_update={"tools": [WEATHER]}, response_create={"tools": [other]})
    assert set(told.tools) == {"get_weather", "other"}
    assert [tool["name"] for tool in told.greeting["tools"]] == ["other"]


@pytest.mark.claim("J24")
def test_the_tools_and_the_transcription_are_those_of_the_session() -> None:
    told = model(session_update={"tools": [WEATHER], "input_audio_transcription": {"model": "whisper-1"}})
    assert (set(told.tools), told.transcribes) == ({"get_weather"}, True)
    assert (set(model().tools), model().transcribes) == (set(), False)


@pytest.mark.claim("J23", "llmOptions.session_update.tool_choice")
@pytest.mark.parametrize(
    ("tool_choice", "follow_up"),
    [
        ("auto", {}),
        ("none", {}),
        ("required", {"tool_choice": "auto"}),
        ({"type": "function", "name": "get_weather"}, {"tool_choice": "auto"}),
    ],
)
def test_a_forced_tool_is_not_forced_again_after_its_answer(tool_choice: Any, follow_up: JsonObject) -> None:
    assert model(session_update={"tools": [WEATHER], "tool_choice": tool_choice}).follow_up == follow_up


def test_what_the_verb_says_in_old_words_is_warned_of() -> None:
    verb = llm(response_create={"temperature": 0.8}).model_copy(update={"model": "gpt-4o-realtime-preview"})
    temperature, name = Realtime(verb, audio=PCM).warnings
    assert "temperature" in temperature
    assert "gpt-4o-realtime-preview" in name


# What users write

PLACES = [
    *("audio", "audio.input", "audio.output", "audio.input.format", "audio.input.transcription", "audio.output.voice"),
    *("audio.input.turn_detection", "audio.input.turn_detection.silence_duration_ms", "turn_detection", "voice"),
    *("turn_detection.interrupt_response", "tools", "tool_choice", "model", "modalities", "output_modalities", "type"),
    *("input", "input_audio_transcription", "instructions", "metadata", "conversation", "speed", "temperature"),
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, "", "auto", "gpt-realtime", {"name": 5}, {"name": "f"}, {"model": []}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
written = st.dictionaries(
    st.tuples(
        st.sampled_from(["session_update", "response_create", "extra.session_update", "extra.response_create"]),
        st.sampled_from(PLACES),
    ).map(".".join)
    | st.sampled_from(["session_update", "response_create", "extra", "extra.session_update", "extra.response_create"]),
    json_values,
    max_size=4,
)


def tree(leaves: dict[str, Any]) -> JsonObject:
    """Make an object of paths and values; a later path goes through an earlier value where it can."""
    root: JsonObject = {}
    for path, value in leaves.items():
        *parents, name = path.split(".")
        place: Any = root
        for parent in parents:
            place = place.setdefault(parent, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[name] = deepcopy(value)  # values may be shared, and a path may lead one into itself
    return root


@given(written.map(tree))
def test_whatever_a_verb_says_of_the_model_can_be_said_to_the_model(options: JsonObject) -> None:
    verb = llm().model_copy(update={"llm_options": options})
    for audio in (PCM, AudioFormat("ulaw", 8000)):
        speaker = Realtime(verb, audio=audio)
        session = json.loads(speaker.configure())["session"]
        assert {"format"} <= session["audio"]["input"].keys() & session["audio"]["output"].keys()
        assert json.loads(speaker.ask(speaker.greeting, "ask-1"))["type"] == "response.create"
        assert speaker.receive(wire("session.updated", session={})).meaning == SessionReady()
        assert 0 <= speaker.pause_ms <= 60_000


@pytest.mark.parametrize("audio", [None, 5, [], {"input": None}, {"output": "alloy"}])
def test_what_would_take_the_formats_out_of_the_session_is_left_out_and_told(audio: Any) -> None:
    told = model(extra={"session_update": {"audio": audio}})
    place = "audio" if not isinstance(audio, dict) else f"audio.{next(iter(audio))}"
    assert told.warnings == [f"extra.session_update.{place} is no object; it was left out"]
    assert json.loads(told.configure())["session"] == json.loads(model().configure())["session"]


@pytest.mark.parametrize("tools", [5, "get_weather", {"name": "get_weather"}, True])
@pytest.mark.parametrize("extra", [False, True])
def test_tools_that_are_no_list_go_to_the_model_and_are_told(tools: Any, *, extra: bool) -> None:
    said = {"session_update": {"tools": tools}}
    told = model(**({"extra": said} if extra else said))
    assert told.warnings == ["session_update.tools is no list; the model will refuse it"]
    assert (told.tools, json.loads(told.configure())["session"]["tools"]) == ({}, tools)


@pytest.mark.parametrize("turn_detection", [{}, {"type": "semantic_vad", "eagerness": "low"}])
def test_turns_that_are_left_to_us_are_still_heard_by_the_model(turn_detection: JsonObject) -> None:
    told = model(session_update={"turn_detection": turn_detection})
    told.leave_turns()
    sent = json.loads(told.configure())["session"]["audio"]["input"]["turn_detection"]
    left = {"create_response": False, "interrupt_response": False}
    assert sent == {"type": "server_vad", **turn_detection, **left}
    assert (told.answers_itself, told.interrupts_itself) == (False, False)


def test_a_session_without_turns_has_none_to_leave() -> None:
    told = model(session_update={"turn_detection": None})
    told.leave_turns()
    assert json.loads(told.configure())["session"]["audio"]["input"]["turn_detection"] is None


def test_a_content_index_that_is_no_number_is_an_error() -> None:
    event = {"type": "response.output_audio.done", "item_id": "i1", "content_index": "first"}
    with pytest.raises(ModelError):
        model().receive(json.dumps(event))
