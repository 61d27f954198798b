"""What the caller has heard.

Theory of operation
    A model sends speech many times faster than it is spoken. Playout keeps it, sends it on in lots, a short
    lead ahead of real time, and models when the platform plays each piece of a lot:

        starts_at = max(end of the piece before, time of sending + the platform's start delay)

    Audio is *heard* when its modelled play time has passed. So a pause in the supply needs no case of its
    own, and what was sent but flushed again was never heard. Estimates from the time of the first delta count
    such pauses as heard; marks of the platform lie when the two rates differ (jambonz feature-server #811).

    Lots are whole multiples of the platform's own release size: a media server that holds audio back until
    it has that much (mod_audio_fork/lws_glue.cpp) then holds nothing when we flush. The rest of the last
    utterance is padded with silence for the same reason.

Time is an argument, in monotonic seconds. Audio is mono PCM16 at the platform's rate; durations are the same
on the model's side, whatever its rate.
"""

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from media.audio import AudioFormat
from media.platforms.base import Pacing


class Speech(NamedTuple):
    """One piece of agent speech, as the model names it."""

    item_id: str
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of a piece of speech reached the caller: `heard_ms` of the `received_ms` that came so far."""

    speech: Speech
    heard_ms: float
    received_ms: float


@dataclass(slots=True)
class _Progress:
    received_ms: float = 0.0
    heard_ms: float = 0.0
    complete: bool = False

    @property
    def over(self) -> bool:
        return self.complete and self.heard_ms >= self.received_ms - ROUNDING_MS


NOTHING = memoryview(b"")


class _Piece(NamedTuple):
    speech: Speech | None
    "None is padding."
    starts_at: float
    ms: float
    pcm: memoryview = NOTHING
    "Kept only where it may have to be played once more."


ROUNDING_MS = 0.01
MAX_PIECES = 8
"Pieces that were sent, and are looked at before there are more."
MAX_PAST = 32
"Pieces of speech that were heard to their end and are still known."


class Playout:
    """The queue to the caller's ear; see the theory above."""

    def __init__(self, audio: AudioFormat, pacing: Pacing, *, lead_ms: float, resumable: bool = False) -> None:
        """`resumable`: `hold` and `resume` are wanted, for which a little of what was sent is kept."""
        self._resumable = resumable
        self._audio = audio
        self._pacing = pacing
        self._lot_bytes = audio.bytes_in(pacing.lot_ms)
        self._room_s = max(lead_ms - pacing.lot_ms, pacing.lot_ms / 2) / 1000
        self._queue: deque[tuple[Speech | None, bytes | memoryview]] = deque()
        self._queued_bytes = 0
        self._pieces: deque[_Piece] = deque()
        self._progress: dict[Speech, _Progress] = {}
        self._past: dict[Speech, _Progress] = {}
        "Of what was heard to its end: audio that a model adds to it later counts on."
        self._filled = False
        self._plays_until = 0.0
        self._not_before = 0.0
        self._held_at = inf

    def queued_ms(self) -> float:
        """Speech that was not sent yet."""
        return self._audio.ms_in(self._queued_bytes)

    def quiet_at(self) -> float:
        """When the last piece sent will have been played; never, where nothing plays."""
        return self._plays_until if self._pieces else inf

    def sounding(self, now: float) -> bool:
        """Whether speech that was sent is being played, or about to be."""
        self._hear(now)
        return any(piece.speech for piece in self._pieces)

    def silent(self, now: float) -> bool:
        """Whether nothing plays, and nothing that is queued can be sent yet."""
        return not self.sounding(now) and not self.has_lot()

    def speaking(self, now: float) -> bool:
        """Whether speech waits, plays or is still being generated: what a barge-in would cut."""
        self._hear(now)
        return any(not progress.over for progress in self._progress.values())

    def prime(self, now: float) -> bytes:
        """Give the silence that takes the platform past its first, larger buffer. Once, when it has opened."""
        if not self._pacing.prime_ms:
            return b""
        self._played(None, self._pacing.prime_ms, now)
        return self._audio.silence(self._pacing.prime_ms)

    def queue(self, speech: Speech, pcm: bytes) -> None:
        """Take speech that the model has generated; what fills a wait makes way for it."""
        if not pcm:
            return
        if self._filled:
            self.hush()
        progress = self._progress.get(speech) or self._progress.setdefault(speech, self._past.pop(speech, _Progress()))
        size_bytes = len(pcm)
        progress.received_ms += self._audio.ms_in(size_bytes)
        self._queue.append((speech, pcm))
        self._queued_bytes += size_bytes

    def wait(self, pcm: bytes) -> None:
        """Take a sound that is nobody's speech, for as long as no speech comes."""
        self._filled = True
        self._queue.append((None, pcm))
        self._queued_bytes += len(pcm)

    def hush(self) -> None:
        """Drop what was to fill a wait and was not sent yet."""
        if self._filled:
            self._filled = False
            self._queue = deque((speech, pcm) for speech, pcm in self._queue if speech)
            self._queued_bytes = sum(len(pcm) for _, pcm in self._queue)

    def complete(self, speech: Speech) -> None:
        """No more audio of this speech will come: its tail need not wait for a full lot."""
        if progress := self._progress.get(speech):
            progress.complete = True

    def complete_all(self) -> None:
        """No more audio of any speech will come."""
        for progress in self._progress.values():
            progress.complete = True

    def goes_on(self, now: float) -> bool:
        """Whether one piece of speech is sent or played, which has not come to its end yet, and nothing besides."""
        if len(self._progress) != 1 or self._filled:
            return False
        if len(self._pieces) > MAX_PIECES:
            self._hear(now)
        [progress] = self._progress.values()
        return self._queued_bytes > self._lot_bytes or not progress.complete

    def due(self, now: float) -> list[bytes]:
        """Give the lots that are to be sent now."""
        lots = []
        while self.has_lot() and now >= self._next_send():
            lots.append(self._take_lot(now))
        return lots

    def next_due(self) -> float:
        """When `due` will have something; never, where only more speech can bring it."""
        return self._next_send() if self.has_lot() else inf

    def clear(self, now: float) -> list[Heard]:
        """Forget what is queued or plays; return every piece that the caller did not hear to its end."""
        self._hear(now)
        cut = [Heard(speech, p.heard_ms, p.received_ms) for speech, p in self._progress.items() if not p.over]
        self._queue.clear()
        self._queued_bytes = 0
        self._pieces.clear()
        self._progress.clear()
        self._past.clear()
        self._plays_until, self._held_at = now, inf
        self._not_before = now + self._pacing.clear_guard_ms / 1000
        return cut

    def hold(self, now: float) -> None:
        """Send nothing more, and take back what was sent and not heard; `resume` goes on there, `clear` forgets it."""
        self._hear(now)
        for speech, _, ms, pcm in reversed(self._pieces):
            if speech:
                self._progress[speech].heard_ms += ms - self._audio.ms_in(len(pcm))  # a sample is heard, or not
                self._queue.appendleft((speech, pcm))
                self._queued_bytes += len(pcm)
        self._pieces.clear()
        self._plays_until, self._not_before, self._held_at = now, inf, now

    def would_be_over(self, now: float) -> bool:
        """Whether nothing more would be heard by now, had it not been held."""
        held_ms = max(now - self._held_at, 0) * 1000
        said = all(progress.complete for progress in self._progress.values())
        return not self.speaking(now) or (said and self.queued_ms() <= held_ms)

    def resume(self, now: float) -> None:
        """Go on where it was held, if it was."""
        if self._held_at < inf:
            self._held_at, self._not_before = inf, now + self._pacing.clear_guard_ms / 1000

    def settled(self, now: float) -> list[Heard]:
        """Return, once each, the pieces that have been heard to their end."""
        self._hear(now)
        over = [Heard(speech, p.received_ms, p.received_ms) for speech, p in self._progress.items() if p.over]
        for heard in over:
            self._past[heard.speech] = self._progress.pop(heard.speech)
            if len(self._past) > MAX_PAST:
                del self._past[next(iter(self._past))]
        return over

    def _next_send(self) -> float:
        return max(self._plays_until - self._room_s, self._not_before)

    def has_lot(self) -> bool:
        """Whether a whole lot is there, or all that is there is an end; else only more speech brings one."""
        if self._queued_bytes >= self._lot_bytes:
            return True
        if not self._queue:
            return False
        newest = self._queue[-1][0]  # most often there is no other, and most often it goes on
        if newest and not self._progress[newest].complete:
            return False
        return all(speech is None or self._progress[speech].complete for speech, _ in self._queue)

    def _take_lot(self, now: float) -> bytes:
        parts: list[bytes | memoryview] = []
        runs: list[tuple[Speech | None, int]] = []
        "Whose the bytes are, up to which; parts of one speech are one run."
        size_bytes = 0
        while self._queue and size_bytes < self._lot_bytes:
            speech, pcm = self._queue.popleft()
            if len(pcm) > self._lot_bytes - size_bytes:
                whole = memoryview(pcm)
                self._queue.appendleft((speech, whole[self._lot_bytes - size_bytes :]))
                pcm = whole[: self._lot_bytes - size_bytes]
            parts.append(pcm)
            size_bytes += len(pcm)
            if runs and runs[-1][0] is speech:
                runs.pop()
            runs.append((speech, size_bytes))
        self._queued_bytes -= size_bytes
        if size_bytes < self._lot_bytes:
            parts.append(bytes(self._lot_bytes - size_bytes))
            runs.append((None, self._lot_bytes))
        lot = b"".join(parts)
        begins = 0
        for speech, ends in runs:
            self._played(speech, self._audio.ms_in(ends - begins), now, memoryview(lot)[begins:ends])
            begins = ends
        return lot

    def _played(self, speech: Speech | None, ms: float, now: float, pcm: memoryview = NOTHING) -> None:
        starts_at = max(self._plays_until, now + self._pacing.start_delay_ms / 1000)
        if self._resumable:
            self._pieces.append(_Piece(speech, starts_at, ms, pcm))
        elif self._pieces and starts_at == self._plays_until and self._pieces[-1].speech == speech:
            last = self._pieces.pop()
            self._pieces.append(_Piece(speech, last.starts_at, last.ms + ms))
        else:
            self._pieces.append(_Piece(speech, starts_at, ms))
        self._plays_until = starts_at + ms / 1000

    def _hear(self, now: float) -> None:
        """Move the time that has passed from the pieces into what was heard."""
        while self._pieces:
            speech, starts_at, ms, pcm = self._pieces[0]
            passed_ms = (now - starts_at) * 1000
            if passed_ms <= 0:
                return
            played = passed_ms >= ms - ROUNDING_MS
            passed_ms = ms if played else passed_ms
            if speech:
                progress = self._progress[speech]
                progress.heard_ms = min(progress.heard_ms + passed_ms, progress.received_ms)
            self._pieces.popleft()
            if not played:
                rest = pcm[self._audio.bytes_in(passed_ms) :]
                self._pieces.appendleft(_Piece(speech, starts_at + passed_ms / 1000, ms - passed_ms, rest))
                return
