"""Barge-in, requests and tools, where no simulated call gets to."""

import json
from typing import Any

import pytest

from media.audio import AudioFormat
from media.complaints import MAX_ERRORS_TOLD
from media.effects import CallTool, Effect, Redial, Report, Warn
from media.ends import HANGUP
from media.keypad import Digits
from media.options import Exit, Manners, Options
from media.realtime.openai import Realtime
from media.realtime.protocol import SPOKEN
from media.record import STILL_AT_WORK
from tests.by_hand import Hand, played, sent, warned
from tests.simulation import PCM24, WEATHER, llm

JsonObject = dict[str, Any]
MANUAL: JsonObject = {"turn_detection": {"type": "server_vad", "create_response": False, "interrupt_response": False}}


def over(hand: Hand) -> bool:
    return hand.end is not None


# Barge-in


@pytest.mark.claim("storm of barge-ins")
def test_a_second_onset_of_speech_cuts_and_cancels_nothing() -> None:
    hand = Hand(llm(session_update=MANUAL)).connect()
    hand.starts()
    hand.speaks()
    hand.wait(0.5)
    first = hand.model("input_audio_buffer.speech_started", item_id="u1")
    second = hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert [event["type"] for event in sent(first)] == ["conversation.item.truncate", "response.cancel"]
    assert sent(second) == []
    assert played(second) == []


@pytest.mark.claim("J31", "cancelOnBargeIn")
@pytest.mark.parametrize("cancel", [False, True])
def test_a_model_that_stops_itself_is_told_to_cancel_only_where_the_verb_wants_it(*, cancel: bool) -> None:
    hand = Hand(options=Options(audio=PCM24, cancel_on_barge_in=cancel)).connect()
    hand.starts()
    hand.speaks()
    hand.wait(0.5)
    types = [event["type"] for event in sent(hand.model("input_audio_buffer.speech_started", item_id="u1"))]
    assert types == ["conversation.item.truncate", *(["response.cancel"] if cancel else [])]


@pytest.mark.claim("storm of barge-ins")
def test_what_still_comes_of_a_response_that_was_cut_is_dropped_and_its_new_items_deleted_once() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert sent(hand.speaks("i1")) == []
    assert [event["item_id"] for event in sent(hand.speaks("i2"))] == ["i2"]
    assert sent(hand.speaks("i2")) == []
    assert played(hand.wait(3)) == []


def test_text_that_was_never_heard_is_not_in_the_transcript() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("response.output_audio_transcript.delta", item_id="i2", content_index=0, delta="Never heard.")
    hand.speaks("i2")
    hand.model("response.output_audio_transcript.done", item_id="i2", content_index=0, transcript="Never heard.")
    assert hand.bridge.record.transcript == []


