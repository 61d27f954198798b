"""TLS between a socket and its connection, by Python's own machine for it (`ssl.SSLObject`), which knows no network.

The loops' own TLS would do, but for its memory: uvloop's and asyncio's keep a buffer of 256 KB for each connection,
of which as much is used for good as ever came at once. Here nothing is kept: what comes is deciphered in the same
step, one record (16 KB at most) after the other, and what goes is enciphered and written at once.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Any, cast

RECORD_BYTES = 16 * 1024
"The most that one record holds (RFC 8446 §5.1); more than that is never read at once."


class Secured(asyncio.Transport, asyncio.Protocol):
    """The protocol of a connection, and the transport of `inner`, which hears of it once the handshake is over."""

    __slots__ = ("_came", "_goes", "_inner", "_shaken", "_tls", "_transport")

    def __init__(self, inner: asyncio.Protocol, context: ssl.SSLContext, server_name: str | None) -> None:
        """Be a client of `server_name`.

        :raises ValueError: no server can have such a name
        """
        super().__init__()
        self._inner = inner
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=server_name)
        self._transport: asyncio.Transport | None = None
        self._shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._shaken.add_done_callback(asyncio.Future.exception)  # whoever waited for it may have left

    async def handshake(self) -> None:
        """Wait for it.

        :raises OSError: it failed: ssl.SSLError, or the connection was lost
        """
        await asyncio.shield(self._shaken)

    # The connection's protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._shake()

    def data_received(self, data: bytes) -> None:
        self._came.write(data)
        if self._shaken.done():
            self._read()
        else:
            self._shake()

    def eof_received(self) -> None:
        if self._shaken.done():
            self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._shaken.done():
            self._shaken.set_exception(exc or ConnectionResetError("the connection was lost in the TLS handshake"))
        elif not self._shaken.exception():
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    # The inner protocol's transport

    def write(self, data: Any) -> None:
        if self.is_closing():
            return
        sent_bytes = self._tls.write(data)
        while sent_bytes < len(data):  # a call writes one record
            sent_bytes += self._tls.write(data[sent_bytes:])
        self._flush()

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def pause_reading(self) -> None:
        if self._transport:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport:
            self._transport.resume_reading()

    def abort(self) -> None:
        if self._transport:
            self._transport.abort()

    # TLS

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._flush()  # which tells the other side why
            self._shaken.set_exception(error)
            self.abort()
        else:
            self._flush()
            self._shaken.set_result(None)
            self._inner.connection_made(self)
            self._read()

    def _read(self) -> None:
        """Pass on what can be deciphered; the start of a record waits for its end."""
        try:
            while self._came.pending or self._tls.pending():
                if not (data := self._tls.read(RECORD_BYTES)):
                    self._part()
                    return
                self._inner.data_received(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self.abort()
        self._flush()

    def _part(self) -> None:
        """Say goodbye to who has."""
        self._inner.eof_received()
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        if self._transport:
            self._transport.close()

    def _flush(self) -> None:
        if self._goes.pending and self._transport:
            self._transport.write(self._goes.read())
