import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat, Encoding
from media.realtime.capabilities import ModelAudio
from media.realtime.legacy import Translated, translate
from media.realtime.models import DEFAULT_MODEL
from tests.oracles import check_client
from tests.verbs.seed import SEED

JsonObject = dict[str, Any]

PCM = AudioFormat("pcm16", 24000)
PCM_WIRE = {"type": "audio/pcm", "rate": 24000}

BETA: JsonObject = SEED["llmOptions"]
WEATHER, SERVER_VAD = BETA["session_update"]["tools"][0], BETA["session_update"]["turn_detection"]


def session_of(session_update: JsonObject, response_create: JsonObject | None = None) -> JsonObject:
    options = {"session_update": session_update, "response_create": response_create}
    return translate(options, audio=PCM).session


def faults(translated: Translated) -> list[str]:
    update = check_client({"type": "session.update", "session": translated.session})
    return update + check_client({"type": "response.create", "response": translated.response})


@pytest.mark.claim("J14", "J15", "J16", "J18", "J24", "J25", "llmOptions")
def test_the_documented_verb_is_said_in_todays_words() -> None:
    translated = translate(BETA, audio=PCM)
    assert translated.session == {
        "type": "realtime",
        "instructions": "Please assist the user with their request.",
        "output_modalities": ["audio"],
        "tools": [WEATHER],
        "tool_choice": "auto",
        "audio": {
            "input": {"format": PCM_WIRE, "transcription": {"model": "whisper-1"}, "turn_detection": SERVER_VAD},
            "output": {"format": PCM_WIRE, "voice": "alloy"},
        },
    }
    assert translated.response == {
        "instructions": "Please assist the user with their request.",
        "output_modalities": ["audio"],
        "max_output_tokens": 4096,
    }
    assert translated.warnings == [
        "temperature is no longer known to the Realtime API; it was left out",
        "the model whisper-1 ceases to answer on 2027-02-26",
    ]


@pytest.mark.claim("llmOptions", "llmOptions.session_update", "llmOptions.response_create")
def test_openais_own_package_finds_no_fault_with_the_documented_verb() -> None:
    assert faults(translate(BETA, audio=PCM)) == []


def test_the_verb_itself_is_left_as_it_was() -> None:
    before = deepcopy(BETA)
    translated = translate(BETA, audio=PCM)
    translated.session["tools"].clear()
    translated.session["audio"]["input"]["turn_detection"].clear()
    assert before == BETA


@pytest.mark.claim("J14", "J24", "J25")
@pytest.mark.parametrize(
    ("beta", "path", "value"),
    [
        ({"speed": 1.2}, ("audio", "output", "speed"), 1.2),
        ({"voice": {"id": "voice_1"}}, ("audio", "output", "voice"), {"id": "voice_1"}),
        (
            {"input_audio_noise_reduction": {"type": "near_field"}},
            ("audio", "input", "noise_reduction"),
            {"type": "near_field"},
        ),
        ({"input_audio_noise_reduction": None}, ("audio", "input", "noise_reduction"), None),
        ({"input_audio_transcription": None}, ("audio", "input", "transcription"), None),
        ({"turn_detection": None}, ("audio", "input", "turn_detection"), None),
        ({"turn_detection": False}, ("audio", "input", "turn_detection"), None),
        ({"max_response_output_tokens": "inf"}, ("max_output_tokens",), "inf"),
        ({"modalities": ["audio", "text"]}, ("output_modalities",), ["audio"]),
        ({"modalities": ["text"]}, ("output_modalities",), ["audio"]),
        ({}, ("output_modalities",), ["audio"]),
        ({"modalities": []}, ("output_modalities",), ["audio"]),
        ({"output_modalities": ["text", "audio"]}, ("output_modalities",), ["audio"]),
        ({"tracing": "auto"}, ("tracing",), "auto"),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 0.8}}, ("truncation", "retention_ratio"), 0.8),
        ({"type": "transcription"}, ("type",), "realtime"),
    ],
)
def test_a_setting_of_the_session_goes_to_its_place(beta: JsonObject, path: tuple[str, ...], value: Any) -> None:
    place: Any = session_of(beta)
    for name in path:
        place = place[name]
    assert place == value


