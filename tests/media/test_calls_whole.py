"""Whole calls: the bridge between the fake platform and the rehearsal model, on a virtual clock."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from media.audio import AudioFormat
from media.effects import CallTool, End, ToPlatform, Warn
from media.options import Manners, Options
from media.realtime.protocol import SPOKEN
from tests.simulation import GREETING, PCM24, TIME, WEATHER, Call, llm
from verbs.llm import Llm

JsonObject = dict[str, Any]

STORY = (
    "Once upon a time there was a telephone that wanted to see the sea, so it followed its own wire out of the "
    "house, down the road, past the mill and over the hills, until it heard the water."
)
MANUAL_STOP: JsonObject = {"type": "server_vad", "interrupt_response": False}
SILENT: JsonObject = {"greeting": {"silent": True}, "turns": [], "otherwise": {"silent": True}}
TRANSCRIBED: JsonObject = {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}


def transcribing(**session: Any) -> Llm:
    return llm(session_update={**TRANSCRIBED, **session})


def weather_call(*turns: JsonObject, tool: Callable[[CallTool], tuple[float, str] | None], **more: Any) -> Call:
    """A caller asks for the weather; `turns` say what the model does about it."""
    told = {"when": {"tool_result": "*"}, "say": "It is 72 degrees and sunny in Boston."}
    script = {**GREETING, "caller": ["What is the weather in Boston?"], "turns": [*turns, told]}
    verb = llm(session_update={"tools": [WEATHER, TIME]})
    call = Call(script, more.pop("verb", verb), tool=tool, **more)
    call.say(3, "What is the weather in Boston?")
    return call


def asks(*tools: JsonObject, **more: Any) -> JsonObject:
    return {"when": {"heard": "weather"}, "tools": list(tools), **more}


def story_call(**more: Any) -> Call:
    return Call({"greeting": STORY, **more.pop("script", {})}, **more)


def heard_ms_of(call: Call, item_id: str) -> float:
    """What the caller really heard of an item that was cut, by the platform's own book."""
    heard = call.platform.heard
    cut = next(flush.end for flush in heard.flushed if flush.end > call.speech_at(item_id))
    return heard.played_samples(call.speech_at(item_id), cut) * 1000 / heard.rate_hz


def types(call: Call) -> list[str]:
    return [event["type"] for event in call.sent]


def warnings(call: Call) -> list[str]:
    return [warn.event for warn in call.of(Warn)]


def codes(call: Call) -> tuple[str, str, str] | None:
    return (call.end.completion_reason, call.end.reason_code, call.end.ended_by) if call.end else None


# The beginning


@pytest.mark.claim("J20")
def test_the_session_has_its_tools_and_voice_before_the_first_request() -> None:
    verb = llm(response_create={"voice": "marin", "instructions": "Be kind."}, session_update={"tools": [WEATHER]})
    call = Call(verb=verb).run(2)
    update, ask = call.sent
    assert (update["type"], ask["type"]) == ("session.update", "response.create")
    assert update["session"]["tools"] == [WEATHER]
    assert update["session"]["audio"]["output"]["voice"] == "marin"
    assert ask["response"] == {**SPOKEN, "instructions": "Be kind."}


@pytest.mark.claim("J20")
def test_the_first_request_waits_for_the_sessions_answer() -> None:
    call = Call({**GREETING, "faults": {"session_updated_delay_s": 1.0}}).run(2)
    answered_at = next(at for at, event in call.from_model if event["type"] == "session.updated")
    started_at = next(at for at, event in call.from_model if event["type"] == "response.created")
    assert 1.0 < answered_at < started_at < answered_at + 0.01


