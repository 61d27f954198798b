"""The upgrade of a platform's media socket over loopback: what HTTP answers, and that a close leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from api.media import SUBPROTOCOLS
from media.sockets.framing import FIN_BINARY, FIN_TEXT
from media.sockets.platform import PlatformSocket
from media.sockets.upgrade import Upgrade
from tests.media.far_side import Listener, frame, platform

FIN_CLOSE = 0x88


class Echo(Listener):
    """Says what it hears."""

    socket: PlatformSocket

    def _hear(self, message: tuple[int, bytes]) -> None:
        super()._hear(message)
        self.socket.put(message[1].decode() if message[0] == FIN_TEXT else message[1])


@asynccontextmanager
async def echoing(
    *, after: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[tuple[TestServer, list[Echo]]]:
    """Serve the upgrade as api/media.py does; nothing of it may be left when all have gone."""
    echoes: list[Echo] = []

    async def media(request: web.Request) -> web.StreamResponse:
        try:
            upgrade = Upgrade(request, SUBPROTOCOLS)
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if after:
            await after()
        echoes.append(Echo())
        echoes[-1].socket = platform(echoes[-1])
        upgrade.begin(echoes[-1].socket)
        return upgrade.response

    app = web.Application()
    app.router.add_get("/media", media)
    before = asyncio.all_tasks()
    server = TestServer(app)
    async with server:
        yield server, echoes
        assert isinstance(server.handler, web.Server)
        async with asyncio.timeout(3):
            for echo in echoes:
                await asyncio.shield(echo.socket._closed)
            while server.handler.connections or asyncio.all_tasks() - before:  # noqa: ASYNC110  # no event of ours
                await asyncio.sleep(0.005)


@pytest.mark.parametrize("closes", ["they", "we", "they break off", "we break off"])
async def test_a_close_from_either_side_leaves_nothing_behind(closes: str) -> None:
    async with echoing() as (server, echoes), connect(f"ws://127.0.0.1:{server.port}/media") as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        await client.send([b"in ", b"parts"])
        assert await client.recv() == b"in parts"
        await (await client.ping())
        match closes:
            case "they":
                await client.close(1001)
            case "we":
                await echoes[0].socket.close(1012)
            case "they break off":
                client.transport.abort()
            case _:
                echoes[0].socket.abort()
        await client.wait_closed()
        await asyncio.wait_for(asyncio.shield(echoes[0].socket._closed), 3)
        assert client.close_code == {"they": 1001, "we": 1012}.get(closes, 1006)
        assert echoes[0].lost == [{"they": 1001, "we": 1012}.get(closes)]


async def test_aiohttps_client_is_served_too() -> None:
    async with echoing() as (server, echoes), aiohttp.ClientSession() as session:
        async with session.ws_connect(server.make_url("/media"), protocols=SUBPROTOCOLS[1:], compress=15) as client:
            assert (client.protocol, client.compress) == (SUBPROTOCOLS[1], 0)
            await client.send_bytes(b"x" * 70_000)
            assert await client.receive_bytes() == b"x" * 70_000
            await client.ping(b"?")
        assert (client.close_code, echoes[0].lost) == (1000, [1000])


@pytest.mark.parametrize(
    ("offered", "taken"),
    [((), None), (SUBPROTOCOLS, SUBPROTOCOLS[0]), (("x", SUBPROTOCOLS[1]), SUBPROTOCOLS[1])],
)
async def test_which_subprotocol_is_taken(offered: tuple[str, ...], taken: str | None) -> None:
    names = [Subprotocol(name) for name in offered]
    async with (
        echoing() as (server, _),
        connect(f"ws://127.0.0.1:{server.port}/media", subprotocols=names or None) as client,
    ):
        assert client.subprotocol == taken


async def test_a_platform_that_speaks_none_of_our_subprotocols_is_refused() -> None:
    async with echoing() as (server, echoes):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"ws://127.0.0.1:{server.port}/media", subprotocols=[Subprotocol("x")])
        assert refusal.value.response.status_code == 400
        assert echoes == []


ASKED = {
    "Host": "x",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    ("line", "headers", "status", "why"),
    [
        ("GET /media HTTP/1.1", {}, "101", ""),
        ("GET /media HTTP/1.1", {"Sec-WebSocket-Key": None}, "400", "missing Sec-WebSocket-Key header"),
        ("GET /media HTTP/1.1", {"Sec-WebSocket-Key": "c2hvcnQ="}, "400", "invalid Sec-WebSocket-Key header"),
        ("GET /media HTTP/1.1", {"Sec-WebSocket-Version": "8"}, "400", "invalid Sec-WebSocket-Version header"),
        ("GET /media HTTP/1.1", {"Upgrade": None}, "400", "missing Upgrade header"),
        ("GET /media HTTP/1.1", {"Connection": "close"}, "400", "invalid Connection header"),
        ("GET /media HTTP/1.0", {}, "400", "HTTP/1.0"),
        ("POST /media HTTP/1.1", {"Content-Length": "0"}, "405", "Method Not Allowed"),
    ],
)
async def test_how_an_upgrade_is_answered(line: str, headers: dict[str, str | None], status: str, why: str) -> None:
    lines = [f"{name}: {value}" for name, value in (ASKED | headers).items() if value is not None]
    async with echoing() as (server, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write("\r\n".join([line, *lines, "", ""]).encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        assert head.split()[1].decode() == status
        writer.write_eof()
        body = await asyncio.wait_for(reader.read(), 3)
        assert why in body.decode()
        assert status != "101" or b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("sent", ["with the request", "behind it", "in the middle of a frame"])
async def test_what_a_platform_says_before_it_is_answered_is_heard(sent: str) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def after() -> None:
        asked.set()
        await answer.wait()

    request = "\r\n".join(["GET /media HTTP/1.1", *(f"{name}: {value}" for name, value in ASKED.items()), "", ""])
    early = frame(FIN_TEXT, b"early", masked=True) + frame(FIN_BINARY, bytes(100_000), masked=True)
    early += frame(FIN_CLOSE, b"\x03\xe8", masked=True)
    at = {"with the request": len(early), "behind it": 0}.get(sent, 90_000)
    async with echoing(after=after) as (server, echoes):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request.encode() + early[:at])
        await asyncio.wait_for(asked.wait(), 3)
        writer.write(early[at:])
        await asyncio.sleep(0)
        answer.set()
        said = await asyncio.wait_for(reader.read(), 3)
        writer.close()
        await writer.wait_closed()
        assert [heard for _, heard in echoes[0].heard] == [b"early", bytes(100_000)]
        assert said.startswith(b"HTTP/1.1 101 ")
        assert said.endswith(b"\x88\x02\x03\xe8")
        assert echoes[0].lost == [1000]
