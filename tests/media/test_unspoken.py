"""A model that answers in text leaves a caller in silence: it is asked, once, to say it."""

from typing import Any

import pytest

from media.effects import Effect, Warn
from media.meanings import SAY_IT
from tests.by_hand import Hand, sent


def writes(hand: Hand, response_id: str = "r1", text: str = "It is sunny.", *, type_: str = "output_text") -> None:
    about = {"response_id": response_id, "item_id": f"i-{response_id}", "content_index": 0}
    hand.model(f"response.{type_}.done", **about, text=text)


def asked(effects: list[Effect]) -> list[Any]:
    return [event.get("response", {}).get("instructions") for event in sent(effects, "response.create")]


def unspoken(hand: Hand) -> list[str]:
    return [one["text"] for one in hand.bridge.record.transcript if one["heard_ms"] == 0]


@pytest.mark.claim("J14")
@pytest.mark.parametrize("type_", ["output_text", "text"])
def test_what_was_only_written_is_recorded_as_unheard_and_asked_for_in_speech_once(type_: str) -> None:
    hand = Hand().connect()
    for response_id in ("r1", "r2"):
        hand.starts(response_id)
        writes(hand, response_id, type_=type_)
        told = hand.ends(response_id)
        assert asked(told) == ([SAY_IT] if response_id == "r1" else [])
        assert len([one for one in told if isinstance(one, Warn)]) == (response_id == "r1")
    assert unspoken(hand) == ["It is sunny.", "It is sunny."]
    assert hand.bridge.record.history() == ()


@pytest.mark.parametrize("text", ["", " "])
def test_text_that_is_none_is_none(text: str) -> None:
    hand = Hand().connect()
    hand.starts()
    writes(hand, text=text)
    assert asked(hand.ends()) == unspoken(hand) == []


def test_text_beside_speech_is_not_missed() -> None:
    hand = Hand().connect()
    hand.starts()
    writes(hand)
    hand.speaks()
    assert asked(hand.ends()) == unspoken(hand) == []


def test_text_of_a_response_that_the_caller_cut_is_not_asked_for() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    writes(hand)
    assert asked(hand.ends(status="cancelled")) == unspoken(hand) == []


def test_text_before_a_tool_call_waits_for_what_is_said_after_it() -> None:
    hand = Hand().connect()
    hand.starts()
    writes(hand, text="Let me see.")
    hand.calls()
    assert asked(hand.ends()) == []
    assert unspoken(hand) == ["Let me see."]
