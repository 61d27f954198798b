"""TLS between a model's socket and its connection, met by Python's own server side of it: no network."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import pytest
import trustme

from media.sockets.secured import Secured
from tests.media.far_side import Transport

CA = trustme.CA()
SERVER = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CA.issue_cert("localhost").configure_cert(SERVER)
TRUSTING, STRANGE = ssl.create_default_context(), ssl.create_default_context()
CA.configure_trust(TRUSTING)


@dataclass
class Inner(asyncio.Protocol):
    """A socket that keeps what it hears."""

    transport: asyncio.BaseTransport | None = None
    heard: bytes = b""
    did: list[str] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> None:
        self.did.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.did.append(f"lost {exc}")

    def pause_writing(self) -> None:
        self.did.append("pause")

    def resume_writing(self) -> None:
        self.did.append("resume")


class Wire(Transport):
    """A connection, and what was done to it."""

    def close(self) -> None:
        self.closing = True
        self.did.append("close")


class Pair:
    """Ours and a server, which get what the other has written in pieces of so many bytes."""

    def __init__(self, piece_bytes: int = 100_000, trusted: ssl.SSLContext = TRUSTING) -> None:
        self._piece_bytes = piece_bytes
        self.inner, self.wire = Inner(), Wire()
        self.ours = Secured(self.inner, trusted, "localhost")
        self._to, self._from = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = SERVER.wrap_bio(self._to, self._from, server_side=True)
        self.ours.connection_made(cast("asyncio.Transport", self.wire))

    def pass_on(self) -> None:
        """Bring what each has written to the other."""
        self._to.write(b"".join(self.wire.written))
        self.wire.written.clear()
        data = self._from.read()
        for at in range(0, len(data), self._piece_bytes):
            self.ours.data_received(data[at : at + self._piece_bytes])

    async def shake(self) -> None:
        for _ in range(3):
            self.pass_on()
            with suppress(ssl.SSLError):
                self.server.do_handshake()
        self.pass_on()
        await self.ours.handshake()

    def read(self) -> bytes:
        """Give what the server has heard."""
        self.pass_on()
        heard = b""
        with suppress(ssl.SSLWantReadError):
            while some := self.server.read(100_000):
                heard += some
        return heard


@pytest.mark.parametrize("piece_bytes", [1, 7, 1000, 100_000])
async def test_what_is_written_arrives_in_both_directions_however_it_is_cut(piece_bytes: int) -> None:
    pair = Pair(piece_bytes)
    await pair.shake()
    said = bytes(range(256)) * 200  # several records
    assert pair.inner.transport is pair.ours
    pair.ours.write(b"hello")
    pair.ours.write(said)
    assert pair.read() == b"hello" + said
    for record in (said[:16_000], said[16_000:32_000], said[32_000:48_000], said[48_000:]):
        pair.server.write(record)
    pair.pass_on()
    assert pair.inner.heard == said


async def test_a_certificate_that_is_not_trusted_ends_it_before_anybody_hears_of_it() -> None:
    pair = Pair(trusted=STRANGE)
    with pytest.raises(ssl.SSLCertVerificationError):
        await pair.shake()
    pair.ours.connection_lost(None)
    assert (pair.inner.transport, pair.inner.did, pair.wire.did) == (None, [], ["abort"])


async def test_a_connection_that_is_lost_in_the_handshake_is_an_error_of_its_own() -> None:
    pair = Pair()
    pair.ours.eof_received()
    pair.ours.connection_lost(None)
    with pytest.raises(ConnectionResetError, match="TLS"):
        await pair.ours.handshake()
    assert (pair.inner.transport, pair.inner.did) == (None, [])


async def test_a_goodbye_is_an_end_and_is_answered() -> None:
    pair = Pair()
    await pair.shake()
    with pytest.raises(ssl.SSLWantReadError):
        pair.server.unwrap()
    pair.pass_on()
    assert (pair.inner.did, pair.wire.did) == (["eof"], ["close"])
    pair.pass_on()
    pair.server.unwrap()
    pair.ours.write(b"too late")
    pair.ours.connection_lost(None)
    assert pair.inner.did == ["eof", "lost None"]
    for nothing in (pair.ours.pause_reading, pair.ours.resume_reading, pair.ours.abort):
        nothing()
    assert (pair.wire.did, pair.wire.written, pair.ours.is_closing()) == (["close"], [], True)


async def test_what_is_no_tls_breaks_the_connection_off() -> None:
    pair = Pair()
    await pair.shake()
    pair.ours.data_received(b"\x17\x03\x03\x00\x20" + b"?" * 32)
    assert pair.wire.did == ["abort"]
    pair.ours.write(b"too late")
    pair.ours.eof_received()
    pair.ours.connection_lost(None)
    assert pair.inner.did == ["eof", "lost None"]


async def test_who_reads_slowly_is_known_on_both_sides() -> None:
    pair = Pair()
    await pair.shake()
    pair.ours.pause_writing()
    pair.ours.resume_writing()
    pair.ours.pause_reading()
    pair.ours.resume_reading()
    assert (pair.inner.did, pair.wire.did) == (["pause", "resume"], ["pause", "resume"])
    assert not pair.ours.can_write_eof()
