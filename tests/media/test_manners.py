"""How the agent behaves: who speaks first, what interrupts it, the keypad, a silent caller, the last words."""

import array
import base64
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from media.attendant import UNDECIDED_S, UNENDED_S
from media.bridge import Bridge
from media.effects import End, Report
from media.ends import CALLER_SILENT
from media.idle import Rung
from media.interruption import BargeIn
from media.keypad import Digits
from media.options import Manners, Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.openai import Realtime
from media.realtime.protocol import SPOKEN
from tests.by_hand import APPEND, METADATA, Hand, played, sent, warned
from tests.simulation import PCM24, WEATHER, llm

JsonObject = dict[str, Any]
VOICE = array.array("h", [round(3000 * math.sin(i / 9)) for i in range(480)]).tobytes()
QUIET = bytes(960)
FRAME_S = 0.02


def hand(**manners: Any) -> Hand:
    return Hand(options=Options(audio=PCM24, manners=Manners(**manners))).connect()


def hear(hand: Hand, seconds: float, frame: bytes = VOICE) -> list[Any]:
    told = len(hand.effects)
    for _ in range(round(seconds / FRAME_S)):
        hand.wait(FRAME_S)
        hand.do(hand.bridge.platform_said(frame, hand.now))
    return hand.effects[told:]


def onset(hand: Hand, item_id: str = "u1") -> list[Any]:
    return hand.model("input_audio_buffer.speech_started", item_id=item_id)


def pause(hand: Hand, item_id: str = "u1") -> list[Any]:
    stopped = hand.model("input_audio_buffer.speech_stopped", item_id=item_id)
    return stopped + hand.model("input_audio_buffer.committed", item_id=item_id)


def sounds(effects: list[Any]) -> bool:
    return any(any(lot) for lot in played(effects))


def over(call: Hand) -> End | None:
    return call.end


# Who speaks first


@pytest.mark.claim("J13")
def test_where_the_caller_speaks_first_nothing_is_asked_of_the_model() -> None:
    call = hand(caller_speaks_first=True)
    assert sent(call.effects, "response.create") == []
    call.wait(5)
    assert sent(call.effects, "response.create") == []
    assert sent(hear(call, 0.1), APPEND)


@pytest.mark.claim("J13")
def test_what_the_caller_said_while_the_model_was_reached_is_heard_by_it() -> None:
    call = Hand(options=Options(audio=PCM24, manners=Manners(caller_speaks_first=True)))
    call.do(call.bridge.platform_opened(0.0))
    call.do(call.bridge.platform_said('{"callSid":"CS1","sampleRate":24000,"mixType":"mono"}', 0.0))
    assert sent(hear(call, 0.5), APPEND) == []
    call.do(call.bridge.model_opened(call.now))
    call.model("session.created", session={})
    [preroll] = sent(call.model("session.updated", session={}), APPEND)
    assert base64.b64decode(preroll["audio"]) == VOICE * 25


@pytest.mark.claim("protected greeting")
def test_a_protected_greeting_is_heard_to_its_end_and_the_caller_after_it() -> None:
    call = hand(protect_greeting=True)
    call.starts()
    call.speaks("i1", ms=1000)
    call.model("response.output_audio.done", item_id="i1", content_index=0)
    call.ends()
    assert sent(hear(call, 0.5), APPEND) == []
    heard = sent(hear(call, 1.5), APPEND)
    assert heard
    assert call.bridge.record.transcript == [] or not call.bridge.record.transcript[0]["interrupted"]


# What interrupts


@pytest.mark.claim("short noise")
def test_a_short_noise_interrupts_nothing_and_is_forgotten() -> None:
    call = hand(barge_in=BargeIn(min_speech_ms=200))
    call.starts()
    call.speaks("i1", ms=5000)
    call.ends()
    hear(call, 0.5, QUIET)
    onset(call)
    hear(call, 0.1)
    assert sounds(hear(call, 0.5, QUIET))
    assert [event["item_id"] for event in sent(pause(call), "conversation.item.delete")] == ["u1"]
    call.wait(2)
    assert sent(call.effects, "conversation.item.truncate") == []
    assert len(sent(call.effects, "response.create")) == 1