@pytest.mark.parametrize(
    ("told", "warning"),
    [
        (
            {"session_update": {"voice": "verse", "audio": {"output": {"voice": "marin"}}}},
            "session_update.voice says otherwise than session_update.audio.output.voice, which is used",
        ),
        (
            {"response_create": {"voice": "verse", "audio": {"output": {"voice": "marin"}}}},
            "response_create.voice says otherwise than response_create.audio.output.voice, which is used",
        ),
        ({"session_update": {"voice": "marin", "audio": {"output": {"voice": "marin"}}}}, None),
        ({"session_update": {"voice": None, "audio": {"output": {"voice": "marin"}}}}, None),
        ({"session_update": {"modalities": ["text", "audio"], "output_modalities": ["audio"]}}, None),
    ],
)
def test_what_is_said_twice_and_not_alike_is_told(told: JsonObject, warning: str | None) -> None:
    assert translate(told, audio=PCM).warnings == ([warning] if warning else [])


@pytest.mark.parametrize("name", ["tools", "instructions", "voice", "speed", "modalities", "tracing", "audio"])
def test_a_null_says_what_a_new_session_says_anyway(name: str) -> None:
    assert session_of({name: None}) == session_of({})


def test_a_null_voice_below_audio_is_none() -> None:
    assert session_of({"audio": {"output": {"voice": None}}}, {"voice": "sage"})["audio"]["output"]["voice"] == "sage"


@pytest.mark.claim("J17")
@pytest.mark.parametrize(
    ("encoding", "wire"),
    [("pcm16", PCM_WIRE), ("ulaw", {"type": "audio/pcmu"}), ("alaw", {"type": "audio/pcma"})],
)
@pytest.mark.parametrize(
    "session_update",
    [
        {},
        {"input_audio_format": "g711_ulaw", "output_audio_format": "g711_ulaw"},
        {"type": "realtime", "audio": {"input": {"format": PCM_WIRE}, "output": {"format": PCM_WIRE}}},
    ],
)
def test_the_formats_are_the_bridges_whatever_the_verb_says(
    encoding: Encoding, wire: JsonObject, session_update: JsonObject
) -> None:
    audio = translate({"session_update": session_update}, audio=AudioFormat(encoding, 24000)).session["audio"]
    assert audio == {"input": {"format": wire}, "output": {"format": wire}}


def test_where_both_shapes_say_something_todays_is_taken() -> None:
    session = session_of({"voice": "alloy", "audio": {"output": {"voice": "marin"}}})
    assert session["audio"]["output"]["voice"] == "marin"


def test_a_null_in_todays_place_is_not_undone_by_the_beta() -> None:
    session = session_of({"turn_detection": SERVER_VAD, "audio": {"input": {"turn_detection": None}}})
    assert session["audio"]["input"]["turn_detection"] is None


def test_the_session_keeps_its_own_instructions() -> None:
    session = session_of({"instructions": "Be brief."}, {"instructions": "Say hello."})
    assert session["instructions"] == "Be brief."


@pytest.mark.claim("J16", "llmOptions.response_create.voice")
@pytest.mark.parametrize("response_create", [{"voice": "verse"}, {"audio": {"output": {"voice": "verse"}}}])
def test_the_voice_of_the_first_response_is_the_calls(response_create: JsonObject) -> None:
    translated = translate({"response_create": response_create}, audio=PCM)
    assert translated.session["audio"]["output"]["voice"] == "verse"
    assert (translated.response, translated.warnings) == ({}, [])


@pytest.mark.claim("J16")
def test_a_call_has_one_voice() -> None:
    translated = translate({"session_update": {"voice": "sage"}, "response_create": {"voice": "verse"}}, audio=PCM)
    assert translated.session["audio"]["output"]["voice"] == "sage"
    assert "another voice" in translated.warnings[0]


@pytest.mark.claim("J16")
def test_a_null_in_todays_words_does_not_hide_what_the_betas_say() -> None:
    session = session_of({"voice": "alloy", "speed": 1.2, "audio": {"output": {"voice": None, "speed": None}}})
    assert session["audio"]["output"] == {"format": PCM_WIRE, "voice": "alloy", "speed": 1.2}


@pytest.mark.claim("J24")
def test_what_is_switched_off_in_todays_words_stays_so_and_whoever_said_otherwise_is_told() -> None:
    both = {"turn_detection": SERVER_VAD, "audio": {"input": {"turn_detection": None}}}
    translated = translate({"session_update": both}, audio=PCM)
    assert translated.session["audio"]["input"]["turn_detection"] is None
    assert translated.warnings == [
        "session_update.turn_detection says otherwise than session_update.audio.input.turn_detection, which is used"
    ]


