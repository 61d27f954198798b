"""The socket to one call's application: kept for as long as its session wants one, lost and found again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import aiohttp
import structlog

from egress.guard import TRUSTED
from hooks.control_socket import PROTOCOL, ControlSocket, Effect, Send
from hooks.flood import Flood
from hooks.transports.base import HookBlocked, HookBroken, HookFailure, HookUnreachable
from hooks.transports.http import blocked_by, client_session
from tasks import Tasks

log = structlog.get_logger(__name__)

ACK_TIMEOUT_S: Final = 5.0
"jambonz' own (RESPONSE_TIMEOUT_MS): for the verbs of a new call, and for the answer to a reconnect."
CLOSING_S: Final = 1.0
MAX_MESSAGE_BYTES: Final = 256 * 1024


class Line:
    """`perform` is given what the session decides, but for what is to be sent."""

    def __init__(
        self,
        url: str,
        session: ControlSocket,
        perform: Callable[[Effect], None],
        *,
        call_sid: str,
        heartbeat_s: float,
        send_timeout_s: float,
    ) -> None:
        self._url = url
        self._session = session
        self._perform = perform
        self._log = log.bind(call_sid=call_sid)
        self._heartbeat_s = heartbeat_s
        self._send_timeout_s = send_timeout_s
        self._http = client_session(TRUSTED)  # only the configuration gives an application with a socket its URL
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._settled = asyncio.Event()
        "Set while the session is up, and once it is done."
        self._hurry = asyncio.Event()
        self._flood = Flood()
        self._tasks = Tasks()
        self._closed = False
        self.failure: HookFailure = HookUnreachable("no connection")
        "Why there is no session."

    @property
    def open(self) -> bool:
        return self._socket is not None

    async def settled(self) -> None:
        """Wait until the session is up, or done; one that is down is looked for at once."""
        while not (self._session.up or self._session.done):
            self._hurry.set()
            await self._settled.wait()

    async def send(self, text: str) -> None:
        """Send a message; HookBroken where that cannot be, or was lost on its way. Who does not read is left."""
        if (socket := self._socket) is None:
            raise HookBroken("the application's socket is gone")
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await socket.send_str(text)
        except TimeoutError:
            self._tasks.start(_left(socket))
            raise HookBroken("the application does not read its socket") from None
        except (ConnectionError, aiohttp.ClientError) as error:
            raise HookBroken("the application's socket was lost") from error

    async def stay(self) -> None:
        """Keep a socket until the session is done."""
        while (wait_s := self._session.next_try_s()) is not None:
            await self._pause(wait_s)
            if self._closed:  # meanwhile
                break
            if (socket := await self._connect()) is not None:
                await self._read(socket)
        self._settled.set()

    async def close(self, code: int) -> None:
        """Leave the application. `stay` ends by it."""
        self._closed = True
        self._session.finish()
        self._settled.set()
        self._hurry.set()
        try:
            if self._socket is not None:
                await _left(self._socket, code)
        finally:  # a server that stops does not wait for an application to agree to the end
            await self._tasks.cancel()
            await self._http.close()

    async def _pause(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._hurry.wait()
        self._hurry.clear()

    async def _connect(self) -> aiohttp.ClientWebSocketResponse | None:
        """Open a socket, or tell the session that there is none."""
        try:
            return await connected(self._http, self._url, heartbeat_s=self._heartbeat_s)
        except HookFailure as failure:
            if isinstance(failure, HookBlocked):
                self._log.warning("egress.blocked", host=failure.host, why=failure.why)
            self.failure = failure
            self._session.failed(refused=not isinstance(failure, HookUnreachable))
        return None

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        watch = asyncio.get_running_loop().call_later(ACK_TIMEOUT_S, self._leave_unless_up, socket)
        try:
            await self._do(self._session.opened())
            async for message in socket:
                if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    await self._do(self._session.said(message.data))
                    await self._hold_back(socket)
        except HookBroken:
            await _left(socket)
        finally:
            watch.cancel()
            self._socket = None
            self._settled.clear()
            self._session.closed(socket.close_code)
        if not self._closed:
            self._log.warning("application.dropped", code=socket.close_code)

    async def _hold_back(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Let who floods us wait: every call of this process is in the same loop."""
        wait_s = self._flood.wait_s(asyncio.get_running_loop().time())
        if wait_s is None:
            await socket.close(code=aiohttp.WSCloseCode.POLICY_VIOLATION)
        elif wait_s:
            await asyncio.sleep(wait_s)

    def _leave_unless_up(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        if not self._session.up:
            self._tasks.start(_left(socket))

    async def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                await self.send(effect.text)
            else:
                self._perform(effect)
        if self._session.up:
            self._settled.set()


async def connected(http: aiohttp.ClientSession, url: str, *, heartbeat_s: float) -> aiohttp.ClientWebSocketResponse:
    """Open a socket to an application, as a platform does for a new call, and say nothing yet.

    :raises HookUnreachable: there is none to be had now; HookBlocked: nor may there be
    :raises HookFailure: it refuses us, or speaks something else
    """
    try:
        async with asyncio.timeout(ACK_TIMEOUT_S):
            socket = await http.ws_connect(
                url,
                protocols=(PROTOCOL,),
                heartbeat=heartbeat_s,
                max_msg_size=MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSING_S),
            )
    except aiohttp.WSServerHandshakeError as error:
        raise HookFailure(f"the application answered the upgrade with HTTP {error.status}") from error
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        if blocked := blocked_by(error):
            raise HookBlocked(blocked.address, blocked.why) from error
        raise HookUnreachable(f"no connection: {type(error).__name__}") from error
    if socket.protocol != PROTOCOL:
        await socket.close()
        raise HookFailure(f"the application does not speak the subprotocol {PROTOCOL}")
    return socket


async def _left(socket: aiohttp.ClientWebSocketResponse, code: int = aiohttp.WSCloseCode.GOING_AWAY) -> None:
    """Close in order, or break off where not even the close can be sent (aiohttp does so when that is cancelled)."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * CLOSING_S):  # one for our close to leave, one for theirs to come
            await socket.close(code=code)