@pytest.mark.parametrize(("model_s", "platform_s"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_legs_may_come_in_any_order(model_s: float, platform_s: float) -> None:
    call = Call(model_opens_s=model_s, platform_opens_s=platform_s).run(6)
    assert types(call) == ["session.update", "response.create"]
    assert call.platform.heard.utterances


def test_the_callers_audio_is_kept_back_until_the_session_is_ready() -> None:
    call = Call({**GREETING, "faults": {"session_updated_delay_s": 1.0}})
    call.run(1.0)
    assert call.model._ear.position_ms == 0
    call.run(2.0)
    assert call.model._ear.position_ms > 900


# Turns


def test_a_turn_is_answered_by_the_model_itself() -> None:
    call = Call()
    call.say(3, "Hello?")
    call.run(9)
    assert len(call.events("response.create")) == 1
    assert [line["role"] for line in call.bridge.record.transcript] == ["assistant", "assistant"]
    assert call.measured("first_audio") == [pytest.approx(0.115, abs=0.02)]
    [latency_s] = call.measured("turn_latency")
    assert 0.2 < latency_s < 0.8
    assert call.bridge.record.turns == [{"at": pytest.approx(4.1, abs=0.7), "latency_ms": round(latency_s * 1000)}]


def test_the_tail_of_an_utterance_is_heard_to_its_last_sample() -> None:
    call = Call().run(5)
    [(_, created)] = [(at, event) for at, event in call.from_model if event["type"] == "response.done"]
    item_id = created["response"]["output"][0]["id"]
    sound = call.model._conversation.find(item_id, "find").sound
    assert sound
    heard, first = call.platform.heard, call.speech_at(item_id)
    last = first + len(sound.wire) // 2
    assert heard.pcm(first, last) == bytes(sound.wire)
    assert heard.played_samples(first, last) == last - first
    assert call.platform.playout.held_ms == 0


@pytest.mark.claim("J31")
def test_playback_is_reported_when_the_caller_begins_and_ceases_to_hear_the_agent() -> None:
    call = Call()
    call.say(3, "Hello?")
    call.run(9)
    heard = [(said.start * 0.02, said.end * 0.02) for said in call.platform.heard.utterances]
    started = call.reported_at("output_audio.playback_started")
    stopped = call.reported_at("output_audio.playback_stopped")
    assert len(heard) == len(started) == len(stopped) == 2
    for (begins, ends), start, stop in zip(heard, started, stopped, strict=True):
        assert start == pytest.approx(begins, abs=0.06)
        assert stop == pytest.approx(ends, abs=0.12)


def test_a_pressed_key_is_reported() -> None:
    call = Call()
    call.press(1, "5")
    call.run(2)
    assert call.reported_at("input_audio_buffer.dtmf_event_received") == [1]


@pytest.mark.claim("J17")
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_call_at_another_rate_hears_the_greeting_and_is_heard(rate_hz: int) -> None:
    options = Options(audio=AudioFormat("pcm16", rate_hz))
    call = Call({**GREETING, "turns": [{"say": "I heard you. Please go on."}]}, options=options)
    call.say(3, "Hello?")
    call.hang_up(8)
    call.run()
    spoken = [line["heard_ms"] for line in call.bridge.record.transcript]
    heard = [(said.end - said.start) * 20 for said in call.platform.heard.utterances]
    assert len(spoken) == len(heard) == 2
    assert heard == pytest.approx(spoken, abs=60)


def test_a_16_khz_greeting_lasts_as_long_as_the_model_spoke() -> None:
    call = Call(options=Options(audio=AudioFormat("pcm16", 16000))).run(5)
    [done] = [event for _, event in call.from_model if event["type"] == "response.done"]
    sound = call.model._conversation.find(done["response"]["output"][0]["id"], "find").sound
    assert sound
    [line] = call.bridge.record.transcript
    assert line["heard_ms"] == pytest.approx(sound.ms, abs=1)


# Tools


def test_a_tool_is_called_once_and_its_output_follows_the_end_of_the_response() -> None:
    calls: list[CallTool] = []

    def tool(call: CallTool) -> tuple[float, str]:
        calls.append(call)
        return 0.3, '{"temperature":72}'

    call = weather_call(asks({"name": "get_weather", "arguments": {"city": "Boston"}}), tool=tool).run(12)
    assert [(made.name, made.arguments) for made in calls] == [("get_weather", {"city": "Boston"})]
    assert types(call)[1:] == ["response.create", "conversation.item.create", "response.create"]
    [output] = call.events("conversation.item.create")
    assert output["item"] == {
        "type": "function_call_output",
        "call_id": calls[0].call_id,
        "output": '{"temperature":72}',
    }
    assert "error" not in call.reported()
    [used] = call.bridge.record.tools
    assert (used["output"], used["ms"], used["late"]) == ('{"temperature":72}', 300, False)


def test_an_output_that_is_there_at_once_still_waits_for_the_end_of_the_response() -> None:
    reply = asks({"name": "get_weather"}, {"name": "get_time"})
    call = weather_call(reply, tool=lambda _: (0.0, "{}")).run(12)
    assert "error" not in call.reported()
    assert types(call)[2:] == ["conversation.item.create"] * 2 + ["response.create"]


@pytest.mark.claim("two tools at once")
def test_two_tools_of_one_response_are_answered_in_order_with_one_request() -> None:
    def tool(call: CallTool) -> tuple[float, str]:
        return {"get_weather": 1.5, "get_time": 0.2}[call.name], json.dumps({"tool": call.name})

    call = weather_call(asks({"name": "get_weather"}, {"name": "get_time"}), tool=tool).run(12)
    outputs = [event["item"]["output"] for event in call.events("conversation.item.create")]
    assert outputs == ['{"tool": "get_weather"}', '{"tool": "get_time"}']
    assert types(call)[2:] == ["conversation.item.create"] * 2 + ["response.create"]


def test_a_duplicate_call_is_run_once_and_answered_once() -> None:
    call = weather_call(asks({"name": "get_weather", "duplicate": True}), tool=lambda _: (0.1, "{}")).run(12)
    assert len(call.of(CallTool)) == 1
    assert len(call.events("conversation.item.create")) == 1
    assert warnings(call) == ["tool_duplicate"]


TOO_LONG = "the arguments are longer than 16384 characters"


@pytest.mark.claim("J22")
@pytest.mark.parametrize(
    ("tool", "complaint"),
    [
        ({"name": "launch_rocket"}, "there is no tool named launch_rocket"),
        ({"name": "get_weather", "arguments": "{not json"}, "the arguments are not JSON"),
        ({"name": "get_weather", "arguments": "[1]"}, "the arguments are not a JSON object"),
        (
            {"name": "get_weather", "arguments": '"' + "x" * 20_000 + '"'},
            "the arguments are longer than 16384 characters",
        ),
    ],
)
def test_a_call_that_cannot_be_made_is_answered_with_an_error(tool: JsonObject, complaint: str) -> None:
    call = weather_call(asks(tool), tool=lambda _: (0.1, "{}")).run(12)
    assert call.of(CallTool) == []
    [output] = call.events("conversation.item.create")
    assert json.loads(output["item"]["output"]) == {"error": complaint}
    assert types(call)[-1] == "response.create"


@pytest.mark.claim("slow tool", "J10")
def test_a_tool_that_does_not_answer_in_time_is_an_error_and_its_late_answer_a_note() -> None:
    options = Options(audio=PCM24, tool_timeout_s=1)
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: (4, "72"), options=options).run(15)
    output, note = call.events("conversation.item.create")
    assert json.loads(output["item"]["output"]) == {"error": "the tool did not answer in time"}
    assert note["item"]["role"] == "system"
    assert note["item"]["content"][0]["text"].endswith("came late: 72")
    assert len(call.events("response.create")) == 2
    assert warnings(call) == ["tool_timeout"]
    [used] = call.bridge.record.tools
    assert used["late"]


@pytest.mark.claim("slow tool", "handoff")
def test_a_tool_that_may_take_longer_than_others_is_waited_for() -> None:
    options = Options(audio=PCM24, tool_timeout_s=1, patience_s={"get_weather": 150.0})
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: (4, "72"), options=options).run(15)
    [output] = call.events("conversation.item.create")
    assert output["item"]["output"] == "72"
    assert warnings(call) == []


