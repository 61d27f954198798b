"""The agent's audio on its way to the caller's ear, as FreeSWITCH's mod_audio_fork handles it (lws_glue.cpp).

What arrives collects in a prebuffer. When that holds its threshold (160 ms at first, 80 ms ever after, on a telephone
channel) all of it moves to the playout buffer at once, and each 20 ms tick takes up to 20 ms from there. So the rest
of an utterance that is shorter than the threshold stays where it is until more comes. killAudio raises a flag: the
next tick clears the playout buffer, not the prebuffer, and plays nothing.

Both buffers are stretches of what was received: nothing is copied, `_played ≤ _moved ≤ received`.
"""

from collections import deque
from dataclasses import dataclass

from sim.platform.heard import TICK_MS, Heard

PREBUFFER_SAMPLES = 1280
"Of 8 kHz: 160 ms. Scaled by the whole number of times the stream's rate exceeds the channel's."
MAX_MARKS = 30
MARKER = b"\xff\xff"
"A mark travels in the audio as the sample -1, so that a genuine -1 is taken for one."


@dataclass(frozen=True, slots=True)
class Mark:
    name: str
    event: str
    '"playout" or "cleared".'


@dataclass(slots=True)
class _Pending:
    name: str
    at: int | None
    "The sample it stands before; None: lost in resampling."


class Playout:
    def __init__(self, rate_hz: int, channel_hz: int = 8000) -> None:
        self.heard = Heard(rate_hz)
        self._same_rate = rate_hz == channel_hz
        self._threshold = PREBUFFER_SAMPLES * max(1, rate_hz // channel_hz)
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._moved = 0
        self._played = 0
        self._odd = b""
        self._kill = False
        self._marks: deque[_Pending] = deque()

    @property
    def held_ms(self) -> int:
        """What stands in the prebuffer and will not be played before more arrives."""
        return self.heard.ms(self.heard.received_samples - self._moved)

    @property
    def waiting_ms(self) -> int:
        """All that was received and is neither played nor thrown away."""
        return self.heard.ms(self.heard.received_samples - self._played)

    def receive(self, pcm: bytes) -> None:
        """Take audio of any length; an odd byte waits for its other half."""
        whole = self._odd + pcm
        cut = len(whole) - len(whole) % 2
        self._odd = whole[cut:]
        self.heard.received += whole[:cut]
        if self.heard.received_samples - self._moved >= self._threshold:
            self._first_time_over()
            self._moved = self.heard.received_samples

    def _first_time_over(self) -> None:
        if self._moved == 0:
            self._threshold //= 2

    def kill(self) -> None:
        self._kill = True

    def mark(self, name: str) -> list[Mark]:
        """Set a mark behind all that was received; with nothing waiting it is passed at once."""
        if self._played == self.heard.received_samples:
            return [Mark(name, "playout")]
        if len(self._marks) < MAX_MARKS:
            self._marks.append(_Pending(name, self.heard.received_samples if self._same_rate else None))
        return []

    def clear_marks(self) -> None:
        self._marks.clear()

    def tick(self, tick: int) -> list[Mark]:
        """Play one 20 ms frame, and return the marks that were passed or cleared."""
        if self._kill:
            return self._cleared(tick)
        first, self._played = self._played, min(self._played + self._tick_samples, self._moved)
        self.heard.play(tick, first, self._played)
        return self._passed(first)

    def _cleared(self, tick: int) -> list[Mark]:
        self._kill = False
        self.heard.flush(tick, self._played, self._moved)
        self.heard.play(tick, self._moved, self._moved)
        self._played = self._moved
        gone = [Mark(mark.name, "cleared") for mark in self._marks]
        self._marks.clear()
        return gone

    def _passed(self, first: int) -> list[Mark]:
        if not self._marks:
            return []
        pcm = self.heard.pcm(first, self._played)
        taken_for_marks = sum(pcm[at : at + 2] == MARKER for at in range(0, len(pcm), 2))
        passed = []
        while self._marks and (taken_for_marks > 0 or self._reached(self._marks[0])):
            passed.append(Mark(self._marks.popleft().name, "playout"))
            taken_for_marks -= 1
        return passed

    def _reached(self, mark: _Pending) -> bool:
        return mark.at is not None and mark.at <= self._played
