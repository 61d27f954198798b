"""The recorded clips: G.711 mu-law WAV files of 8 kHz, named after their words, heard as PCM of 24 kHz."""

import audioop
from functools import cache
from pathlib import Path

import numpy as np
import samplerate

STORED_HZ = 8000
HEARD_HZ = 24000

CLIPS = Path(__file__).parent / "clips"
_HEADER_BYTES = 12  # "RIFF", the size, "WAVE"


def samples_in(wav: bytes) -> bytes:
    """Take the sample bytes out of a WAV file; the standard library's reader knows no mu-law."""
    at = _HEADER_BYTES
    while at + 8 <= len(wav):
        name, size = wav[at : at + 4], int.from_bytes(wav[at + 4 : at + 8], "little")
        if name == b"data":
            return wav[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise ValueError("a WAV file without a data chunk; make the clips anew with python -m sim.voice.render")


@cache
def clip(voice: str, name: str) -> bytes:
    """One clip as PCM16 of 24 kHz, mono, little-endian."""
    stored = audioop.ulaw2lin(samples_in((CLIPS / voice / f"{name}.wav").read_bytes()), 2)
    return upsampled(stored)


@cache
def names(voice: str) -> frozenset[str]:
    return frozenset(path.stem for path in (CLIPS / voice).glob("*.wav"))


def upsampled(pcm: bytes) -> bytes:
    """From 8 kHz to 24 kHz."""
    wave = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
    heard = samplerate.resample(wave, HEARD_HZ / STORED_HZ, "sinc_fastest")
    return bytes((np.clip(heard, -1, 1) * 32767).astype("<i2").tobytes())
