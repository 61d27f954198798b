"""A response that ends, and of which nothing came: the caller is not left with it."""

from typing import Any

import pytest

from media.effects import Effect, Redial, Warn
from media.ends import HANGUP
from media.options import Exit, Options
from media.realtime.protocol import SPOKEN
from tests.by_hand import Hand, JsonObject, sent, warned
from tests.simulation import PCM24, WEATHER, llm

GREETING = {"instructions": "Greet Ada."}
FILTERED: JsonObject = {"status_details": {"type": "incomplete", "reason": "content_filter"}, "output": []}
NOTHING: JsonObject = {"output": []}


def conversation(fallbacks: int = 0, **options: Any) -> Hand:
    verb = llm(
        response_create=GREETING, session_update={"tools": [WEATHER], "input_audio_transcription": {"model": "x"}}
    )
    return Hand(verb, Options(audio=PCM24, **options), fallbacks=fallbacks).connect()


def greeted(fallbacks: int = 0, **options: Any) -> Hand:
    hand = conversation(fallbacks, **options)
    hand.starts()
    hand.speaks(ms=500)
    hand.ends()
    hand.wait(1)
    turn(hand)
    return hand


def turn(hand: Hand) -> None:
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_stopped", item_id="u1")
    hand.model("input_audio_buffer.committed", item_id="u1")
    about = {"item_id": "u1", "content_index": 0}
    hand.model("conversation.item.input_audio_transcription.completed", **about, transcript="What is the weather?")


def asked(effects: list[Effect]) -> list[Any]:
    return [event.get("response") for event in sent(effects, "response.create")]


EMPTY = pytest.mark.parametrize(
    ("status", "details", "told"),
    [
        ("completed", NOTHING, Warn("response_empty")),
        ("completed", {"output": [{"type": "message", "content": []}]}, Warn("response_empty")),
        ("incomplete", FILTERED, Warn("response_incomplete", {"reason": "content_filter"})),
        ("incomplete", {**NOTHING, "status_details": None}, Warn("response_incomplete", {"reason": "unknown"})),
    ],
)


@pytest.mark.claim("J19")
@EMPTY
def test_a_greeting_of_which_nothing_came_is_asked_for_once_more(status: str, details: JsonObject, told: Warn) -> None:
    hand = conversation()
    hand.starts()
    effects = hand.ends("r1", status, **details)
    assert told in effects
    assert asked(effects) == [{**SPOKEN, **GREETING}]


@pytest.mark.claim("J19", "fallback models")
@EMPTY
def test_an_answer_of_which_nothing_came_is_asked_for_once_more_and_then_of_the_next_model(
    status: str, details: JsonObject, told: Warn
) -> None:
    hand = greeted(fallbacks=1)
    hand.starts("r2")
    first = hand.ends("r2", status, **details)
    assert (told in first, asked(first)) == (True, [None])
    hand.starts("r3")
    assert Redial(1) in hand.ends("r3", status, **details)
    assert asked(hand.falls_back()) == [None]


@pytest.mark.claim("model that is down")
def test_a_model_that_only_ever_says_nothing_is_given_up() -> None:
    hand = conversation()
    for nth in ("r1", "r2"):
        hand.starts(nth)
        hand.ends(nth, **NOTHING)
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server failure", "response_empty")


def test_what_was_only_written_down_as_said_is_nothing_either() -> None:
    hand = conversation()
    hand.starts()
    hand.model("response.output_audio_transcript.delta", response_id="r1", item_id="i", content_index=0, delta="Hm")
    assert len(asked(hand.ends(**NOTHING))) == 1


@pytest.mark.parametrize("does", ["speaks", "calls"])
def test_a_response_of_which_something_came_is_not_asked_for_again(does: str) -> None:
    hand = greeted()
    hand.starts("r2")
    getattr(hand, does)(response_id="r2")
    assert asked(hand.ends("r2", **NOTHING)) == []
    assert "response_empty" not in warned(hand.effects)


def test_an_answer_in_text_is_asked_for_in_speech_and_not_twice() -> None:
    hand = greeted()
    hand.starts("r2")
    hand.model("response.output_text.done", response_id="r2", text="It is sunny.")
    assert len(asked(hand.ends("r2", **NOTHING))) == 1
    assert warned(hand.effects) == ["answer_unspoken"]


def test_after_what_was_heard_of_a_turn_nothing_more_need_come() -> None:
    hand = greeted()
    hand.starts("r2")
    hand.speaks("i2", ms=300, response_id="r2")
    hand.calls("c1", "r2")
    hand.ends("r2")
    hand.do(hand.bridge.tool_answered("c1", "{}", hand.now))
    hand.starts("r3")
    assert asked(hand.ends("r3", **NOTHING)) == []
    assert warned(hand.effects) == ["response_empty"]
    hand.wait(5)
    turn(hand)
    hand.starts("r4")
    assert asked(hand.ends("r4", **NOTHING)) == [None]


def test_an_answer_after_a_tool_of_which_nothing_came_is_asked_for_again() -> None:
    hand = greeted()
    hand.starts("r2")
    hand.calls("c1", "r2")
    hand.ends("r2")
    hand.do(hand.bridge.tool_answered("c1", "{}", hand.now))
    hand.starts("r3")
    assert asked(hand.ends("r3", **NOTHING)) == [None]


def test_what_the_caller_interrupted_is_not_asked_for_again() -> None:
    hand = greeted()
    hand.starts("r2")
    hand.model("input_audio_buffer.speech_started", item_id="u2")
    assert asked(hand.ends("r2", **NOTHING)) == []


def test_a_model_that_takes_its_leave_is_asked_for_its_last_words_alone() -> None:
    hand = greeted(exits={"get_weather": Exit(HANGUP, "Say goodbye.")})
    hand.starts("r2")
    hand.calls(response_id="r2")
    [goodbye] = asked(hand.ends("r2", **NOTHING))
    assert goodbye["instructions"] == "Say goodbye."
    assert "response_empty" not in warned(hand.effects)


@pytest.mark.claim("J19")
def test_a_response_that_ran_out_of_tokens_is_told_and_the_call_goes_on() -> None:
    hand = greeted()
    hand.starts("r2")
    hand.speaks("i2", response_id="r2")
    details = {"status_details": {"reason": "max_output_tokens"}, "output": [{"type": "message", "content": [{}]}]}
    assert asked(hand.ends("r2", "incomplete", **details)) == []
    assert Warn("response_incomplete", {"reason": "max_output_tokens"}) in hand.effects
    hand.wait(5)
    assert hand.end is None