def test_a_tool_that_never_answers_does_not_stop_the_call() -> None:
    options = Options(audio=PCM24, tool_timeout_s=1)
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: None, options=options).run(15)
    assert len(call.events("response.create")) == 2
    assert call.end is None


@pytest.mark.claim("J23", "llmOptions.session_update.tool_choice")
def test_a_session_that_requires_a_tool_is_asked_to_speak_after_it() -> None:
    verb = llm(session_update={"tools": [WEATHER], "tool_choice": "required"})
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: (0.1, "{}"), verb=verb).run(12)
    assert call.events("response.create")[-1]["response"] == {**SPOKEN, "tool_choice": "auto"}


def test_a_caller_who_speaks_while_a_tool_runs_is_answered_before_the_tools_result() -> None:
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: (2.0, "{}"))
    call.say(6, "Hello? What is the weather in Boston?")
    call.run(20)
    assert "error" not in call.reported()
    assert call.end is None


def test_an_answer_that_comes_after_the_end_is_kept_in_the_record_only() -> None:
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: None, verb=transcribing(tools=[WEATHER]))
    call.run(6)
    [used] = call.bridge.record.tools
    call.hang_up(6)
    call.run()
    assert call.bridge.tool_answered(used["call_id"], "{}", call.now) == []
    assert call.bridge.record.tools[0]["output"] == "{}"


