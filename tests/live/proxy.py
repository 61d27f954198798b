"""An HTTP proxy, which connects those whom it knows (CONNECT)."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

WHO = "user:pa:ss w@rd"
WHO_IN_URL = "user:pa%3Ass%20w%40rd"


@dataclass
class Proxy:
    """A small one for CONNECT, which knows one user."""

    asked: list[str] = field(default_factory=list)
    answer: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closed_at_the_end(writer):
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(request)
            known = f"Proxy-Authorization: Basic {b64encode(WHO.encode()).decode()}\r\n" in request
            answer = self.answer or ("200 Connected" if known else "407 Who are you")
            writer.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())
            if not answer.startswith("200"):
                return
            host, _, port = request.split()[1].rpartition(":")
            to_model, from_model = (await asyncio.open_connection(host, int(port)))[::-1]
            with closed_at_the_end(to_model):
                await asyncio.gather(pumped(reader, to_model), pumped(from_model, writer))


@contextmanager
def closed_at_the_end(writer: asyncio.StreamWriter) -> Iterator[None]:
    with suppress(OSError, asyncio.IncompleteReadError):
        yield
    writer.close()


async def pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def a_proxy(proxy: Proxy, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=tls) as server:
        yield f"{'https' if tls else 'http'}://{WHO_IN_URL}@localhost:{server.sockets[0].getsockname()[1]}"