def test_the_speed_of_the_first_response_is_the_calls() -> None:
    options = {"response_create": {"audio": {"output": {"speed": 1.2}}}}
    translated = translate(options, audio=PCM)
    assert (translated.session["audio"]["output"]["speed"], translated.response) == (1.2, {})
    assert translated.warnings == []
    [told] = translate({**options, "session_update": {"speed": 1.1}}, audio=PCM).warnings
    assert "another speed" in told


def test_what_no_response_has_is_left_out_and_told() -> None:
    audio = {"input": {"turn_detection": None}, "output": {"format": PCM_WIRE, "voice": "verse", "foo": 1}}
    translated = translate({"response_create": {"audio": audio}}, audio=PCM)
    assert translated.response == {}
    assert translated.warnings == [
        "response_create.audio.input is not known to the model; it was left out",
        "response_create.audio.output.foo is not known to the model; it was left out",
    ]


@pytest.mark.claim("J18")
def test_what_is_gone_is_told_once_for_both_objects() -> None:
    both = {"temperature": 0.7, "client_secret": {}}
    translated = translate({"session_update": both, "response_create": both}, audio=PCM)
    assert [told.split()[0] for told in translated.warnings] == ["client_secret", "temperature"]


@pytest.mark.claim("J13")
@pytest.mark.parametrize("options", [{}, {"response_create": None}, {"response_create": {}}])
def test_a_verb_that_says_nothing_of_the_response_gets_the_models_own(options: JsonObject) -> None:
    assert translate(options, audio=PCM).response == {}


def test_an_assistants_words_in_the_responses_input_get_todays_types() -> None:
    items = [
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}, {"type": "audio"}, 1, {}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "message", "role": "assistant"},
    ]
    response = translate({"response_create": {"input": items}}, audio=PCM).response
    assert [part.get("type") for part in response["input"][0]["content"] if part != 1] == [
        "output_text",
        "output_audio",
        None,
    ]
    assert response["input"][1:] == items[1:]


@pytest.mark.claim("J12")
def test_extra_has_the_last_word_as_it_is() -> None:
    extra = {
        "session_update": {"temperature": 0.6, "audio": {"output": {"voice": "cedar"}}, "include": ["x"]},
        "response_create": {"metadata": {"k": "v"}},
    }
    plain, translated = translate(BETA, audio=PCM), translate({**BETA, "extra": extra}, audio=PCM)
    assert translated.session == plain.session | {
        "temperature": 0.6,
        "include": ["x"],
        "audio": plain.session["audio"] | {"output": {"format": PCM_WIRE, "voice": "cedar"}},
    }
    assert translated.response == plain.response | {"metadata": {"k": "v"}}


@pytest.mark.parametrize("conversation", ["none", "auto"])
def test_what_the_caller_hears_first_is_part_of_the_conversation(conversation: str) -> None:
    translated = translate({"response_create": {"conversation": conversation}}, audio=PCM)
    heard = conversation == "auto"
    assert translated.response == ({"conversation": "auto"} if heard else {})
    assert [told.split()[0] for told in translated.warnings] == ([] if heard else ["response_create.conversation"])


@pytest.mark.claim("J21")
def test_j21_what_no_model_knows_of_a_tool_is_left_out_and_told() -> None:
    foreign = {**WEATHER, "meta": {}, "strict": True}
    translated = translate({"session_update": {"tools": [WEATHER, foreign, 5]}}, audio=PCM)
    assert translated.session["tools"] == [WEATHER, WEATHER, 5]
    assert translated.warnings == [
        "session_update.tools[1].meta is not known to the model; it was left out",
        "session_update.tools[1].strict is not known to the model; it was left out",
    ]
    extra = {"session_update": {"tools": [foreign]}}
    assert translate({"extra": extra}, audio=PCM).session["tools"] == [foreign]


@pytest.mark.parametrize(
    ("model", "known"),
    [("gpt-realtime-2.1", True), ("gpt-realtime-2.1-mini", True), ("gpt-realtime-1.5", False), ("my-own", False)],
)
@pytest.mark.parametrize("within", ["session_update", "response_create"])
def test_only_models_of_the_second_generation_are_told_to_reason(model: str, within: str, *, known: bool) -> None:
    asked = {"reasoning": {"effort": "low"}, "parallel_tool_calls": False, "instructions": "Hi"}
    translated = translate({within: asked}, audio=PCM, model=model)
    told = translated.session if within == "session_update" else translated.response
    assert {"reasoning", "parallel_tool_calls"} & told.keys() == (
        {"reasoning", "parallel_tool_calls"} if known else set()
    )
    expected = [
        f"{name} is not known to the model {model}; it was left out" for name in ("reasoning", "parallel_tool_calls")
    ]
    assert translated.warnings == ([] if known else expected)
    assert told["instructions"] == "Hi"


