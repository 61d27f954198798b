"""Whole calls in which one side hurries: noises in a row, and a model far ahead of what can be spoken."""

from functools import partial
from typing import Any

import pytest

from media.effects import ToPlatform
from media.options import Options
from sim.model.script import LONG_STORY
from sim.voice import noise
from tests.by_hand import Hand, played, sent
from tests.simulation import PCM24, Call, llm

JsonObject = dict[str, Any]
GAP_S = 0.25
LEAD_MS = 200


def stormed(times: int) -> Call:
    """Let the caller make noises while a story is told; the model takes each for a turn, and answers it."""
    detection = {"type": "server_vad", "silence_duration_ms": 100}
    call = Call({"greeting": LONG_STORY}, llm(session_update={"turn_detection": detection}))
    for n in range(times):
        call.at(2 + n * GAP_S, partial(call.platform.line.say, "(noise)", noise(100)))
    return call.run(2 + times * GAP_S + 4)


@pytest.mark.claim("storm of barge-ins")
def test_of_twenty_noises_in_five_seconds_each_silences_the_agent_and_none_is_refused() -> None:
    call = stormed(20)
    onsets = [at for at, event in call.from_model if event["type"] == "input_audio_buffer.speech_started"]
    assert len(onsets) == 20
    assert [event for _, event in call.from_model if event["type"] == "error"] == []
    assert len(call.events("response.create")) == 1
    for at in call.cleared_at():
        assert min(abs(at - onset) for onset in onsets) < 0.01
    told = call.events("conversation.item.truncate", "conversation.item.delete")
    assert len({event["item_id"] for event in told}) == len(told)
    assert call.bridge.record.transcript[-1]["text"] == "I heard you. Please go on."


@pytest.mark.claim("storm of barge-ins")
def test_of_a_response_that_was_cut_twenty_times_nothing_is_heard_again() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1", ms=60_000)
    hand.wait(1)
    for n in range(20):
        hand.model("input_audio_buffer.speech_started", item_id=f"u{n}")
        hand.speaks("i1", ms=100)
        assert [lot for lot in played(hand.wait(0.1)) if any(lot)] == []
        hand.model("input_audio_buffer.speech_stopped", item_id=f"u{n}")
    [cut] = sent(hand.effects, "conversation.item.truncate")
    assert cut["audio_end_ms"] == pytest.approx(1000, abs=200)


@pytest.mark.claim("ten times real time")
@pytest.mark.parametrize("times", [10, 100])
def test_a_model_that_hurries_is_passed_on_at_the_pace_of_speech(times: int) -> None:
    call = Call({"greeting": LONG_STORY, "delta_rate": times}, options=Options(audio=PCM24, lead_ms=LEAD_MS)).run(20)
    sent_ms, ahead_ms = 0.0, 0.0
    lots = [(at, effect.wire) for at, effect in call.effects if isinstance(effect, ToPlatform)]
    spoken = [(at, wire) for at, wire in lots if isinstance(wire, bytes) and any(wire)]
    for at, wire in spoken:
        ahead_ms = max(ahead_ms, sent_ms - (at - spoken[0][0]) * 1000)
        sent_ms += PCM24.ms_in(len(wire))
    assert ahead_ms <= LEAD_MS
    assert sent_ms > 9000
    [line] = call.bridge.record.transcript
    assert (line["text"], line["interrupted"]) == (LONG_STORY, False)
