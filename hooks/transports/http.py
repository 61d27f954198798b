"""POST to an application's http(s) URL. A hostile peer costs a bounded time and a bounded memory."""

import asyncio
import os
import time
from types import SimpleNamespace
from typing import NoReturn

import aiohttp

from egress.door import socket_factory
from egress.guard import BlockedError, Reach
from egress.names import Names
from egress.origins import origin_of
from hooks.transports.base import (
    HookBlocked,
    HookBroken,
    HookReply,
    HookRequest,
    HookTimeout,
    HookUnreachable,
    retry_after_s,
)

CONNECT_TIMEOUT_S = 5.0  # name, TCP and TLS together
# Shorter than the idle time after which common servers hang up (gunicorn 2 s, node and uvicorn 5 s): a POST on a
# connection that the peer is just closing fails, and cannot be told from one that arrived.
KEEP_ALIVE_S = 1.5
MAX_TYPE_CHARS = 200
"Of a content type: it is told in the log, and a header may have kilobytes."


class HttpTransport:
    """No redirects, no proxy of the environment, no cookies, no decompression.

    Hooks share a pool of connections where they may lead equally far: one that was opened for the operator's own is
    not there for a stranger's.
    """

    schemes: tuple[str, ...] = ("http", "https")

    def __init__(self) -> None:
        self._sessions: dict[Reach, aiohttp.ClientSession] = {}

    async def send(self, request: HookRequest) -> HookReply:
        if fault := request.reach.fault(request.url):
            raise HookBlocked(_host(request.url), fault)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._post(request)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            if blocked := blocked_by(error):
                raise HookBlocked(f"{_host(request.url)} ({blocked.address})", blocked.why) from error
            raise HookUnreachable(f"no connection: {_reason(error)}") from error
        except TimeoutError as error:
            raise HookTimeout(f"no complete answer within {request.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise HookBroken(f"connection lost: {_reason(error)}") from error

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def _post(self, request: HookRequest) -> HookReply:
        session = self._sessions.get(request.reach)
        if session is None:
            session = self._sessions[request.reach] = client_session(request.reach, sockets=False)
        async with session.post(
            request.url, data=request.body, headers=request.headers, allow_redirects=False
        ) as response:
            body, unreadable = await _body(response, request.max_reply_bytes)
            return HookReply(
                response.status,
                response.headers.get("Content-Type", "")[:MAX_TYPE_CHARS],
                body,
                retry_after_s(response.headers.get("Retry-After"), now_s=time.time()),
                unreadable,
            )


async def _body(response: aiohttp.ClientResponse, limit_bytes: int) -> tuple[bytes, str | None]:
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        response.close()
        return b"", "compressed, though only identity is accepted"
    chunks, size_bytes = [], 0
    async for chunk in response.content.iter_any():
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            response.close()  # the rest is not worth reading, and the connection not worth keeping
            return b"", f"longer than {limit_bytes} bytes"
        chunks.append(chunk)
    return b"".join(chunks), None


def client_session(reach: Reach, *, sockets: bool = True) -> aiohttp.ClientSession:
    """Make what connects to applications, no further than it may lead, and follows no redirect.

    `sockets`: it is asked for websockets too. What only posts says with each request that it follows none, and is
    spared what watches over the others.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)  # of `ws_connect`, which cannot be told
    connector = aiohttp.TCPConnector(
        limit=0,  # the lanes bound what is under way; a shared limit would let slow eventHooks hold up a tool
        resolver=Names(),
        use_dns_cache=False,  # it has its own
        keepalive_timeout=KEEP_ALIVE_S,
        socket_factory=socket_factory(reach),
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
        headers={"User-Agent": "hookswitch", "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        trace_configs=[tracing] if sockets else None,
    )


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
) -> NoReturn:
    response = params.response
    response.close()
    raise aiohttp.WSServerHandshakeError(response.request_info, (), status=response.status)


def blocked_by(error: Exception) -> BlockedError | None:
    """Give why no connection was opened, where none may be."""
    cause = getattr(error, "os_error", None)
    return cause if isinstance(cause, BlockedError) else None


def _host(url: str) -> str:
    """Give a URL's host for the log: nothing of it that may be a password."""
    origin = origin_of(url)
    return origin.host if origin else "its host"


def _reason(error: Exception) -> str:
    """One short line without the URL, which may hold a password."""
    cause = getattr(error, "os_error", None)
    if isinstance(cause, ConnectionError) and cause.errno:
        return os.strerror(cause.errno)
    return type(error).__name__ if cause is None else (cause.strerror or str(cause))[:200]
