"""Whole calls whose model is lost while the caller is owed something: what they said is not said in vain."""

from typing import Any

import pytest

from media.interruption import BargeIn
from media.options import Manners, Options
from sim.voice import caller_line
from tests.simulation import GREETING, PCM24, WEATHER, Call, llm
from verbs.llm import Llm

JsonObject = dict[str, Any]
LINE = "What is the weather in Boston?"
LATER: JsonObject = {"caller": [LINE], "turns": [{"say": "It is sunny."}]}
NOTHING_COMES: JsonObject = {"turns": [{"no_response": True, "close_code": 1012}]}


def transcribing(**session: Any) -> Llm:
    audio = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}
    return llm(session_update={"audio": audio, **session})


def lost_call(first: JsonObject, *, verb: Llm | None = None, options: Options | None = None) -> Call:
    """The caller speaks from 3 s on, for a second and a half."""
    call = Call(
        {**GREETING, "caller": [LINE], **first},
        verb or transcribing(),
        options or Options(audio=PCM24),
        later=[LATER],
        redial_s=0.5,
    )
    call.say(3, LINE)
    return call.run(14)


def heard_by_the_next(call: Call) -> list[bytes]:
    """Give the turns that the second session heard."""
    assert call.sessions == 2
    return [
        bytes(entry.sound.wire)
        for entry in call.model._conversation.entries
        if entry.item["role"] == "user" and entry.sound
    ]


@pytest.mark.claim("drop by 1006")
def test_a_sentence_in_the_middle_of_which_the_model_is_lost_reaches_the_next_session_whole() -> None:
    call = lost_call({"faults": {"drop_after_s": 4.0}})
    [turn] = heard_by_the_next(call)
    assert caller_line(LINE) in turn
    assert call.bridge.record.transcript[-1]["text"] == "It is sunny."


@pytest.mark.claim("drop by 1012")
def test_a_turn_of_which_no_session_knows_the_words_is_heard_again_and_answered_once() -> None:
    call = lost_call({**NOTHING_COMES, "transcription_s": 9})
    [turn] = heard_by_the_next(call)
    assert caller_line(LINE) in turn
    assert call.bridge.record.transcript[-1]["text"] == "It is sunny."
    assert len(call.events("response.create")) == 1


def test_a_turn_whose_words_are_known_is_told_and_not_heard_again() -> None:
    call = lost_call({"turns": [{"silent": True}], "faults": {"drop_after_s": 6.0}})
    assert heard_by_the_next(call) == []
    assert [event["item"]["role"] for event in call.events("conversation.item.create")] == ["assistant", "user"]
    assert len(call.events("response.create")) == 2


def test_a_turn_that_was_answered_is_not_heard_again() -> None:
    story = {"say": "Once upon a time there was a telephone that wanted to see the sea."}
    call = lost_call({"turns": [story], "faults": {"drop_after_s": 7.0}}, verb=llm())
    assert heard_by_the_next(call) == []


def test_a_turn_that_led_to_a_tool_call_is_not_heard_again() -> None:
    asks = {"turns": [{"tool": {"name": "get_weather", "arguments": {}}, "close_code": 1012}]}
    call = lost_call(asks, verb=llm(session_update={"tools": [WEATHER]}))
    assert heard_by_the_next(call) == []
    assert len(call.events("response.create")) == 2


def test_a_noise_that_did_not_count_is_not_heard_again() -> None:
    options = Options(audio=PCM24, manners=Manners(barge_in=BargeIn(min_speech_ms=5000)))
    story = "Once upon a time there was a telephone that wanted to see the sea, so it followed its own wire out."
    call = lost_call({"greeting": story, "faults": {"drop_after_s": 6.5}}, verb=llm(), options=options)
    assert heard_by_the_next(call) == []
