"""One websocket, of either side: websockets' protocol core on a bare transport, past which whole messages go straight.

`websockets.connect` and aiohttp's `WebSocketResponse` put a queue, a task switch and half a dozen objects between each
frame and its reader. The core of websockets knows no socket (`websockets.protocol.Protocol`), so here a message goes
from the transport to whoever listens in one step, and what is to be sent is written at once, by whoever has it.

Theory of operation
    What comes is cut into whole frames. One that is a whole message, with nothing unusual about it, is given to
    `_said`. Every other frame (ping, pong, close, a fragment, whatever breaks the protocol) goes to the core, always
    whole, so that the core stands between two frames whenever it is asked; what it answers is written. Once the socket
    is not open any more, and before it is, all goes to the core.
"""

import asyncio
from abc import ABC, abstractmethod
from math import inf
from typing import cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, Protocol

from media.sockets.framing import FIN_BINARY, FIN_TEXT, HEAD_BYTES, MASKED, head_of, unmasked

CLOSE_S = 1.0
"How long the other side may take to close the connection after both have said so."
WHOLE = {FIN_TEXT, FIN_BINARY}
DATA = {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}


class Socket(asyncio.Protocol, ABC):
    """One socket; a subclass says what is done with what comes."""

    def __init__(self, core: Protocol, *, masked: bool) -> None:
        """`core` holds what is to be sent first. `masked`: what comes is, as a client's frames are."""
        self._core = core
        self._max_bytes = core.max_message_size or inf
        self._mask = MASKED if masked else 0
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._wanted_bytes = 0
        "How much is to be held before it is worth a look."
        self._first = 0
        self._parts: list[bytes] = []
        self._failed = False
        self._told = False
        self._aborting = False
        self._reading = True
        self.open = core.state is OPEN
        "Whether messages go both ways. The core's word, of after it was last given something."
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self.heard_at = self._now()
        "When anything was last received, or could be again."
        self.stuck_since: float | None = None
        "Since when the other side has not read what we send."

    @abstractmethod
    def _said(self, first: int, message: bytes) -> None:
        """Take one whole message; `first` is FIN_TEXT or FIN_BINARY."""

    @abstractmethod
    def _lost(self, code: int | None, reason: str) -> None:
        """Hear, once, that it is gone. The code is None where there was none."""

    @property
    def silent_s(self) -> float:
        """How long nothing has come; no time at all where it is we who do not read."""
        return self._now() - self.heard_at if self._reading else 0.0

    def ping(self) -> None:
        if self.open:
            self._core.send_ping(b"")
            self._write()

    def pause_reading(self) -> None:
        """Leave what comes with the other side."""
        if self._reading and self._transport and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on: what is owed since, such as an answer to a ping, is owed from now."""
        if not self._reading and self._transport and not self._transport.is_closing():
            self._reading, self.heard_at = True, self._now()
            self._transport.resume_reading()

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE) -> None:
        """Close in order; the connection is broken off where the other side does not answer."""
        if self.open:
            self._core.send_close(code)
            self._write()
            self._look()
        await asyncio.wait({self._closed}, timeout=CLOSE_S)
        self.abort()

    def abort(self) -> None:
        """Break the connection off."""
        if self._transport:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._write()

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._now()
        if self._held:
            self._held += data
            if len(self._held) < self._wanted_bytes:
                return
            data = bytes(self._held)
            self._held.clear()
        if self.open:
            self._cut(data)
        else:
            self._unopened(data)

    def eof_received(self) -> None:
        if self._held:
            self._core.receive_data(bytes(self._held))
            self._held.clear()
        self._core.receive_eof()
        self._look()
        self._answer()

    def connection_lost(self, _: Exception | None) -> None:
        self._core.receive_eof()
        self._look()
        self._tell_lost()
        self._transport = None
        self._closed.set_result(None)

    def pause_writing(self) -> None:
        self.stuck_since = self._now()

    def resume_writing(self) -> None:
        self.stuck_since = None

    # Frames

    def _unopened(self, data: bytes) -> None:
        """Take what comes before the socket is open, or when it is not any more."""
        self._leave_to_core(data)

    def _cut(self, data: bytes) -> None:
        """Take the frames that are whole, and hold what is left of the last."""
        at, size_bytes = 0, len(data)
        while at < size_bytes:
            head = head_of(data, at)
            if head is None:
                self._hold(data[at:], size_bytes - at + 1)
                return
            start, end = head
            if end - start > self._max_bytes:
                self._leave_to_core(data[at:])  # which refuses it by its head
                return
            if end > size_bytes:
                self._hold(data[at:], end - at)
                return
            first = data[at]
            if first in WHOLE and data[at + 1] & MASKED == self._mask and not self._first:
                self._said(first, unmasked(data, start, end) if self._mask else data[start:end])
            else:
                self._leave_to_core(data[at:end])
            at = end
            if not self.open:
                self._leave_to_core(data[at:])
                return

    def _hold(self, rest: bytes, wanted_bytes: int) -> None:
        self._held += rest
        self._wanted_bytes = max(wanted_bytes, HEAD_BYTES)

    def _leave_to_core(self, data: bytes) -> None:
        self._core.receive_data(data)
        self._look()
        self._answer()

    def _look(self) -> None:
        self.open = self._core.state is OPEN

    def _answer(self) -> None:
        """Do what the core makes of what it got."""
        for event in self._core.events_received():
            if isinstance(event, Frame) and event.opcode in DATA and not self._failed:
                self._join(event)
        if self._core.close_rcvd:
            self._tell_lost()
        self._write()
        if not self.open:
            self._leave()

    def _join(self, frame: Frame) -> None:
        """Put the fragments of a message together."""
        if frame.opcode is not Opcode.CONT:
            self._first = FIN_TEXT if frame.opcode is Opcode.TEXT else FIN_BINARY
        self._parts.append(bytes(frame.data))
        if frame.fin:
            first, message = self._first, b"".join(self._parts)
            self._first = 0
            self._parts.clear()
            self._said(first, message)

    def _fail(self, code: CloseCode, why: str) -> None:
        """Break off over what a message says, which the core does not know; what was read behind it is not heard."""
        self._failed = True
        self._core.fail(code, why)
        self._look()
        self._answer()

    def _tell_lost(self) -> None:
        if not self._told:
            self._told = True
            received = self._core.close_rcvd
            self._lost(*(received.code, received.reason) if received else (None, ""))

    def _leave(self) -> None:
        """See to it that a side which does not leave when it should is left."""
        if self._transport and self._core.close_expected() and not self._aborting:
            self._aborting = True
            self._loop.call_later(CLOSE_S, self._transport.abort)

    def _write(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        for data in self._core.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
