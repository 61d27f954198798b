from base64 import b64encode
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.audio import FRAME_BYTES, MAX_FRAMES, NOISE, SEQ, Track, model_tag, number_in, pcm_frames

TAG = model_tag(7)
SILENCE = bytes(FRAME_BYTES // 4)


def frames_come(track: Track) -> list[int]:
    return [seq for _, first, count in track.runs for seq in range(first, first + count)]


def test_a_frame_is_20_ms_and_names_its_call() -> None:
    frame = pcm_frames(TAG, 3, 1)
    assert (len(frame), number_in(frame), number_in(frame[1:])) == (FRAME_BYTES, 7, None)


def test_no_sample_is_a_mark_or_silence() -> None:
    whole = pcm_frames(TAG, MAX_FRAMES - 1, 1)
    samples = {whole[i : i + 2] for i in range(0, FRAME_BYTES, 2)}
    assert not samples & {b"\xff\xff", b"\0\0"}
    assert len(SEQ[0]) + len(TAG) + len(NOISE) == FRAME_BYTES


@given(cuts=st.lists(st.integers(0, 6 * FRAME_BYTES), max_size=8), silence=st.booleans())
def test_frames_are_recognised_however_they_are_cut(cuts: list[int], *, silence: bool) -> None:
    sent = pcm_frames(TAG, 0, 3) + (SILENCE if silence else b"") + pcm_frames(TAG, 3, 3)
    track = Track(TAG)
    for start, end in pairwise(sorted({0, *cuts, len(sent)})):
        track.feed(sent[start:end], start)
    assert frames_come(track) == list(range(6))
    assert (track.damaged, track.foreign_bytes) == (0, 0)


def test_base64_of_any_length_is_recognised() -> None:
    track = Track(TAG)
    sent = pcm_frames(TAG, 0, 2)
    for part in (sent[:FRAME_BYTES], sent[FRAME_BYTES : FRAME_BYTES + 100], sent[FRAME_BYTES + 100 :]):
        track.feed_base64(b64encode(part), 5)
    assert track.runs == [(5, 0, 1), (5, 1, 1)]
    track.feed_base64(b"%%%", 6)
    assert track.foreign_bytes == 3


def test_a_wrong_sample_costs_its_frame_only() -> None:
    sent = bytearray(pcm_frames(TAG, 0, 3))
    sent[FRAME_BYTES + 500] ^= 1
    track = Track(TAG)
    track.feed(bytes(sent), 0)
    assert (frames_come(track), track.damaged) == ([0, 2], 1)


def test_another_calls_audio_is_foreign() -> None:
    track = Track(TAG)
    track.feed(pcm_frames(model_tag(8), 0, 1) + pcm_frames(TAG, 0, 1), 0)
    assert (frames_come(track), track.foreign_bytes) == ([0], FRAME_BYTES)
