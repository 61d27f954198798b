"""The input audio buffer: what the caller's audio is held for, and cut out of it turn by turn."""

from collections.abc import Iterator

from sim.model.audio import WireFormat
from sim.model.conversation import Sound
from sim.model.vad import ONSET_WINDOWS, WINDOW_MS, Detection, SpeechStarted, SpeechStopped, Vad


class Ear:
    def __init__(self, form: WireFormat) -> None:
        self._held = Sound(form)
        self._vad = Vad()

    @property
    def held_ms(self) -> int:
        return self._held.ms

    @property
    def position_ms(self) -> int:
        """All audio ever written, in milliseconds (whole windows of 20 ms)."""
        return self._vad.position_ms

    def listen_in(self, form: WireFormat) -> None:
        """Read what comes in another format; what is held in the old one is lost."""
        if form != self._held.form:
            self.clear()
            self._held = Sound(form)

    def hear(self, wire: bytes, wanted: Detection | None) -> Iterator[SpeechStarted | SpeechStopped]:
        """Take audio and tell each change when it is heard; `wanted` None: turns are made by hand.

        At SpeechStopped, `take()` is the turn's audio.
        """
        step = self._held.form.bytes_in(WINDOW_MS)
        for at in range(0, len(wire), step):
            piece = wire[at : at + step]
            self._held.wire += piece
            linear = self._held.form.linear(piece)
            for change in self._vad.hear(linear, self._held.form.rate_hz, wanted):
                if isinstance(change, SpeechStarted):
                    self._keep(self.position_ms - change.audio_start_ms)
                yield change
            if wanted and not self._vad.speaking:
                self._keep(wanted.prefix_ms + ONSET_WINDOWS * WINDOW_MS)

    def take(self) -> Sound:
        """Return what is held and hold nothing; the next turn begins here."""
        taken = self._held
        self.clear()
        return taken

    def clear(self) -> None:
        self._held = Sound(self._held.form)
        self._vad.forget()

    def _keep(self, ms: int) -> None:
        wire = self._held.wire
        del wire[: max(0, len(wire) - self._held.form.bytes_in(ms))]
