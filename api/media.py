"""The media socket's door step: the ticket is looked at before the upgrade, and no model is dialled for a bad one."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from api.webhooks import bad_request, refused
from calls.switchboard import Switchboard
from media.platforms import PLATFORMS
from media.sockets import Upgrade
from media.ticket import read

SUBPROTOCOLS = ("audio.jambonz.org", "audio.drachtio.org")
"What jambonz' media module offers: the installer's name, the module's own (mod_audio_fork.h)."


def handler(switchboard: Switchboard, *, secret: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve `GET /media/{platform}/{ticket}`."""

    async def media(request: web.Request) -> web.StreamResponse:
        ticket = read(request.match_info["ticket"], secret)
        if ticket is None or ticket.purpose != "media" or request.match_info["platform"] not in PLATFORMS:
            raise refused(403, "bad_ticket", "this URL was not made here")
        upgrade = _upgrade(request)
        line = await switchboard.media(ticket)
        if line is None:
            raise refused(410, "used_ticket", "this media URL was used already, or its call is over")
        await line.serve(upgrade)
        return upgrade.response

    return media


def _upgrade(request: web.Request) -> Upgrade:
    """Check the handshake before the ticket is spent on it."""
    try:
        return Upgrade(request, SUBPROTOCOLS)
    except ValueError as error:
        names = ", ".join(SUBPROTOCOLS)
        what = f"a media socket begins with a websocket upgrade that offers one of the subprotocols {names}, or none"
        raise bad_request(f"{what}: {error}") from None
