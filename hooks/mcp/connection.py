"""The door to servers of tools: the `mcp` package, on the client with which hooks reach applications.

So a server is under the same rules as any hook: no redirects to elsewhere, no proxy of the environment, no cookies, no
decompression, and no address at which clouds hand out credentials. What it answers is bounded: one message is 1 MiB,
and what goes on and on is read slowly. A server has nothing to tell us unasked: the stream by which it could in
streamable HTTP is not opened (the package would open it again as fast as the server says).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
import httpx2
from mcp import Client, MCPError
from mcp.client import Transport
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    PaginatedRequestParams,
)

from hooks.mcp.line import McpForgottenError
from hooks.mcp.offers import MAX_TOOLS, Listed, McpError
from hooks.mcp.pace import Pace
from hooks.mcp.server import McpServer
from hooks.transports.http import blocked_by, client_session
from verbs.base import JsonObject

MAX_BODY_BYTES = 1024 * 1024
"Of an answer in one piece; the package holds each event of a stream to the same."
MAX_PAGES = 16
AGAIN_AFTER_S = 1.0
"A stream that has ended is not asked to go on sooner, whatever the server says."
LET_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"Refusals that another transport would not change."
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
"Headers that belong to the client beneath."
GOES_ON = "last-event-id"
IN_SESSION = "mcp-session-id"
FORGOTTEN = -32047
"Our own code for a session that the server does not know: of what it says of that nothing is laid down."
US = Implementation(name="hookswitch", version="0")


@asynccontextmanager
async def connected(server: McpServer) -> AsyncIterator["McpConnection"]:
    """Connect, by the first of the server's transports that it speaks.

    :raises McpError: it cannot be reached, or must not be, or refuses us
    """
    if fault := server.reach.fault(server.url):
        raise McpError(f"blocked: the host {fault}")
    async with client_session(server.reach) as session, AsyncExitStack() as stack:
        wire = _Wire(session)
        for transport in server.transports:
            last = transport == server.transports[-1]
            if client := await _entered(transport, server, wire, stack, last=last):
                yield McpConnection(client.session)
                return


async def _entered(
    transport: str, server: McpServer, wire: "_Wire", stack: AsyncExitStack, *, last: bool
) -> Client | None:
    """Give the client; None: this is not the last transport, and another one may be what the server speaks."""
    try:
        return await stack.enter_async_context(Client(_transport(transport, server, wire), client_info=US, cache=None))
    except Exception as error:  # whatever the package raises: groups of them, too
        if wire.other_may_help and not last:
            return None
        raise McpError(wire.told or _named(error)) from error


def _transport(name: str, server: McpServer, wire: "_Wire") -> Transport:
    def client(
        headers: dict[str, str] | None = None,  # noqa: ARG001  # the package's form
        timeout: httpx2.Timeout | None = None,  # noqa: ARG001
        auth: httpx2.Auth | None = None,  # noqa: ARG001
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=wire, headers=dict(server.headers), timeout=None)  # the callers' deadlines

    wire.listens = name == "sse"
    return sse_client(server.url, httpx_client_factory=client) if name == "sse" else _streamable(server, client())


@asynccontextmanager
async def _streamable(server: McpServer, client: httpx2.AsyncClient) -> AsyncIterator[Any]:
    async with client, streamable_http_client(server.url, http_client=client) as streams:
        yield streams


class McpConnection:
    """`servers.Connection`."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def tools(self) -> list[Listed]:
        listed: list[Listed] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            try:
                page = await self._session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            except MCPError as error:
                raise McpError(_named(error)) from error
            listed += [Listed(tool.name, tool.description or "", tool.input_schema) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor or len(listed) > MAX_TOOLS:
                break
        return listed

    async def ask(self, name: str, arguments: JsonObject) -> JsonObject:
        # Not `call_tool`: that holds the answer to a schema of the server's own, whose patterns may take for ever.
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=arguments))
        try:
            result = await self._session.send_request(request, CallToolResult)
        except MCPError as error:
            failed = McpForgottenError if error.code == FORGOTTEN else McpError
            raise failed(_named(error)) from error
        told: JsonObject = result.model_dump(mode="json", by_alias=True)
        return told


class _Wire(httpx2.AsyncBaseTransport):
    """httpx' messages on aiohttp's client."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._pace = Pace()
        self._streams_at = 0.0
        "When the next stream may be opened."
        self._status = 0
        self.listens = False
        "Whether the server may speak unasked, as SSE has it."
        self.told = ""
        "How the last request failed, if it did."

    @property
    def other_may_help(self) -> bool:
        """Tell whether the server is there, and does not want to be spoken to like this."""
        return self._status >= HTTPStatus.BAD_REQUEST and self._status not in LET_IN

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            if not self.listens and GOES_ON not in request.headers:
                return httpx2.Response(HTTPStatus.METHOD_NOT_ALLOWED, request=request)
            await self._take_turn()
        headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() not in OURS]
        body = await request.aread()
        self._status, self.told = 0, "no answer"
        try:
            response = await self._session.request(
                request.method, str(request.url), headers=headers, data=body or None, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            told = self.told = f"no connection: {type(error).__name__}"
            if blocked := blocked_by(error):
                self.told = f"blocked: {blocked.address} {blocked.why}"  # for the log; the model need not know
            return _unanswered(request, told)
        self._status = response.status
        self.told = f"HTTP {response.status}" if response.status >= HTTPStatus.MULTIPLE_CHOICES else ""
        if response.status == HTTPStatus.NOT_FOUND and request.method == "POST" and IN_SESSION in request.headers:
            response.close()
            return _unanswered(request, "the tool's server knows no such session", FORGOTTEN)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            response.close()
            self.told = "its answer is compressed, though only identity is accepted"
            return _unanswered(request, self.told)
        heads = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        return httpx2.Response(response.status, headers=heads, stream=_Body(response, self._pace), request=request)

    async def _take_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        at, self._streams_at = self._streams_at, max(now, self._streams_at) + AGAIN_AFTER_S
        await asyncio.sleep(max(0.0, at - now))


def _unanswered(request: httpx2.Request, why: str, code: int = INTERNAL_ERROR) -> httpx2.Response:
    """Give what stands for no answer: an exception would be the end of the whole session, and of every other call."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": why}}
    return httpx2.Response(HTTPStatus.SERVICE_UNAVAILABLE, json=error, request=request)


class _Body(httpx2.AsyncByteStream):
    """An answer. One in a single piece that is too long or torn ends there: no JSON, which fails its request alone."""

    def __init__(self, response: aiohttp.ClientResponse, pace: Pace) -> None:
        self._response = response
        self._pace = pace
        self._streams = response.content_type == "text/event-stream"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size_bytes = 0
        try:
            async for chunk in self._response.content.iter_any():
                size_bytes += len(chunk)
                if size_bytes > MAX_BODY_BYTES and not self._streams:
                    return
                await asyncio.sleep(self._pace.wait_s(len(chunk), asyncio.get_running_loop().time()))
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            if self._streams:
                raise httpx2.ReadError(f"connection lost: {type(error).__name__}") from error

    async def aclose(self) -> None:
        self._response.close()


def _named(error: Exception) -> str:
    """Name what went wrong in one line; a server's own words are for the model."""
    return str(error)[:200] if isinstance(error, MCPError) else type(error).__name__
