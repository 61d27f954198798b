"""A call's recording: what the caller said, and what of the agent they heard, on one clock of samples. Pure.

Theory of operation
    The clock is ours: a moment is so many samples from the first one on. The audio path hands over its frames as they
    are, with the moment, and does nothing else; a thread takes them out in lots and mixes.

    agent   A lot plays when the one before it is over, or when it is sent (as in `playout.py`). What a barge-in cuts
            was sent and not heard: from that moment on it is taken out again.
    caller  Frames come every 20 ms, but some come late and then several at once, some are lost, and no two clocks run
            alike. A frame cannot come before it was said; so of those that come within a second the least late one
            says when they were said. Where that differs from where the tape is by more than a frame, silence is put
            in, or samples are left out. So a stall of the network shifts nothing, and neither does an hour.

    So what is younger than three seconds is still open, and is not written.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Literal, NamedTuple

MAX_WAITING_BYTES = 4 * 1024 * 1024
"Between the audio path and the thread: more than 40 s of both sides. What comes beyond that is lost, and is silence."
OVERHEAD_BYTES = 128
"What a frame costs beside its audio."
LOOK_AHEAD_S = 1.0
OPEN_S = 3.0
TOLERANCE_S = 0.02
STEP_S = 1.0
"Mixed at once."
SAMPLE_BYTES = 2

Kind = Literal["said", "played", "cut"]


class Take(NamedTuple):
    kind: Kind
    at: float
    "When it came, or was sent. Monotonic seconds."
    pcm: bytes


class Tape:
    """Between the audio path, which puts in, and one thread, which takes out. Neither waits for the other."""

    __slots__ = ("_put_bytes", "_taken_bytes", "_waiting", "lost", "over", "rate_hz", "start_delay_ms")

    def __init__(self, rate_hz: int, start_delay_ms: float) -> None:
        """`start_delay_ms`: from the sending of audio to its first sample in the caller's ear."""
        self.rate_hz = rate_hz
        self.start_delay_ms = start_delay_ms
        self.over = False
        "Nothing more shall be recorded."
        self.lost = 0
        "Frames that there was no room for."
        self._waiting: deque[tuple[Kind, float, bytes]] = deque()
        self._put_bytes = self._taken_bytes = 0

    def said(self, pcm: bytes, now: float) -> None:
        """The caller's audio has just come."""
        self._put(("said", now, pcm))

    def played(self, pcm: bytes, now: float) -> None:
        """The agent's audio has just been sent."""
        self._put(("played", now, pcm))

    def cut(self, now: float) -> None:
        """Nothing of the agent is heard any more that was sent before."""
        self._put(("cut", now, b""))

    def _put(self, take: tuple[Kind, float, bytes]) -> None:
        size = len(take[2]) + OVERHEAD_BYTES
        if self.over or self._put_bytes - self._taken_bytes + size > MAX_WAITING_BYTES:
            self.lost += not self.over
            return
        self._put_bytes += size
        self._waiting.append(take)

    def take(self) -> list[Take]:
        """Take out what waits; for the thread."""
        taken: list[Take] = []
        with suppress(IndexError):
            while True:
                taken.append(Take(*self._waiting.popleft()))
        self._taken_bytes += sum(len(take.pcm) + OVERHEAD_BYTES for take in taken)
        return taken


class Side:
    """One channel from the sample `start` on, as far as it is known."""

    def __init__(self) -> None:
        self.start = 0
        self.pcm = bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // SAMPLE_BYTES

    def put(self, at: int, pcm: bytes) -> int:
        """Put audio where it belongs, but nothing before the end; return where it ends."""
        pcm = pcm[max(0, self.end - at) * SAMPLE_BYTES :]
        if pcm:
            self.pcm += bytes(max(0, at - self.end) * SAMPLE_BYTES) + pcm
        return self.end

    def cut(self, at: int) -> None:
        del self.pcm[max(0, at - self.start) * SAMPLE_BYTES :]

    def take(self, samples: int) -> bytes:
        pcm = bytes(self.pcm[: samples * SAMPLE_BYTES])
        del self.pcm[: samples * SAMPLE_BYTES]
        self.start += samples
        return pcm + bytes(samples * SAMPLE_BYTES - len(pcm))