def test_the_two_directions_may_have_two_formats() -> None:
    audio = ModelAudio(AudioFormat("pcm16", 16000), AudioFormat("alaw", 8000))
    told = translate({}, audio=audio).session["audio"]
    assert told == {
        "input": {"format": {"type": "audio/pcm", "rate": 16000}},
        "output": {"format": {"type": "audio/pcma"}},
    }


def test_a_session_may_name_a_model_and_never_one_that_is_gone() -> None:
    translated = translate({"session_update": {"model": "gpt-4o-realtime-preview"}}, audio=PCM)
    assert translated.session["model"] == DEFAULT_MODEL
    assert len(translated.warnings) == 1


# What users write: any field in either shape, with values that make sense or do not.

nonsense = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
voices = st.sampled_from(["alloy", "marin", {"id": "voice_1"}])
vads = st.sampled_from([None, False, SERVER_VAD, {"type": "semantic_vad", "eagerness": "low"}])
modalities = st.sampled_from([["text"], ["audio"], ["text", "audio"], ["audio", "text"]])
transcriptions = st.sampled_from([None, {"model": "whisper-1"}, {"model": "gpt-transcribe", "language": "en"}])
audio_formats = st.sampled_from(["pcm16", "g711_ulaw"])

ga_audio = st.fixed_dictionaries(
    {},
    optional={
        "input": st.fixed_dictionaries(
            {},
            optional={
                "format": st.just(PCM_WIRE),
                "turn_detection": st.sampled_from([None, SERVER_VAD]),
                "transcription": transcriptions,
            },
        ),
        "output": st.fixed_dictionaries({}, optional={"voice": voices, "speed": st.sampled_from([0.5, 1.0])}),
    },
)
sessions = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("realtime"),
        "audio": ga_audio,
        "modalities": modalities,
        "output_modalities": modalities,
        "voice": voices,
        "speed": st.sampled_from([0.5, 1.0]),
        "input_audio_format": audio_formats,
        "output_audio_format": audio_formats,
        "input_audio_transcription": transcriptions,
        "turn_detection": vads,
        "temperature": st.sampled_from([0.6, 1.0]),
        "instructions": st.text(max_size=20),
        "tools": st.just([WEATHER]),
        "max_response_output_tokens": st.sampled_from([1, 4096, "inf"]),
        "model": st.sampled_from(["gpt-realtime-2.1", "gpt-4o-realtime-preview"]),
    },
)
responses = st.fixed_dictionaries(
    {},
    optional={
        "audio": st.fixed_dictionaries({}, optional={"output": st.fixed_dictionaries({}, optional={"voice": voices})}),
        "modalities": modalities,
        "output_modalities": modalities,
        "voice": voices,
        "output_audio_format": audio_formats,
        "temperature": st.sampled_from([0.6, 1.0]),
        "instructions": st.text(max_size=20),
        "max_response_output_tokens": st.sampled_from([1, 4096, "inf"]),
        "max_output_tokens": st.sampled_from([1, 4096, "inf"]),
        "metadata": st.just({"k": "v"}),
    },
)
verbs = st.fixed_dictionaries({}, optional={"session_update": sessions, "response_create": responses})


@given(verbs)
def test_any_mixture_of_both_shapes_is_faultless_afterwards(options: JsonObject) -> None:
    assert faults(translate(options, audio=PCM)) == []


def assert_translated_once_for_all(options: JsonObject) -> None:
    once = translate(options, audio=PCM)
    again = translate({"session_update": once.session, "response_create": once.response}, audio=PCM)
    assert json.dumps([again.session, again.response]) == json.dumps([once.session, once.response])
    assert not any("left out" in told or "another voice" in told or "is gone" in told for told in again.warnings)


@given(verbs)
def test_what_was_translated_is_translated_no_further(options: JsonObject) -> None:
    assert_translated_once_for_all(options)


@given(
    st.dictionaries(
        st.sampled_from(["session_update", "response_create"]),
        nonsense
        | st.dictionaries(st.sampled_from(["audio", "voice", "modalities", "tools", "input", "model"]), nonsense),
    ),
    nonsense,
)
def test_no_shape_of_it_raises(options: JsonObject, extra: Any) -> None:
    translate({**options, "extra": extra}, audio=PCM)
    assert_translated_once_for_all(options)
