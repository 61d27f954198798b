"""The options of the documented `llm` verb, as a model hears of them in a whole call on a virtual clock."""

from copy import deepcopy
from typing import Any

import pytest

from media.effects import CallTool, Report, Warn
from media.options import Manners, Options
from media.realtime.openai import Realtime
from sim.model.script import LONG_STORY
from tests.simulation import GREETING, PCM24, ULAW, Call
from tests.verbs.seed import SEED
from verbs.llm import Llm

JsonObject = dict[str, Any]
TWO_TURNS: JsonObject = {**GREETING, "caller": ["Hello?"], "turns": [{"say": "I heard you."}]}


def documented(**session: Any) -> Llm:
    """Give the documented verb, with these settings of its session changed; None takes one out."""
    document = deepcopy(SEED)
    update = document["llmOptions"]["session_update"]
    for name, value in session.items():
        update[name] = value
        if value is None:
            del update[name]
    return Llm.model_validate(document)


def session_of(call: Call) -> JsonObject:
    [update] = call.events("session.update")
    return dict(update["session"])


def spoken_to(verb: Llm, **more: Any) -> Call:
    """Let the caller say a line after the greeting."""
    call = Call({**TWO_TURNS, **more.pop("script", {})}, verb, **more)
    call.say(3, "Hello?")
    return call.run(10)


def said(call: Call) -> list[tuple[str, str]]:
    return [(line["role"], line["text"]) for line in call.bridge.record.transcript]


@pytest.mark.claim("J20", "llmOptions", "llmOptions.session_update", "llmOptions.response_create")
def test_the_documented_session_is_agreed_to_before_the_documented_response_is_asked_for() -> None:
    call = spoken_to(documented(), script={"faults": {"session_updated_delay_s": 1.0}})
    agreed_at = next(at for at, event in call.from_model if event["type"] == "session.updated")
    began_at = next(at for at, event in call.from_model if event["type"] == "response.created")
    assert [event["type"] for event in call.sent][:2] == ["session.update", "response.create"]
    assert 1.0 < agreed_at < began_at
    assert said(call)[1:] == [("user", "Hello?"), ("assistant", "I heard you.")]


@pytest.mark.claim("J14", "llmOptions.response_create.modalities")
def test_text_and_audio_are_asked_for_as_audio_in_the_session_and_in_the_response() -> None:
    call = spoken_to(documented())
    [ask] = call.events("response.create")
    assert session_of(call)["output_modalities"] == ask["response"]["output_modalities"] == ["audio"]


@pytest.mark.claim("J15", "llmOptions.response_create.instructions")
def test_the_instructions_of_the_first_response_hold_for_the_second_turn() -> None:
    call = spoken_to(documented())
    persona = SEED["llmOptions"]["response_create"]["instructions"]
    assert session_of(call)["instructions"] == persona
    assert call.model._session["instructions"] == persona
    assert len(call.events("response.create")) == 1


@pytest.mark.claim("J15")
def test_a_session_with_instructions_of_its_own_keeps_them() -> None:
    assert session_of(spoken_to(documented(instructions="Be kind.")))["instructions"] == "Be kind."


@pytest.mark.claim("J16", "llmOptions.response_create.voice")
def test_the_voice_of_the_first_response_is_the_sessions() -> None:
    call = spoken_to(documented())
    [ask] = call.events("response.create")
    assert session_of(call)["audio"]["output"]["voice"] == "alloy"
    assert "audio" not in ask["response"]


@pytest.mark.claim("J17", "llmOptions.response_create.output_audio_format")
@pytest.mark.parametrize("written", ["pcm16", "g711_ulaw"])
@pytest.mark.parametrize(
    ("audio", "wire"), [(PCM24, {"type": "audio/pcm", "rate": 24000}), (ULAW, {"type": "audio/pcmu"})], ids=str
)
def test_both_directions_have_the_format_that_the_call_needs(audio: Any, wire: JsonObject, written: str) -> None:
    verb = documented()
    verb.llm_options["response_create"]["output_audio_format"] = written
    session = Realtime(verb, audio=audio)._session
    assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == wire


