"""The control socket: the platform asks by websocket what it would else ask by webhooks.

Nobody signs it; basic auth is its proof (feature-server lib/utils/ws-requestor.js). It is never closed with 1000:
for jambonz that means that the application has done with the call.
"""

import asyncio
from typing import NamedTuple

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from api import trust
from api.webhooks import Webhooks, admit, bad_request, secrets_of
from calls.session import Misused, Session, Unreadable, Wire
from calls.sessions import Sessions
from config.settings import Settings
from hooks.flood import Flood
from media.control import ControlDialect
from media.platforms import PLATFORMS

log = structlog.get_logger("api")

MAX_MESSAGE_BYTES = 256 * 1024
"As much as a webhook's body may have; session:new carries the INVITE."
CLOSE_TIMEOUT_S = 1.0
USE_POST = "This is a call webhook, and GET carries nothing: configure POST in the platform's application.\n"


class Ended(NamedTuple):
    """How a socket came to its end."""

    ours: int | None = None
    "The code to close it with, where that is for us to do."
    theirs: int | None = None
    "The code with which the platform closed it."


class ControlSockets:
    """`GET /call` with an upgrade, and the one that a child leg's call makes of it (place-outdial.js doAdulting)."""

    def __init__(self, sessions: Sessions, webhooks: Webhooks) -> None:
        self._sessions = sessions
        self._webhooks = webhooks

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/call", self.serve), web.get("/call/adulting", self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        settings = self._settings
        dialect = PLATFORMS[settings.platform.kind].control
        if dialect is None or request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=405, headers={"Allow": "POST, OPTIONS"}, text=USE_POST)
        facts = trust.facts_of(request, "control")
        admit(facts, settings)
        seat = self._webhooks.seat(request, authenticated=trust.is_authenticated(facts, secrets_of(settings)))
        socket = _socket(request, dialect, heartbeat_s=settings.server.heartbeat_s)
        await socket.prepare(request)
        outbox: asyncio.Queue[str | int] = asyncio.Queue()
        session = Session(self._sessions, Wire(outbox.put_nowait, outbox.put_nowait), seat)
        writing = asyncio.create_task(_write(request, socket, outbox, settings.server.send_timeout_s))
        end = Ended()
        try:
            end = await self._read(socket, session)
            outbox.put_nowait(end.ours or WSCloseCode.GOING_AWAY)
            await writing
        finally:
            writing.cancel()
            session.lost(for_good=end.theirs == WSCloseCode.OK)
        return socket

    async def _read(self, socket: web.WebSocketResponse, session: Session) -> Ended:
        """Read until the socket is closed, or is to be."""
        try:
            return await self._listen(socket, session)
        except Misused as fault:
            return self._refused(session, WSCloseCode.POLICY_VIOLATION, str(fault))
        except TimeoutError:
            return self._refused(session, WSCloseCode.POLICY_VIOLATION, "no message came in time")

    async def _listen(self, socket: web.WebSocketResponse, session: Session) -> Ended:
        now, flood = asyncio.get_running_loop().time, Flood()
        while True:
            # What opens a call has as long as a webhook's body has; then it may be silent for hours.
            message = await socket.receive(None if session.call_sid else self._settings.server.body_timeout_s)
            if message.type is WSMsgType.BINARY:
                return self._refused(session, WSCloseCode.UNSUPPORTED_DATA, "a binary message")
            if message.type is not WSMsgType.TEXT:
                return Ended(theirs=message.data if message.type is WSMsgType.CLOSE else None)
            self._take(session, message.data)
            wait_s = flood.wait_s(now())
            if wait_s is None:
                return self._refused(session, WSCloseCode.POLICY_VIOLATION, "a flood of messages that does not end")
            if wait_s:
                await asyncio.sleep(wait_s)

    def _take(self, session: Session, text: str) -> None:
        """Let a session take a message; one that cannot be read is told of, without anything that it held."""
        try:
            session.said(text)
        except Unreadable as fault:
            log.warning("control_message_unreadable", call_sid=session.call_sid, message=str(fault))
            self._webhooks.count("unreadable_message")

    def _refused(self, session: Session, code: WSCloseCode, why: str) -> Ended:
        log.warning("control_socket_refused", call_sid=session.call_sid or None, code=int(code), message=why)
        self._webhooks.count("misused_socket")
        return Ended(ours=int(code))

    @property
    def _settings(self) -> Settings:
        return self._sessions.switchboard.settings


async def _write(
    request: web.Request, socket: web.WebSocketResponse, outbox: "asyncio.Queue[str | int]", send_timeout_s: float
) -> None:
    """Send what is said, in order; a number is the code to close with. Who does not read is cut off."""
    try:
        while isinstance(message := await outbox.get(), str):
            async with asyncio.timeout(send_timeout_s):
                await socket.send_str(message)
        async with asyncio.timeout(send_timeout_s):
            await socket.close(code=message)
    except (ConnectionError, TimeoutError):
        if request.transport:
            request.transport.abort()


def _socket(request: web.Request, dialect: ControlDialect, *, heartbeat_s: float) -> web.WebSocketResponse:
    """Check the handshake before it is answered: aiohttp accepts what the platform then rejects."""
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if dialect.subprotocol not in offered:
        raise bad_request(f"offer the subprotocol {dialect.subprotocol}")
    socket = web.WebSocketResponse(
        protocols=(dialect.subprotocol,),
        heartbeat=heartbeat_s,
        max_msg_size=MAX_MESSAGE_BYTES + 1,  # aiohttp refuses from there on
        timeout=CLOSE_TIMEOUT_S,
        compress=False,
    )
    if not socket.can_prepare(request):
        raise bad_request("a control socket begins with a websocket upgrade")
    return socket