class Mixer:
    """Makes both sides of what a tape holds; see the theory above."""

    def __init__(self, rate_hz: int, start_delay_ms: float) -> None:
        self._rate_hz = rate_hz
        self._start_delay_s = start_delay_ms / 1000
        self._began: float | None = None
        self._latest = 0
        self._said = 0
        "Samples of the caller, whenever they came."
        self._frames: deque[tuple[int, int, bytes]] = deque()
        "Of those that are still to be placed: when they came, `_said` at their end, and the audio."
        self._late: int | None = None
        "How much later the caller's audio comes, in samples, than so many samples take."
        self._plays_until = 0
        self.caller, self.agent = Side(), Side()

    def mix(self, takes: Iterable[Take], *, last: bool = False) -> Iterator[bytes | int]:
        """Take in what came; yield both sides as far as they are known, sample by sample, left and right.

        An int stands for so many samples of silence. `last`: nothing more will come.
        """
        for take in takes:
            at = self._at(take)
            if at - self.caller.start > 2 * self._samples(OPEN_S):  # a pause between two conversations, perhaps
                yield from self._known(at)
            self._latest = at
            self._take(take, at)
        yield from self._rest() if last else self._known(self._latest)

    def _take(self, take: Take, at: int) -> None:
        match take.kind:
            case "said":
                self._said += len(take.pcm) // SAMPLE_BYTES
                self._frames.append((at, self._said, take.pcm))
            case "played":
                starts_at = max(self._plays_until, at + self._samples(self._start_delay_s))
                self._plays_until = self.agent.put(starts_at, take.pcm)
            case _:  # cut
                self.agent.cut(at)
                self._plays_until = at

    def _at(self, take: Take) -> int:
        if self._began is None:
            said_s = len(take.pcm) / SAMPLE_BYTES / self._rate_hz if take.kind == "said" else 0.0
            self._began = take.at - said_s
        return self._samples(take.at - self._began)

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._rate_hz)

    def _known(self, now: int) -> Iterator[bytes | int]:
        self._place(now - self._samples(LOOK_AHEAD_S))
        yield from self._mixed(now - self._samples(OPEN_S))

    def _rest(self) -> Iterator[bytes | int]:
        self._place(self._latest)
        self.agent.cut(self._latest)
        yield from self._mixed(max(self.caller.end, self.agent.end))

    def _place(self, until: int) -> None:
        """Put the caller's frames that came until then where they belong."""
        least, lateness = self._latest, list[int]()
        for came, said, _ in reversed(self._frames):
            least = min(least, came - said)
            lateness.append(least)
        while self._frames and self._frames[0][0] <= until:
            _, said, pcm = self._frames.popleft()
            late = lateness.pop()
            if self._late is None or abs(late - self._late) > self._samples(TOLERANCE_S):
                self._late = late
            self.caller.put(said + self._late - len(pcm) // SAMPLE_BYTES, pcm)

    def _mixed(self, until: int) -> Iterator[bytes | int]:
        while (begin := self.caller.start) < until:
            there = max(self.caller.end, self.agent.end)
            samples = min(until, there, begin + self._samples(STEP_S)) - begin
            if samples:
                yield interleaved(self.caller.take(samples), self.agent.take(samples))
            else:
                self.caller.start = self.agent.start = until
                yield until - begin


def interleaved(left: bytes, right: bytes) -> bytes:
    """Lay two mono PCM16 strips of the same length side by side."""
    both = bytearray(len(left) * 2)
    for place in range(SAMPLE_BYTES):
        both[place::4] = left[place::SAMPLE_BYTES]
        both[SAMPLE_BYTES + place :: 4] = right[place::SAMPLE_BYTES]
    return bytes(both)
