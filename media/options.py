"""What the configuration says about one call's media, and the phases of its two legs."""

from dataclasses import dataclass
from enum import Enum, auto

from media.audio import AudioFormat


@dataclass(frozen=True, slots=True)
class Options:
    """One call's limits; `audio` is what the platform's media socket carries both ways."""

    audio: AudioFormat
    lead_ms: float = 200
    "How far ahead of real time speech is sent to the platform."
    open_timeout_s: float = 10
    "From the making of the bridge, which is when the socket is expected at once, to the media socket."
    metadata_timeout_s: float = 5
    "From the media socket to the text frame that names the call."
    session_timeout_s: float = 3
    "For the model's first message, and again for its answer to the configuration."
    response_timeout_s: float = 8
    "From a request, or the model's own start, to the first audio of a response."
    tool_timeout_s: float = 8
    max_call_s: float = 3600
    tone_after_s: float = 2.5
    "How long a caller may hear nothing while something is being tried."
    wait_sound: bytes = b""
    "What sounds then, in the format of `audio`; nothing: a soft tone."


class PlatformLeg(Enum):
    AWAITED = auto()
    OPENED = auto()
    TALKING = auto()
    GONE = auto()


class ModelLeg(Enum):
    DIALLED = auto()
    CONFIGURING = auto()
    READY = auto()
    GONE = auto()
