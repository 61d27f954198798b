"""The caller's mouth: frames of 20 ms, speech where there is some to say and silence between."""

from collections import deque
from dataclasses import dataclass

from sim.platform.heard import TICK_MS


@dataclass(frozen=True, slots=True)
class Spoke:
    """A line began or ended in this tick."""

    text: str
    begins: bool


class Line:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.said = bytearray()
        "All frames there ever were: the caller's side of a recording."
        self._frame_bytes = rate_hz * TICK_MS // 1000 * 2
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._at = 0

    def say(self, text: str, pcm: bytes) -> None:
        """Say PCM16 of the stream's rate, after what is being said."""
        self._waiting.append((text, pcm))

    def tick(self) -> tuple[bytes, list[Spoke]]:
        """Return one frame, and what began or ended with it."""
        if not self._waiting:
            self.said += bytes(self._frame_bytes)
            return bytes(self._frame_bytes), []
        text, pcm = self._waiting[0]
        changes = [Spoke(text, begins=True)] if self._at == 0 else []
        frame = pcm[self._at : self._at + self._frame_bytes].ljust(self._frame_bytes, b"\0")
        self._at += self._frame_bytes
        if self._at >= len(pcm):
            self._waiting.popleft()
            self._at = 0
            changes.append(Spoke(text, begins=False))
        self.said += frame
        return frame, changes
