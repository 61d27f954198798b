"""The platform's media socket, of which we are the server.

What is to be sent is written at once. A platform that does not read for a while is waited for, as long as a send may
take. It has played what it had by then, so nothing is played late: when it reads again it forgets what it has got
meanwhile, and goes on with what is said now.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol as Typed

from structlog.typing import FilteringBoundLogger
from websockets.frames import CloseCode
from websockets.protocol import SERVER, Protocol

from media.effects import Wire
from media.sockets.base import Socket
from media.sockets.framing import FIN_BINARY, FIN_TEXT, plain_frame

MAX_MESSAGE_BYTES = 1024 * 1024
"Twice what five seconds of stereo at 24 kHz come to, the most that jambonz keeps (MOD_AUDIO_FORK_BUFFER_SECS)."
STALLED_S = 1.0
"What is held up for longer was to be heard within the lead."


class Listener(Typed):
    """Who listens to a platform's socket."""

    def platform_spoke(self, pcm: bytes) -> None:
        """Take a binary message."""
        ...

    def platform_said(self, text: str) -> None: ...

    def platform_lost(self, code: int | None) -> None:
        """Hear, once, that it is gone. The code is None where there was none."""
        ...


class PlatformSocket(Socket):
    """One socket. `silence` gives what makes the platform forget what it has not played."""

    def __init__(self, listener: Listener, silence: Callable[[], Wire], log: FilteringBoundLogger) -> None:
        super().__init__(Protocol(SERVER, max_size=MAX_MESSAGE_BYTES), masked=True)
        self._listener = listener
        self._silence = silence
        self._log = log
        self._waiting: list[Wire] = []

    def take_over(self, transport: asyncio.Transport) -> None:
        """Go on where the HTTP server has answered the upgrade."""
        transport.set_protocol(self)
        self.connection_made(transport)

    def put(self, wire: Wire) -> None:
        """Send audio as a binary message, text as text; nothing where the socket is not open any more."""
        if self.stuck_since is None:
            self._send(wire)
        else:
            self._waiting.append(wire)

    def resume_writing(self) -> None:
        held_s = self._now() - (self.stuck_since or self._now())
        super().resume_writing()
        if held_s > STALLED_S:
            self._catch_up(held_s)
        while self._waiting and self.stuck_since is None:
            self._send(self._waiting.pop(0))

    def _send(self, wire: Wire) -> None:
        if not self.open or self._transport is None:
            return
        if isinstance(wire, bytes):
            self._transport.write(plain_frame(FIN_BINARY, wire))
        else:
            self._transport.write(plain_frame(FIN_TEXT, wire.encode()))

    def _catch_up(self, held_s: float) -> None:
        """Leave out the audio that could not be sent in time; what else was to be said still is."""
        dropped_bytes = sum(len(wire) for wire in self._waiting if isinstance(wire, bytes))
        self._waiting = [self._silence(), *(wire for wire in self._waiting if isinstance(wire, str))]
        self._log.warning("media_stalled", held_s=round(held_s, 1), dropped_bytes=dropped_bytes)

    def _said(self, first: int, message: bytes) -> None:
        if first == FIN_BINARY:
            self._listener.platform_spoke(message)
            return
        try:
            text = message.decode()
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
        else:
            self._listener.platform_said(text)

    def _lost(self, code: int | None, _: str) -> None:
        self._listener.platform_lost(code)