@pytest.mark.claim("short noise")
def test_enough_voice_interrupts_and_its_turn_is_answered_at_our_request() -> None:
    call = hand(barge_in=BargeIn(min_speech_ms=200))
    call.starts()
    call.speaks("i1", ms=5000)
    hear(call, 0.5, QUIET)
    onset(call)
    cut = hear(call, 0.3)
    assert [event["type"] for event in sent(cut)] == ["conversation.item.truncate", "response.cancel"]
    call.ends(status="cancelled")
    hear(call, 0.5, QUIET)
    assert [event["type"] for event in sent(pause(call))] == ["response.create"]


def test_the_model_is_told_to_leave_turns_to_us() -> None:
    call = hand(barge_in=BargeIn(min_speech_ms=200))
    [update] = sent(call.effects, "session.update")
    detection = update["session"]["audio"]["input"]["turn_detection"]
    assert (detection["create_response"], detection["interrupt_response"]) == (False, False)


@pytest.mark.claim("resume")
def test_an_agent_that_was_stopped_by_nothing_goes_on_where_it_was() -> None:
    call = hand(barge_in=BargeIn(resume=True))
    call.starts()
    call.speaks("i1", ms=2000)
    call.model("response.output_audio.done", item_id="i1", content_index=0)
    call.ends()
    hear(call, 0.5, QUIET)
    held = onset(call)
    assert any(isinstance(effect, Report) and effect.type.endswith("playback_stopped") for effect in held)
    assert not sounds(hear(call, 0.5, QUIET))
    pause(call)
    assert sounds(hear(call, 0.5, QUIET))
    call.wait(3)
    call.model("response.output_audio_transcript.done", item_id="i1", content_index=0, transcript="All of it.")
    [line] = call.bridge.record.transcript
    assert (line["heard_ms"], line["interrupted"]) == (2000, False)


def test_a_turn_while_the_agent_is_silent_counts_however_short() -> None:
    call = hand(barge_in=BargeIn(min_speech_ms=500))
    call.starts()
    call.ends()
    onset(call)
    hear(call, 0.1)
    assert [event["type"] for event in sent(pause(call))] == ["response.create"]


@pytest.mark.claim("short noise", "resume")
@pytest.mark.parametrize("barge_in", [BargeIn(min_speech_ms=500), BargeIn(resume=True)])
def test_a_short_answer_over_the_end_of_the_question_is_a_turn(barge_in: BargeIn) -> None:
    call = hand(barge_in=barge_in)
    call.starts()
    call.speaks("i1", ms=1000)
    call.model("response.output_audio.done", item_id="i1", content_index=0)
    call.ends()
    hear(call, 0.94, QUIET)
    assert sent(onset(call)) == []
    hear(call, 0.3)
    hear(call, 0.5, QUIET)
    answer = sent(pause(call))
    assert [event["type"] for event in answer] == ["response.create"]
    assert sent(call.wait(1), "conversation.item.delete") == []
    call.model("response.output_audio_transcript.done", item_id="i1", content_index=0, transcript="Shall I?")
    assert [line["interrupted"] for line in call.bridge.record.transcript if line["text"] == "Shall I?"] == [False]


@pytest.mark.claim("resume")
def test_a_cough_over_an_answer_that_is_still_being_made_is_none() -> None:
    call = hand(barge_in=BargeIn(resume=True))
    call.starts()
    call.speaks("i1", ms=1000)
    hear(call, 0.94, QUIET)
    onset(call)
    hear(call, 0.5, QUIET)
    assert [event["item_id"] for event in sent(pause(call), "conversation.item.delete")] == ["u1"]


# The keypad


def press(call: Hand, keys: str) -> list[Any]:
    told = len(call.effects)
    for key in keys:
        call.do(call.bridge.platform_said(json.dumps({"event": "dtmf", "dtmf": key, "duration": "1600"}), call.now))
    return call.effects[told:]


