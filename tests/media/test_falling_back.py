"""A model that fails what the caller waits for: the next one is asked for it."""

from typing import Any

import pytest

from media.effects import Effect, Redial
from media.options import Options
from media.realtime.protocol import SPOKEN
from tests.by_hand import Hand, played, sent, warned
from tests.simulation import PCM24, WEATHER, llm

JsonObject = dict[str, Any]
GREETING = {"instructions": "Greet Ada."}
QUOTA = {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota."}}


def greeted(**more: Any) -> Hand:
    """A conversation of which the greeting is asked for."""
    verb = llm(
        response_create=GREETING, session_update={"tools": [WEATHER], "input_audio_transcription": {"model": "x"}}
    )
    return Hand(verb, Options(audio=PCM24), fallbacks=1, **more).connect()


def asked(effects: list[Effect]) -> list[Any]:
    return [event.get("response") for event in sent(effects, "response.create")]


def turn(hand: Hand, item_id: str = "u1") -> None:
    hand.model("input_audio_buffer.speech_started", item_id=item_id)
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_stopped", item_id=item_id)
    hand.model("input_audio_buffer.committed", item_id=item_id)
    about = {"item_id": item_id, "content_index": 0}
    hand.model("conversation.item.input_audio_transcription.completed", **about, transcript="What is the weather?")


def in_mid_call() -> Hand:
    """The greeting was heard, and the caller has spoken."""
    hand = greeted()
    hand.starts()
    hand.speaks(ms=500)
    hand.ends()
    hand.wait(1)
    turn(hand)
    return hand


@pytest.mark.claim("fallback models", "quota")
def test_a_greeting_that_failed_for_good_is_asked_of_the_next_model() -> None:
    hand = greeted()
    hand.starts()
    assert Redial(1) in hand.ends("r1", "failed", status_details=QUOTA)
    assert any(any(lot) for lot in played(hand.wait(3)))
    assert asked(hand.falls_back()) == [{**SPOKEN, **GREETING}]
    hand.starts("r2")
    hand.speaks("i2", response_id="r2")
    assert hand.end is None


@pytest.mark.claim("fallback models", "quota")
def test_an_answer_that_failed_for_good_is_asked_of_the_next_model_as_an_answer() -> None:
    hand = in_mid_call()
    hand.starts("r2")
    assert Redial(1) in hand.ends("r2", "failed", status_details=QUOTA)
    assert asked(hand.falls_back()) == [None]


@pytest.mark.claim("fallback models")
def test_what_was_heard_of_a_greeting_that_failed_is_not_said_again() -> None:
    hand = greeted()
    hand.starts()
    hand.speaks(ms=500)
    hand.ends("r1", "failed", status_details=QUOTA)
    assert asked(hand.falls_back()) == [None]


@pytest.mark.claim("fallback models")
@pytest.mark.parametrize("code", ["response_failed", "server_error", "rate_limit_exceeded"])
def test_what_failed_as_often_as_it_may_is_asked_of_the_next_model(code: str) -> None:
    hand = in_mid_call()
    for n in range(2, 9):
        hand.starts(f"r{n}")
        if Redial(1) in hand.ends(f"r{n}", "failed", status_details={"error": {"code": code, "message": "no"}}):
            break
        hand.wait(1.1)
    assert asked(hand.falls_back()) == [None]


@pytest.mark.claim("fallback models")
def test_a_request_that_is_refused_for_good_is_made_of_the_next_model() -> None:
    hand = in_mid_call()
    hand.starts("r2")
    hand.calls("c1", "r2")
    hand.ends("r2")
    [request] = sent(hand.do(hand.bridge.tool_answered("c1", "{}", hand.now)), "response.create")
    assert Redial(1) in hand.refuses(code="invalid_value", event_id=request["event_id"])
    assert asked(hand.falls_back()) == [None]


@pytest.mark.claim("fallback models")
def test_a_model_that_falls_silent_once_too_often_leaves_the_answer_to_the_next() -> None:
    hand = in_mid_call()
    hand.starts("r2")
    hand.ends("r2", "failed")
    hand.starts("r3")
    assert Redial(1) in hand.wait(9)
    assert asked(hand.falls_back()) == [None]


@pytest.mark.claim("fallback models")
def test_a_word_in_passing_that_fails_for_good_is_owed_to_nobody() -> None:
    hand = in_mid_call()
    hand.starts("r2")
    hand.speaks("i2", ms=500, response_id="r2")
    hand.ends("r2")
    hand.wait(1)
    hand.bridge._talk.responses.mention({"instructions": "The call will end."}, hand.now)
    hand.starts("r3")
    assert Redial(1) in hand.ends("r3", "failed", status_details=QUOTA)
    assert "model_fallback" in warned(hand.effects)
    assert asked(hand.falls_back()) == []


@pytest.mark.claim("rate limit", "fallback models")
@pytest.mark.parametrize("fallbacks", [0, 1, 2])
def test_a_caller_who_waits_for_a_first_word_hears_one_or_the_end_in_eight_seconds(fallbacks: int) -> None:
    hand = Hand(fallbacks=fallbacks).connect()
    limit = {"error": {"code": "rate_limit_exceeded", "message": "Please try again in 20s."}}
    for n in range(30):
        if hand.end:
            break
        asks = len(asked(hand.effects))
        hand.starts(f"r{n}")
        dialled = sum(isinstance(effect, Redial) for effect in hand.ends(f"r{n}", "failed", status_details=limit))
        while not hand.end and not dialled and len(asked(hand.effects)) == asks:
            dialled = sum(isinstance(effect, Redial) for effect in hand.wait(0.1))
        if dialled:
            hand.falls_back()
    assert hand.end
    assert 2 < hand.now < 8.2
