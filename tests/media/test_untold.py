"""A model that cannot be told everything is told the rest, and the caller hears the same."""

import json
from dataclasses import replace
from typing import Any

import pytest

from media.audio import AudioFormat
from media.bridge import Bridge
from media.effects import ToModel
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime import VENDORS
from media.realtime.capabilities import Capabilities, ModelAudio
from media.realtime.openai import CAN, Realtime
from tests.by_hand import Hand, played, sent, warned
from tests.simulation import PCM24, llm


def hand_with(can: Capabilities, **session: Any) -> Hand:
    """A call with a model that can do only this much."""
    hand = Hand()
    model = Realtime(llm(session_update=session), audio=PCM24)
    model.can = can
    hand.bridge = Bridge(JambonzMedia(24000), [model], Options(audio=PCM24), now=0.0)
    return hand.connect()


@pytest.mark.parametrize(
    ("cannot", "told"),
    [
        ([], {"conversation.item.truncate", "response.cancel"}),
        (["truncate"], {"response.cancel"}),
        (["cancel"], {"conversation.item.truncate"}),
        (["truncate", "cancel"], set()),
    ],
)
def test_an_interruption_is_told_as_far_as_the_model_can_be_told(cannot: list[str], told: set[str]) -> None:
    can: Any = dict.fromkeys(cannot, False)
    hand = hand_with(replace(CAN, **can), turn_detection={"interrupt_response": False})
    hand.starts()
    hand.speaks(ms=2000)
    hand.wait(0.5)
    effects = hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert {event["type"] for event in sent(effects)} == told
    assert all(effect.wire for effect in effects if isinstance(effect, ToModel))
    hand.speaks(ms=500)
    assert played(hand.wait(1.0)) == []


def test_what_nobody_heard_is_kept_where_nothing_can_be_forgotten() -> None:
    hand = hand_with(replace(CAN, delete=False))
    hand.starts()
    hand.speaks(ms=2000)
    assert sent(hand.model("input_audio_buffer.speech_started", item_id="u1"), "conversation.item.delete") == []


def test_keys_are_not_told_where_there_is_no_text() -> None:
    for add_text in (True, False):
        hand = hand_with(replace(CAN, add_text=add_text))
        hand.starts()
        hand.ends()
        asked = len(sent(hand.effects, "response.create"))
        for key in "1#2#":
            hand.do(hand.bridge.platform_said(json.dumps({"event": "dtmf", "dtmf": key, "duration": "90"}), hand.now))
        assert bool(sent(hand.effects, "conversation.item.create")) is add_text
        assert (len(sent(hand.effects, "response.create")) > asked) is add_text
        assert warned(hand.effects) == ([] if add_text else ["digits_untold"])


@pytest.mark.parametrize("can_cancel", [True, False])
def test_at_the_end_a_model_is_told_to_leave_off_where_it_can_be(*, can_cancel: bool) -> None:
    hand = hand_with(replace(CAN, cancel=can_cancel))
    hand.starts()
    ended = hand.do(hand.bridge.platform_closed(hand.now, clean=True))
    assert bool(sent(ended, "response.cancel")) is can_cancel


def test_what_is_heard_may_have_another_rate_than_what_is_spoken() -> None:
    vendor = VENDORS["qwen"]
    verb = llm().model_copy(update={"vendor": "qwen"})
    hand = Hand()
    model = vendor.realtime(verb, audio=vendor.audio_at(24000))
    assert (model.hears, model.speaks) == ModelAudio(AudioFormat("pcm16", 16000), PCM24)
    hand.bridge = Bridge(JambonzMedia(24000), [model], Options(audio=PCM24), now=0.0)
    hand.connect()
    frames = [
        event for _ in range(50) for event in sent(hand.do(hand.bridge.platform_said(b"\1\1" * 480, hand.now)), *APPEND)
    ]
    heard = sum(len(event["audio"]) * 3 // 4 for event in frames)
    assert heard == pytest.approx(2 * 16000, rel=0.02)
    hand.starts()
    hand.speaks(ms=400)
    assert sum(map(len, played(hand.wait(1.0)))) >= PCM24.bytes_in(400)


APPEND = ("input_audio_buffer.append",)
