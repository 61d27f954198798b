"""A PBX that asks and obeys as jambonz does, and whose media socket carries audio as base64 in JSON."""

import binascii
import json
from base64 import b64decode, b64encode
from typing import ClassVar

from media.audio import OddByte
from media.platforms.base import (
    AudioReceived,
    CallStarted,
    DigitReceived,
    Pacing,
    Platform,
    PlatformError,
    PlatformEvent,
    PlatformOther,
    read_json,
)
from media.platforms.jambonz.call import JambonzCalls
from media.platforms.jambonz.llm import JambonzLlm


class PbxMedia:
    pacing: ClassVar[Pacing] = Pacing(lot_ms=20, prime_ms=0, start_delay_ms=0, clear_guard_ms=20)

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._odd_byte = OddByte()
        self._started = False

    def receive(self, wire: str | bytes) -> list[PlatformEvent]:
        try:
            return self._read(read_json(wire))
        except (PlatformError, binascii.Error):
            if self._started:  # one message that cannot be read is no reason to end a call
                return [PlatformOther("malformed")]
            raise PlatformError("media socket: the first message must be {event: start, call_sid: …}") from None

    def plain(self, wire: bytes) -> bool:
        return False  # no message is samples and nothing else

    def play(self, pcm: bytes) -> str:
        return json.dumps({"event": "media", "payload": b64encode(pcm).decode()})

    def clear(self) -> str:
        return '{"event":"clear"}'

    def _read(self, message: object) -> list[PlatformEvent]:
        match message:
            case {"event": "start", "call_sid": str(call_sid)} if call_sid and not self._started:
                self._started = True
                return [CallStarted(call_sid, self._rate_hz, {})]
            case _ if not self._started:
                raise PlatformError("not the start")
            case {"event": "media", "payload": str(payload)}:
                pcm = self._odd_byte.join(b64decode(payload.encode(), validate=True))
                return [AudioReceived(pcm)] if pcm else []
            case {"event": "dtmf", "digit": str(digit)} if digit in "0123456789*#" and len(digit) == 1:
                return [DigitReceived(digit, None)]
            case _:
                return [PlatformOther("unknown")]


PLATFORM = Platform(call=JambonzCalls(), llm=JambonzLlm(), media=PbxMedia)