@pytest.mark.claim("J18", "llmOptions.response_create.temperature")
def test_the_temperature_is_left_out_with_one_warning() -> None:
    verb = documented(temperature=0.5)
    call = spoken_to(verb)
    [ask] = call.events("response.create")
    assert "temperature" not in ask["response"]
    assert "temperature" not in session_of(call)
    warnings = Realtime(verb, audio=PCM24).warnings
    assert len([warning for warning in warnings if "temperature" in warning]) == 1


@pytest.mark.claim("J19", "llmOptions.response_create.max_output_tokens")
def test_a_response_that_runs_out_of_tokens_is_told_and_the_call_goes_on() -> None:
    verb = documented()
    verb.llm_options["response_create"]["max_output_tokens"] = 20
    call = spoken_to(verb, script={"greeting": LONG_STORY})
    [first, _] = [report for report in call.of(Report) if report.type == "response.done"]
    assert first.event["response"]["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert call.events("response.create")[0]["response"]["max_output_tokens"] == 20
    assert len(call.events("response.create")) == 1
    assert said(call)[-1] == ("assistant", "I heard you.")


@pytest.mark.claim("J13", "llmOptions.response_create")
@pytest.mark.parametrize("first", [{}, {"response_create": None}, {"response_create": {}}])
def test_a_verb_that_does_not_describe_the_first_response_gets_the_models_own(first: JsonObject) -> None:
    verb = Llm.model_validate({"verb": "llm", "vendor": "openai", "llmOptions": first})
    call = Call(GREETING, verb).run(4)
    [ask] = call.events("response.create")
    assert "response" not in ask
    assert [role for role, _ in said(call)] == ["assistant"]


@pytest.mark.claim("J13")
def test_where_the_caller_speaks_first_no_response_is_asked_for_before_they_have() -> None:
    options = Options(audio=PCM24, manners=Manners(caller_speaks_first=True))
    call = spoken_to(documented(), options=options)
    assert call.events("response.create") == []
    assert said(call) == [("user", "Hello?"), ("assistant", "I heard you.")]


@pytest.mark.claim("J12", "llmOptions")
def test_a_setting_that_nobody_here_knows_reaches_the_model() -> None:
    call = Call(GREETING, documented(mood="sunny"), legal=False).run(4)
    first, second = call.events("session.update")
    assert first["session"]["mood"] == "sunny"
    assert "mood" not in second["session"]  # this model does not know it either, and said so
    assert [warn.event for warn in call.of(Warn)] == ["session_setting_dropped"]
    assert said(call)


@pytest.mark.claim("J24", "llmOptions.session_update.input_audio_transcription")
def test_without_transcription_the_transcript_has_no_lines_of_the_caller() -> None:
    call = spoken_to(documented(input_audio_transcription=None))
    assert session_of(call)["audio"]["input"].get("transcription") is None
    assert [role for role, _ in said(call)] == ["assistant", "assistant"]


@pytest.mark.claim("J24", "llmOptions.session_update.input_audio_transcription.model")
def test_the_callers_words_are_written_down_by_the_model_that_was_named() -> None:
    call = spoken_to(documented())
    assert session_of(call)["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    assert ("user", "Hello?") in said(call)


@pytest.mark.claim(
    "J25",
    "llmOptions.session_update.turn_detection",
    "llmOptions.session_update.turn_detection.type",
    "llmOptions.session_update.turn_detection.threshold",
    "llmOptions.session_update.turn_detection.prefix_padding_ms",
    "llmOptions.session_update.turn_detection.silence_duration_ms",
)
@pytest.mark.parametrize(
    "detection",
    [
        SEED["llmOptions"]["session_update"]["turn_detection"],
        {"type": "server_vad", "idle_timeout_ms": 5000, "create_response": True, "interrupt_response": False},
        {"type": "semantic_vad", "eagerness": "high"},
    ],
)
def test_turns_are_detected_as_the_verb_says(detection: JsonObject) -> None:
    call = spoken_to(documented(turn_detection=detection))
    assert session_of(call)["audio"]["input"]["turn_detection"] == detection
    assert call.model._session["audio"]["input"]["turn_detection"].items() >= detection.items()
    assert ("assistant", "I heard you.") in said(call)


@pytest.mark.claim("J25", "llmOptions.session_update.turn_detection.silence_duration_ms")
@pytest.mark.parametrize("silence_ms", [200, 500, 900])
def test_the_end_of_a_turn_is_as_long_as_the_verb_says_and_answers_are_timed_from_the_words(silence_ms: int) -> None:
    call = spoken_to(documented(turn_detection={"type": "server_vad", "silence_duration_ms": silence_ms}))
    [latency_s] = call.measured("turn_latency")
    assert silence_ms / 1000 < latency_s < silence_ms / 1000 + 0.35


@pytest.mark.claim("J25", "llmOptions.session_update.turn_detection")
def test_without_turn_detection_nobody_answers_by_itself() -> None:
    verb = documented()
    verb.llm_options["session_update"]["turn_detection"] = None
    call = spoken_to(verb)
    assert session_of(call)["audio"]["input"]["turn_detection"] is None
    assert len(said(call)) == len(call.events("response.create")) == 1


@pytest.mark.claim(
    "J21", "J23", "toolHook", "llmOptions.session_update.tools", "llmOptions.session_update.tools.name",
    "llmOptions.session_update.tools.type", "llmOptions.session_update.tools.description",
    "llmOptions.session_update.tools.parameters", "llmOptions.session_update.tool_choice",
)  # fmt: skip
def test_the_documented_tool_is_declared_called_and_its_answer_spoken_of() -> None:
    asked: list[CallTool] = []

    def weather(call: CallTool) -> tuple[float, str]:
        asked.append(call)
        return 0.2, '{"temperature": 72}'

    arguments = {"location": "Boston", "scale": "fahrenheit"}
    turns = [
        {"when": {"heard": "Hello"}, "tool": {"name": "get_weather", "arguments": arguments}},
        {"when": {"tool_result": "get_weather"}, "say": "It is {temperature} degrees."},
    ]
    call = spoken_to(documented(), script={"turns": turns}, tool=weather)
    session = session_of(call)
    assert (session["tools"], session["tool_choice"]) == (SEED["llmOptions"]["session_update"]["tools"], "auto")
    assert [(one.name, one.arguments) for one in asked] == [("get_weather", arguments)]
    assert said(call)[-1] == ("assistant", "It is 72 degrees.")


@pytest.mark.claim("J22", "llmOptions.session_update.tools.parameters")
@pytest.mark.parametrize(
    "arguments",
    [{"location": "Boston"}, {"location": "Boston", "scale": "kelvin"}, {"location": 5, "scale": "celsius"}],
)
def test_arguments_that_break_the_documented_schema_are_told_to_the_model_alone(arguments: JsonObject) -> None:
    turns = [
        {"when": {"heard": "Hello"}, "tool": {"name": "get_weather", "arguments": arguments}},
        {"when": {"tool_result": "*", "tool_error": True}, "say": "Sorry, that did not work."},
    ]
    call = spoken_to(documented(), script={"turns": turns})
    assert call.of(CallTool) == []
    [output] = call.events("conversation.item.create")
    assert "do not fit the tool's parameters" in output["item"]["output"]
    assert said(call)[-1] == ("assistant", "Sorry, that did not work.")


@pytest.mark.claim("J23", "llmOptions.session_update.tool_choice")
@pytest.mark.parametrize("choice", ["auto", "none", "required", {"type": "function", "name": "get_weather"}])
def test_each_choice_of_tools_reaches_the_model_as_it_is(choice: Any) -> None:
    assert session_of(Call(GREETING, documented(tool_choice=choice)).run(3))["tool_choice"] == choice


@pytest.mark.claim("J6", "model")
def test_the_retired_model_of_the_documentation_is_replaced_with_one_warning() -> None:
    warnings = Realtime(documented(), audio=PCM24).warnings
    assert len([warning for warning in warnings if SEED["model"] in warning]) == 1
