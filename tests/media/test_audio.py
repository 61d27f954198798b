import array
import math
import struct
import subprocess
import sys
import tempfile
import wave
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media.audio import AudioFormat, Encoding, OddByte, clip, converter, preload, tone
from tests.properties import tried_with

PCM_8K = AudioFormat("pcm16", 8000)
PCM_24K = AudioFormat("pcm16", 24000)
ULAW_8K = AudioFormat("ulaw", 8000)
ALAW_8K = AudioFormat("alaw", 8000)


def samples(pcm: bytes) -> list[int]:
    return list(array.array("h", pcm))


def pcm16(values: list[int]) -> bytes:
    return array.array("h", values).tobytes()


@pytest.mark.parametrize(
    ("audio", "ms", "n_bytes"),
    [
        (PCM_24K, 20, 960),
        (PCM_8K, 20, 320),
        (ULAW_8K, 20, 160),
        (ALAW_8K, 20, 160),
        (PCM_24K, 0, 0),
        (PCM_8K, 0.125, 2),
        (PCM_24K, 80, 3840),
    ],
)
def test_milliseconds_and_bytes_agree(audio: AudioFormat, ms: float, n_bytes: int) -> None:
    assert audio.bytes_in(ms) == n_bytes
    assert audio.ms_in(n_bytes) == ms


@given(st.sampled_from([PCM_8K, PCM_24K, ULAW_8K]), st.floats(0, 10_000))
def test_a_duration_is_always_whole_samples_and_off_by_half_of_one_at_most(audio: AudioFormat, ms: float) -> None:
    n_bytes = audio.bytes_in(ms)
    assert n_bytes % (2 if audio.encoding == "pcm16" else 1) == 0
    assert abs(audio.ms_in(n_bytes) - ms) <= 500 / audio.rate_hz + 1e-9


@pytest.mark.parametrize(("encoding", "loudest"), [("pcm16", 0), ("ulaw", 0), ("alaw", 8)])
def test_silence_is_silent_in_every_encoding(encoding: Encoding, loudest: int) -> None:
    audio = AudioFormat(encoding, 8000)
    heard = converter(audio, PCM_8K).convert(audio.silence(20))
    assert max(map(abs, samples(heard))) <= loudest  # A-law has no zero: 8 of 32768 is its smallest step
    assert len(heard) == 320


def test_equal_formats_cost_nothing() -> None:
    same = converter(AudioFormat("pcm16", 24000), PCM_24K)
    frame = b"\1\2" * 480
    assert same.convert(frame) is frame
    assert same.flush() == b""
    same.reset()
    assert same.convert(frame) is frame


@pytest.mark.parametrize("encoded", [ULAW_8K, ALAW_8K])
def test_g711_gives_back_every_code_it_knows(encoded: AudioFormat) -> None:
    codes = bytes(range(256))
    linear = converter(encoded, PCM_8K).convert(codes)
    again = converter(PCM_8K, encoded).convert(linear)
    assert converter(encoded, PCM_8K).convert(again) == linear  # u-law has a second code for zero


@given(st.lists(st.integers(-32768, 32767)))
@example([-32768, 32767, 0, -1, 1])
def test_g711_is_near_at_every_level(values: list[int]) -> None:
    coded = converter(PCM_8K, ULAW_8K).convert(pcm16(values))
    heard = samples(converter(ULAW_8K, PCM_8K).convert(coded))
    assert all(abs(a - b) <= max(abs(a) / 16, 8) + 140 for a, b in zip(values, heard, strict=True))


def test_one_g711_becomes_the_other() -> None:
    direct = converter(ULAW_8K, ALAW_8K)
    loud = converter(PCM_8K, ULAW_8K).convert(pcm16([30000, -30000, 1000]))
    heard = samples(converter(ALAW_8K, PCM_8K).convert(direct.convert(loud)))
    assert [round(value, -3) for value in heard] == [30000, -30000, 1000]
    assert direct.flush() == b""
    direct.reset()


def test_linear_24k_becomes_g711_8k_and_back_in_the_same_time() -> None:
    down, up = converter(PCM_24K, ULAW_8K), converter(ULAW_8K, PCM_24K)
    spoken = tone(500, 24000)
    coded = down.convert(spoken) + down.flush()
    assert len(coded) == 4000
    assert len(up.convert(coded) + up.flush()) == len(spoken)


def test_linear_audio_changes_its_rate_alone() -> None:
    up = converter(PCM_8K, PCM_24K)
    assert len(up.convert(tone(100, 8000)) + up.flush()) == PCM_24K.bytes_in(100)


