"""The caller waits for the platform or for the model, whichever is slower, and not for one after the other."""

from dataclasses import replace
from typing import Any

import pytest

from media.effects import Effect, Measure
from media.options import Manners, Options
from tests.by_hand import METADATA, Hand, played, sent
from tests.simulation import PCM24, Call

DIAL_S, ANSWER_S = 0.3, 0.4
"Of the model: until its socket is open, and from the request to the first word."


def caller_comes(hand: Hand) -> list[Effect]:
    hand.do(hand.bridge.platform_opened(hand.now))
    return hand.do(hand.bridge.platform_said(METADATA, hand.now))


def met(**manners: Any) -> Hand:
    """A model that is ready, and no caller yet."""
    hand = Hand(options=Options(audio=PCM24, manners=replace(Manners(), **manners)))
    hand.do(hand.bridge.model_opened(hand.now))
    return hand.configured()


def asked(effects: list[Effect]) -> int:
    return len(sent(effects, "response.create"))


@pytest.mark.parametrize("platform_opens_s", [0.1, 0.5, 0.9, 2.0])
def test_the_first_word_is_heard_after_the_longer_of_the_two_waits(platform_opens_s: float) -> None:
    script = {"greeting": {"say": "Hello there."}, "thinking_s": ANSWER_S}
    call = Call(script=script, model_opens_s=DIAL_S, platform_opens_s=platform_opens_s)
    call.hang_up(5.0)
    call.run()
    [heard_at] = [at for at, done in call.effects if isinstance(done, Measure) and done.name == "first_audio"]
    assert heard_at == pytest.approx(max(platform_opens_s, DIAL_S + ANSWER_S), abs=0.15)


def test_a_greeting_is_made_before_the_caller_is_there_and_played_when_they_are() -> None:
    hand = met()
    assert asked(hand.effects) == 1
    hand.starts()
    hand.speaks(ms=1000)
    hand.ends()
    assert not played(hand.wait(0.5))
    caller_comes(hand)
    assert any(any(pcm) for pcm in played(hand.wait(0.1)))
    hand.do(hand.bridge.platform_said(b"\1\1" * 480, hand.now))
    assert sent(hand.effects, "input_audio_buffer.append")
    assert asked(hand.effects) == 1


def test_a_protected_greeting_is_heard_before_the_caller_is() -> None:
    hand = met(protect_greeting=True)
    hand.starts()
    hand.speaks(ms=400)
    hand.model("response.output_audio.done", item_id="i1", content_index=0, response_id="r1")
    hand.ends()
    caller_comes(hand)
    assert not sent(hand.do(hand.bridge.platform_said(b"\1\1" * 480, hand.now)), "input_audio_buffer.append")
    hand.wait(1.0)
    assert sent(hand.do(hand.bridge.platform_said(b"\1\1" * 480, hand.now)), "input_audio_buffer.append")


def test_a_model_that_lets_the_caller_speak_first_is_asked_nothing() -> None:
    hand = met(caller_speaks_first=True)
    caller_comes(hand)
    assert asked(hand.effects) == 0
    assert sent(hand.do(hand.bridge.platform_said(b"\1\1" * 480, hand.now)), "input_audio_buffer.append")


def test_a_model_that_is_lost_before_the_caller_comes_is_asked_again() -> None:
    hand = met()
    hand.starts()
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    assert asked(hand.falls_back()) == 1
    assert not sent(hand.effects, "input_audio_buffer.append")
    hand.starts("r2")
    hand.speaks("i2", response_id="r2")
    caller_comes(hand)
    assert any(any(pcm) for pcm in played(hand.wait(0.1)))
    hand.do(hand.bridge.platform_said(b"\1\1" * 480, hand.now))
    assert sent(hand.effects, "input_audio_buffer.append")


def test_a_caller_who_never_comes_ends_it() -> None:
    hand = met()
    hand.starts()
    hand.speaks()
    hand.wait(60)
    assert hand.end
    assert hand.end.reason_code == "media_no_show"
