"""Audio formats: milliseconds and bytes, G.711, changes of rate, and the tone that fills a wait.

Everything here is one channel. Linear samples are signed 16-bit little-endian, as every platform and every model
sends them. This is the only importer of audioop.
"""

import array
import math
import warnings
import wave
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal, Protocol

with warnings.catch_warnings():
    # The standard library's own up to 3.12, audioop-lts from 3.13 on: nothing its user could do about the notice.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

__all__ = ["AudioFormat", "Converter", "Encoding", "OddByte", "clip", "converter", "loudness", "preload", "tone"]

Encoding = Literal["pcm16", "ulaw", "alaw"]

SAMPLE_BYTES: dict[Encoding, int] = {"pcm16": 2, "ulaw": 1, "alaw": 1}
SILENT_BYTE: dict[Encoding, bytes] = {"pcm16": b"\0", "ulaw": b"\xff", "alaw": b"\xd5"}
LINEAR_BYTES = 2

LEAST_CLIP_HZ, MOST_CLIP_HZ = 4000, 384_000
"Rates of files that are converted: beyond them there is no sound, or no converter."
TONE_HZ = 440
TONE_PEAK = round(32767 * 10 ** (-30 / 20))
"-30 dB below full scale: heard in a quiet room, not startling at the ear."
TONE_EDGE_MS = 20
"How long the tone takes to swell and to fade: a tone cut off square clicks."


@dataclass(frozen=True, slots=True)
class AudioFormat:
    encoding: Encoding
    rate_hz: int

    def ms_in(self, n_bytes: int) -> float:
        return n_bytes * 1000 / (SAMPLE_BYTES[self.encoding] * self.rate_hz)

    def bytes_in(self, ms: float) -> int:
        """How many bytes last `ms`, to the nearest whole sample."""
        return round(ms * self.rate_hz / 1000) * SAMPLE_BYTES[self.encoding]

    def silence(self, ms: float) -> bytes:
        return SILENT_BYTE[self.encoding] * self.bytes_in(ms)


class Converter(Protocol):
    """Turns one stream of audio into another format, frame by frame, as if it had come in one piece.

    A frame is a whole number of samples of any length, none included; OddByte sees to that where a wire does not.
    """

    def convert(self, data: bytes) -> bytes:
        """Return the part of the output that is settled: after a change of rate the last 2.5 ms are still held."""
        ...

    def flush(self) -> bytes:
        """End the stream: return what is held, and be ready for a new stream."""
        ...

    def reset(self) -> None:
        """Forget what is held, and be ready for a new stream."""
        ...