@pytest.mark.claim("keypad entry")
def test_what_is_typed_becomes_an_item_and_is_answered() -> None:
    call = hand()
    call.starts()
    call.speaks("i1", ms=5000)
    call.ends()
    call.wait(0.5)
    assert sent(press(call, "12")) == []
    told = sent(press(call, "3#"))
    assert [event["type"] for event in told] == [
        "conversation.item.truncate",
        "conversation.item.create",
        "response.create",
    ]
    assert told[1]["item"]["content"] == [{"type": "input_text", "text": "(typed on the keypad) 123"}]
    assert call.bridge.record.transcript[-1]["text"] == "(typed on the keypad) 123"


@pytest.mark.claim("keypad entry")
def test_a_pause_ends_what_is_typed() -> None:
    call = hand(digits=Digits(pause_s=1))
    press(call, "42")
    assert [event["type"] for event in sent(call.wait(1.5))] == ["conversation.item.create"]


def test_keys_can_be_only_reported() -> None:
    call = hand(digits=None)
    told = press(call, "42#")
    assert [effect.event["event"] for effect in told if isinstance(effect, Report)] == ["4", "2", "#"]
    assert sent(call.wait(3)) == []


@pytest.mark.claim("keypad entry")
def test_what_is_typed_in_confidence_is_the_models_alone() -> None:
    call = hand(digits=Digits(sensitive=True))
    told = press(call, "42#")
    assert [effect.event["event"] for effect in told if isinstance(effect, Report)] == ["•", "•", "•"]
    assert sent(told)[0]["item"]["content"][0]["text"].endswith("42")
    assert call.bridge.record.transcript[-1]["text"] == "(typed on the keypad) ••"


@pytest.mark.claim("keypad entry")
def test_the_models_echo_of_what_was_typed_in_confidence_is_masked() -> None:
    call = hand(digits=Digits(sensitive=True))
    press(call, "4711#")
    content = [{"type": "input_text", "text": "(typed on the keypad) 4711"}]
    item = {"id": "i9", "type": "message", "role": "user", "content": content}
    [report] = [e for e in call.model("conversation.item.added", item=item) if isinstance(e, Report)]
    assert "4711" not in json.dumps(report.event)
    assert report.event["item"]["content"][0]["text"] == "(typed on the keypad) ••••"


@pytest.mark.claim("keypad entry")
@pytest.mark.parametrize("connected", [True, False])
def test_what_is_typed_while_there_is_no_model_is_read_by_it_when_there_is(*, connected: bool) -> None:
    call = hand() if connected else Hand()
    if connected:
        answered(call, "r1")
        call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    else:
        call.do(call.bridge.platform_opened(call.now))
        call.do(call.bridge.platform_said(METADATA, call.now))
    assert sent(press(call, "42#")) == []
    told = len(call.effects)
    call.do(call.bridge.model_opened(call.now))
    call.model("session.created", session={})
    call.model("session.updated", session={})
    call.wait(0.1)
    [entry] = sent(call.effects[told:], "conversation.item.create")
    assert entry["item"]["content"][0]["text"] == "(typed on the keypad) 42"
    assert len(sent(call.effects[told:], "response.create")) == 1


@pytest.mark.claim("keypad entry")
def test_an_entry_in_confidence_that_was_not_answered_is_read_by_the_next_session_as_it_was_typed() -> None:
    call = hand(digits=Digits(sensitive=True))
    answered(call, "r1")
    press(call, "4711#")
    call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    told = len(call.effects)
    call.do(call.bridge.model_opened(call.now))
    call.model("session.created", session={})
    call.model("session.updated", session={})
    [entry] = sent(call.effects[told:], "conversation.item.create")
    assert entry["item"]["content"][0]["text"] == "(typed on the keypad) 4711"
    assert len(sent(call.effects[told:], "response.create")) == 1
    assert call.bridge.record.transcript[-1]["text"] == "(typed on the keypad) ••••"


def test_a_model_to_which_turns_are_left_by_hand_is_not_given_any() -> None:
    verb = llm(session_update={"turn_detection": None})
    call = Hand(verb, Options(audio=PCM24, manners=Manners(barge_in=BargeIn(min_speech_ms=200)))).connect()
    [update] = sent(call.effects, "session.update")
    assert update["session"]["audio"]["input"]["turn_detection"] is None


# A silent caller, and the end


def answered(call: Hand, response_id: str) -> None:
    call.starts(response_id)
    call.ends(response_id)


