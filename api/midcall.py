"""What operators ask of a conversation that goes on: items, events, the caller's audio, the agent's speech, a reset."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from api.calls import Desk
from api.webhooks import Refused, Webhooks, refused
from calls.requested import request_of
from calls.switchboard import Switchboard
from media.effects import How
from media.platforms.base import PlatformError, read_json

STATUS: Mapping[How, int] = {
    "done": 200,
    "sent": 202,
    "refused": 422,
    "unknown": 404,
    "busy": 429,
    "away": 409,
    "lost": 503,
    "late": 504,
    "over": 409,
}


def routes(switchboard: Switchboard, webhooks: Webhooks) -> list[web.RouteDef]:
    desk = _Midcall(switchboard, webhooks)
    return [
        web.post("/api/calls/{sid}/items", desk.asked(desk.told)),
        web.get("/api/calls/{sid}/items/{item_id}", desk.asked(desk.item)),
        web.post("/api/calls/{sid}/events", desk.asked(desk.event)),
        web.post("/api/calls/{sid}/input", desk.asked(desk.told)),
        web.post("/api/calls/{sid}/interrupt", desk.asked(desk.told)),
        web.post("/api/calls/{sid}/reset", desk.asked(desk.told)),
    ]


class _Midcall(Desk):
    """Each answers when it is known what came of it, and that is soon: see `media.requests`."""

    async def told(self, request: web.Request) -> web.Response:
        return await self._ask(request, request.path.rpartition("/")[2], await _body(request))

    async def event(self, request: web.Request) -> web.Response:
        return await self._ask(request, "events", {"event": await _body(request)})

    async def item(self, request: web.Request) -> web.Response:
        return await self._ask(request, "item", {"item_id": request.match_info["item_id"]})

    async def _ask(self, request: web.Request, name: str, told: Any) -> web.Response:
        call_sid = request.match_info["sid"]
        outcome = await self._switchboard.midcall.ask(call_sid, request_of(name, told))
        status = STATUS[outcome.how]
        if status < web.HTTPBadRequest.status_code:
            return web.json_response({"call_sid": call_sid, **outcome.told}, status=status)
        # Counted by how, and not by the model's own words.
        raise Refused(web.json_response({"error": outcome.told}, status=status), f"request_{outcome.how}")


async def _body(request: web.Request) -> Any:
    """Read what is asked; nothing at all is an empty object."""
    try:
        return read_json(await request.read() or b"{}")
    except PlatformError as error:
        raise refused(422, "bad_request", str(error)) from error
