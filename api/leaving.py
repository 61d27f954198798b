"""Hears when whoever asked has left: aiohttp tells a handler of it by nothing but a failing write."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web


class _Watched(asyncio.Protocol):
    """Stands between a connection and its protocol, and passes everything on."""

    def __init__(self, protocol: Any, gone: Callable[[], object]) -> None:
        self._protocol = protocol
        self._gone = gone

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return bool(self._protocol.eof_received())

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self._gone()


@contextmanager
def told_when_left(request: web.Request, gone: Callable[[], object]) -> Iterator[None]:
    """Call `gone` at once when the connection of a request is lost, as long as the block lasts."""
    transport, protocol = request.transport, request.protocol
    if transport is None:
        gone()
        yield
        return
    transport.set_protocol(_Watched(protocol, gone))
    try:
        yield
    finally:
        if not transport.is_closing():
            transport.set_protocol(protocol)
