"""From HTTP to a media socket: aiohttp has read the request, websockets judges it, and the connection is ours then."""

from collections.abc import Sequence

from aiohttp import web
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from media.sockets.platform import PlatformSocket

SWITCHING = 101


class Upgrade:
    """What a platform asked for when it opened its media socket."""

    def __init__(self, request: web.Request, subprotocols: Sequence[str]) -> None:
        """Judge the request; it may offer one of `subprotocols`, or none.

        :raises ValueError: it asks for no websocket, or for one that is not to be had here; the text says why
        """
        asked = Headers(request.headers.items())
        spoken = [Subprotocol(name) for name in subprotocols] if "Sec-WebSocket-Protocol" in asked else None
        judge = ServerProtocol(subprotocols=spoken)
        version = f"HTTP/{request.version.major}.{request.version.minor}"
        self._answer = judge.accept(Request(request.path_qs, asked, request.method, version))
        if self._answer.status_code != SWITCHING:
            raise ValueError(str(judge.handshake_exc))
        self._request = request

    def begin(self, socket: PlatformSocket) -> None:
        """Say yes: from here on the connection is the socket's."""
        transport, host = self._request.transport, self._request.protocol
        if transport is None:  # the platform did not wait for an answer
            socket.connection_lost(None)
            return
        transport.write(self._answer.serialize())
        host.set_parser(early := _Early())  # type: ignore[arg-type]  # all that is asked of it is to take what came early
        host.transport = None  # or it would close what is not its own any more
        host.connection_lost(None)
        socket.take_over(transport)
        if early.data:
            socket.data_received(early.data)

    @property
    def response(self) -> web.StreamResponse:
        """What the HTTP server has for an answer: it was given."""
        return _Answered(status=SWITCHING)


class _Early:
    """What came after the request, from a platform that did not wait for the answer, as aiohttp hands it over."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """The socket hears of the end by itself."""


class _Answered(web.StreamResponse):
    """A response that is out, on a connection that is closed."""

    async def prepare(self, _: web.BaseRequest) -> None:
        """It was sent."""

    async def write_eof(self, _: bytes = b"") -> None:
        """There is nothing more to write."""
