"""The customer's application: takes every hook at once with 204 and counts them."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(slots=True)
class HookCount:
    by_path: dict[str, int] = field(default_factory=dict)

    def add(self, path: str) -> None:
        self.by_path[path] = self.by_path.get(path, 0) + 1

    def of(self, path: str) -> int:
        return self.by_path.get(path, 0)


class Sink(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, kept alive."""

    def __init__(self, count: HookCount) -> None:
        self._count = count
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head = self._rest[:end].lower()
            length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
            whole = end + 4 + int(length or 0)
            if len(self._rest) < whole:
                return
            self._count.add(self._rest[:end].split(b" ", 2)[1].decode())
            self._rest = self._rest[whole:]
            if self._transport is not None:
                self._transport.write(_ANSWER)
