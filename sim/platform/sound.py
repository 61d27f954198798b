"""Sound files and rates: what a line is said with, and what a call is recorded to."""

import wave
from pathlib import Path

import numpy as np
import samplerate


def resampled(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """PCM16 mono at another rate."""
    if from_hz == to_hz:
        return pcm
    sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    heard = samplerate.resample(sound, to_hz / from_hz, "sinc_fastest")
    return bytes((np.clip(heard, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: Path, rate_hz: int) -> bytes:
    """Read a WAV file of 16-bit samples as PCM16 mono of the rate; of several channels the first."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: {file.getsampwidth() * 8}-bit samples; save it as 16-bit PCM")
        channels, own_hz = file.getnchannels(), file.getframerate()
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return resampled(bytes(frames[::channels].tobytes()), own_hz, rate_hz)


def write_stereo(path: Path, left: bytes, right: bytes, rate_hz: int) -> None:
    """Write two PCM16 channels of one clock; the shorter one is filled with silence."""
    length = max(len(left), len(right))
    channels = [np.frombuffer(side.ljust(length, b"\0"), "<i2") for side in (left, right)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.column_stack(channels).tobytes())