# The silence rule


def test_a_caller_who_waits_for_a_tool_in_silence_hears_a_tone() -> None:
    options = Options(audio=PCM24, tool_timeout_s=6, manners=Manners(fillers_s=()))
    call = weather_call(asks({"name": "get_weather"}), tool=lambda _: None, options=options).run(10)
    silent_from = next(at for at, event in call.from_model if event["type"] == "response.output_item.done" and at > 4)
    tones = [at for at, effect in call.effects if isinstance(effect, ToPlatform) and at > silent_from]
    assert tones[0] - silent_from == pytest.approx(2.5, abs=0.15)
    assert "output_audio.playback_started" not in call.reported()[call.reported().index("response.done", 30) :]


def test_a_caller_who_waits_for_the_session_hears_a_tone() -> None:
    options = Options(audio=PCM24, session_timeout_s=10)
    call = Call({**GREETING, "faults": {"no_session_created": True}}, options=options).run(3)
    prime, *tones = [at for at, effect in call.effects if isinstance(effect, ToPlatform)]
    assert prime == 0
    assert tones[0] == pytest.approx(2.5, abs=0.01)


# Barge-in


@pytest.mark.claim("barge-in in the middle")
@pytest.mark.parametrize("lead_ms", [100, 160, 200, 400])
@pytest.mark.parametrize("spoken_at_s", [0.3, 0.95, 1.617, 3.331, 5.0, 7.5])
def test_a_barge_in_tells_the_model_what_the_caller_heard(spoken_at_s: float, lead_ms: float) -> None:
    call = story_call(options=Options(audio=PCM24, lead_ms=lead_ms), wire_s=0.001 + spoken_at_s % 0.013)
    call.say(spoken_at_s, "Stop, please.")
    call.run(spoken_at_s + 1.5)
    [truncate] = call.events("conversation.item.truncate")
    assert truncate["audio_end_ms"] == pytest.approx(heard_ms_of(call, truncate["item_id"]), abs=20)
    assert "error" not in call.reported()
    assert len(call.cleared_at()) == 1
    assert call.measured("barge_in") == [0.0]


