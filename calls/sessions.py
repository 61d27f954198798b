"""The control sockets of this process: which is whose, and what a new call is answered by any of them."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

import structlog

from calls.control import Control
from calls.document import FAULT, Seat
from calls.switchboard import Switchboard
from media.platforms.base import Call
from tasks import Tasks

log = structlog.get_logger("calls")

GOING_AWAY = 1001
SERVICE_RESTART = 1012
KNOWN_WITHIN_S = 0.5
"A reconnect is acknowledged without a document after so long; the platform hangs up after five seconds."


class ControlSocket(Control, Protocol):
    """What a session is to the others."""

    call_sid: str
    seat: Seat

    def close(self, code: int) -> None: ...


class Sessions:
    """All control sockets of this process. `secret` signs the tickets."""

    def __init__(self, switchboard: Switchboard, *, secret: bytes) -> None:
        self.switchboard = switchboard
        self.secret = secret
        self.tasks = Tasks()
        self._open: set[ControlSocket] = set()
        self._of_call: dict[str, ControlSocket] = {}
        self._answering: dict[str, asyncio.Task[bytes]] = {}

    def opened(self, socket: ControlSocket) -> None:
        self._open.add(socket)

    def attach(self, socket: ControlSocket) -> bool:
        """Let this be the socket of its call, if it is still open, and tell so; one that was is closed."""
        if socket not in self._open:
            self.switchboard.detach(socket.call_sid, socket, for_good=False)
            return False
        before = self._of_call.get(socket.call_sid)
        self._of_call[socket.call_sid] = socket
        self.switchboard.attach(socket.call_sid, socket)
        if before and before is not socket:
            before.close(GOING_AWAY)
        return True

    def lost(self, socket: ControlSocket, *, for_good: bool) -> None:
        self._open.discard(socket)
        if self._of_call.get(socket.call_sid) is socket:
            del self._of_call[socket.call_sid]
        self.switchboard.detach(socket.call_sid, socket, for_good=for_good)

    def restart(self) -> None:
        """Send every platform to the process that comes next; one that comes back meanwhile is served."""
        for socket in self._open:
            socket.close(SERVICE_RESTART)

    async def close(self) -> None:
        await self.tasks.cancel()

    async def document(self, call: Call, socket: ControlSocket) -> bytes:
        """Give a new call's document, asked for once however many sockets ask."""
        sid = call.call_sid
        if sid not in self._answering:
            answer = self.switchboard.answer(call, socket.seat, control=socket)
            self._answering[sid] = self.tasks.start(_or_fault(answer, sid))
            self._answering[sid].add_done_callback(lambda _: self._answering.pop(sid))
        document = await asyncio.shield(self._answering[sid])
        self.attach(socket)
        return document

    async def adulting(self, call: Call, socket: ControlSocket) -> bytes:
        """Give the document of a leg that became a call of its own."""
        document = await self.switchboard.adulting(call, socket.seat, control=socket)
        self.attach(socket)
        return document

    async def known(self, call_sid: str) -> bytes | None:
        """Give what a call was answered with, or is being; None for a call that we do not know.

        An answer that is on its way is waited for: it is what the platform still waits for, too.
        """
        if answering := self._answering.get(call_sid):
            return await asyncio.shield(answering)
        return await self.switchboard.first_document(call_sid)

    async def known_in_time(self, call_sid: str) -> bytes | None:
        """Give the same; None also where it cannot be told at once, and is not on its way."""
        if call_sid in self._answering:
            return await self.known(call_sid)
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_WITHIN_S):
                return await self.known(call_sid)
        return None

    async def in_time(self, answering: Coroutine[Any, Any, bytes], patience_s: float) -> bytes | None:
        """Give a hook's answer; None where it takes longer than the platform waits."""
        try:
            async with asyncio.timeout(patience_s):
                return await answering
        except TimeoutError:
            return None


async def _or_fault(answer: Coroutine[Any, Any, bytes], call_sid: str) -> bytes:
    """Give a new call's document; what can be said without one where we failed to make it."""
    try:
        return await answer
    except Exception:
        log.exception("call_failed", call_sid=call_sid)
        return FAULT
