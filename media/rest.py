"""The door to a platform's REST API: one connection pool, no redirects, nothing of the environment."""

import asyncio

import aiohttp

from egress.door import socket_factory
from egress.guard import TRUSTED
from egress.names import Names
from media.remote import Access, RemoteReply, RemoteRequest, RemoteUnreachable

MAX_REPLY_BYTES = 65_536
KEEP_ALIVE_S = 1.5
"Shorter than the idle time after which common servers hang up: a request on a connection just closing is lost."


class RestClient:
    """Carries requests; made outside of a loop, used inside one."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, access: Access, request: RemoteRequest) -> RemoteReply:
        try:
            async with asyncio.timeout(access.timeout_s):
                return await self._send(access, request)
        except TimeoutError as error:
            raise RemoteUnreachable(f"the platform's API gave no answer within {access.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:  # an impossible header is a ValueError
            raise RemoteUnreachable(f"the platform's API cannot be reached: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _send(self, access: Access, request: RemoteRequest) -> RemoteReply:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # The configuration alone says where it is.
                connector=aiohttp.TCPConnector(
                    resolver=Names(),
                    use_dns_cache=False,  # it has its own
                    keepalive_timeout=KEEP_ALIVE_S,
                    socket_factory=socket_factory(TRUSTED),
                ),
                headers={"User-Agent": "hookswitch", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        async with self._session.request(
            request.method,
            access.base_url + request.path,
            json=request.body,
            headers={"Authorization": f"Bearer {access.api_key}"},
            allow_redirects=False,
        ) as response:
            body = b""
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    response.close()
                    break
            return RemoteReply(response.status, body[:MAX_REPLY_BYTES])
