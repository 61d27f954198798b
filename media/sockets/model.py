"""The model's socket, of which we are the client: what it says goes to its ears, from the upgrade on."""

import asyncio
from typing import Protocol

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidMessage
from websockets.protocol import CLIENT, OPEN
from websockets.protocol import Protocol as WebSocket

from media.sockets.base import Socket
from media.sockets.framing import FIN_TEXT, Masks, masked_frame

END_OF_HEAD = b"\r\n\r\n"
MAX_HEAD_BYTES = 64 * 1024
"Of an answer to the upgrade; what is larger is left to websockets, which refuses it."
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


class ModelSocket(Socket):
    """One socket. `ears` hear of it only once the upgrade has succeeded."""

    def __init__(self, core: ClientProtocol, ears: Ears) -> None:
        """`core` holds the request for the upgrade, to be sent as soon as there is a connection."""
        super().__init__(core, masked=False)
        self._upgrading: ClientProtocol | None = core
        self._ears = ears
        self._head: bytes | None = b""
        "What has come of the answer to the upgrade; None once it is whole."
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._opened.add_done_callback(_looked_at)

    async def handshake(self) -> None:
        """Wait for the upgrade.

        :raises websockets.exceptions.InvalidHandshake: the other side refused, or speaks no websocket
        """
        await asyncio.shield(self._opened)

    def send(self, wire: bytes) -> None:
        """Send one text message; nothing where the socket is no longer open: the ears hear of that by `model_lost`."""
        if self.open and self._transport:
            self._transport.write(masked_frame(FIN_TEXT, wire, MASKS.next()))

    def dismiss(self) -> None:
        """Tell nobody anything of it any more, not even its end."""
        self._ears = Deaf()

    def eof_received(self) -> None:
        if self._head:
            self._core.receive_data(self._head)
        self._head = None
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._core.receive_eof()
            self._opened.set_exception(InvalidMessage("the connection was lost before the upgrade"))
        super().connection_lost(exc)

    def _unopened(self, data: bytes) -> None:
        """Give the answer to the upgrade to the core, and that alone; frames may have come with it."""
        if self._head is None:
            self._leave_to_core(data)
            return
        searched = max(len(self._head) - len(END_OF_HEAD), 0)
        self._head += data
        end = self._head.find(END_OF_HEAD, searched) + len(END_OF_HEAD)
        if end < len(END_OF_HEAD):
            if len(self._head) <= MAX_HEAD_BYTES:
                return
            end = len(self._head)
        head, rest, self._head = self._head[:end], self._head[end:], None
        self._leave_to_core(head)
        if rest:
            self.data_received(rest)

    def _answer(self) -> None:
        if not self._opened.done():
            self._upgrade()
        super()._answer()

    def _upgrade(self) -> None:
        """Tell of the upgrade before the first frame, which may have come with it."""
        if self._upgrading and (refusal := self._upgrading.handshake_exc):
            self._opened.set_exception(refusal)
        elif self._core.state is OPEN:
            # From here on without the request, its answer and their headers.
            self._core, self._upgrading = WebSocket(CLIENT, max_size=self._core.max_message_size), None
            self._opened.set_result(None)
            self._ears.model_opened(self)

    def _said(self, _: int, message: bytes) -> None:
        self._ears.model_said(message)

    def _lost(self, code: int | None, reason: str) -> None:
        if not self._opened.exception():
            self._ears.model_lost(code, reason)


def _looked_at(opened: asyncio.Future[None]) -> None:
    """Take note of a refusal that nobody waits for any more."""
    if not opened.cancelled():
        opened.exception()
