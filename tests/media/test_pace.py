"""A caller's audio is held against the clock, whoever sends it."""

from base64 import b64decode

import pytest

from media.effects import Effect, Warn
from media.pace import BEYOND_MS, BURST_MS, TIMES, Pace
from media.platforms.base import PlatformError
from tests.by_hand import APPEND, Hand, sent, warned
from tests.simulation import PCM24

FRAME_MS = 20
FRAME = PCM24.silence(FRAME_MS)


def heard_ms(pace: Pace, *, times: float, seconds: float, begin: float = 0.0) -> float:
    """Send frames at this many times real time for so long; give how much of it was let through."""
    frames = int(seconds * 1000 * times / FRAME_MS)
    step_s = FRAME_MS / 1000 / times
    return sum(FRAME_MS for n in range(frames) if pace.admits(len(FRAME), begin + (n + 1) * step_s))


@pytest.mark.parametrize("times", [0.5, 1.0, 1.01, 1.4])
def test_an_hour_of_telephony_is_heard_whole(times: float) -> None:
    out: list[Effect] = []
    assert heard_ms(Pace(PCM24, out, 0.0), times=times, seconds=3600) == pytest.approx(3_600_000 * times, abs=FRAME_MS)
    assert out == []


def test_what_a_network_has_held_back_is_heard_when_it_comes() -> None:
    out: list[Effect] = []
    pace = Pace(PCM24, out, 0.0)
    heard_ms(pace, times=1, seconds=60)
    assert heard_ms(pace, times=1000, seconds=0.01, begin=70) == pytest.approx(10_000, abs=FRAME_MS)
    assert out == []


def test_a_socket_at_twice_the_rate_that_it_told_is_named_once_and_cut_to_the_allowance() -> None:
    out: list[Effect] = []
    heard = heard_ms(Pace(PCM24, out, 0.0), times=2, seconds=30)
    assert heard == pytest.approx(BURST_MS + 30_000 * TIMES, rel=0.01)
    assert out == [Warn("media_too_fast", {"times_real_time": 2.0})]


def test_a_flood_is_refused_after_ten_seconds_of_audio_beyond_the_allowance() -> None:
    pace = Pace(PCM24, [], 0.0)
    taken = [pace.admits(len(FRAME), 0.0) for _ in range((BURST_MS + BEYOND_MS) // FRAME_MS)]
    assert taken.count(True) * FRAME_MS == BURST_MS
    with pytest.raises(PlatformError, match="audio faster than real time"):
        pace.admits(len(FRAME), 0.0)


def test_an_hour_of_quiet_is_not_saved_up_for_a_flood() -> None:
    out: list[Effect] = []
    pace = Pace(PCM24, out, 0.0)
    assert heard_ms(pace, times=1000, seconds=0.025, begin=3600) <= 2 * BURST_MS + 3 * FRAME_MS
    assert len(out) == 1


def test_a_call_whose_audio_is_a_flood_ends_and_the_model_has_heard_the_allowance_only() -> None:
    hand = Hand().connect()
    second = PCM24.silence(1000)
    for _ in range(100):
        hand.do(hand.bridge.platform_said(second, 0.0))
    hand.wait(2)
    assert hand.end
    assert hand.end.reason_code == "media_lost"
    assert "audio faster than real time" in str(hand.end.error)
    assert warned(hand.effects) == ["media_too_fast"]
    told = sum(len(b64decode(event["audio"])) for event in sent(hand.effects, APPEND))
    assert PCM24.ms_in(told) <= BURST_MS
