"""Calls as streams of server-sent events (WHATWG HTML, "Server-sent events").

A listener reads the call's journal at its own pace and has no queue; one that does not read at all is cut off. What
it costs the call is one callback for each event, and nothing where nobody listens.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import web

from api.webhooks import refused
from calls.journal import Journal
from config.settings import Server

MAX_LISTENERS = 100
OVER = "end"
"What ends the id of a last event: who comes back after it is told, by 204, to stay away."
RECORD = "record"
"Names the events of a call that is over."
NUMBER = re.compile(r"[0-9]{1,9}")
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Streams:
    """All listeners of this process."""

    def __init__(self) -> None:
        self._listeners = 0

    async def follow(self, request: web.Request, journal: Journal, server: Server) -> web.StreamResponse:
        """Tell a call as it happens, from the beginning or from the last event that the listener has seen, to its end.

        :raises Refused: too many listen already
        """
        return await self._serve(request, _news(journal, _seen(request, journal.name), server.heartbeat_s), server)

    async def tell(
        self, request: web.Request, events: Sequence[tuple[str, dict[str, Any]]], server: Server
    ) -> web.StreamResponse:
        """Tell a call that is over."""
        return await self._serve(request, _past(events, _seen(request, RECORD)), server)

    async def _serve(
        self, request: web.Request, parts: AsyncGenerator[str, None], server: Server
    ) -> web.StreamResponse:
        if _last_id(request).endswith(f"-{OVER}"):
            return web.Response(status=204)
        if self._listeners >= MAX_LISTENERS:
            raise refused(503, "too_many_listeners", f"{MAX_LISTENERS} streams are open already")
        response = web.StreamResponse(headers=HEADERS)
        self._listeners += 1
        try:
            await response.prepare(request)
            await _write(response, parts, server.send_timeout_s)
        except (ConnectionError, TimeoutError):  # it is gone, or does not read
            if request.transport:
                request.transport.abort()
        finally:
            self._listeners -= 1
        return response


async def _write(response: web.StreamResponse, parts: AsyncGenerator[str, None], send_timeout_s: float) -> None:
    async with aclosing(parts):
        async for part in parts:
            async with asyncio.timeout(send_timeout_s):
                await response.write(part.encode())


async def _news(journal: Journal, seen: int, heartbeat_s: float) -> AsyncGenerator[str, None]:
    woken = asyncio.Event()
    journal.listeners.add(woken.set)
    try:
        while True:
            woken.clear()
            lost, events = journal.since(seen)
            if lost:
                yield _part("", "dropped", {"count": lost})
            for event in events:
                yield _part(f"{journal.name}-{_number(event.n, event.kind)}", event.kind, event.data)
            seen = events[-1].n if events else seen
            if journal.over and not events:
                return
            if not (events or await _is_set(woken, heartbeat_s)):
                yield ": nothing new\n\n"
    finally:
        journal.listeners.discard(woken.set)


async def _is_set(woken: asyncio.Event, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            return await woken.wait()
    return False


async def _past(events: Sequence[tuple[str, dict[str, Any]]], seen: int) -> AsyncGenerator[str, None]:
    for n, (kind, data) in enumerate(events, 1):
        if n > seen:
            yield _part(f"{RECORD}-{_number(n, kind)}", kind, data)


def _number(n: int, kind: str) -> str:
    return OVER if kind == OVER else str(n)


def _part(id_: str, kind: str, data: dict[str, Any]) -> str:
    name = f"id: {id_}\n" if id_ else ""
    return f"{name}event: {kind}\ndata: {json.dumps(data)}\n\n"


def _last_id(request: web.Request) -> str:
    return request.headers.get("Last-Event-ID", "")


def _seen(request: web.Request, name: str) -> int:
    """Give the number of the last event of this name that the listener has seen."""
    of, _, number = _last_id(request).rpartition("-")
    return int(number) if of == name and NUMBER.fullmatch(number) else 0