@pytest.mark.claim("storm of barge-ins")
@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_the_end_of_a_piece_of_speech_that_was_cut_brings_none_of_it_back(rate_hz: int) -> None:
    hand = Hand(options=Options(audio=AudioFormat("pcm16", rate_hz))).connect()
    hand.starts()
    hand.speaks("i1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("response.output_audio.done", item_id="i1", content_index=0)
    assert played(hand.wait(1)) == []
    assert len(sent(hand.effects, "conversation.item.truncate")) == 1


def test_the_tail_that_the_resampler_holds_is_played() -> None:
    hand = Hand(options=Options(audio=AudioFormat("pcm16", 16000))).connect()
    hand.starts()
    hand.speaks("i1", ms=200)
    hand.model("response.output_audio.done", item_id="i1", content_index=0)
    hand.wait(1)
    hand.model("response.output_audio_transcript.done", item_id="i1", content_index=0, transcript="Hello.")
    [line] = hand.bridge.record.transcript
    assert (line["text"], line["heard_ms"]) == ("Hello.", 200)


def test_a_response_that_was_asked_for_before_the_caller_began_is_not_played_over_them() -> None:
    hand = Hand().connect()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert [event["response_id"] for event in sent(hand.starts("r1"), "response.cancel")] == ["r1"]
    hand.speaks("i1")
    assert [lot for lot in played(hand.wait(1)) if any(lot)] == []


def test_the_models_own_response_says_that_the_caller_has_finished() -> None:
    hand = Hand().connect()
    hand.starts("r1")
    hand.ends("r1")
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert sent(hand.starts("r2"), "response.cancel") == []
    hand.speaks("i2", response_id="r2")
    assert any(any(lot) for lot in played(hand.wait(1)))


def announces(hand: Hand, item_id: str = "i1", text: str = "This was never heard.") -> list[Any]:
    item = {"id": item_id, "type": "message", "role": "assistant"}
    told = hand.model("response.output_item.added", response_id="r1", item=item)
    about = {"response_id": "r1", "item_id": item_id, "content_index": 0}
    return told + hand.model("response.output_audio_transcript.delta", **about, delta=text)


def test_an_item_that_was_cut_before_its_first_sound_is_forgotten_and_in_no_transcript() -> None:
    hand = Hand().connect()
    hand.starts()
    announces(hand)
    [gone] = sent(hand.model("input_audio_buffer.speech_started", item_id="u1"))
    assert (gone["type"], gone["item_id"]) == ("conversation.item.delete", "i1")
    hand.model("response.output_audio_transcript.done", item_id="i1", content_index=0, transcript="Never heard.")
    assert hand.bridge.record.transcript == []


def test_an_item_that_a_cut_response_still_begins_is_forgotten_too() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert [event["item_id"] for event in sent(announces(hand), "conversation.item.delete")] == ["i1"]
    assert hand.bridge.record.transcript == []


def test_what_was_only_written_when_the_caller_hung_up_was_not_heard() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.do(hand.bridge.platform_closed(hand.now, clean=True))
    announces(hand)
    hand.ends()
    hand.wait(2)
    assert hand.end
    assert hand.bridge.record.transcript == []


def test_errors_without_end_are_told_so_often_and_no_more() -> None:
    hand = Hand().connect()
    for _ in range(3 * MAX_ERRORS_TOLD):
        hand.refuses(code="invalid_value", event_id="tool-9")
    assert warned(hand.effects) == ["model_error"] * MAX_ERRORS_TOLD


@pytest.mark.parametrize("ending", [False, True])
def test_what_a_response_beside_the_conversation_costs_is_counted_with_the_others(*, ending: bool) -> None:
    hand = Hand().connect()
    hand.starts()
    hand.ends(usage={"total_tokens": 10})
    if ending:
        hand.starts("r2")
        hand.do(hand.bridge.platform_closed(hand.now, clean=True))
    beside: JsonObject = {"id": "r3", "conversation_id": None}
    hand.model("response.created", response=beside)
    hand.model("response.done", response={**beside, "status": "completed", "usage": {"total_tokens": 1000}})
    assert hand.bridge.record.usage == {"total_tokens": 1010}


# A model that falls silent


def test_a_model_that_does_not_answer_the_callers_turn_is_asked_once_plainly_and_the_caller_hears_a_tone() -> None:
    hand = Hand(llm(response_create={"instructions": "Be kind."}), Options(audio=PCM24, response_timeout_s=8)).connect()
    hand.starts()
    hand.ends()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("input_audio_buffer.speech_stopped", item_id="u1")
    assert any(any(lot) for lot in played(hand.wait(3.9)))
    [request] = sent(hand.wait(0.2), "response.create")
    assert "response" not in request
    hand.wait(3.8)
    assert not over(hand)
    hand.wait(0.2)
    assert hand.end
    assert hand.end.reason_code == "response_timeout"


def told_of_timeouts(effects: list[Effect]) -> list[JsonObject]:
    return [effect.event for effect in effects if isinstance(effect, Report) and effect.type == "response.timeout"]


@pytest.mark.claim("J31", "responseTimeoutMs")
def test_a_verbs_watch_asks_again_soon_and_tells_the_event_hook_each_time() -> None:
    hand = Hand(options=Options(audio=PCM24, watch_s=1, response_timeout_s=8)).connect()
    assert told_of_timeouts(hand.wait(0.9)) == []
    stalled = hand.wait(0.2)
    assert told_of_timeouts(stalled) == [{"type": "response.timeout"}]
    assert [event["type"] for event in sent(stalled)] == ["response.create"]
    hand.starts()
    hand.calls()
    hand.ends()
    hand.do(hand.bridge.tool_answered("c1", "{}", hand.now))
    assert told_of_timeouts(hand.wait(1.1)) == [{"type": "response.timeout"}]
    assert told_of_timeouts(hand.wait(6.8)) == []
    assert told_of_timeouts(hand.wait(0.3)) == [{"type": "response.timeout"}]
    assert hand.end
    assert hand.end.reason_code == "response_timeout"


@pytest.mark.claim("model that is down")
@pytest.mark.parametrize("watch_s", [None, 1.0])
def test_a_model_that_never_says_anything_is_given_up_in_eight_seconds_however_often_it_was_asked(
    watch_s: float | None,
) -> None:
    hand = Hand(options=Options(audio=PCM24, watch_s=watch_s)).connect()
    hand.wait(7.9)
    assert not over(hand)
    assert told_of_timeouts(hand.wait(0.2)) == [{"type": "response.timeout"}]
    assert hand.end
    assert hand.end.reason_code == "response_timeout"


@pytest.mark.claim("model that is down")
def test_a_model_that_answered_badly_has_its_second_try() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.ends()
    hello(hand, "u1", 0.5)
    hand.wait(3)
    hand.starts("r2")
    hand.ends("r2", status="failed")
    hand.wait(7.9)
    assert not over(hand)


def hello(hand: Hand, item_id: str, seconds: float) -> None:
    hand.model("input_audio_buffer.speech_started", item_id=item_id)
    hand.wait(seconds)
    hand.model("input_audio_buffer.speech_stopped", item_id=item_id)
    hand.model("input_audio_buffer.committed", item_id=item_id)


@pytest.mark.parametrize("greets", [False, True])
def test_a_model_that_hears_and_never_answers_is_given_up_however_often_the_caller_asks(*, greets: bool) -> None:
    hand = Hand().connect()
    if greets:
        hand.starts()
        hand.speaks(ms=500)
        hand.ends()
        hand.wait(20)
    hello(hand, "u0", 0.0)
    began, spoke = hand.now, 0.0
    while not over(hand):
        hand.wait(1.5)
        if not over(hand):
            hello(hand, f"u{hand.now}", 1.0)
            spoke += 1.0
        assert hand.now - began - spoke <= 9.5
    assert hand.now - began - spoke >= 8
    assert hand.end
    assert hand.end.reason_code == "response_timeout"
    assert len(sent(hand.effects, "response.create")) == 2


def test_a_caller_who_speaks_for_long_is_not_cut_off_by_a_model_that_waits_for_their_end() -> None:
    hand = Hand().connect()
    hand.wait(1)
    hello(hand, "u1", 30)
    hand.wait(2)
    assert not over(hand)
    hand.starts()
    hand.speaks()
    hand.ends()
    hand.wait(20)
    assert not over(hand)


def test_what_is_typed_while_a_mute_model_was_asked_does_not_stop_its_clock() -> None:
    hand = Hand().connect()
    hand.wait(2)
    hand.do(hand.bridge.platform_said('{"event":"dtmf","dtmf":"1","duration":"100"}', hand.now))
    hand.do(hand.bridge.platform_said('{"event":"dtmf","dtmf":"#","duration":"100"}', hand.now))
    hand.wait(6.1)
    assert over(hand)


def test_an_answer_that_was_only_late_is_not_given_twice() -> None:
    hand = Hand().connect()
    [again] = sent(hand.wait(4.1), "response.create")
    hand.starts("r1")
    hand.refuses(code="conversation_already_has_active_response", event_id=again["event_id"])
    hand.speaks("i1", response_id="r1")
    assert sent(hand.ends("r1") + hand.wait(10), "response.create") == []


@pytest.mark.claim("J31", "cancelOnResponseTimeout")
def test_a_response_that_never_began_is_cancelled_where_the_verb_wants_it() -> None:
    hand = Hand(options=Options(audio=PCM24, watch_s=1, cancel_stalled=True)).connect()
    cancel, ask = sent(hand.wait(1.1))
    assert (cancel["type"], "response_id" in cancel, ask["type"]) == ("response.cancel", False, "response.create")
    hand.refuses(code="response_cancel_not_active", event_id=cancel["event_id"])
    assert warned(hand.effects) == ["model_stalled"]


def test_a_model_that_falls_silent_in_mid_response_is_heard_to_its_last_word_then_asked_again() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1", ms=10_000)
    hand.speaks("i1", ms=30)
    assert sent(hand.wait(9)) == []
    stalled = hand.wait(4)
    assert warned(stalled) == ["model_stalled"]
    [cut, cancel] = sent(stalled)
    assert (cut["type"], cut["audio_end_ms"]) == ("conversation.item.truncate", 10_000)
    assert (cancel["type"], cancel["response_id"]) == ("response.cancel", "r1")
    assert sent(hand.speaks("i1")) == []
    assert any(any(lot) for lot in played(hand.wait(4)))
    assert len(sent(hand.ends("r1", "cancelled"), "response.create")) == 1
    hand.starts("r2")
    hand.speaks("i2", response_id="r2")
    assert any(any(lot) for lot in played(hand.wait(1)))


def test_a_model_that_pauses_in_mid_response_goes_on_where_it_was() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1", ms=1000)
    hand.wait(7)
    hand.speaks("i1", ms=1000)
    hand.wait(0.52)
    [cut] = sent(hand.model("input_audio_buffer.speech_started", item_id="u1"))
    assert abs(cut["audio_end_ms"] - 1500) <= 80
    assert hand.end is None


def test_while_a_tool_works_no_response_is_awaited() -> None:
    hand = Hand(options=Options(audio=PCM24, tool_timeout_s=60, manners=Manners(fillers_s=()))).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    hand.wait(30)
    assert hand.end is None


# Requests


def test_a_request_that_met_the_models_own_response_follows_it() -> None:
    hand = Hand().connect()
    assert len(sent(hand.effects, "response.create")) == 1
    hand.starts("theirs")
    hand.refuses(code="conversation_already_has_active_response", event_id="ask-1")
    assert len(sent(hand.ends("theirs"), "response.create")) == 1


def test_a_model_that_answers_nothing_at_all_is_given_up() -> None:
    hand = Hand(options=Options(audio=PCM24, response_timeout_s=2)).connect()
    hand.starts()
    hand.wait(30)
    assert hand.end
    assert hand.end.reason_code == "response_timeout"


def test_a_request_refused_for_good_is_made_plainly_and_then_given_up() -> None:
    hand = Hand(llm(response_create={"instructions": "Be kind."})).connect()
    [first] = sent(hand.effects, "response.create")
    told, plain = sent(hand.refuses(code="invalid_value", event_id=first["event_id"]))
    assert (told["item"]["role"], told["item"]["content"][0]["text"]) == ("system", "Be kind.")
    assert "response" not in plain
    hand.refuses(code="invalid_value", event_id=plain["event_id"])
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server error", "invalid_value")


def test_a_refusal_of_something_else_is_a_warning() -> None:
    hand = Hand().connect()
    effects = hand.refuses(code="invalid_value", event_id="tool-9")
    assert warned(effects) == ["model_error"]
    assert hand.end is None


def test_a_harmless_refusal_before_the_session_is_ready_is_passed_over() -> None:
    hand = Hand()
    hand.model("session.created", session={})
    hand.refuses(code="input_audio_buffer_commit_empty")
    assert hand.end is None
    hand.model("session.updated", session={})
    assert hand.bridge._session.ready


def test_an_answer_to_no_configuration_of_ours_begins_nothing() -> None:
    hand = Hand()
    hand.model("session.updated", session={})
    assert not hand.bridge._session.ready


def test_a_failed_response_and_a_waiting_request_are_one_request() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.calls("c1", "r0")
    hand.ends("r0")
    hand.do(hand.bridge.tool_answered("c1", "{}", 0.0))
    again = hand.ends("r1", "failed")
    assert len(sent(again, "response.create")) == 1
    hand.starts("r2")
    assert sent(hand.ends("r2"), "response.create") == []


def test_a_response_that_fails_twice_without_saying_why_ends_the_call() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.ends("r1", "failed")
    hand.starts("r2")
    hand.ends("r2", "failed")
    assert hand.end
    assert (hand.end.reason_code, hand.end.error) == ("response_failed", {"message": "the response failed"})


def test_every_response_that_was_completed_gives_back_the_second_try() -> None:
    hand = Hand().connect()
    for number, status in enumerate(["failed", "completed", "failed", "incomplete", "failed"]):
        assert hand.end is None
        hand.starts(f"r{number}")
        hand.ends(f"r{number}", status)
    assert hand.end


def test_a_request_does_not_wait_for_a_caller_whom_the_model_will_not_answer_by_itself() -> None:
    hand = Hand(llm(session_update={**MANUAL, "tools": [WEATHER]})).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("input_audio_buffer.speech_stopped", item_id="u1")
    answered = hand.do(hand.bridge.tool_answered("c1", "{}", hand.now))
    assert [event["type"] for event in sent(answered)] == ["conversation.item.create", "response.create"]


def test_a_request_held_for_the_callers_turn_goes_out_when_no_answer_came_of_it() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.calls()
    hand.ends()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("input_audio_buffer.speech_stopped", item_id="u1")
    assert sent(hand.do(hand.bridge.tool_answered("c1", "{}", hand.now)), "response.create") == []
    assert len(sent(hand.wait(3), "response.create")) == 1


def test_a_tool_of_nobody_is_answered_to_nobody() -> None:
    hand = Hand().connect()
    assert hand.do(hand.bridge.tool_answered("c9", "{}", 0.0)) == []


def test_a_tool_call_before_its_answer_is_asked_of_the_application() -> None:
    hand = Hand().connect()
    hand.starts()
    assert CallTool("c1", "get_weather", {}) in hand.calls()


def test_a_tool_that_must_be_confirmed_runs_after_the_caller_has_spoken() -> None:
    hand = Hand(options=Options(audio=PCM24, confirmed=frozenset({"get_weather"}))).connect()
    hand.starts()
    hand.calls()
    refused, _ = sent(hand.ends())
    assert "must be confirmed" in refused["item"]["output"]
    assert warned(hand.effects) == ["tool_rejected"]
    asks(hand)
    turn(hand, "Yes.")
    hand.starts("r3")
    assert CallTool("c2", "get_weather", {}) in hand.calls("c2", "r3")


def loops(hand: Hand, most: int, *, speaks_after: int = 10**6) -> int:
    """A model that answers each request by a call of a tool; give how many requests there were."""
    requests = 0
    for n in range(most):
        hand.starts(f"r{n}")
        if n >= speaks_after:
            hand.speaks(f"i{n}", ms=500, response_id=f"r{n}")
            hand.ends(f"r{n}")
            hand.wait(1.0)
            break
        hand.calls(f"c{n}", f"r{n}")
        effects = [*hand.do(hand.bridge.tool_answered(f"c{n}", "{}", hand.now)), *hand.ends(f"r{n}")]
        if hand.end or not sent(effects, "response.create"):
            break
        requests += 1
        hand.wait(0.1)
    return requests


def test_a_model_that_calls_tools_and_nothing_else_is_told_to_speak_and_then_given_up() -> None:
    hand = Hand().connect()
    assert loops(hand, 40) < 25
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server failure", "tool_loop")
    choices = [event.get("response", {}).get("tool_choice") for event in sent(hand.effects, "response.create")]
    assert choices[1:20] == [None] * 19
    assert choices[20:] == ["none"] * len(choices[20:])
    assert len(choices) > 20


def test_a_model_that_speaks_when_it_may_call_no_more_tools_goes_on() -> None:
    hand = Hand().connect()
    loops(hand, 40, speaks_after=21)
    assert hand.end is None
    turn(hand, "And?")
    hand.starts("x")
    hand.calls("cx", "x")
    assert "in a minute" in sent(hand.ends("x"))[0]["item"]["output"]
    hand.starts("spoken")
    hand.speaks("i-spoken", ms=500, response_id="spoken")
    hand.ends("spoken")
    hand.wait(61)
    hand.starts("y")
    assert CallTool("cy", "get_weather", {}) in hand.calls("cy", "y")
    hand.ends("y")
    [_, again] = sent(hand.do(hand.bridge.tool_answered("cy", "{}", hand.now)))
    assert "response" not in again


def asks(hand: Hand) -> None:
    """The agent asks the caller, who hears it."""
    hand.wait(0.1)
    hand.starts("r2")
    hand.speaks("i2", ms=500, response_id="r2")
    hand.ends("r2")
    hand.wait(1.0)


def turn(hand: Hand, text: str | None, item_id: str = "u1", *, begins: bool = True) -> None:
    if begins:
        hand.model("input_audio_buffer.speech_started", item_id=item_id)
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_stopped", item_id=item_id)
    hand.model("input_audio_buffer.committed", item_id=item_id)
    about = {"item_id": item_id, "content_index": 0}
    hand.model("conversation.item.input_audio_transcription.completed", **about, transcript=text)


def test_a_turn_that_was_going_on_when_the_caller_was_to_be_asked_confirms_nothing() -> None:
    verb = llm(session_update={"tools": [WEATHER], "input_audio_transcription": {"model": "gpt-4o-transcribe"}})
    hand = Hand(verb, Options(audio=PCM24, confirmed=frozenset({"get_weather"}))).connect()
    hand.starts()
    hand.speaks(ms=500)
    hand.wait(1.0)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.wait(0.1)
    hand.calls()
    hand.ends()
    turn(hand, "And one more thing.", begins=False)
    hand.starts("r3")
    hand.calls("c2", "r3")
    assert not [effect for effect in hand.effects if isinstance(effect, CallTool)]


@pytest.mark.parametrize(("text", "runs"), [("Yes.", True), ("", False), (" ", False)])
def test_a_turn_without_a_word_confirms_nothing(text: str, *, runs: bool) -> None:
    verb = llm(session_update={"tools": [WEATHER], "input_audio_transcription": {"model": "gpt-4o-transcribe"}})
    hand = Hand(verb, Options(audio=PCM24, confirmed=frozenset({"get_weather"}))).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    asks(hand)
    turn(hand, text)
    hand.starts("r3")
    assert (CallTool("c2", "get_weather", {}) in hand.calls("c2", "r3")) is runs


def test_who_types_when_asked_has_answered_and_who_was_asked_nothing_has_not() -> None:
    manners = Manners(digits=Digits())
    options = Options(audio=PCM24, manners=manners, confirmed=frozenset({"get_weather"}))
    for asked in (False, True):
        hand = Hand(options=options).connect()
        hand.starts()
        hand.calls()
        hand.ends()
        hand.wait(0.1)
        if asked:
            asks(hand)
        for key in "1#":
            hand.do(hand.bridge.platform_said(json.dumps({"event": "dtmf", "dtmf": key, "duration": "100"}), hand.now))
        hand.starts("r3")
        assert (CallTool("c2", "get_weather", {}) in hand.calls("c2", "r3")) is asked


@pytest.mark.claim("rate limit")
@pytest.mark.parametrize(
    ("code", "message", "wait_s", "tries"),
    [("rate_limit_exceeded", "Please try again in 1.5s.", 1.5, 3), ("server_error", "Sorry.", 0.5, 2)],
)
def test_a_request_that_cannot_be_taken_now_is_made_again_later_as_it_was(
    code: str, message: str, wait_s: float, tries: int
) -> None:
    greeting = {"instructions": "Greet Ada."}
    hand = Hand(llm(response_create=greeting)).connect()
    for n in range(1, tries):
        assert sent(hand.refuses(code=code, message=message, event_id=f"ask-{n}")) == []
        assert sent(hand.wait(wait_s - 0.1), "response.create") == []
        [again] = sent(hand.wait(0.2), "response.create")
        assert again["response"] == {**SPOKEN, **greeting}
    hand.refuses(code=code, message=message, event_id=f"ask-{tries}")
    hand.wait(0.1)
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server error", code)


# A caller who waits for a tool


def waiting(**options: Any) -> Hand:
    hand = Hand(options=Options(audio=PCM24, tool_timeout_s=20, **options)).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    return hand


@pytest.mark.claim("slow tool")
def test_a_caller_who_waits_for_a_tool_is_told_so_twice_and_then_the_result() -> None:
    hand = waiting()
    [first] = sent(hand.wait(1.6), "response.create")
    assert first["response"]["tool_choice"] == "none"
    hand.starts("r2")
    hand.ends("r2")
    assert len(sent(hand.wait(6.5), "response.create")) == 1
    hand.starts("r3")
    assert [e["type"] for e in sent(hand.do(hand.bridge.tool_answered("c1", "{}", hand.now)))] == [
        "conversation.item.create"
    ]
    assert [e for e in sent(hand.ends("r3"), "response.create") if "response" in e] == []
    assert len(sent(hand.effects, "response.create")) == 4


def test_a_caller_who_speaks_is_told_nothing_of_a_wait() -> None:
    hand = waiting()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert sent(hand.wait(9), "response.create") == []


@pytest.mark.claim("slow tool")
def test_what_the_agent_says_as_it_calls_a_tool_puts_off_the_word_about_the_wait_and_no_more() -> None:
    hand = Hand(options=Options(audio=PCM24, tool_timeout_s=20)).connect()
    hand.starts()
    hand.speaks(ms=3000)
    hand.calls()
    hand.ends()
    assert sent(hand.wait(3), "response.create") == []
    assert len(sent(hand.wait(0.5), "response.create")) == 1
    hand.starts("r2")
    hand.ends("r2")
    assert sent(hand.wait(4), "response.create") == []
    assert len(sent(hand.wait(1), "response.create")) == 1


@pytest.mark.claim("slow tool")
@pytest.mark.parametrize(("deadline_s", "choices"), [(8.0, ["none", None]), (9.0, ["none", "none"])])
def test_a_word_about_the_wait_comes_before_the_deadline_or_not_at_all(deadline_s: float, choices: list[Any]) -> None:
    hand = Hand(options=Options(audio=PCM24, tool_timeout_s=deadline_s)).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    asked = sent(hand.wait(1.6), "response.create")
    hand.starts("r2")
    hand.ends("r2")
    asked += sent(hand.wait(6.6), "response.create")
    assert [event.get("response", {}).get("tool_choice") for event in asked] == choices


# The model is lost, and found again


def drops(hand: Hand) -> None:
    told = hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    assert Redial(0) in told


def returns(hand: Hand) -> list[Any]:
    told = len(hand.effects)
    hand.do(hand.bridge.model_opened(hand.now))
    hand.model("session.created", session={})
    hand.model("session.updated", session={})
    return hand.effects[told:]


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("protected", [False, True])
def test_a_greeting_of_which_nothing_was_heard_is_asked_for_again_as_it_is(*, begun: bool, protected: bool) -> None:
    manners = Manners(protect_greeting=protected)
    hand = Hand(llm(response_create={"instructions": "Greet Ada."}), Options(audio=PCM24, manners=manners)).connect()
    if begun:
        hand.starts()
    drops(hand)
    [ask] = sent(returns(hand), "response.create")
    assert ask["response"]["instructions"] == "Greet Ada."


def test_a_greeting_that_was_heard_in_part_is_gone_on_with_plainly() -> None:
    hand = Hand(llm(response_create={"instructions": "Greet Ada."})).connect()
    hand.starts()
    hand.speaks(ms=1000)
    drops(hand)
    [ask] = sent(returns(hand), "response.create")
    assert "response" not in ask


@pytest.mark.parametrize(("spoken_ms", "asked"), [(0, [Manners().warning]), (500, [])])
def test_a_warning_of_which_nothing_was_heard_is_given_again(spoken_ms: int, asked: list[str]) -> None:
    hand = Hand(options=Options(audio=PCM24, max_call_s=30, manners=Manners(warn_before_s=20))).connect()
    hand.starts()
    hand.ends()
    assert len(sent(hand.wait(10.1), "response.create")) == 1
    hand.starts("r2")
    if spoken_ms:
        hand.speaks("i2", ms=spoken_ms, response_id="r2")
    drops(hand)
    assert [event["response"]["instructions"] for event in sent(returns(hand), "response.create")] == asked


def test_a_tool_that_answers_while_the_model_is_away_is_part_of_what_it_is_told() -> None:
    hand = waiting()
    drops(hand)
    assert sent(hand.do(hand.bridge.tool_answered("c1", '{"temperature":72}', hand.now))) == []
    update, told, ask = sent(returns(hand))
    assert told["item"]["role"] == "system"
    assert "get_weather" in told["item"]["content"][0]["text"]
    assert "72" in told["item"]["content"][0]["text"]
    assert (update["type"], ask["type"]) == ("session.update", "response.create")


def test_a_tool_that_answers_a_later_session_is_a_note_and_a_request() -> None:
    hand = waiting()
    drops(hand)
    _, told = sent(returns(hand))
    assert told["item"]["content"][0]["text"].endswith(f"get_weather was called with {{}}: {STILL_AT_WORK}")
    note, again = sent(hand.do(hand.bridge.tool_answered("c1", "72", hand.now)))
    assert (note["type"], again["type"]) == ("conversation.item.create", "response.create")
    assert note["item"]["content"][0]["text"] == "The result of get_weather (c1) came late: 72"


def test_a_model_that_takes_no_text_is_sent_none(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = waiting()
    monkeypatch.setattr(Realtime, "say", lambda *_: None)
    drops(hand)
    returns(hand)
    hand.starts("r2")
    hand.ends("r2")
    [ask] = sent(hand.do(hand.bridge.tool_answered("c1", "72", hand.now)))
    assert ask["type"] == "response.create"


def test_a_tool_whose_session_was_lost_keeps_its_deadline_and_the_caller_is_not_left_in_silence() -> None:
    hand = Hand(options=Options(audio=PCM24, tool_timeout_s=8, manners=Manners(fillers_s=()))).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    drops(hand)
    returns(hand)
    hand.starts("r2")
    hand.ends("r2")
    assert played(hand.wait(7.9))
    assert warned(hand.effects) == ["model_dropped"]
    note, ask = sent(hand.wait(0.2))
    assert "did not answer in time" in note["item"]["content"][0]["text"]
    assert (ask["type"], warned(hand.effects)[-1]) == ("response.create", "tool_timeout")


def test_a_conversation_that_goes_on_from_another_begins_with_its_history_also_after_a_drop() -> None:
    opening = {"instructions": "Say that it failed."}
    options = Options(audio=PCM24, history=(("user", "A human, please."), ("system", "It failed.")), opening=opening)
    hand = Hand(llm(response_create={"instructions": "Greet."}), options).connect()
    *told, ask = sent(hand.effects)[1:]
    assert [item["item"]["role"] for item in told] == ["user", "system"]
    assert ask["response"]["instructions"] == "Say that it failed."
    hand.starts()
    hand.ends()
    drops(hand)
    assert [event["item"]["role"] for event in sent(returns(hand))[1:]] == ["user", "system"]


def test_what_the_model_says_as_it_leaves_is_part_of_the_end() -> None:
    tools = [{"type": "function", "name": "hangup", "parameters": {"type": "object"}}]
    options = Options(audio=PCM24, exits={"hangup": Exit(HANGUP, "")})
    hand = Hand(llm(session_update={"tools": tools}), options).connect()
    hand.starts()
    item = {"type": "function_call", "name": "hangup", "call_id": "c", "arguments": '{"reason":"done"}'}
    hand.model("response.output_item.done", response_id="r1", item=item)
    hand.ends()
    hand.wait(2)
    assert hand.end
    assert (hand.end.reason_code, hand.end.told) == ("agent_hung_up", {"reason": "done"})


def test_a_call_that_is_not_run_is_logged_without_what_the_caller_said() -> None:
    card = {"type": "object", "properties": {"card": {"type": "integer"}}}
    hand = Hand(llm(session_update={"tools": [{"type": "function", "name": "pay", "parameters": card}]})).connect()
    hand.starts()
    item = {"type": "function_call", "name": "pay", "call_id": "c1", "arguments": '{"card":"4111 1111, Ada"}'}
    hand.model("response.output_item.done", response_id="r1", item=item)
    [output] = [event["item"]["output"] for event in sent(hand.ends(), "conversation.item.create")]
    assert "card: '4111 1111, Ada' is not of type 'integer'" in output
    [detail] = [effect.detail for effect in hand.effects if isinstance(effect, Warn)]
    reason = "the arguments do not fit the tool's parameters: properties.card.type is broken"
    assert detail == {"call_id": "c1", "tool": "pay", "reason": reason}
