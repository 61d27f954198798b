"""What stands in for a word without a clip: one hum a syllable, as of someone talking behind a door."""

from functools import cache
from math import pi, sin

import numpy as np

RATE_HZ = 24000
SYLLABLE_MS = 150
NOISE_RMS = 3000
_PARTIALS = ((1, 0.5), (2, 0.3), (3, 0.15), (5, 0.05))


@cache
def hum(count: int, pitch_hz: int) -> bytes:
    """So many syllables of hum as PCM16 of 24 kHz; the pitch falls a little with each."""
    return b"".join(_syllable(round(pitch_hz * 0.94**n)) for n in range(count))


@cache
def noise(ms: int) -> bytes:
    """So much hiss, as loud as a voice."""
    hiss = np.random.default_rng(0).normal(0, NOISE_RMS, RATE_HZ * ms // 1000)
    return bytes(hiss.clip(-32768, 32767).astype("<i2").tobytes())


def _syllable(pitch_hz: int) -> bytes:
    length = RATE_HZ * SYLLABLE_MS // 1000
    time_s = np.arange(length) / RATE_HZ
    wave = sum((share * np.sin(2 * pi * pitch_hz * n * time_s) for n, share in _PARTIALS), np.zeros(length))
    swell = np.sin(np.linspace(0, pi, length)) ** sin(pi / 4)
    return bytes((wave * swell * 9000).astype("<i2").tobytes())
