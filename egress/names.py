"""Looks up names, in threads that nobody else waits for.

A loop has one pool for all lookups (libuv's four threads, asyncio's executor), and a name whose servers are silent
keeps one for half a minute: a handful of dead hooks would silence every other call. So whoever looks up names for a
purpose has threads of its own, which no end of the process waits for. A name is looked up once, however many ask.
"""

import socket
from asyncio import shield, timeout, wrap_future
from collections import deque
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

AddressInfo = tuple[Any, ...]
"As `socket.getaddrinfo` gives it."

MAX_THREADS = 32
DEADLINE_S = 5.0
"Longer than any lookup takes that works; the system's own is up to 30 s."
FRESH_S = 5.0
"An address is judged when it is dialled, so that an old one leads nowhere that a new one may not."
MAX_KEPT = 1_000


class _Lookup:
    def __init__(self, host: str) -> None:
        self.host = host
        self.until = 0.0
        "After which nobody waits for it."
        self.found: Future[list[AddressInfo] | Exception] = Future()
        "An error is a result too: some who asked are gone, and nothing is to be said of it."


class Names(AbstractResolver):
    """What names mean, for one purpose; `aiohttp.TCPConnector(resolver=…)` takes it, too. It may serve any loop."""

    def __init__(self, *, threads: int = MAX_THREADS, deadline_s: float = DEADLINE_S, fresh_s: float = FRESH_S) -> None:
        self._max_threads = threads
        self._deadline_s = deadline_s
        self._fresh_s = fresh_s
        self._lock = Lock()  # for all below; held for no longer than it takes to read and write them
        self._threads = 0
        self._queue: deque[_Lookup] = deque()
        self._under_way: dict[str, _Lookup] = {}
        self._kept: dict[str, tuple[float, list[AddressInfo]]] = {}

    async def addresses(self, host: str, port: int) -> list[AddressInfo]:
        """Give a host's addresses for TCP; one that is written as an address is its own, at once.

        :raises OSError: the name does not resolve, or not in time (socket.gaierror)
        """
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            found = await self._meaning(host)
        return [(*info[:4], (info[4][0], port, *info[4][2:])) for info in found]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=f"{address[0]}%{address[3]}" if len(address) > 3 and address[3] else address[0],  # noqa: PLR2004  # as IPv6 has it
                port=port,
                family=of,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, protocol, _, address in await self.addresses(host, port)
            if family in {socket.AF_UNSPEC, of}
        ]

    async def close(self) -> None:
        """There is nothing to let go of: a thread ends with what it looks up."""

    async def _meaning(self, host: str) -> list[AddressInfo]:
        asked = self._asked(host)
        if isinstance(asked, list):
            return asked
        try:
            async with timeout(self._deadline_s):
                found = await shield(wrap_future(asked.found))
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, f"not resolved within {self._deadline_s:g} s") from None
        if isinstance(found, Exception):
            raise found
        return found

    def _asked(self, host: str) -> list[AddressInfo] | _Lookup:
        """Give what a name means, if it was looked up just now, or who is looking it up."""
        now = monotonic()
        with self._lock:
            fresh_until, found = self._kept.get(host, (0.0, []))
            if now < fresh_until:
                return found
            lookup = self._under_way.get(host)
            if lookup is None:
                lookup = self._under_way[host] = _Lookup(host)
                self._queue.append(lookup)
            lookup.until = now + self._deadline_s
            if self._threads < min(self._max_threads, len(self._under_way)):
                self._begin_thread()
            return lookup

    def _begin_thread(self) -> None:
        try:
            Thread(target=self._work, name="names", daemon=True).start()
        except RuntimeError:  # the system gives no more: another one comes to it, or nobody in time
            return
        self._threads += 1

    def _work(self) -> None:
        while lookup := self._next():
            try:
                found = socket.getaddrinfo(lookup.host, None, type=socket.SOCK_STREAM)
            except Exception as error:  # noqa: BLE001  # told to whoever asked
                self._end(lookup, error)
            else:
                self._end(lookup, found)

    def _next(self) -> _Lookup | None:
        """Give what is to be looked up next; None where the thread is to end."""
        now = monotonic()
        with self._lock:
            while self._queue:
                lookup = self._queue.popleft()
                if now < lookup.until:
                    return lookup
                del self._under_way[lookup.host]
            self._threads -= 1
            return None

    def _end(self, lookup: _Lookup, found: list[AddressInfo] | Exception) -> None:
        with self._lock:
            del self._under_way[lookup.host]
            if not isinstance(found, Exception):
                self._kept.pop(lookup.host, None)
                self._kept[lookup.host] = monotonic() + self._fresh_s, found
                if len(self._kept) > MAX_KEPT:
                    del self._kept[next(iter(self._kept))]
        lookup.found.set_result(found)
