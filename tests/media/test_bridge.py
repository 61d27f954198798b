"""The two legs and the end, where no simulated call gets to."""

import pytest

from media.effects import End, Report
from media.voice import MAX_QUEUED_MS
from tests.by_hand import METADATA, Hand, played, sent, warned

HANGUP = End("normal conversation end", "caller_hung_up", "caller")


# The legs


def test_a_platform_that_opens_and_does_not_name_its_call_is_an_end() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.wait(6)
    assert hand.end == End("connection failure", "media_lost", "platform", {"message": "no metadata in time"})


def test_a_platform_that_speaks_another_protocol_is_an_end() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(b"\0\0", 0.0))
    assert hand.end
    assert hand.end.reason_code == "media_lost"


def test_what_the_platform_says_besides_is_passed_over() -> None:
    hand = Hand().connect()
    assert hand.do(hand.bridge.platform_said('{"type":"playDone"}', 0.0)) == []


def test_a_model_that_cannot_be_reached_is_an_end() -> None:
    hand = Hand()
    hand.do(hand.bridge.model_failed(1.0, reason_code="connect_failed", message="the model answered HTTP 500"))
    assert hand.end == End("connection failure", "connect_failed", "model", {"message": "the model answered HTTP 500"})


@pytest.mark.claim("J17")
def test_a_session_in_another_format_than_asked_for_is_an_end() -> None:
    hand = Hand()
    hand.model("session.created", session={})
    hand.model("session.updated", session={"audio": {"output": {"format": {"type": "audio/pcmu"}}}})
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server error", "session_mismatch")
    assert played(hand.effects) == []


def test_a_hundred_messages_that_cannot_be_read_end_the_call_with_one_warning() -> None:
    hand = Hand().connect()
    for _ in range(99):
        hand.do(hand.bridge.model_said(b"{", 0.0))
    assert not hand.bridge.finished
    hand.do(hand.bridge.model_said(b"{", 0.0))
    assert hand.end
    assert hand.end.reason_code == "model_bad_events"
    assert warned(hand.effects) == ["model_bad_event"]


def test_events_that_mean_nothing_to_the_bridge_are_reported_all_the_same() -> None:
    hand = Hand().connect()
    assert hand.model("session.updated", session={}) == [
        Report("session.updated", {"type": "session.updated", "session": {}})
    ]
    assert hand.model("rate_limits.updated") == [Report("rate_limits.updated", {"type": "rate_limits.updated"})]


def test_a_model_far_ahead_of_what_can_be_spoken_is_not_read() -> None:
    hand = Hand().connect()
    hand.starts()
    assert not hand.bridge.backlogged()
    for _ in range(11):
        hand.speaks(ms=MAX_QUEUED_MS / 10)
    assert hand.bridge.backlogged()


def test_a_platform_that_comes_after_the_end_begins_nothing() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.end(HANGUP, 0.0))
    assert hand.end == HANGUP
    assert hand.do(hand.bridge.platform_said(METADATA, 0.0)) == []
    assert hand.bridge.next_due() is None


# The end


def test_nothing_is_said_after_the_end() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks()
    hand.do(hand.bridge.end(HANGUP, 1.0))
    while_ending = [*hand.speaks(), *hand.calls(), *hand.model("response.output_audio.done", item_id="i1")]
    assert {type(effect) for effect in while_ending} <= {Report}
    assert hand.do(hand.bridge.platform_said(b"\0\0", 1.0)) == []
    assert sent(hand.do(hand.bridge.platform_said('{"event":"dtmf","dtmf":"#","duration":"1600"}', 1.0))) == []
    hand.ends(status="cancelled", usage={"total_tokens": 7})
    assert hand.end == HANGUP
    assert hand.bridge.record.usage == {"total_tokens": 7}
    after = [*hand.starts("r2"), *hand.do(hand.bridge.platform_closed(2.0, clean=True))]
    after += hand.do(hand.bridge.model_closed(2.0, code=1000, reason=""))
    assert after == []


def test_the_first_reason_to_end_wins() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.do(hand.bridge.end(HANGUP, 1.0))
    hand.do(hand.bridge.model_closed(1.1, code=4000, reason="invalid_request_error.x"))
    assert hand.end == HANGUP


def test_the_end_does_not_wait_longer_than_a_second() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.do(hand.bridge.end(HANGUP, hand.now))
    hand.wait(0.99)
    assert hand.end is None
    hand.wait(0.02)
    assert hand.end == HANGUP


def test_a_caller_who_hangs_up_while_the_models_last_words_play_has_hung_up() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks()
    hand.do(hand.bridge.model_closed(0.1, code=1001, reason=""))
    hand.wait(0.3)
    assert hand.end is None
    hand.do(hand.bridge.platform_closed(hand.now, clean=True))
    assert hand.end == HANGUP


def test_a_model_that_talks_before_its_session_is_ready_is_neither_heard_nor_obeyed() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(METADATA, 0.0))
    hand.model("session.created", session={})
    prime = played(hand.effects)
    hand.starts()
    hand.speaks()
    hand.calls()
    hand.ends(status="failed")
    assert [event["type"] for event in sent(hand.effects)] == ["session.update"]
    assert played(hand.effects) == prime
