"""A recording's clock: where the caller's frames and the agent's lots stand, whatever their way to us was like."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.options import Options
from media.tape import MAX_WAITING_BYTES, OVERHEAD_BYTES, Mixer, Side, Take, Tape, interleaved
from sim.platform.recording import channels
from tests.simulation import PCM24, Call

Samples = Sequence[int]
HZ = 8000
FRAME = 160
FRAME_S = 0.02


def numbered(first: int, samples: int) -> bytes:
    """Audio in which each sample tells its place."""
    return array("h", [place % 30_000 + 1 for place in range(first, first + samples)]).tobytes()


def frame(n: int) -> bytes:
    return numbered(n * FRAME, FRAME)


def mixed(takes: Iterable[Take], *, lots: int = 1, delay_ms: float = 0) -> "tuple[array[int], array[int]]":
    """Mix takes, some at a time; give both channels."""
    mixer, waiting, out = Mixer(HZ, delay_ms), list(takes), bytearray()
    for first in range(0, len(waiting), lots):
        out += b"".join(sound(mixer.mix(waiting[first : first + lots])))
    out += b"".join(sound(mixer.mix([], last=True)))
    both = array("h", bytes(out))
    return both[0::2], both[1::2]


def sound(lots: Iterator[bytes | int]) -> Iterator[bytes]:
    return (lot if isinstance(lot, bytes) else bytes(lot * 4) for lot in lots)


def said(count: int, *, first: int = 0, from_s: float = 0.0, every_s: float = FRAME_S) -> list[Take]:
    """Frames as they come when nothing is in their way."""
    return [Take("said", from_s + (n - first + 1) * every_s, frame(n)) for n in range(first, first + count)]


def expected(samples: int) -> list[int]:
    return list(array("h", numbered(0, samples)))


@pytest.mark.parametrize("lots", [1, 50, 10_000])
def test_a_steady_caller_is_there_sample_by_sample(lots: int) -> None:
    left, right = mixed(said(500), lots=lots)
    assert list(left) == expected(500 * FRAME)
    assert not any(right)


@given(
    stalls=st.lists(st.tuples(st.integers(0, 40), st.floats(0, 0.9)), max_size=6),
    jitter=st.randoms(use_true_random=False),
    lots=st.integers(1, 120),
)
@settings(max_examples=30, deadline=None)
def test_a_way_that_delays_frames_and_lets_them_catch_up_moves_none_of_them(
    stalls: list[tuple[int, float]], jitter: Random, lots: int
) -> None:
    """They do not overtake each other, and at the latest after a second one comes that nothing has held up."""
    stalled = {60 * nth + 40 + place: delay_s for nth, (place, delay_s) in enumerate(stalls)}
    takes, at = [Take("played", 0.0, b"")], 0.0
    for n, take in enumerate(said(500)):
        late_s = stalled.get(n, 0.0) or (jitter.random() * 0.015 if n % 10 else 0.0)
        at = max(at, take.at + late_s)
        takes.append(take._replace(at=at))
    left, _ = mixed(takes, lots=lots)
    assert list(left) == expected(500 * FRAME)


def test_a_stall_shifts_nothing() -> None:
    takes = said(500)
    stalled = [take._replace(at=max(take.at, 5.0)) if 4.2 < take.at < 5.0 else take for take in takes]
    left, _ = mixed(stalled, lots=7)
    assert list(left) == expected(500 * FRAME)


def test_what_never_came_is_silence_as_long_as_it_was() -> None:
    takes = [take for take in said(500) if not 4.0 < take.at <= 6.0]
    left, _ = mixed(takes, lots=50)
    assert list(left[: 4 * HZ]) == expected(4 * HZ)
    assert not any(left[4 * HZ : 6 * HZ])
    assert list(left[6 * HZ :]) == expected(10 * HZ)[6 * HZ :]


@pytest.mark.parametrize("ppm", [-300, 50])
def test_an_hour_by_another_clock_drifts_by_no_more_than_a_frame(ppm: int) -> None:
    """The agent marks the moments, by our clock; the caller's frames are counted by theirs."""
    count, every_s = 180_000, FRAME_S * (1 + ppm / 1e6)
    ones, silence = b"\x01\x00" * FRAME, bytes(FRAME * 2)
    loud = range(999, count, 1000)
    takes = [Take("said", (n + 1) * every_s, ones if n in loud else silence) for n in range(count)]
    takes += [Take("played", n * every_s, ones) for n in loud]
    left, right = mixed(sorted(takes, key=lambda take: take.at), lots=50)
    pairs = list(zip(beginnings(left), beginnings(right), strict=True))
    assert len(pairs) == len(loud)
    assert max(abs(a - b) for a, b in pairs) <= FRAME + 2


