"""`unix://NAME/PATH`: a hook that is posted to PATH at the unix socket NAME.sock of the folder ACME_SOCKETS."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from hooks.transports.base import HookBlocked, HookBroken, HookReply, HookRequest, HookTimeout, HookUnreachable


class UnixTransport:
    schemes: tuple[str, ...] = ("unix",)

    def __init__(self) -> None:  # opens nothing
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def send(self, request: HookRequest) -> HookReply:
        if fault := request.reach.fault(request.url):  # who has written this URL is nobody of ours
            raise HookBlocked("a unix socket", fault)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._post(request)
        except aiohttp.ClientConnectorError as error:
            raise HookUnreachable(f"no connection: {type(error.os_error).__name__}") from error
        except TimeoutError as error:
            raise HookTimeout(f"no complete answer within {request.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise HookBroken(f"connection lost: {type(error).__name__}") from error

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def _post(self, request: HookRequest) -> HookReply:
        parts, body = urlsplit(request.url), b""
        session = self._session(f"{parts.hostname}.sock")
        url = f"http://{parts.hostname}{parts.path}"
        async with session.post(url, data=request.body, headers=request.headers, allow_redirects=False) as response:
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > request.max_reply_bytes:
                    return HookReply(response.status, unreadable=f"longer than {request.max_reply_bytes} bytes")
            return HookReply(response.status, response.headers.get("Content-Type", ""), body)

    def _session(self, name: str) -> aiohttp.ClientSession:
        if name not in self._sessions:
            path = Path(os.environ.get("ACME_SOCKETS", "/run/acme")) / name
            self._sessions[name] = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)))
        return self._sessions[name]
