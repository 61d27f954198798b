"""The model's socket: websockets' protocol core on a bare transport.

`websockets.connect` puts a queue, a lock and a task switch between each frame and its reader. Its core knows
no socket (`websockets.client.ClientProtocol`), so here a frame goes from the transport to the bridge in one
step, and what the bridge wants sent is written at once, by whoever has it.
"""

import asyncio
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidMessage
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CONNECTING, OPEN

from media.sockets.framing import Masks, text_frame

CLOSE_S = 1.0
"How long the model may take to close the connection after both sides have said so."
DATA = {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}
MASKS = Masks()


class Ears(Protocol):
    """Who listens to a model's socket."""

    def model_opened(self, socket: "ModelSocket") -> None: ...

    def model_said(self, wire: bytes) -> None: ...

    def model_lost(self, code: int | None, reason: str) -> None:
        """Hear, once, that it is gone. The code is None where there was none."""
        ...


class Deaf:
    """Ears of nobody."""

    def model_opened(self, socket: "ModelSocket") -> None: ...

    def model_said(self, wire: bytes) -> None: ...

    def model_lost(self, code: int | None, reason: str) -> None: ...


class ModelSocket(asyncio.Protocol):
    """One socket. `ears` hear of it only once the upgrade has succeeded."""

    def __init__(self, core: ClientProtocol, ears: Ears) -> None:
        """`core` holds the request for the upgrade, to be sent as soon as there is a connection."""
        self._ears = ears
        self._core = core
        self._parts: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._opened.add_done_callback(_looked_at)
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._told = False
        self._aborting = False
        self._reading = True
        self.heard_at = self._loop.time()
        "When anything was last received, or could be again."
        self.stuck_since: float | None = None
        "Since when the model has not read what we send."

    @property
    def open(self) -> bool:
        return self._core.state is OPEN

    @property
    def silent_s(self) -> float:
        """How long nothing has come; no time at all where it is we who do not read."""
        return self._loop.time() - self.heard_at if self._reading else 0.0

    async def handshake(self) -> None:
        """Wait for the upgrade.

        :raises websockets.exceptions.InvalidHandshake: the other side refused, or speaks no websocket
        """
        await asyncio.shield(self._opened)

    def send(self, wire: bytes) -> None:
        """Send one text message; nothing where the socket is no longer open: the ears hear of that by `model_lost`."""
        if self._core.state is OPEN and self._transport:
            self._transport.write(text_frame(wire, MASKS.next()))

    def ping(self) -> None:
        if self.open:
            self._core.send_ping(b"")
            self._write()

    def pause_reading(self) -> None:
        """Leave what comes with the model."""
        if self._reading and self._transport and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on: what the model owed meanwhile, such as an answer to a ping, it owes from now."""
        if not self._reading and self._transport and not self._transport.is_closing():
            self._reading, self.heard_at = True, self._loop.time()
            self._transport.resume_reading()

    def dismiss(self) -> None:
        """Tell nobody anything of it any more, not even its end."""
        self._ears = Deaf()

    async def close(self) -> None:
        """Close in order; the connection is broken off where the model does not answer."""
        if self.open:
            self._core.send_close(CloseCode.NORMAL_CLOSURE)
            self._write()
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
        self.heard_at = self._loop.time()
        self._core.receive_data(data)
        self._take()

    def eof_received(self) -> None:
        self._core.receive_eof()
        self._take()

    def connection_lost(self, _: Exception | None) -> None:
        self._core.receive_eof()
        if not self._opened.done():
            self._opened.set_exception(InvalidMessage("the connection was lost before the upgrade"))
        elif not self._opened.exception():
            self._tell_lost()
        self._closed.set_result(None)

    def pause_writing(self) -> None:
        self.stuck_since = self._loop.time()

    def resume_writing(self) -> None:
        self.stuck_since = None

    def _take(self) -> None:
        events = self._core.events_received()
        if not self._opened.done():
            self._upgrade()
        for event in events:
            if isinstance(event, Frame) and event.opcode in DATA:
                self._frame(event)
        if self._core.close_rcvd:
            self._tell_lost()
        self._write()
        if self._core.state is not OPEN:
            self._leave()

    def _upgrade(self) -> None:
        """Tell of the upgrade before the first frame, which may have come with it."""
        if refusal := self._core.handshake_exc:
            self._opened.set_exception(refusal)
        elif self._core.state is not CONNECTING:  # it may have been closed in the same breath
            self._opened.set_result(None)
            self._ears.model_opened(self)

    def _frame(self, frame: Frame) -> None:
        if frame.fin and not self._parts:
            self._ears.model_said(bytes(frame.data))
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            message = b"".join(self._parts)
            self._parts.clear()
            self._ears.model_said(message)

    def _tell_lost(self) -> None:
        if not self._told:
            self._told = True
            received = self._core.close_rcvd
            self._ears.model_lost(*(received.code, received.reason) if received else (None, ""))

    def _leave(self) -> None:
        """See to it that a model which does not leave when it should is left."""
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


def _looked_at(opened: asyncio.Future[None]) -> None:
    """Take note of a refusal that nobody waits for any more."""
    if not opened.cancelled():
        opened.exception()
