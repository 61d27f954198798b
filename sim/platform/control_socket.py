"""The door of the control sockets of a call: one connection after the other, text in and text out."""

import asyncio
import socket
from typing import Protocol

import aiohttp

from sim.platform.effects import CloseControl, OpenControl, SendControl
from sim.platform.ws_requestor import SUBPROTOCOL

HANDSHAKE_TIMEOUT_S = 1.5
"JAMBONES_WS_HANDSHAKE_TIMEOUT_MS"
CLOSE_TIMEOUT_S = 2.0
BROKEN = 1006
"No close frame came."
OFFERED_COMPRESSION = 15
"permessage-deflate with the largest window, as jambonz offers it."


Outbox = asyncio.Queue[str | int | None]
"Text to send, a code to close with, or None: break off."


class Listener(Protocol):
    """Who is told what happens on the sockets."""

    def control_opened(self) -> None: ...
    def control_refused(self, why: str, *, retry: bool) -> None: ...
    def control_said(self, socket: int, text: str) -> None: ...
    def control_closed(self, socket: int, code: int) -> None: ...


class ControlSockets:
    """Opened, written and closed by number; `scope` is the call's."""

    def __init__(self, session: aiohttp.ClientSession, scope: asyncio.TaskGroup, listener: Listener) -> None:
        self._session, self._scope, self._listener = session, scope, listener
        self._outboxes: dict[int, Outbox] = {}
        self._leaving: set[int] = set()

    def open(self, wanted: OpenControl) -> None:
        self._outboxes[wanted.socket] = asyncio.Queue()
        self._scope.create_task(self._hold(wanted))

    def send(self, message: SendControl) -> None:
        self._outboxes[message.socket].put_nowait(message.text)

    def close(self, closing: CloseControl) -> None:
        self._outboxes[closing.socket].put_nowait(closing.code)

    def drop(self) -> None:
        """Break the connection of now without a close frame, as a lost network does."""
        if self._outboxes:
            self._outboxes[max(self._outboxes)].put_nowait(None)

    async def _hold(self, wanted: OpenControl) -> None:
        connection = await self._opened(wanted)
        if connection is None:
            return
        async with connection:
            self._listener.control_opened()
            writer = asyncio.create_task(self._write(connection, wanted.socket))
            await self._read(connection, wanted.socket)
            if wanted.socket not in self._leaving:  # else it is closing, with a code of its own
                writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        code = connection.close_code
        self._listener.control_closed(wanted.socket, BROKEN if code is None else code)

    async def _opened(self, wanted: OpenControl) -> aiohttp.ClientWebSocketResponse | None:
        headers = {"Authorization": aiohttp.encode_basic_auth(*wanted.auth)} if wanted.auth else None
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                connection = await self._session.ws_connect(
                    wanted.url,
                    protocols=(SUBPROTOCOL,),
                    headers=headers,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                    compress=OFFERED_COMPRESSION,
                    max_msg_size=0,  # the limit is kept in ws_requestor.py
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            self._listener.control_refused(_reason(error), retry=isinstance(error, aiohttp.ClientConnectionError))
            return None
        if connection.protocol == SUBPROTOCOL:
            return connection
        await connection.close()
        self._listener.control_refused("Server sent no subprotocol", retry=False)
        return None

    async def _read(self, connection: aiohttp.ClientWebSocketResponse, number: int) -> None:
        async for message in connection:
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                text = message.data if isinstance(message.data, str) else message.data.decode(errors="replace")
                self._listener.control_said(number, text)

    async def _write(self, connection: aiohttp.ClientWebSocketResponse, number: int) -> None:
        while True:
            match await self._outboxes[number].get():
                case str() as text:
                    await connection.send_str(text)
                case int() as code:
                    self._leaving.add(number)
                    await connection.close(code=code)
                    return
                case None:
                    _break_off(connection)


def _break_off(connection: aiohttp.ClientWebSocketResponse) -> None:
    plug = connection.get_extra_info("socket")
    if plug is not None:
        plug.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"{error.status} {error.message}"
    return "Opening handshake has timed out" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
