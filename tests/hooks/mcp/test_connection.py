"""The door to servers of tools, on loopback: the package's own server, and peers that mean no good."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web

from egress.guard import STRANGERS, TRUSTED, Reach
from hooks.mcp.connection import AGAIN_AFTER_S, MAX_BODY_BYTES, MAX_PAGES, connected
from hooks.mcp.line import McpForgottenError
from hooks.mcp.offers import MAX_TOOLS, McpError
from hooks.mcp.server import McpServer
from tests.live.serving import serving_application, until
from tests.live.tool_servers import TOKEN, tool_server
from verbs.mcp import TRANSPORTS

ALLOWED = {"Authorization": f"Bearer {TOKEN}"}
HTTP, SSE = ("http",), ("sse",)


def at(
    url: str,
    transports: tuple[str, ...] = TRANSPORTS,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    reach: Reach = TRUSTED,
) -> McpServer:
    """Name a server as the configuration does, which may lead to this machine."""
    return McpServer(url, transports, headers, reach)


@pytest.mark.claim("J31", "mcpServers")
@pytest.mark.parametrize("spoken", ["http", "sse"])
async def test_tools_are_listed_and_called_by_either_transport(spoken: str) -> None:
    async with tool_server(spoken) as tools, connected(at(tools.url)) as connection:
        listed = {tool.name: tool for tool in await connection.tools()}
        assert sorted(listed) == ["fail", "price", "shop.picture", "wait"]
        assert listed["price"].description == "Tell the price of a thing."
        assert listed["price"].parameters["required"] == ["thing"]
        told = await connection.ask("price", {"thing": "tea"})
        assert [block["text"] for block in told["content"]] == ["tea: 5 euros"]
        picture = await connection.ask("shop.picture", {})
        assert [block["type"] for block in picture["content"]] == ["text", "image"]
        failed = await connection.ask("fail", {})
        assert failed["isError"]
        both = await asyncio.gather(*(connection.ask("price", {"thing": thing}) for thing in ("a", "b")))
        assert [each["content"][0]["text"] for each in both] == ["a: 5 euros", "b: 5 euros"]


@pytest.mark.claim("J31")
@pytest.mark.parametrize("spoken", ["http", "sse"])
async def test_a_server_lets_in_who_has_its_token(spoken: str) -> None:
    async with tool_server(spoken, token=TOKEN) as tools:
        async with connected(at(tools.url, headers=ALLOWED)) as connection:
            assert await connection.tools()
        tools.seen.clear()
        with pytest.raises(McpError, match="HTTP 401"):
            async with connected(at(tools.url)):
                pass
        assert {request.partition(" ")[0] for request in tools.seen} == {"POST"}  # and not by the other way


@pytest.mark.parametrize("spoken", ["http", "sse"])
async def test_a_call_that_is_given_up_is_given_up_alone(spoken: str) -> None:
    async with tool_server(spoken) as tools, connected(at(tools.url)) as connection:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.ask("wait", {"seconds": 30}), 0.2)
        assert (await connection.ask("price", {"thing": "tea"}))["content"][0]["text"] == "tea: 5 euros"
        await until(lambda: tools.ended == ["wait"])  # the server was told


@pytest.mark.parametrize("spoken", ["http", "sse"])
async def test_a_server_that_dies_fails_what_is_under_way_and_what_comes(spoken: str) -> None:
    async with tool_server(spoken) as tools, connected(at(tools.url)) as connection:
        asking = asyncio.create_task(connection.ask("wait", {"seconds": 30}))
        await until(lambda: tools.asked)
        assert tools.stop
        await tools.stop()
        async with asyncio.timeout(5):
            with pytest.raises(McpError):
                await asking
            with pytest.raises(McpError):
                await connection.ask("price", {"thing": "tea"})


@pytest.mark.parametrize("transports", [HTTP, SSE, HTTP + SSE])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/mcp", "no connection: "),
        ("http://169.254.169.254/mcp", "hands out cloud credentials"),
        ("http://[::ffff:169.254.169.254]/", "hands out cloud credentials"),
    ],
)
async def test_nobody_there_and_nobody_who_hands_out_credentials(
    url: str, why: str, transports: tuple[str, ...]
) -> None:
    with pytest.raises(McpError, match=why):
        async with connected(at(url, transports)):
            pass


async def test_a_server_that_is_no_server_of_tools_is_not_one() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>", content_type="text/html")

    async with serving(page) as url, asyncio.timeout(15):
        for transports in (HTTP, SSE, HTTP + SSE):
            assert await refused(at(url, transports))


async def refused(server: McpServer) -> str:
    """Give the reason why there is no connection."""
    with pytest.raises(McpError) as failure:
        async with connected(server):
            pass
    return str(failure.value)


@pytest.mark.claim("J31", "mcpServers")
async def test_no_redirect_leads_elsewhere() -> None:
    async with tool_server() as tools:

        async def elsewhere(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": tools.url})

        async with serving(elsewhere) as url:
            assert await refused(at(url)) == "HTTP 307"
        assert tools.seen == []


@pytest.mark.parametrize(
    ("host", "why"), [("127.0.0.1", "blocked: 127.0.0.1 is no address"), ("me@a", "has a user name")]
)
async def test_a_strangers_server_is_on_the_internet_or_nowhere(host: str, why: str) -> None:
    async with tool_server() as tools:
        url = tools.url.replace("127.0.0.1", host)
        assert why in await refused(at(url, reach=STRANGERS))
        assert tools.seen == []


Answers = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serving(answer: Answers) -> AbstractAsyncContextManager[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    return serving_application(application)


def result(request: dict[str, Any], **told: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request.get("id"), "result": told}


class Hostile:
    """Speaks the protocol, and answers `tools/list` and `tools/call` as it likes."""

    def __init__(self, listed: Any = None, *, compressed: bool = False) -> None:
        tools = {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}
        self.listed: Any = tools if listed is None else listed
        self.compressed = compressed
        self.pages = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return web.Response(status=405)
        asked = await request.json()
        told: Any
        match asked.get("method"):
            case "initialize":
                info = {"name": "h", "version": "1"}
                told = result(asked, protocolVersion="2025-06-18", capabilities={"tools": {}}, serverInfo=info)
            case "tools/list":
                self.pages += 1
                told = result(asked, **self.listed) if isinstance(self.listed, dict) else self.listed
            case "tools/call":
                told = result(asked, content=[{"type": "text", "text": "x" * (MAX_BODY_BYTES + 1)}])
            case "server/discover":
                return web.Response(status=404)
            case _:
                return web.Response(status=202)
        response = web.json_response(text=told if isinstance(told, str) else json.dumps(told))
        if self.compressed:
            response.enable_compression(web.ContentCoding.gzip)
        return response


async def test_an_answer_without_an_end_is_cut_off() -> None:
    async with serving(Hostile().answer) as url, connected(at(url, HTTP)) as connection:
        assert [tool.name for tool in await connection.tools()] == ["t"]
        async with asyncio.timeout(5):
            with pytest.raises(McpError):
                await connection.ask("t", {})
        assert len(await connection.tools()) == 1  # the rest of the session lives


async def test_a_list_without_an_end_is_cut_off() -> None:
    peer = Hostile({"tools": [{"name": "t", "inputSchema": {"type": "object"}}] * 10, "nextCursor": "more"})
    async with serving(peer.answer) as url, connected(at(url, HTTP)) as connection:
        assert len(await connection.tools()) > MAX_TOOLS
        assert peer.pages == 7
    peer = Hostile({"tools": [], "nextCursor": "more"})
    async with serving(peer.answer) as url, connected(at(url, HTTP)) as connection:
        assert await connection.tools() == []
        assert peer.pages == MAX_PAGES


async def test_a_server_has_nothing_to_say_unasked() -> None:
    async with tool_server() as tools, connected(at(tools.url, HTTP)) as connection:
        await connection.tools()
        assert "GET /mcp" not in tools.seen


async def test_a_stream_that_ends_again_and_again_is_not_asked_for_as_fast_as_it_ends() -> None:
    streams: list[float] = []

    async def never_ends(request: web.Request) -> web.StreamResponse:
        asked = await request.json() if request.method == "POST" else {"method": "tools/call"}
        if asked.get("method") != "tools/call" or request.method == "DELETE":
            return await Hostile().answer(request)
        streams.append(asyncio.get_running_loop().time())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"id: 1\nretry: 0\ndata:\n\n")
        return response

    async with serving(never_ends) as url, connected(at(url, HTTP)) as connection:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.ask("t", {}), 1.5)
    assert 2 <= len(streams) <= 3
    assert all(later - sooner >= AGAIN_AFTER_S * 0.9 for sooner, later in pairwise(streams[1:]))


@pytest.mark.parametrize("listed", [{"tools": "many"}, {"tools": [{"name": 5}]}, "no JSON", {}])
async def test_a_list_that_is_none_is_an_error(listed: object) -> None:
    async with serving(Hostile(listed).answer) as url, connected(at(url, HTTP)) as connection:
        with pytest.raises(Exception):  # noqa: B017, PT011  # of whatever kind: the one who asked is told, and goes on
            await asyncio.wait_for(connection.tools(), 5)


@pytest.mark.claim("J31")
async def test_a_session_that_the_server_does_not_know_any_more_is_told_from_other_failures() -> None:
    async def forgets(request: web.Request) -> web.StreamResponse:
        asked = await request.json() if request.method == "POST" else {}
        if asked.get("method") == "tools/call":
            error = {"code": -32001, "message": "Session not found"}
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "error": error}, status=404)
        response = await Hostile().answer(request)
        if in_sessions and asked.get("method") == "initialize":
            response.headers["Mcp-Session-Id"] = "s1"
        return response

    for in_sessions in (True, False):
        async with serving(forgets) as url, connected(at(url, HTTP)) as connection:
            with pytest.raises(McpError) as told:
                await connection.ask("t", {})
        assert isinstance(told.value, McpForgottenError) is in_sessions


async def test_what_is_compressed_is_not_opened() -> None:
    async with serving(Hostile(compressed=True).answer) as url:
        with pytest.raises(McpError, match="compressed"):
            async with connected(at(url, HTTP)):
                pass
