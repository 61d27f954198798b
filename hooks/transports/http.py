"""POST to an application's http(s) URL. A hostile peer costs a bounded time and a bounded memory."""

import asyncio
import errno
import ipaddress
import os
import socket
import time
from typing import Any

import aiohttp

from hooks.transports.base import HookBroken, HookReply, HookRequest, HookTimeout, HookUnreachable, retry_after_s

CONNECT_TIMEOUT_S = 5.0  # name, TCP and TLS together
# Shorter than the idle time after which common servers hang up (gunicorn 2 s, node and uvicorn 5 s): a POST on a
# connection that the peer is just closing fails, and cannot be told from one that arrived.
KEEP_ALIVE_S = 1.5
# Where clouds hand out credentials to whoever asks from inside; no application lives there.
METADATA_NETWORKS = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("fd00:ec2::254/128"))


class HttpTransport:
    """One connection pool for all hooks: no redirects, no proxy of the environment, no cookies, no decompression."""

    schemes: tuple[str, ...] = ("http", "https")

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HookRequest) -> HookReply:
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._post(request)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise HookUnreachable(f"no connection: {_reason(error)}") from error
        except TimeoutError as error:
            raise HookTimeout(f"no complete answer within {request.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise HookBroken(f"connection lost: {_reason(error)}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, request: HookRequest) -> HookReply:
        if self._session is None:
            self._session = client_session()
        async with self._session.post(
            request.url, data=request.body, headers=request.headers, allow_redirects=False
        ) as response:
            body, unreadable = await _body(response, request.max_reply_bytes)
            return HookReply(
                response.status,
                response.headers.get("Content-Type", ""),
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


def client_session() -> aiohttp.ClientSession:
    """Make what connects to applications, and to nothing that hands out credentials."""
    connector = aiohttp.TCPConnector(
        limit=0,  # the lanes bound what is under way; a shared limit would let slow eventHooks hold up a tool
        keepalive_timeout=KEEP_ALIVE_S,
        socket_factory=_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
        headers={"User-Agent": "hookswitch", "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for one resolved address: the only place where every form of a host has become an address."""
    family, kind, protocol, _, peer = address
    ip = ipaddress.ip_address(peer[0].partition("%")[0])
    plain = getattr(ip, "ipv4_mapped", None) or ip
    if any(plain in network for network in METADATA_NETWORKS):
        raise PermissionError(errno.EACCES, f"{plain} hands out cloud credentials; no hook is sent there")
    return socket.socket(family, kind, protocol)


def _reason(error: Exception) -> str:
    """One short line without the URL, which may hold a password."""
    cause = getattr(error, "os_error", None)
    if isinstance(cause, ConnectionError) and cause.errno:
        return os.strerror(cause.errno)
    return type(error).__name__ if cause is None else (cause.strerror or str(cause))[:200]
