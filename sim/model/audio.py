"""The three audio formats of the Realtime API: PCM16 of 24 kHz, G.711 mu-law and A-law of 8 kHz."""

import audioop
import base64
from typing import NamedTuple

import numpy as np
import samplerate

from sim.model.checks import JsonObject, RequestError

MAX_APPEND_BYTES = 15 * 1024 * 1024
VOICE_HZ = 24000
_PCM_BYTES = 2


class WireFormat(NamedTuple):
    """How audio is written inside `audio` and `delta` fields."""

    name: str
    rate_hz: int
    sample_bytes: int

    def ms_in(self, length_bytes: int) -> int:
        return length_bytes * 1000 // (self.rate_hz * self.sample_bytes)

    def bytes_in(self, ms: int) -> int:
        return ms * self.rate_hz // 1000 * self.sample_bytes

    def linear(self, wire: bytes) -> bytes:
        """Return PCM16 at the format's own rate."""
        match self.name:
            case "audio/pcmu":
                return audioop.ulaw2lin(wire, _PCM_BYTES)
            case "audio/pcma":
                return audioop.alaw2lin(wire, _PCM_BYTES)
            case _:
                return wire

    def from_voice(self, pcm: bytes, speed: float = 1.0) -> bytes:
        """Return wire bytes of PCM16 of 24 kHz; a speed other than 1 changes the pitch too."""
        if speed != 1:
            wave = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
            faster = samplerate.resample(wave, 1 / speed, "sinc_fastest")
            pcm = (np.clip(faster, -1, 1) * 32767).astype("<i2").tobytes()
        if self.name == "audio/pcm":
            return pcm
        narrow, _ = audioop.ratecv(pcm, _PCM_BYTES, 1, VOICE_HZ, self.rate_hz, None)
        encode = audioop.lin2ulaw if self.name == "audio/pcmu" else audioop.lin2alaw
        return encode(narrow, _PCM_BYTES)


_FORMATS = {
    "audio/pcm": WireFormat("audio/pcm", 24000, 2),
    "audio/pcmu": WireFormat("audio/pcmu", 8000, 1),
    "audio/pcma": WireFormat("audio/pcma", 8000, 1),
}


def wire_format(spec: JsonObject) -> WireFormat:
    return _FORMATS[spec["type"]]


def decoded(text: str) -> bytes:
    """Return the bytes of an `audio` field; RequestError if it is no base64 or longer than 15 MiB."""
    try:
        audio = base64.b64decode(text, validate=True)
    except ValueError as error:  # also where it is not ASCII
        message = "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value."
        raise RequestError("invalid_value", message, "audio") from error
    if len(audio) > MAX_APPEND_BYTES:
        message = f"Invalid 'audio': {len(audio)} bytes. Expected at most {MAX_APPEND_BYTES} bytes an event."
        raise RequestError("invalid_value", message, "audio")
    return audio


def encoded(audio: bytes) -> str:
    return base64.b64encode(audio).decode("ascii")