@pytest.mark.claim("barge-in in the middle", "storm of barge-ins")
@pytest.mark.parametrize("spoken_at_s", [0.3, 1.617, 3.331, 8.0])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
def test_nothing_of_the_old_speech_is_heard_after_a_barge_in(spoken_at_s: float, rate_hz: int) -> None:
    script = {"turns": [], "otherwise": {"say": "Sure, I will stop.", "thinking_s": 0}}
    call = story_call(script=script, options=Options(audio=AudioFormat("pcm16", rate_hz)))
    call.say(spoken_at_s, "Stop, please.")
    call.run(spoken_at_s + 5)
    [cleared_at] = call.cleared_at()
    heard = call.platform.heard
    [flush] = heard.flushed
    after = [played for played in heard.played if played.tick * 0.02 >= cleared_at]
    assert min(played.first for played in after) >= flush.end
    assert len([p for p in heard.played if p.tick * 0.02 > cleared_at - 0.02 and p.first < flush.end]) <= 1
    # What follows is the answer alone, whole.
    answer = call.bridge.record.transcript[-1]
    assert answer["text"] == "Sure, I will stop."
    assert heard.played_ms(flush.end) == pytest.approx(answer["heard_ms"], abs=90)


def test_a_barge_in_while_the_model_still_generates_drops_what_it_still_sends() -> None:
    call = story_call(script={"delta_rate": 1.1})
    call.say(2, "Stop, please.")
    call.run(5)
    [truncate] = call.events("conversation.item.truncate")
    assert call.events("response.cancel") == []
    assert truncate["audio_end_ms"] == pytest.approx(heard_ms_of(call, truncate["item_id"]), abs=20)


@pytest.mark.claim("barge-in at 0 ms")
def test_items_of_which_nothing_was_heard_are_deleted() -> None:
    call = story_call(script={"greeting": {"say": [STORY, "Please go on."]}})
    call.say(5, "Stop, please.")
    call.run(8)
    [truncate], [delete] = call.events("conversation.item.truncate"), call.events("conversation.item.delete")
    assert truncate["item_id"] != delete["item_id"]
    assert [line["interrupted"] for line in call.bridge.record.transcript] == [True, False]
    assert "Please go on." not in str(call.bridge.record.transcript)
    assert "error" not in call.reported()


@pytest.mark.claim("barge-in after the end")
def test_a_caller_who_speaks_while_nobody_else_does_cuts_nothing() -> None:
    call = Call({**GREETING, "thinking_s": 3})
    call.say(8, "Hello?")
    call.say(9.5, "Hello?")
    call.run(11)
    assert call.reported().count("input_audio_buffer.speech_started") == 2
    assert call.cleared_at() == []
    assert call.events("conversation.item.truncate", "conversation.item.delete", "response.cancel") == []


def test_a_model_that_does_not_interrupt_itself_is_told_to_cancel() -> None:
    verb = llm(session_update={"turn_detection": MANUAL_STOP})
    call = story_call(verb=verb, script={"delta_rate": 1.1})
    call.say(2, "Stop, please.")
    call.run(5)
    [cancel], [truncate] = call.events("response.cancel"), call.events("conversation.item.truncate")
    [done] = [event for _, event in call.from_model if event["type"] == "response.done"][:1]
    assert (done["response"]["id"], done["response"]["status"]) == (cancel["response_id"], "cancelled")
    assert truncate["audio_end_ms"] == pytest.approx(heard_ms_of(call, truncate["item_id"]), abs=20)


def test_the_record_has_of_a_cut_line_what_was_heard() -> None:
    call = story_call(verb=transcribing(), script={"caller": ["Stop, please."], "otherwise": "Sure, I will stop."})
    call.say(4, "Stop, please.")
    call.hang_up(9)
    call.run()
    story, stop, answer = call.bridge.record.transcript
    assert story["interrupted"]
    assert story["text"].startswith("Once upon a time there was a telephone")
    assert len(story["text"]) / len(STORY) == pytest.approx(story["heard_ms"] / 9000, abs=0.15)
    assert (stop["role"], stop["text"]) == ("user", "Stop, please.")
    assert (answer["text"], answer["interrupted"]) == ("Sure, I will stop.", False)


# The end


