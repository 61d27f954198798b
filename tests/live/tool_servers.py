"""Servers of tools by the `mcp` package's own server, on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import Image, MCPServer

from tests.live.serving import until

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
TOKEN = "token-of-the-tools"


@dataclass
class ToolServer:
    """One that knows the price of things; `asked` is what it was asked, `seen` the HTTP requests."""

    url: str = ""
    asked: list[Any] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    stop: Callable[[], Awaitable[None]] | None = None

    def application(self, transport: str) -> App:
        server = MCPServer("shop")

        @server.tool(description="Tell the price of a thing.")
        async def price(thing: str) -> str:
            self.asked.append(thing)
            return f"{thing}: 5 euros"

        @server.tool(name="shop.picture", structured_output=False)
        async def picture() -> list[Any]:
            return ["Here:", Image(data=b"\x89PNG", format="png")]

        @server.tool()
        async def wait(seconds: float) -> str:
            self.asked.append(seconds)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.ended.append("wait")
            return "at last"

        @server.tool()
        async def fail() -> str:
            raise LookupError("no such shelf")

        return server.sse_app() if transport == "sse" else server.streamable_http_app()


@asynccontextmanager
async def tool_server(
    transport: str = "http", *, token: str | None = None, opens: asyncio.Event | None = None
) -> AsyncIterator[ToolServer]:
    """Serve tools by a transport; with a token, to nobody else; nobody is answered before it `opens`."""
    tools = ToolServer()
    app = tools.application(transport)

    async def door(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if opens:
                await opens.wait()
            tools.seen.append(f"{scope['method']} {scope['path']}")
            told = dict(scope["headers"]).get(b"authorization", b"").decode()
            if token and told != f"Bearer {token}":
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b"who are you?"})
                return
        await app(scope, receive, send)

    async with serving_asgi(door) as (base, stop):
        tools.url, tools.stop = f"{base}/{'sse' if transport == 'sse' else 'mcp'}", stop
        yield tools


@asynccontextmanager
async def serving_asgi(app: App) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    config = uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[plug]))

        async def stop() -> None:
            server.should_exit = server.force_exit = True
            await asyncio.wait({serving}, timeout=10)

        await until(lambda: server.started or serving.done())
        try:
            yield f"http://127.0.0.1:{plug.getsockname()[1]}", stop
        finally:
            await stop()
