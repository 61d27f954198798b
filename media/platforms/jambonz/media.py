"""The media socket of jambonz' `listen` verb with two-way streaming audio.

It opens with one text frame that tells the call (camelCase, no type), then sends one binary frame each 20 ms: linear
16-bit samples of the caller alone, at the rate the verb asked for. The first frame is double, frames run together
after a stall, empty ones occur. What we send back is played in lots.
Sources: freeswitch-modules mod_audio_fork/lws_glue.cpp, jambonz-feature-server lib/tasks/listen.js.
"""

from typing import Any, ClassVar, Final

from media.audio import OddByte
from media.platforms.base import (
    AudioReceived,
    CallStarted,
    DigitReceived,
    JsonObject,
    Pacing,
    PlatformError,
    PlatformEvent,
    PlatformOther,
    read_json,
    read_mended_json,
)

__all__ = ["JambonzMedia"]

DIGITS: Final = frozenset("0123456789*#ABCDabcd")
DIGIT_UNITS_PER_MS: Final = 8
"A digit's duration is counted in RTP units of 8 kHz (listen.js: duration / 8000 * 1000)."
MAX_DURATION_DIGITS: Final = 9

UNNEEDED: Final = frozenset({"mark", "playDone"})
"Known, and the answer to what we never send: a stream plays no files, and see JambonzMedia for marks."

CLEAR: Final = '{"type":"killAudio"}'


class JambonzMedia:
    """One media socket.

    What was heard is not told by marks, so audio leaves as it is: here a mark is a sample of value -1 in the stream,
    which real audio holds too, and which is lost where the rates differ (jambonz-feature-server issue 811). Nor is the
    platform told to disconnect: it ends its listen, and asks what comes next, when the socket is closed.
    """

    __slots__ = ("_odd_byte", "_rate_hz", "_started")

    # lws_glue.cpp: playing starts at 160 ms of audio, once, and goes on by lots of 80 ms. The channel takes its audio
    # every 20 ms, and a clear takes effect at such a tick too: between the arrival of audio and that of a clear there
    # are, on average, as many ticks as time has passed, so neither is given a delay. The tick of a clear may be
    # reached late by a busy media server, and takes what arrived meanwhile with it.
    pacing: ClassVar[Pacing] = Pacing(lot_ms=80, prime_ms=160, start_delay_ms=0, clear_guard_ms=60)

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._odd_byte = OddByte()
        self._started = False

    def receive(self, wire: str | bytes) -> list[PlatformEvent]:
        """Read one message. Raises PlatformError until the call has been told; later nothing is fatal."""
        if isinstance(wire, str):
            return [self._text(wire) if self._started else self._start(wire)]
        if not wire:
            return []
        if not self._started:
            raise PlatformError("media socket: audio came before the text frame that tells the call")
        pcm = self._odd_byte.join(wire)
        return [AudioReceived(pcm)] if pcm else []

    def plain(self, wire: bytes) -> bool:
        return self._started and self._odd_byte.whole(wire)

    def play(self, pcm: bytes) -> bytes:
        return pcm

    def clear(self) -> str:
        return CLEAR

    def _start(self, text: str) -> CallStarted:
        try:
            first = read_mended_json(text)
        except PlatformError as error:
            raise PlatformError(f"media socket: the first text frame is {error}") from None
        match first:
            case {"callSid": str(call_sid)} if call_sid:
                self._check_stream(first)
            case _:
                raise PlatformError("media socket: the first text frame is not an object with a callSid")
        self._started = True
        return CallStarted(call_sid, self._rate_hz, first)

    def _check_stream(self, first: JsonObject) -> None:
        rate_hz, mix_type = first.get("sampleRate", self._rate_hz), first.get("mixType", "mono")
        if rate_hz != self._rate_hz:
            raise PlatformError(f"media socket: its sampleRate is not the {self._rate_hz} Hz that listen asked for")
        if mix_type != "mono":
            raise PlatformError("media socket: its mixType is not the mono that listen asked for")

    def _text(self, text: str) -> PlatformEvent:
        try:
            message = read_json(text)
        except PlatformError:
            return PlatformOther("malformed")  # the platform, too, only logs what it cannot read
        match message:
            case {"event": "dtmf", "dtmf": str(digit)} if digit in DIGITS:
                return DigitReceived(digit, _duration_ms(message.get("duration")))
            case {"type": str(kind)} if kind in UNNEEDED:
                return PlatformOther(kind)
            case _:
                return PlatformOther("unknown")


def _duration_ms(units: Any) -> int | None:
    text = str(units)
    if len(text) <= MAX_DURATION_DIGITS and text.isascii() and text.isdigit():
        return int(text) // DIGIT_UNITS_PER_MS
    return None