@dataclass(frozen=True, slots=True)
class _Same:
    """Nothing to convert: what goes in comes out, the same object."""

    def convert(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""

    def reset(self) -> None:
        """There is nothing to forget."""


@dataclass(frozen=True, slots=True)
class _Recoded:
    """Another encoding at the same rate: each sample by itself, so nothing is ever held."""

    convert: Callable[[bytes], bytes]

    def flush(self) -> bytes:
        return b""

    def reset(self) -> None:
        """There is nothing to forget."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """Linear samples at the old rate, linear samples at the new rate, the new encoding."""

    decode: Callable[[bytes], bytes]
    resample: Converter
    encode: Callable[[bytes], bytes]

    def convert(self, data: bytes) -> bytes:
        return self.encode(self.resample.convert(self.decode(data)))

    def flush(self) -> bytes:
        return self.encode(self.resample.flush())

    def reset(self) -> None:
        self.resample.reset()


def converter(source: AudioFormat, target: AudioFormat) -> Converter:
    """Return a converter for one stream, at no cost where the formats are equal.

    Where the rates differ the first one made in a process loads numpy (0.1 s, 12 MB): see `preload`.
    """
    if source == target:
        return _Same()
    if source.rate_hz == target.rate_hz:
        return _recoded(source.encoding, target.encoding)
    resample: Converter = import_module("media.resample").RateConverter(source.rate_hz, target.rate_hz)
    if source.encoding == target.encoding == "pcm16":
        return resample
    return _Chain(_DECODE[source.encoding], resample, _ENCODE[target.encoding])


def preload() -> None:
    """Load what changes of rate need, before a call has to wait for it."""
    import_module("media.resample")


def _recoded(source: Encoding, target: Encoding) -> _Recoded:
    decode, encode = _DECODE[source], _ENCODE[target]
    if target == "pcm16":
        return _Recoded(decode)
    if source == "pcm16":
        return _Recoded(encode)
    return _Recoded(lambda data: encode(decode(data)))


def _as_it_is(data: bytes) -> bytes:
    return data


_DECODE: dict[Encoding, Callable[[bytes], bytes]] = {
    "pcm16": _as_it_is,
    "ulaw": lambda data: audioop.ulaw2lin(data, LINEAR_BYTES),
    "alaw": lambda data: audioop.alaw2lin(data, LINEAR_BYTES),
}
_ENCODE: dict[Encoding, Callable[[bytes], bytes]] = {
    "pcm16": _as_it_is,
    "ulaw": lambda data: audioop.lin2ulaw(data, LINEAR_BYTES),
    "alaw": lambda data: audioop.lin2alaw(data, LINEAR_BYTES),
}


def loudness(data: bytes, audio: AudioFormat) -> int:
    """Return the root mean square of the samples, of 32767."""
    return audioop.rms(_DECODE[audio.encoding](data), LINEAR_BYTES)


class OddByte:
    """Joins the chunks of a 16-bit stream that was cut without regard to samples."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def whole(self, chunk: bytes) -> bool:
        """Whether a chunk is whole samples as it is, and some."""
        return not self._held and len(chunk) % LINEAR_BYTES == 0 and chunk != b""

    def join(self, chunk: bytes) -> bytes:
        """Return whole samples; a last half sample waits for the chunk that brings its other half."""
        if self._held:
            chunk = self._held + chunk
        elif len(chunk) % LINEAR_BYTES == 0:
            return chunk
        whole = len(chunk) - len(chunk) % LINEAR_BYTES
        self._held = chunk[whole:]
        return chunk[:whole]


@cache
def clip(path: str, rate_hz: int) -> bytes:
    """Return a WAV file as linear samples of one channel at that rate. Read once.

    :raises OSError: it cannot be read
    :raises ValueError: it is not a WAV file of 16-bit linear samples
    """
    try:
        with wave.open(path) as file:
            if file.getsampwidth() != LINEAR_BYTES:
                raise ValueError(f"{path}: its samples have {8 * file.getsampwidth()} bits; 16 are wanted")
            pcm, channels, source_hz = file.readframes(file.getnframes()), file.getnchannels(), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path}: not a WAV file of linear samples: {error}") from error
    if not LEAST_CLIP_HZ <= source_hz <= MOST_CLIP_HZ:
        raise ValueError(f"{path}: its rate is {source_hz} Hz; {LEAST_CLIP_HZ} to {MOST_CLIP_HZ} are wanted")
    whole = memoryview(pcm)[: len(pcm) - len(pcm) % LINEAR_BYTES]  # it may break off in mid-sample
    left = whole.cast("h")[::channels].tobytes()
    change = converter(AudioFormat("pcm16", source_hz), AudioFormat("pcm16", rate_hz))
    return change.convert(left) + change.flush()


@cache
def tone(ms: int, rate_hz: int) -> bytes:
    """Return the soft tone, as linear samples, that a caller hears while something is being tried."""
    samples = ms * rate_hz // 1000
    edge = min(TONE_EDGE_MS * rate_hz // 1000, samples // 2)
    step = 2 * math.pi * TONE_HZ / rate_hz
    return array.array(
        "h",
        [round(TONE_PEAK * _swell(min(i, samples - 1 - i), edge) * math.sin(step * i)) for i in range(samples)],
    ).tobytes()


def _swell(from_the_end: int, edge: int) -> float:
    if from_the_end >= edge:
        return 1.0
    return (1 - math.cos(math.pi * from_the_end / edge)) / 2