@pytest.mark.claim("silent caller")
def test_a_silent_caller_is_asked_twice_and_then_taken_leave_of() -> None:
    ladder = (Rung(5, "Ask whether they are there."), Rung(5, "Say goodbye.", end=True))
    call = hand(idle=ladder)
    answered(call, "r1")
    [asked] = sent(call.wait(5.1), "response.create")
    assert asked["response"]["instructions"] == "Ask whether they are there."
    answered(call, "r2")
    [goodbye] = sent(call.wait(5.1), "response.create")
    assert goodbye["response"]["instructions"] == "Say goodbye."
    call.starts("r3")
    call.speaks("i3", ms=1000, response_id="r3")
    call.ends("r3")
    assert over(call) is None
    call.wait(1.5)
    call.wait(1.1)
    assert call.end is CALLER_SILENT


@pytest.mark.claim("silent caller")
def test_a_caller_who_answers_is_asked_from_the_first_step_when_they_fall_silent_again() -> None:
    call = hand(idle=(Rung(5, "First."), Rung(5, "Second."), Rung(5, "Last.", end=True)))
    answered(call, "r1")
    said = []
    for n in range(2):
        [asked] = sent(call.wait(5.1), "response.create")
        said.append(asked["response"]["instructions"])
        answered(call, f"q{n}")
        onset(call, f"u{n}")
        call.wait(0.5)
        pause(call, f"u{n}")
        answered(call, f"a{n}")
    assert said == ["First.", "First."]


@pytest.mark.claim("silent caller")
def test_a_caller_who_speaks_is_not_silent() -> None:
    call = hand(idle=(Rung(5, "Ask."),))
    answered(call, "r1")
    call.wait(4)
    onset(call)
    assert sent(call.wait(4), "response.create") == []
    pause(call)
    answered(call, "r2")
    assert sent(call.wait(4.9), "response.create") == []
    assert len(sent(call.wait(0.2), "response.create")) == 1


@pytest.mark.claim("silent caller")
def test_a_caller_of_whom_the_model_never_says_that_they_have_stopped_is_silent_some_day() -> None:
    call = hand(idle=(Rung(5, "Ask."),))
    answered(call, "r1")
    onset(call)
    assert sent(call.wait(UNENDED_S + 4.5), "response.create") == []
    later = call.wait(1)
    assert len(sent(later, "response.create")) == 1
    assert "turn_unended" in warned(call.effects)


def test_each_beginning_is_waited_for_anew() -> None:
    call = hand(idle=(Rung(5, "Ask."),))
    answered(call, "r1")
    onset(call)
    call.wait(UNENDED_S - 5)
    onset(call, "u2")
    assert sent(call.wait(UNENDED_S - 1), "response.create") == []
    pause(call, "u2")
    assert "turn_unended" not in warned(call.effects)


def test_an_agent_that_was_held_for_what_is_nothing_for_long_goes_on_and_can_still_be_interrupted() -> None:
    call = hand(barge_in=BargeIn(min_speech_ms=400, resume=True))
    call.starts()
    call.speaks("i1", ms=15_000)
    call.wait(1)
    onset(call)
    assert not sounds(call.wait(UNDECIDED_S - 1))
    assert sounds(call.wait(2))
    hear(call, 0.5)
    assert not sounds(call.wait(1))
    assert sent(call.effects, "conversation.item.truncate")


@pytest.mark.claim("silent caller", "short noise")
def test_a_noise_leads_back_to_no_earlier_step() -> None:
    ladder = (Rung(5, "First."), Rung(5, "Second."), Rung(5, "Last.", end=True))
    call = hand(idle=ladder, barge_in=BargeIn(min_speech_ms=500))
    answered(call, "r1")
    said = []
    for n in range(3):
        [asked] = sent(call.wait(5.1), "response.create")
        said.append(asked["response"]["instructions"])
        call.starts(f"q{n}")
        call.speaks(f"i{n}", ms=2000, response_id=f"q{n}")
        call.model("response.output_audio.done", item_id=f"i{n}", content_index=0)
        call.ends(f"q{n}")
        hear(call, 0.5, QUIET)
        onset(call, f"u{n}")
        hear(call, 0.1)
        hear(call, 0.4, QUIET)
        pause(call, f"u{n}")
        call.wait(1.5)
    assert said == ["First.", "Second.", "Last."]


