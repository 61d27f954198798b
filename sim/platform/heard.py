"""What the caller heard: every sample the platform was sent, and which of them it really played, tick by tick.

Samples are counted in the order they came, from 0, at the rate the stream was opened with; the platform's own
resampling into the telephone channel is left out, so that a recording keeps what was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

TICK_MS = 20
LOUD = 330
"Samples above it are speech or a tone: -40 dBFS."
PAUSE_MS = 700
"A pause this long ends an utterance; those between sentences are shorter."


@dataclass(frozen=True, slots=True)
class Played:
    """The samples from `first` to `end` were heard from the beginning of this tick on."""

    tick: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Flushed:
    """The samples from `first` to `end` had been received and were thrown away unheard."""

    tick: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of sound, in ticks; `end` is the tick after the last loud one."""

    start: int
    end: int


class Heard:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.received = bytearray()
        "PCM16 little-endian, mono."
        self.played: list[Played] = []
        self.flushed: list[Flushed] = []
        self.utterances: list[Utterance] = []
        self.speaking_since: int | None = None
        "The tick at which the utterance that is being heard began."
        self._last_loud = 0

    @property
    def received_samples(self) -> int:
        return len(self.received) // 2

    def ms(self, samples: int) -> int:
        return samples * 1000 // self.rate_hz

    def pcm(self, first: int, end: int) -> bytes:
        return bytes(self.received[first * 2 : end * 2])

    def play(self, tick: int, first: int, end: int) -> None:
        """Note what this tick plays; call it for each tick, with nothing (`first == end`) too."""
        if end > first:
            self.played.append(Played(tick, first, end))
        if self._is_loud(first, end):
            self._last_loud = tick
            self.speaking_since = tick if self.speaking_since is None else self.speaking_since
        elif self.speaking_since is not None and (tick - self._last_loud) * TICK_MS >= PAUSE_MS:
            self._utterance_over()

    def flush(self, tick: int, first: int, end: int) -> None:
        """Note what was thrown away; what was being said is over with it."""
        if end > first:
            self.flushed.append(Flushed(tick, first, end))
            self._utterance_over()

    def _utterance_over(self) -> None:
        if self.speaking_since is not None:
            self.utterances.append(Utterance(self.speaking_since, self._last_loud + 1))
            self.speaking_since = None

    def _is_loud(self, first: int, end: int) -> bool:
        if end <= first:
            return False
        samples = np.frombuffer(self.pcm(first, end), "<i2").astype(np.int32)
        return bool(np.abs(samples).max() > LOUD)

    def played_ms(self, first: int = 0, end: int | None = None) -> int:
        """How much of the samples from `first` to `end` (all that came) was heard, in milliseconds."""
        return self.ms(self.played_samples(first, end))

    def played_samples(self, first: int = 0, end: int | None = None) -> int:
        return sum(b - a for a, b in self._within(self.played, first, end))

    def flushed_ms(self, first: int = 0, end: int | None = None) -> int:
        """How much of them was thrown away, in milliseconds. What is neither is still waiting to be played."""
        return self.ms(sum(b - a for a, b in self._within(self.flushed, first, end)))

    def _within(self, spans: list[Played] | list[Flushed], first: int, end: int | None) -> Iterator[tuple[int, int]]:
        last = self.received_samples if end is None else end
        for span in spans:
            a, b = max(span.first, first), min(span.end, last)
            if a < b:
                yield a, b

    def as_played(self, ticks: int) -> bytes:
        """Return the agent's side of a recording: so many ticks, with silence where nothing was played."""
        step = self.rate_hz * TICK_MS // 1000 * 2
        sound = bytearray(ticks * step)
        for span in self.played:
            at = span.tick * step
            pcm = self.pcm(span.first, span.end)[: max(0, len(sound) - at)]
            sound[at : at + len(pcm)] = pcm
        return bytes(sound)