def test_a_hang_up_is_one_normal_end() -> None:
    call = Call()
    call.hang_up(1)
    call.run()
    assert codes(call) == ("normal conversation end", "caller_hung_up", "caller")
    assert call.ended_at == pytest.approx(1.0, abs=0.02)
    assert call.cleared_at() == []


def test_a_hang_up_in_the_middle_of_a_response_cancels_it_and_takes_its_usage() -> None:
    call = story_call(script={"delta_rate": 1.1})
    call.hang_up(2)
    call.run()
    assert len(call.events("response.cancel")) == 1
    assert call.bridge.record.usage["output_tokens"] > 0
    assert call.ended_at < 2.1


def test_the_last_transcript_is_awaited() -> None:
    call = Call({**GREETING, "caller": ["Thank you, goodbye."], "transcription_s": 0.6}, transcribing())
    call.say(3, "Thank you, goodbye.")
    call.run(4)
    while "input_audio_buffer.committed" not in call.reported():
        call.run(call.now + 0.02)
    call.hang_up(call.now)
    call.run()
    assert call.bridge.record.transcript[-1]["text"] == "Thank you, goodbye."
    assert codes(call) == ("normal conversation end", "caller_hung_up", "caller")


def test_the_last_transcript_is_awaited_for_a_second_at_most() -> None:
    call = Call({**GREETING, "caller": ["Thank you, goodbye."], "transcription_s": 20}, transcribing())
    call.say(3, "Thank you, goodbye.")
    call.hang_up(5.5)
    call.run()
    assert call.ended_at == pytest.approx(6.5)


def test_what_was_said_is_heard_to_its_end_when_the_model_leaves() -> None:
    close: JsonObject = {"close_after_s": 1.5, "close_code": 1000}
    call = Call({**GREETING, "faults": close}).run()
    assert codes(call) == ("disconnect from remote end", "model_disconnected", "model")
    [line] = call.bridge.record.transcript
    assert not line["interrupted"]
    assert call.ended_at == pytest.approx(0.17 + line["heard_ms"] / 1000, abs=0.1)


def test_a_tool_that_is_pending_when_the_model_leaves_does_not_keep_the_clock_busy() -> None:
    options = Options(audio=PCM24, tool_timeout_s=1)
    reply = {"say": STORY, "tool": {"name": "get_weather"}}
    verb = llm(session_update={"tools": [WEATHER]})
    script = {"greeting": reply, "delta_rate": 50, "faults": {"close_after_s": 0.8}}
    call = Call(script, verb, options, tool=lambda _: None).run()
    assert codes(call) == ("disconnect from remote end", "model_disconnected", "model")
    assert call.ended_at > 8


def test_a_model_that_was_dropped_and_cannot_be_reached_again_ends_the_call() -> None:
    call = Call({**GREETING, "faults": {"drop_after_s": 3.5}}).run()
    assert codes(call) == ("disconnect from remote end", "model_disconnected", "model")
    assert call.end
    assert call.end.error == {"message": "the model closed the connection", "close_code": None}
    assert warnings(call) == ["model_dropped"]


@pytest.mark.claim("wrong API key")
@pytest.mark.parametrize(
    ("code", "reason", "reason_code"),
    [
        (3000, "invalid_request_error.invalid_api_key", "invalid_api_key"),
        (4000, "invalid_request_error.beta_api_shape_disabled Use the GA API", "beta_api_shape_disabled"),
        (1008, "", "model_refused"),
    ],
)
def test_a_refusal_ends_the_call_at_once(code: int, reason: str, reason_code: str) -> None:
    faults = {"close_after_s": 1.0, "close_code": code, "close_reason": reason}
    call = Call({**GREETING, "faults": faults}).run()
    assert codes(call) == ("server error", reason_code, "model")
    assert call.ended_at < 1.1


def test_a_response_that_fails_is_asked_for_once_more_and_then_ends_the_call() -> None:
    failure = {"type": "server_error", "code": "overloaded"}
    call = Call({**GREETING, "faults": {"response_failed": failure}}).run()
    assert codes(call) == ("server failure", "overloaded", "model")
    assert len(call.events("response.create")) == 2
    assert warnings(call) == ["response_failed"]