def beginnings(channel: "array[int]") -> list[int]:
    """Where sound begins; a frame of which samples were left out, or put in, is still one."""
    sounds = np.flatnonzero(np.frombuffer(channel, np.int16))
    return [int(place) for place in sounds[np.diff(sounds, prepend=-HZ) > HZ]]


def test_lots_of_the_agent_play_one_after_the_other_from_when_they_were_sent() -> None:
    lots = [Take("played", 1.0, numbered(0, 800)), Take("played", 1.02, numbered(800, 800))]
    later = Take("played", 2.0, numbered(1600, 80))
    takes = sorted([*said(200), *lots, later], key=lambda take: take.at)
    _, right = mixed(takes, delay_ms=10)
    assert not any(right[: HZ + 80])
    assert list(right[HZ + 80 : HZ + 1680]) == expected(1600)
    assert not any(right[HZ + 1680 : 2 * HZ + 80])
    assert list(right[2 * HZ + 80 : 2 * HZ + 160]) == expected(1680)[1600:]


def test_what_is_cut_is_heard_up_to_then_and_not_after() -> None:
    played = [Take("played", 1.0, numbered(0, HZ)), Take("cut", 1.25, b""), Take("played", 1.5, numbered(0, 80))]
    _, right = mixed(sorted([*said(200), *played], key=lambda take: take.at), lots=3)
    assert list(right[HZ : HZ + HZ // 4]) == expected(HZ // 4)
    assert not any(right[HZ + HZ // 4 : HZ * 3 // 2])
    assert list(right[HZ * 3 // 2 : HZ * 3 // 2 + 80]) == expected(80)


def test_what_was_sent_and_not_played_when_the_call_ended_was_not_heard() -> None:
    _, right = mixed([*said(100), Take("played", 1.9, numbered(0, HZ)), Take("said", 2.02, frame(100))])
    assert len(right) == 101 * FRAME
    assert list(right[-960:]) == expected(960)


def test_half_an_hour_without_a_conversation_is_no_audio_in_memory() -> None:
    takes = [*said(100), *said(100, first=100, from_s=1800.0)]
    mixer = Mixer(HZ, 0)
    lots = [*mixer.mix(takes), *mixer.mix([], last=True)]
    pause = [lot for lot in lots if isinstance(lot, int)]
    assert 1790 * HZ < sum(pause) < 1798 * HZ
    whole = sum(lot if isinstance(lot, int) else len(lot) // 4 for lot in lots)
    assert whole == pytest.approx(1802 * HZ, abs=2)
    assert len(b"".join(lot for lot in lots if isinstance(lot, bytes))) < 8 * HZ * 4
    assert max(len(lot) for lot in lots if isinstance(lot, bytes)) <= HZ * 4


def test_of_nothing_nothing_is_made() -> None:
    assert list(chain(Mixer(HZ, 0).mix([]), Mixer(HZ, 0).mix([], last=True))) == []


@given(st.binary(max_size=40).map(lambda raw: raw[: len(raw) // 2 * 2]), st.randoms(use_true_random=False))
def test_two_channels_are_laid_side_by_side(left: bytes, chance: Random) -> None:
    right = chance.randbytes(len(left))
    both = array("h", interleaved(left, right))
    assert (both[0::2].tobytes(), both[1::2].tobytes()) == (left, right)


def test_a_side_takes_nothing_in_before_its_end() -> None:
    side = Side()
    assert side.put(2, b"\1\0\2\0") == 4
    assert side.put(3, b"\7\0\3\0") == 5
    assert side.put(0, b"\7\0") == 5
    assert side.take(6) == b"\0\0\0\0\1\0\2\0\3\0\0\0"


# Between the audio path and the thread


def test_what_is_put_in_is_taken_out_as_it_is() -> None:
    tape = Tape(HZ, 0.0)
    pcm = frame(0)
    tape.said(pcm, 1.0)
    tape.played(pcm, 2.0)
    tape.cut(3.0)
    taken = tape.take()
    assert taken == [Take("said", 1.0, pcm), Take("played", 2.0, pcm), Take("cut", 3.0, b"")]
    assert taken[0].pcm is pcm
    assert tape.take() == []


def test_a_tape_that_nobody_empties_holds_so_much_and_counts_the_rest() -> None:
    tape, pcm = Tape(HZ, 0.0), frame(0)
    room = MAX_WAITING_BYTES // (len(pcm) + OVERHEAD_BYTES)
    for n in range(room + 10):
        tape.said(pcm, n * FRAME_S)
    assert (len(tape.take()), tape.lost) == (room, 10)
    tape.said(pcm, 0.0)
    tape.over = True
    tape.said(pcm, 0.0)
    assert (len(tape.take()), tape.lost) == (1, 10)


# Beside a platform that tells what was really heard


def a_recorded_call() -> tuple[Call, tuple[bytes, bytes], tuple[bytes, bytes]]:
    tape = Tape(24_000, 0.0)
    call = Call(
        script={"turns": [{"say": "One two three four five six seven eight nine ten eleven twelve."}, {"say": "Yes."}]},
        options=Options(audio=PCM24, tape=tape),
    )
    for at in (2.0, 6.0):
        call.say(at, "Hello, is there anybody?")
    call.hang_up(14.0)
    call.run()
    mixer = Mixer(24_000, 0.0)
    out = b"".join(sound(chain(mixer.mix(tape.take()), mixer.mix([], last=True))))
    both = array("h", out)
    return call, (both[0::2].tobytes(), both[1::2].tobytes()), channels([call.platform])


def test_a_call_is_recorded_as_its_platform_has_heard_it() -> None:
    call, recorded, heard = a_recorded_call()
    assert call.cleared_at(), "the call has a barge-in"
    for ours, theirs in zip(recorded, heard, strict=True):
        assert abs(len(ours) - len(theirs)) <= 2 * 24 * 80
        mine, true = stretches(array("h", ours)), stretches(array("h", theirs))
        assert len(mine) == len(true) >= 2
        for (begins, ends), (really_begins, really_ends) in zip(mine, true, strict=True):
            assert abs(begins - really_begins) <= 24 * 20 + 24 * 2 * call.wire_s * 1000
            assert abs(ends - really_ends) <= 24 * 20 + 24 * 2 * call.wire_s * 1000


def stretches(channel: Samples, pause: int = 24 * 300) -> list[tuple[int, int]]:
    """Give where sound begins and ends, between pauses."""
    found: list[list[int]] = []
    for place in (place for place, sample in enumerate(channel) if abs(sample) > 600):
        if found and place - found[-1][1] < pause:
            found[-1][1] = place
        else:
            found.append([place, place])
    return [(begins, ends) for begins, ends in found]


def test_the_two_sides_of_a_recording_stand_to_each_other_as_they_did() -> None:
    """Alignment does not change from the beginning of a call to its end."""
    _, recorded, heard = a_recorded_call()
    offs = [
        [a[0] - b[0] for a, b in zip(stretches(array("h", ours)), stretches(array("h", theirs)), strict=True)]
        for ours, theirs in zip(recorded, heard, strict=True)
    ]
    everything = list(chain(*offs))
    assert max(everything) - min(everything) <= 24 * 20
    assert math.isclose(offs[0][0], offs[0][-1], abs_tol=24)
