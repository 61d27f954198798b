"""The media socket's door step: the ticket is looked at before the upgrade, and no model is dialled for a bad one."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from api.webhooks import bad_request, refused
from calls.switchboard import Switchboard
from media.platforms import PLATFORMS
from media.ticket import read

SUBPROTOCOLS = ("audio.jambonz.org", "audio.drachtio.org")
"What jambonz' media module offers: the installer's name, the module's own (mod_audio_fork.h)."
MAX_MESSAGE_BYTES = 1024 * 1024
"Twice what five seconds of stereo at 24 kHz come to, the most that the module keeps (MOD_AUDIO_FORK_BUFFER_SECS)."
CLOSE_TIMEOUT_S = 1.0


def handler(switchboard: Switchboard, *, secret: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve `GET /media/{platform}/{ticket}`."""

    async def media(request: web.Request) -> web.StreamResponse:
        ticket = read(request.match_info["ticket"], secret)
        if ticket is None or ticket.purpose != "media" or request.match_info["platform"] not in PLATFORMS:
            raise refused(403, "bad_ticket", "this URL was not made here")
        socket = _socket(request, heartbeat_s=switchboard.settings.server.heartbeat_s)
        line = await switchboard.media(ticket)
        if line is None:
            raise refused(410, "used_ticket", "this media URL was used already, or its call is over")
        await socket.prepare(request)
        await line.serve(socket)
        return socket

    return media


def _socket(request: web.Request, *, heartbeat_s: float) -> web.WebSocketResponse:
    """Check the handshake before the ticket is spent on it: aiohttp accepts what the platform then rejects."""
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name.strip()]
    if offered and not set(offered) & set(SUBPROTOCOLS):
        raise bad_request(f"offer one of the subprotocols {', '.join(SUBPROTOCOLS)}, or none")
    socket = web.WebSocketResponse(
        protocols=SUBPROTOCOLS if offered else (),
        heartbeat=heartbeat_s,
        max_msg_size=MAX_MESSAGE_BYTES + 1,  # aiohttp refuses from there on
        timeout=CLOSE_TIMEOUT_S,
        compress=False,
    )
    if not socket.can_prepare(request):
        raise bad_request("a media socket begins with a websocket upgrade")
    return socket