def test_a_turn_whose_response_failed_is_not_answered_by_the_greeting() -> None:
    failing = {"when": {"heard": "weather"}, "fail": {"message": "try again"}}
    script = {**GREETING, "caller": ["weather"], "turns": [failing], "otherwise": "Please go on."}
    call = Call(script, llm(response_create={"instructions": "Greet the caller."}))
    call.say(4, "What is the weather in Boston?")
    call.run(9)
    greeting, again = call.events("response.create")
    assert greeting["response"] == {**SPOKEN, "instructions": "Greet the caller."}
    assert "response" not in again
    assert call.end is None


@pytest.mark.parametrize(("script", "given_up_s"), [({"faults": {"no_response": True}}, 2), (SILENT, 4)])
def test_a_response_that_never_comes_is_asked_for_once_more_and_then_ends_the_call(
    script: JsonObject, given_up_s: float
) -> None:
    options = Options(audio=PCM24, response_timeout_s=2)
    call = Call(script, options=options).run()
    assert codes(call) == ("server failure", "response_timeout", "model")
    assert len(call.events("response.create")) == 2
    assert warnings(call) == ["model_stalled"]
    assert given_up_s <= call.ended_at < given_up_s + 1.1


@pytest.mark.claim("unknown parameter", "J12")
def test_a_setting_that_the_model_does_not_know_is_left_out() -> None:
    verb = llm(session_update={"tools": [WEATHER]}, extra={"session_update": {"mood": "sunny"}})
    call = Call(verb=verb, legal=False).run(3)
    first, second = call.events("session.update")
    assert first["session"].pop("mood") == "sunny"
    assert first["session"] == second["session"]
    assert warnings(call) == ["session_setting_dropped"]
    assert len(call.events("response.create")) == 1


def test_a_setting_of_a_request_that_the_model_does_not_know_is_left_out() -> None:
    verb = llm(extra={"response_create": {"mood": "sunny"}})
    call = Call(verb=verb, legal=False).run(5)
    first, second = call.events("response.create")
    assert first["response"] == {**SPOKEN, "mood": "sunny"}
    assert "response" not in second
    assert call.platform.heard.utterances


def test_any_other_refusal_of_the_session_ends_the_call_with_the_models_words() -> None:
    verb = llm(extra={"session_update": {"max_output_tokens": 0}})
    call = Call(verb=verb, legal=False).run()
    assert codes(call) == ("server error", "integer_below_min_value", "model")
    assert call.end
    assert call.end.error
    assert "max_output_tokens" in call.end.error["message"]


@pytest.mark.parametrize("fault", ["no_session_created", "no_session_updated"])
def test_a_session_that_does_not_come_ends_the_call(fault: str) -> None:
    call = Call({**GREETING, "faults": {fault: True}}).run()
    assert codes(call) == ("connection failure", "session_timeout", "model")
    assert call.ended_at == pytest.approx(3, abs=0.02)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        ({"code": "insufficient_quota"}, ("server error", "insufficient_quota", "model")),
        ({"code": "account_deactivated"}, ("server error", "account_deactivated", "model")),
        ({"code": "internal_error"}, None),
        ({"code": "response_cancel_not_active"}, None),
        ({"code": None}, None),
    ],
)
def test_only_an_error_after_which_nothing_can_work_ends_a_call(
    error: JsonObject, end: tuple[str, str, str] | None
) -> None:
    call = Call({**GREETING, "faults": {"errors": [{"after_s": 1.0, **error}]}}).run(4)
    assert codes(call) == end
    assert "error" in call.reported()


def test_a_call_does_not_last_longer_than_it_may() -> None:
    call = Call(options=Options(audio=PCM24, max_call_s=4)).run()
    assert codes(call) == ("normal conversation end", "max_duration", "server")
    assert call.ended_at == 4