def test_the_caller_is_warned_before_the_calls_maximum() -> None:
    manners = Manners(warn_before_s=10, warning="Say that time is up.")
    call = Hand(options=Options(audio=PCM24, max_call_s=60, manners=manners)).connect()
    answered(call, "r1")
    [warning] = sent(call.wait(50.1), "response.create")
    assert warning["response"] == {**SPOKEN, "instructions": "Say that time is up."}
    answered(call, "r2")
    call.wait(11)
    call.wait(1.1)
    assert call.end
    assert call.end.reason_code == "max_duration"


@pytest.mark.claim("quota", "wrong API key")
@pytest.mark.parametrize("reason", ["insufficient_quota", "invalid_api_key"])
def test_a_failure_that_must_repeat_itself_is_not_tried_again(reason: str) -> None:
    call = hand()
    call.starts()
    call.ends(status="failed", status_details={"error": {"code": reason, "message": "no"}})
    call.wait(2)
    assert call.end == End("server failure", reason, "model", {"code": reason, "message": "no"})
    assert len(sent(call.effects, "response.create")) == 1


@pytest.mark.claim("rate limit")
def test_a_rate_limit_is_waited_for() -> None:
    call = hand()
    call.starts()
    error = {"code": "rate_limit_exceeded", "message": "Limit reached. Please try again in 1.5s."}
    assert sent(call.ends(status="failed", status_details={"error": error})) == []
    assert sent(call.wait(1.4), "response.create") == []
    assert len(sent(call.wait(0.2), "response.create")) == 1
    call.starts("r2")
    call.ends("r2", "failed", status_details={"error": error})
    call.wait(1.6)
    assert over(call) is None
    call.starts("r3")
    call.ends("r3", "failed", status_details={"error": error})
    call.wait(1.1)
    assert call.end
    assert call.end.reason_code == "rate_limit_exceeded"


# Vendors that cannot do everything


class Stubborn(Realtime):
    """A model that takes its turns itself, calls tools when it likes, and can be told nothing in writing."""

    can = replace(Realtime.can, leave_turns=False, choose_tools=False, add_text=False)


def stubborn(**options: Any) -> Hand:
    call = Hand(options=Options(audio=PCM24, **options))
    model = Stubborn(llm(session_update={"tools": [WEATHER]}), audio=PCM24)
    call.bridge = Bridge(JambonzMedia(24000), [model], call.bridge._options, now=0.0)
    return call.connect()


def test_a_model_that_keeps_its_turns_interrupts_as_it_likes() -> None:
    call = stubborn(manners=Manners(barge_in=BargeIn(min_speech_ms=300)))
    call.starts()
    call.speaks("i1", ms=2000)
    hear(call, 0.5, QUIET)
    assert [event["type"] for event in sent(onset(call))] == ["conversation.item.truncate"]


def test_a_model_whose_tools_cannot_be_forbidden_fills_no_wait() -> None:
    call = stubborn(tool_timeout_s=30)
    call.starts()
    call.calls()
    call.ends()
    assert sent(call.wait(12), "response.create") == []


def test_a_session_that_cannot_be_told_what_was_said_is_warned_of() -> None:
    call = stubborn()
    call.starts()
    call.ends()
    call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    call.do(call.bridge.model_opened(call.now))
    call.model("session.created", session={})
    assert warned(call.model("session.updated", session={})) == ["history_untold"]


def test_an_agent_that_was_held_when_the_model_was_lost_goes_on() -> None:
    call = hand(barge_in=BargeIn(min_speech_ms=400, resume=True), idle=(Rung(5, "Ask."),))
    call.starts()
    call.speaks("i1", ms=4000)
    call.ends()
    call.wait(1)
    onset(call)
    assert not sounds(call.wait(0.5))
    call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    call.do(call.bridge.model_opened(call.now))
    call.model("session.created", session={})
    call.model("session.updated", session={})
    later = call.wait(20)
    assert sounds(later)
    assert sent(later, "response.create")[0]["response"] == {**SPOKEN, "instructions": "Ask."}
