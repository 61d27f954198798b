"""What a media socket says that nobody can use is counted, and told once."""

import pytest

from media.effects import Count, Effect, Warn
from media.options import Options
from tests.by_hand import METADATA, Hand
from tests.simulation import PCM24


def said(hand: Hand, *texts: str) -> list[Effect]:
    return [effect for text in texts for effect in hand.do(hand.bridge.platform_said(text, 0.0))]


def test_what_cannot_be_read_or_is_not_known_is_counted_each_time_and_told_once_a_call() -> None:
    hand = Hand().connect()
    assert said(hand, "{", '{"type":"tomorrow"}', "}", "[]", "") == [
        Count("malformed"),
        Warn("media_text_ignored", {"kind": "malformed"}),
        Count("unknown"),
        Warn("media_text_ignored", {"kind": "unknown"}),
        Count("malformed"),
        Count("unknown"),
        Count("malformed"),
    ]
    assert not hand.bridge.finished


def test_what_a_platform_says_for_others_is_not() -> None:
    assert said(Hand().connect(), '{"type":"playDone"}', '{"type":"mark","data":{"name":"m1"}}') == []


@pytest.mark.parametrize(
    ("call_sid", "warnings"),
    [
        ("CS1", []),
        ("", []),
        ("CS2", [Warn("media_of_another_call", {"named": "CS1"})]),
    ],
)
def test_a_socket_that_names_another_call_is_told_and_goes_on(call_sid: str, warnings: list[Warn]) -> None:
    hand = Hand(options=Options(audio=PCM24, call_sid=call_sid))
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(METADATA, 0.0))
    assert [effect for effect in hand.effects if isinstance(effect, Warn)] == warnings
    assert not hand.bridge.finished


def test_a_long_name_is_not_told_whole() -> None:
    hand = Hand(options=Options(audio=PCM24, call_sid="CS2"))
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(METADATA.replace("CS1", "x" * 9_000), 0.0))
    [told] = [effect for effect in hand.effects if isinstance(effect, Warn)]
    assert told.detail == {"named": "x" * 64}
