"""The platform's media socket, as it is written to: by one task, in order.

A platform that does not read for a while is waited for, as long as a send may take. It has played what it had by then,
so nothing is played late: when it reads again it forgets what it has got meanwhile, and goes on with what is said now.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from media.effects import Wire

STALLED_S = 1.0
"A send that takes longer has been held up: what stood before it was to be heard within the lead."
CLOSING_S = 3.0
"How long the platform may take to agree to the end: more than its socket waits for the answer to a close."


class PlatformSocket:
    """`socket` is set when the platform has come. `silence` gives what makes it forget what it has not played."""

    def __init__(self, silence: Callable[[], Wire], log: FilteringBoundLogger) -> None:
        self.socket: web.WebSocketResponse | None = None
        self.writing_since = inf
        "When the send began that is under way; monotonic seconds."
        self._silence = silence
        self._log = log
        self._now = asyncio.get_running_loop().time
        self._wires: deque[Wire] = deque()
        self._news = asyncio.Event()

    def put(self, wire: Wire) -> None:
        self._wires.append(wire)
        self._news.set()

    async def write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._wires:
                await self._send(self._wires.popleft())

    async def close(self, code: int) -> None:
        if self.socket is None or self.socket.closed:
            return
        with suppress(TimeoutError):  # one that does not read lets nothing be sent, not even the close
            async with asyncio.timeout(CLOSING_S):
                await self.socket.close(code=code)

    async def _send(self, wire: Wire) -> None:
        if self.socket is None or self.socket.closed:
            return
        self.writing_since = began = self._now()
        with suppress(ConnectionError):  # its reader hears of it
            if isinstance(wire, bytes):
                await self.socket.send_bytes(wire)
            else:
                await self.socket.send_str(wire)
        self.writing_since = inf
        if (held_s := self._now() - began) > STALLED_S:
            self._catch_up(held_s)

    def _catch_up(self, held_s: float) -> None:
        """Leave out the audio that could not be sent in time; what else was to be said still is."""
        dropped_bytes = sum(len(wire) for wire in self._wires if isinstance(wire, bytes))
        self._wires = deque([self._silence(), *(wire for wire in self._wires if isinstance(wire, str))])
        self._log.warning("media_stalled", held_s=round(held_s, 1), dropped_bytes=dropped_bytes)
