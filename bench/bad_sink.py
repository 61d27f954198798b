"""An application whose hooks fail in every way, by turns: what it does must not be heard in any call."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import cycle

Way = Callable[[asyncio.StreamWriter], Awaitable[None]]

EMPTY = b"Content-Length: 0\r\n\r\n"
DRIP_S = 0.2
FLOOD_BYTES = 4 * 1024 * 1024
BOMB = gzip.compress(bytes(64 * 1024 * 1024))


async def taken(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silence(writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


async def redirect(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n" + EMPTY)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        await writer.drain()
        writer.write(b"1\r\n \r\n")
        await asyncio.sleep(DRIP_S)


async def bomb(writer: asyncio.StreamWriter) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
    writer.write(f"{head}Content-Length: {len(BOMB)}\r\n\r\n".encode() + BOMB)


async def flood(writer: asyncio.StreamWriter) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {FLOOD_BYTES}\r\n\r\n".encode())
    for _ in range(FLOOD_BYTES // 65536):
        writer.write(bytes(65536))
        await writer.drain()


async def busy(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n" + EMPTY)


FAULTS: Sequence[Way] = (reset, silence, redirect, drip, bomb, flood, busy)
WAYS: Sequence[Way] = [way for fault in FAULTS for way in (taken, fault)]
"Every other one is taken: an endpoint at which all fails is soon left alone for a while, and could disturb nobody."


@contextlib.asynccontextmanager
async def bad_sink() -> AsyncIterator[int]:
    """Give its port."""
    ways = cycle(WAYS)
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
                await reader.readexactly(int(length or 0))
                await next(ways)(writer)
        writer.transport.abort()
        open_now.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_now:
            writer.transport.abort()
        while open_now:  # noqa: ASYNC110  # they see it in the next turns of the loop
            await asyncio.sleep(0)
