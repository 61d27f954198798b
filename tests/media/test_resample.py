import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from media.resample import RateConverter
from tests.properties import tries

RATES = [(8000, 24000), (24000, 8000), (16000, 24000), (24000, 16000), (8000, 16000), (16000, 8000)]

Wave = NDArray[np.float64]


def sine(hz: float, rate_hz: int, *, seconds: float = 1.0, peak: float = 16000) -> bytes:
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    return bytes(np.rint(peak * np.sin(2 * np.pi * hz * time_s)).astype("<i2").tobytes())


def frames(pcm: bytes, rate_hz: int, *, ms: int = 20) -> list[bytes]:
    size = rate_hz * ms // 1000 * 2
    return [pcm[i : i + size] for i in range(0, len(pcm), size)]


def converted(pcm: bytes, source_hz: int, target_hz: int) -> bytes:
    stream = RateConverter(source_hz, target_hz)
    return b"".join(stream.convert(frame) for frame in frames(pcm, source_hz)) + stream.flush()


def middle(pcm: bytes) -> Wave:
    """Return the settled part: a tone that begins and ends at once rings at both ends."""
    wave = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return wave[len(wave) // 5 : -len(wave) // 5]


def level_db(wave: Wave, reference_peak: float) -> float:
    return float(20 * np.log10(max(np.sqrt(np.mean(wave**2)), 1e-9) / (reference_peak / np.sqrt(2))))


def rest_beside(wave: Wave, hz: float, rate_hz: int) -> Wave:
    """Return what is left when the best-fitting tone of this frequency is taken away."""
    angle = 2 * np.pi * hz * np.arange(len(wave)) / rate_hz
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return np.asarray(wave - basis @ np.linalg.lstsq(basis, wave, rcond=None)[0])


def test_what_the_new_band_cannot_hold_is_not_folded_into_it() -> None:
    assert level_db(middle(converted(sine(7000, 24000), 24000, 8000)), 16000) < -60


@pytest.mark.parametrize(("source_hz", "target_hz"), [(8000, 24000), (8000, 16000), (16000, 24000)])
def test_speech_gains_no_images_on_its_way_up(source_hz: int, target_hz: int) -> None:
    wave = middle(converted(sine(3000, source_hz), source_hz, target_hz))
    assert level_db(rest_beside(wave, 3000, target_hz), 16000) < -60


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
def test_a_tone_keeps_its_level(source_hz: int, target_hz: int) -> None:
    assert level_db(middle(converted(sine(1000, source_hz), source_hz, target_hz)), 16000) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
def test_frames_are_even_and_at_most_five_milliseconds_are_held(source_hz: int, target_hz: int) -> None:
    stream = RateConverter(source_hz, target_hz)
    sizes = [len(stream.convert(frame)) for frame in frames(sine(440, source_hz), source_hz)]
    frame_bytes = target_hz // 50 * 2
    assert set(sizes[1:]) == {frame_bytes}
    assert 0 <= frame_bytes - sizes[0] <= target_hz * 5 // 1000 * 2


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
@pytest.mark.parametrize("n_samples", [0, 1, 2, 3, 79, 160, 4801])
def test_the_output_lasts_as_long_as_the_input(source_hz: int, target_hz: int, n_samples: int) -> None:
    heard = converted(b"\0\0" * n_samples, source_hz, target_hz)
    assert abs(len(heard) / 2 - n_samples * target_hz / source_hz) <= 1


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
def test_the_output_stands_on_the_time_line_of_the_input(source_hz: int, target_hz: int) -> None:
    click = np.zeros(source_hz // 10, dtype="<i2")
    click[source_hz // 20] = 20000  # at 50 ms
    heard = np.frombuffer(converted(click.tobytes(), source_hz, target_hz), dtype="<i2")
    assert int(np.argmax(heard)) * 1000 / target_hz == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
def test_full_scale_never_wraps(source_hz: int, target_hz: int) -> None:
    square = np.where(np.arange(source_hz // 10) // (source_hz // 500) % 2, 32767, -32768).astype("<i2")
    heard = np.frombuffer(converted(square.tobytes(), source_hz, target_hz), dtype="<i2").astype(np.int64)
    expected = np.where(np.arange(len(heard)) // (target_hz // 500) % 2, 1, -1)
    settled = np.arange(len(heard)) % (target_hz // 500)
    steady = (settled > target_hz // 2000) & (settled < target_hz // 500 - target_hz // 2000)
    assert np.all((heard * expected)[steady] > 20000)


@settings(max_examples=tries(40), deadline=None)
@given(
    st.sampled_from(RATES),
    st.lists(st.integers(0, 700), min_size=1, max_size=12),
    st.integers(0, 2**32 - 1),
)
def test_the_cut_into_frames_makes_no_difference(rates: tuple[int, int], sizes: list[int], seed: int) -> None:
    noise = np.random.default_rng(seed).integers(-32768, 32768, sum(sizes)).astype("<i2").tobytes()
    stream, pieces, start = RateConverter(*rates), b"", 0
    for size in sizes:
        pieces += stream.convert(noise[start : start + 2 * size])
        start += 2 * size
    whole = RateConverter(*rates)
    assert pieces + stream.flush() == whole.convert(noise) + whole.flush()


def test_a_flushed_stream_begins_anew() -> None:
    stream = RateConverter(8000, 24000)
    first = stream.convert(sine(440, 8000, seconds=0.1)) + stream.flush()
    assert stream.convert(sine(440, 8000, seconds=0.1)) + stream.flush() == first


def test_a_reset_stream_begins_anew() -> None:
    stream, fresh = RateConverter(24000, 8000), RateConverter(24000, 8000)
    stream.convert(sine(440, 24000, seconds=0.1))
    stream.reset()
    quiet = b"\0\0" * 480
    assert stream.convert(quiet) + stream.flush() == fresh.convert(quiet) + fresh.flush()
