"""What operators read of calls: lists, records, recordings, and the hooks that could not be delivered."""

import asyncio
from pathlib import Path
from time import time
from typing import Any

from aiohttp import web

from api import trust
from api.paging import MAX_LIMIT, Query, entry_cursor, place_cursor, sought
from api.streams import Streams
from api.webhooks import admit, refused
from calls import account
from calls.dispatchers import Dispatchers
from calls.records import Found
from calls.switchboard import Switchboard
from store.deliveries import Delivery, shown
from store.recordings import Recordings
from store.summaries import entry

LIST = ("limit", "cursor", "state", "route", "direction", "reason_code", "since", "until", "from", "to", "number")
MAX_HOOKS = 1000
"Of one call, the newest: more are in the record's numbers only."
PRIVATE = {"Cache-Control": "no-store"}


def routes(switchboard: Switchboard, dispatchers: Dispatchers) -> list[web.RouteDef]:
    desk = _Desk(switchboard, dispatchers)
    return [
        web.get("/api/calls", desk.calls),
        web.get("/api/calls/{sid}", desk.call),
        web.get("/api/calls/{sid}/events", desk.events),
        web.get("/api/calls/{sid}/recording.wav", desk.recording),
        web.get("/api/hooks", desk.hooks),
        web.post("/api/hooks/{id}/replay", desk.replay),
    ]


class _Desk:
    def __init__(self, switchboard: Switchboard, dispatchers: Dispatchers) -> None:
        self._switchboard = switchboard
        self._records = switchboard.records
        self._dispatchers = dispatchers
        self._streams = Streams()

    async def calls(self, request: web.Request) -> web.Response:
        self._admit(request)
        query = Query(request, LIST)
        wanted, after, limit = sought(query), query.place(), query.limit()
        found, next_ = await self._records.page(wanted, after, limit=limit)
        now_s = time()
        listed = [account.listed(call, now_s=now_s) for call in found]
        return _json({"calls": listed, "next": place_cursor(next_) if next_ else None})

    async def call(self, request: web.Request) -> web.Response:
        self._admit(request)
        found = await self._find(request)
        listed = account.listed(found.summary, now_s=time())
        whole = account.whole(found.row, found.said, await self._hooks_of(found))
        recorded = await self._recording(found)
        url = f"/api/calls/{found.row.call_sid}/recording.wav" if recorded else None
        return _json({**listed, **whole, "recording": url})

    async def events(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        found = await self._find(request)
        server = self._switchboard.settings.server
        if journal := self._records.journal(found.row.call_sid):
            return await self._streams.follow(request, journal, server)
        if found.row.state != "completed":
            raise refused(409, "call_state", "this call is just being taken over, or left: ask again in a moment")
        told = account.events(found.row, found.said, await self._hooks_of(found))
        return await self._streams.tell(request, list(told), server)

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """Give the recording; of a call that goes on, what there is of it."""
        self._admit(request)
        found = await self._find(request)
        path = await self._recording(found)
        if path is None:
            message = "there is no recording: set media.record: true in the call's route before it begins"
            raise refused(404, "not_recorded", message)
        return web.FileResponse(path, headers={**PRIVATE, "Content-Type": "audio/wav"})

    async def hooks(self, request: web.Request) -> web.Response:
        """Give what `outbox list --json` does; where there is more, the `Link` header says where."""
        self._admit(request)
        query = Query(request, ("limit", "cursor"))
        limit = query.limit() if query.text("limit") else MAX_LIMIT
        found = await self._dispatchers.left(query.entry(), limit=limit + 1)
        more = {}
        if len(found) > limit:
            url = request.rel_url.with_query({"limit": str(limit), "cursor": entry_cursor(entry(found[limit - 1]))})
            more = {"Link": f'<{url}>; rel="next"'}
        return _json([_entry(row) for row in found[:limit]], **more)

    async def replay(self, request: web.Request) -> web.Response:
        """202: it is on its way again, from the start of its schedule."""
        self._admit(request)
        webhook_id = request.match_info["id"]
        if not await self._dispatchers.replay(webhook_id):
            raise refused(404, "hook_unknown", "no hook of this id is dead or pending")
        return web.json_response({"id": webhook_id, "state": "pending"}, status=202)

    def _admit(self, request: web.Request) -> None:
        admit(trust.facts_of(request, "admin"), self._switchboard.settings)

    async def _find(self, request: web.Request) -> Found:
        found = await self._records.find(request.match_info["sid"])
        if found is None:
            raise refused(404, "call_unknown", "no such call: it never was, or its record is older than retention_days")
        return found

    async def _hooks_of(self, found: Found) -> list[Delivery]:
        return await self._dispatchers.of_call(found.row.call_sid, limit=MAX_HOOKS)

    async def _recording(self, found: Found) -> Path | None:
        await self._records.written(found.row.id)
        folder = Recordings(Path(self._switchboard.settings.server.recordings_dir))
        return await asyncio.to_thread(folder.find, found.row.id)


def _entry(row: Delivery) -> dict[str, Any]:
    """Give a delivery as the command `outbox list` does."""
    names = ("kind", "call_sid", "seq", "state", "attempts", "next_at", "last_error")
    return {"id": row.webhook_id, **{name: getattr(row, name) for name in names}, "url": shown(row.url)}


def _json(value: object, **headers: str) -> web.Response:
    return web.json_response(value, headers={**PRIVATE, **headers})
