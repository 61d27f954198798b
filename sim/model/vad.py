"""Server VAD by loudness: when the caller begins and ends to speak, in milliseconds of audio written.

The service judges by a trained model and calls its threshold a probability. Here a threshold of 0.5 is a level of
-40 dBFS, and every 0.1 is 2 dB. Speech begins after 60 ms above it (a click is shorter) and ends after
`silence_duration_ms` below.
"""

import audioop
from dataclasses import dataclass

from sim.model.checks import JsonObject

WINDOW_MS = 20
ONSET_WINDOWS = 3
FULL_SCALE = 32768
# How long semantic VAD waits after the last word, in milliseconds.
EAGERNESS_MS = {"low": 800, "medium": 500, "auto": 500, "high": 300}


@dataclass(frozen=True, slots=True)
class Detection:
    """What a session's `turn_detection` asks for."""

    level: float
    "RMS of PCM16 samples above which a window counts as speech."
    prefix_ms: int
    silence_ms: int
    create_response: bool
    interrupt_response: bool
    idle_ms: int | None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    audio_start_ms: int
    "Where the turn's audio begins, prefix padding included."


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    audio_end_ms: int
    "Where the turn's audio ends, the silence that ended it included."


def detection(turn_detection: JsonObject) -> Detection:
    semantic = turn_detection["type"] == "semantic_vad"
    threshold = 0.5 if semantic else turn_detection["threshold"]
    return Detection(
        level=FULL_SCALE * 10 ** ((-50 + 20 * threshold) / 20),
        prefix_ms=300 if semantic else turn_detection["prefix_padding_ms"],
        silence_ms=EAGERNESS_MS[turn_detection["eagerness"]] if semantic else turn_detection["silence_duration_ms"],
        create_response=turn_detection["create_response"],
        interrupt_response=turn_detection["interrupt_response"],
        idle_ms=turn_detection.get("idle_timeout_ms"),
    )


class Vad:
    """Hears PCM16 in whatever pieces it comes; `position_ms` counts all audio ever heard."""

    def __init__(self) -> None:
        self.position_ms = 0
        self.speaking = False
        self._rest = b""
        self._loud_windows = 0
        self._quiet_ms = 0
        self._floor_ms = 0  # audio before it belongs to the turn before

    def hear(self, pcm: bytes, rate_hz: int, wanted: Detection | None) -> list[SpeechStarted | SpeechStopped]:
        window_bytes = rate_hz * WINDOW_MS // 1000 * 2
        audio = self._rest + pcm
        cut = len(audio) - len(audio) % window_bytes
        self._rest = audio[cut:]
        heard = [self._window(audio[at : at + window_bytes], wanted) for at in range(0, cut, window_bytes)]
        return [change for change in heard if change is not None]

    def _window(self, pcm: bytes, wanted: Detection | None) -> SpeechStarted | SpeechStopped | None:
        self.position_ms += WINDOW_MS
        if wanted is None:
            return None
        loud = audioop.rms(pcm, 2) > wanted.level
        return self._while_speaking(wanted, loud=loud) if self.speaking else self._while_quiet(wanted, loud=loud)

    def _while_quiet(self, wanted: Detection, *, loud: bool) -> SpeechStarted | None:
        self._loud_windows = self._loud_windows + 1 if loud else 0
        if self._loud_windows < ONSET_WINDOWS:
            return None
        onset_ms = self.position_ms - ONSET_WINDOWS * WINDOW_MS
        self.speaking, self._quiet_ms = True, 0
        return SpeechStarted(max(self._floor_ms, onset_ms - wanted.prefix_ms))

    def _while_speaking(self, wanted: Detection, *, loud: bool) -> SpeechStopped | None:
        self._quiet_ms = 0 if loud else self._quiet_ms + WINDOW_MS
        if self._quiet_ms < max(wanted.silence_ms, WINDOW_MS):
            return None
        self.forget()
        return SpeechStopped(self.position_ms)

    def forget(self) -> None:
        """End the turn here: whatever was being said, the next turn begins after this point."""
        self.speaking, self._loud_windows, self._floor_ms = False, 0, self.position_ms
