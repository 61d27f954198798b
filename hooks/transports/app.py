"""`app://CALL/HOOK`: a hook that goes over the socket by which its call's application gave its verbs.

So events, tool calls, ends and statuses of a websocket application have the same outbox as those that are posted:
order, lanes, retries and redaction are the dispatcher's, whatever carries them. Headers have no place on that socket.
"""

import asyncio
from http import HTTPStatus
from typing import Protocol

from hooks.control_socket import key_of, read_address
from hooks.transports.base import HookReply, HookRequest, HookTimeout


class Peer(Protocol):
    """A call's application at the other end of its socket."""

    async def carry(self, request: HookRequest) -> HookReply:
        """Tell it, or ask it, and give its answer as an HTTP application's would be; raise HookFailure."""


class AppTransport:
    """Knows the applications of all calls of this process that have a socket."""

    schemes: tuple[str, ...] = ("app",)

    def __init__(self) -> None:
        self._peers: dict[str, Peer] = {}

    def join(self, call_sid: str, peer: Peer) -> None:
        self._peers[key_of(call_sid)] = peer

    def leave(self, call_sid: str, peer: Peer) -> None:
        if self._peers.get(key_of(call_sid)) is peer:
            del self._peers[key_of(call_sid)]

    async def send(self, request: HookRequest) -> HookReply:
        peer = self._peers.get(read_address(request.url).call_sid)
        if peer is None:
            return HookReply(HTTPStatus.GONE)  # its call is over, and nothing brings the socket back
        try:
            async with asyncio.timeout(request.timeout_s):
                return await peer.carry(request)
        except TimeoutError as error:
            raise HookTimeout(f"no complete answer within {request.timeout_s:g} s") from error

    async def close(self) -> None:
        """Each application closes its own socket."""
