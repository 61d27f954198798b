"""What a vendor's protocol can do, and which audio it takes and gives."""

from dataclasses import dataclass
from typing import NamedTuple

from media.audio import AudioFormat


class ModelAudio(NamedTuple):
    """What a model hears and what it speaks."""

    hears: AudioFormat
    speaks: AudioFormat


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a vendor's protocol can do. What it cannot is said in its file, with the source of that."""

    hears: tuple[AudioFormat, ...]
    speaks: tuple[AudioFormat, ...]
    truncate: bool = True
    "Be told how much of its speech was heard."
    cancel: bool = True
    "Leave off a response at our request."
    delete: bool = True
    "Forget an item of the conversation."
    add_text: bool = True
    "Take text items into the conversation."
    leave_turns: bool = True
    "Hear turns without answering them (`create_response: false`)."
    choose_tools: bool = True
    "Take a `tool_choice` for one response."
    echo_metadata: bool = True
    "Give back the `metadata` that a response was asked for with."
    speak_first: bool = True
    "Open the session with a message of its own, SessionOpened, before it is configured."
    pace_itself: bool = False
    "Speak at real time, so that nothing is far ahead of the caller's ear."

    def audio_at(self, rate_hz: int) -> ModelAudio:
        """Choose for a platform that carries `rate_hz`: the same rate where there is one, else the next higher."""
        return ModelAudio(_nearest(self.hears, rate_hz), _nearest(self.speaks, rate_hz))


def _nearest(formats: tuple[AudioFormat, ...], rate_hz: int) -> AudioFormat:
    return min(formats, key=lambda audio: (audio.rate_hz < rate_hz, abs(audio.rate_hz - rate_hz)))