def test_a_reset_forgets_the_stream_before() -> None:
    fresh, used = converter(PCM_24K, ULAW_8K), converter(PCM_24K, ULAW_8K)
    used.convert(tone(100, 24000))
    used.reset()
    frame = PCM_24K.silence(40)
    assert used.convert(frame) == fresh.convert(frame)


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=12))
def test_joined_chunks_are_the_stream_up_to_its_last_whole_sample(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    odd_byte = OddByte()
    joined = [odd_byte.join(stream[a:b]) for a, b in pairwise(edges)]
    assert b"".join(joined) == stream[: len(stream) // 2 * 2]
    assert all(len(chunk) % 2 == 0 for chunk in joined)


@pytest.mark.parametrize("cut", list(range(1, 40)))
def test_a_cut_at_any_offset_shifts_no_sample(cut: int) -> None:
    ramp = pcm16(list(range(20)))
    odd_byte = OddByte()
    assert odd_byte.join(ramp[:cut]) + odd_byte.join(ramp[cut:]) == ramp


def test_whole_chunks_are_not_copied() -> None:
    chunk = b"\1\2" * 100
    assert OddByte().join(chunk) is chunk


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000])
def test_the_tone_is_soft_and_begins_and_ends_at_rest(rate_hz: int) -> None:
    heard = samples(tone(200, rate_hz))
    assert len(heard) == rate_hz // 5
    assert heard[0] == heard[-1] == 0
    assert 20 * math.log10(max(heard) / 32767) == pytest.approx(-30, abs=0.1)
    steepest = max(abs(b - a) for a, b in pairwise(heard))
    assert steepest <= 1.05 * 2 * math.pi * 440 / rate_hz * max(heard)  # nowhere steeper than the sine itself: no click


def test_the_tone_is_440_hz() -> None:
    heard = samples(tone(1000, 8000))
    assert sum(a < 0 <= b for a, b in pairwise(heard)) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("ms", [0, 1, 10])
def test_a_tone_shorter_than_its_edges_is_still_a_tone(ms: int) -> None:
    assert len(tone(ms, 8000)) == 16 * ms


def run(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603  # our own code


def test_nothing_is_said_about_audioop_and_numpy_stays_out_until_a_rate_changes() -> None:
    code = """if True:
        import sys
        from media.audio import AudioFormat, converter
        one, other = AudioFormat("pcm16", 8000), AudioFormat("ulaw", 8000)
        converter(one, other).convert(one.silence(20))
        before = "numpy" in sys.modules
        converter(one, AudioFormat("pcm16", 24000))
        print(before, "numpy" in sys.modules)
    """
    assert run(code) == "False True"


def test_numpy_can_be_loaded_before_a_call_needs_it() -> None:
    preload()
    assert "media.resample" in sys.modules


def test_a_clip_is_read_as_one_channel_at_the_rate_of_the_call(tmp_path: Path) -> None:
    path = str(tmp_path / "hold.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\1\0\2\0" * 800)
    assert clip(path, 8000) == b"\1\0" * 800
    assert len(clip(path, 24000)) == PCM_24K.bytes_in(100)


@pytest.mark.parametrize("width", [1, None])
def test_what_is_no_clip_is_refused(tmp_path: Path, width: int | None) -> None:
    path = tmp_path / "hold.wav"
    path.write_bytes(b"RIFF")
    if width:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(width)
            file.setframerate(8000)
    with pytest.raises(ValueError, match=r"hold\.wav"):
        clip(str(path), 8000)


@pytest.mark.parametrize("rate_hz", [1, 2**32 - 1])
def test_a_clip_of_a_rate_that_is_none_is_refused(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "hold.wav"
    path.write_bytes(a_wav(rate_hz=rate_hz))
    with pytest.raises(ValueError, match=rf"hold\.wav: its rate is {rate_hz} Hz"):
        clip(str(path), 8000)


def a_wav(
    n_bytes: int = 20, *, kind: int = 1, channels: int = 1, rate_hz: int = 8000, bits: int = 16, told: int | None = None
) -> bytes:
    form = struct.pack("<HHLLHH", kind, channels, rate_hz, 0, 0, bits)
    data = struct.pack("<L", n_bytes if told is None else told) + bytes(n_bytes)
    inside = b"WAVEfmt " + struct.pack("<L", len(form)) + form + b"data" + data
    return b"RIFF" + struct.pack("<L", len(inside)) + inside


wavs = st.builds(
    a_wav,
    st.integers(0, 50),
    kind=st.sampled_from([1, 1, 1, 0, 7, 0xFFFE]),
    channels=st.sampled_from([1, 2, 0, 3, 0x7FFF]),
    rate_hz=st.sampled_from([8000, 16000, 48000, 0, 1, 11, 2**32 - 1]),
    bits=st.sampled_from([16, 16, 16, 8, 0, 24, 65535]),
    told=st.sampled_from([None, None, 0, 2**32 - 1]),
)


@tried_with("raw", [a_wav(rate_hz=0), a_wav(rate_hz=1), a_wav(3, told=100), a_wav(5, channels=2), b"", a_wav()[:30]])
@given(raw=wavs | st.builds(lambda raw, cut: raw[:cut], wavs, st.integers(0, 60)) | st.binary(max_size=60))
def test_any_file_is_a_clip_of_whole_samples_or_none(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hold.wav"
        path.write_bytes(raw)
        try:
            sound = clip(str(path), 8000)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
        else:
            assert len(sound) % 2 == 0