def test_a_platform_that_does_not_come_is_an_end() -> None:
    call = Call(platform_opens_s=float("inf")).run()
    assert codes(call) == ("connection failure", "media_no_show", "platform")
    assert call.ended_at == 10


def test_a_media_socket_that_breaks_is_an_end() -> None:
    call = Call()
    call.hang_up(1, clean=False)
    call.run()
    assert codes(call) == ("connection failure", "media_lost", "platform")


def test_an_end_from_outside_stops_the_voice_at_once() -> None:
    call = story_call()
    restart = End("connection failure", "server_restart", "server")
    call.at(2, lambda: call.do(call.bridge.end(restart, call.now)))
    call.run()
    assert call.end == restart
    assert call.cleared_at() == [2]
    assert call.ended_at == pytest.approx(2, abs=0.02)
    assert call.bridge.record.duration_s(call.now) == call.now


def test_usage_is_the_sum_over_all_responses() -> None:
    call = Call()
    call.say(3, "Hello?")
    call.hang_up(9)
    call.run()
    done = [event["response"]["usage"] for _, event in call.from_model if event["type"] == "response.done"]
    assert len(done) == 2
    usage = call.bridge.record.usage
    assert usage["total_tokens"] == sum(each["total_tokens"] for each in done)
    for part in ("text_tokens", "audio_tokens"):
        assert usage["output_token_details"][part] == sum(each["output_token_details"][part] for each in done)


# The model is lost, and found again


@pytest.mark.claim("drop by 1001", "drop by 1006", "drop by 1011", "drop by 1012", "expiry")
@pytest.mark.parametrize(
    "fault",
    [
        {"drop_after_s": 6.0},
        *({"close_after_s": 6.0, "close_code": code} for code in (1001, 1011, 1012)),
        {"errors": [{"after_s": 6.0, "code": "session_expired"}]},
    ],
)
def test_a_call_outlives_a_drop_and_the_next_session_knows_what_was_said(fault: JsonObject) -> None:
    story = {"when": {"heard": "name"}, "say": "My name is Rehearsal."}
    first = {**GREETING, "caller": ["What is your name?"], "turns": [story], "faults": fault}
    call = Call(first, verb=transcribing(), later=[{"caller": ["Thank you."], "otherwise": "You are welcome."}])
    call.say(3, "What is your name?")
    call.say(10, "Thank you.")
    call.run(16)
    assert call.sessions == 2
    assert call.end is None
    past = [event["item"] for event in call.events("conversation.item.create")]
    assert [item["role"] for item in past] == ["assistant", "user", "assistant"]
    assert past[1]["content"][0]["text"] == "What is your name?"
    spoken = [line["text"] for line in call.bridge.record.transcript]
    assert spoken[-1] == "You are welcome."
    assert "model_dropped" in warnings(call)


@pytest.mark.claim("drop by 1012")
def test_a_caller_who_was_owed_an_answer_gets_it_from_the_next_session() -> None:
    slow = {"greeting": {"say": STORY}, "delta_rate": 1, "faults": {"drop_after_s": 3.0}}
    call = Call(slow, later=[{"otherwise": "Here I am again."}]).run(12)
    assert len(call.events("response.create")) == 2
    assert call.bridge.record.transcript[-1]["text"] == "Here I am again."


@pytest.mark.claim("drop by 1006")
def test_what_the_caller_says_while_the_model_is_away_reaches_it() -> None:
    call = Call({**GREETING, "faults": {"drop_after_s": 5.0}}, redial_s=1.5, later=[{"otherwise": "I heard you."}])
    call.say(5.1, "Are you there?")
    call.run(14)
    assert call.bridge.record.transcript[-1]["text"].startswith("I heard you.")


@pytest.mark.claim("expiry")
def test_a_session_is_renewed_before_its_end_while_nobody_speaks() -> None:
    options = Options(audio=PCM24, max_session_s=30)
    call = Call(GREETING, options=options, later=[GREETING, GREETING]).run(65)
    assert call.sessions == 3
    assert call.end is None
    assert len(call.events("response.create")) == 1
