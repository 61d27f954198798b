"""How our sockets begin, and what waits where the other side does not read: no network."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from media.sockets import model as model_module
from media.sockets.model import ModelSocket
from media.sockets.platform import STALLED_S, PlatformSocket
from media.sockets.upgrade import Upgrade
from tests.media.far_side import FIN, Listener, Transport, accepted, asking, frame, parsed, pieces, platform

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
EARLY = frame(FIN | TEXT, b"one", masked=False) + frame(FIN | PING, b"p", masked=False)
EARLY += frame(TEXT, b"tw", masked=False) + frame(FIN, b"o", masked=False)


# A model: we are the client


@dataclass
class Dialled:
    """A model's socket whose request is out."""

    def __post_init__(self) -> None:
        self.ears, self.transport, self.core = Listener(), Transport(), asking()
        self.socket = ModelSocket(self.core, self.ears)
        self.socket.connection_made(cast("asyncio.Transport", self.transport))
        [request] = self.transport.written
        assert request.startswith(b"GET / HTTP/1.1\r\n")
        self.transport.written.clear()

    def receive(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.socket.data_received(part)

    async def refusal(self) -> InvalidHandshake:
        with pytest.raises(InvalidHandshake) as raised:
            await self.socket.handshake()
        return raised.value


async def test_frames_that_came_with_the_answer_to_the_upgrade_are_heard_wherever_it_is_cut() -> None:
    size_bytes = len(accepted(asking()) + EARLY)
    for cuts in (range(size_bytes), range(0, size_bytes, 3), *([at] for at in range(size_bytes))):
        dialled = Dialled()
        dialled.receive(pieces(accepted(dialled.core) + EARLY, cuts))
        await dialled.socket.handshake()
        assert dialled.ears.opened == 1
        assert [heard for _, heard in dialled.ears.heard] == [b"one", b"two"]
        assert parsed(dialled.transport.written, masked=True) == [(FIN | PONG, b"p")]


async def test_a_model_that_leaves_in_the_breath_in_which_it_comes_was_there() -> None:
    dialled = Dialled()
    dialled.receive([accepted(dialled.core) + frame(FIN | CLOSE, b"\x03\xe9", masked=False) + EARLY])
    await dialled.socket.handshake()
    assert (dialled.ears.opened, dialled.ears.heard, dialled.ears.lost) == (1, [], [1001])


REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\ninvalid_key!"
CHUNKED = b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ninvalid\r\n5\r\n_key!\r\n0\r\n\r\n"
TO_THE_END = b"HTTP/1.1 401 Unauthorized\r\n\r\ninvalid_key!"


@pytest.mark.parametrize("answer", [REFUSAL, CHUNKED, TO_THE_END], ids=["sized", "chunked", "to the end"])
async def test_a_refusal_is_told_with_its_body_wherever_it_is_cut(answer: bytes) -> None:
    for cuts in (range(len(answer)), *([at] for at in range(len(answer)))):
        dialled = Dialled()
        dialled.receive(pieces(answer, cuts))
        if answer is TO_THE_END:
            dialled.socket.eof_received()
        refusal = await dialled.refusal()
        assert isinstance(refusal, InvalidStatus)
        assert (refusal.response.status_code, bytes(refusal.response.body)) == (401, b"invalid_key!")
        dialled.socket.connection_lost(None)
        assert (dialled.ears.opened, dialled.ears.heard, dialled.ears.lost) == (0, [], [])


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgra",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\ninva",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n",
    ],
)
async def test_what_is_no_whole_answer_is_told_as_such_at_its_end(answer: bytes) -> None:
    dialled = Dialled()
    dialled.receive([answer] if answer else [])
    dialled.socket.eof_received()
    dialled.socket.connection_lost(None)
    assert isinstance(await dialled.refusal(), InvalidMessage)
    assert (dialled.ears.opened, dialled.ears.lost) == (0, [])


async def test_a_connection_that_breaks_before_the_answer_is_told_as_such() -> None:
    dialled = Dialled()
    dialled.socket.connection_lost(ConnectionResetError())
    assert isinstance(await dialled.refusal(), InvalidMessage)


@pytest.mark.parametrize("change", [(b"websocket", b"h2c"), (b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x")])
async def test_an_upgrade_to_something_else_is_none(change: tuple[bytes, bytes]) -> None:
    dialled = Dialled()
    dialled.receive([accepted(dialled.core).replace(*change) + EARLY])
    await dialled.refusal()
    assert (dialled.ears.opened, dialled.ears.heard) == (0, [])
    assert dialled.transport.written == [b""]


async def test_an_answer_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "MAX_HEAD_BYTES", 20_000)
    dialled = Dialled()
    dialled.receive([b"HTTP/1.1 101 Switching Protocols\r\n", *[b"X: " + b"y" * 5000] * 5])
    await dialled.refusal()
    assert dialled.ears.opened == 0


async def test_a_model_that_is_dismissed_says_no_more() -> None:
    dialled = Dialled()
    dialled.receive([accepted(dialled.core)])
    dialled.socket.dismiss()
    dialled.receive([EARLY])
    dialled.socket.connection_lost(None)
    dialled.socket.send(b"to nobody")
    assert (dialled.ears.heard, dialled.ears.lost) == ([], [])
    assert parsed(dialled.transport.written, masked=True)[:1] == [(FIN | PONG, b"p")]


# A platform: we are the server, and it may not read


def on_stage() -> tuple[PlatformSocket, Transport]:
    socket, transport = platform(Listener()), Transport()
    socket.connection_made(cast("asyncio.Transport", transport))
    return socket, transport


def sent_by(transport: Transport) -> list[object]:
    return [one and one[1] for one in parsed(transport.written, masked=False)]


async def test_what_a_platform_does_not_read_yet_waits_in_order() -> None:
    socket, transport = on_stage()
    socket.put(b"a")
    socket.pause_writing()
    socket.put(b"b")
    socket.put("c")
    assert sent_by(transport) == [b"a"]
    socket.resume_writing()
    socket.put(b"d")
    assert parsed(transport.written, masked=False)[1:] == [
        (FIN | BINARY, b"b"),
        (FIN | TEXT, b"c"),
        (FIN | BINARY, b"d"),
    ]


async def test_a_platform_that_fills_up_again_gets_no_more_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    socket, transport = on_stage()
    socket.pause_writing()
    for audio in (b"a", b"b", b"c"):
        socket.put(audio)

    def fill_up(data: bytes) -> None:
        transport.written.append(data)
        socket.pause_writing()

    with monkeypatch.context() as full:
        full.setattr(transport, "write", fill_up)
        socket.resume_writing()
        assert sent_by(transport) == [b"a"]
        assert socket.stuck_since is not None
    socket.resume_writing()
    assert sent_by(transport) == [b"a", b"b", b"c"]


async def test_a_platform_that_reads_late_hears_nothing_late() -> None:
    socket, transport = on_stage()
    socket.pause_writing()
    for wire in (b"late", "mark", b"later"):
        socket.put(wire)
    assert socket.stuck_since
    socket.stuck_since -= STALLED_S + 1
    with capture_logs() as logs:
        socket.resume_writing()
    socket.put(b"now")
    assert sent_by(transport) == [b"silence", b"mark", b"now"]
    assert [(line["event"], line["held_s"], line["dropped_bytes"]) for line in logs] == [("media_stalled", 2.0, 9)]


@pytest.mark.parametrize("gone", ["closed", "lost"])
async def test_what_waits_for_a_platform_that_is_gone_is_not_sent(gone: str) -> None:
    socket, transport = on_stage()
    socket.pause_writing()
    socket.put(b"waits")
    if gone == "closed":
        socket.data_received(frame(FIN | CLOSE, b"\x03\xe8", masked=True))
    else:
        socket.connection_lost(None)
    socket.resume_writing()
    socket.put(b"too late")
    socket.ping()
    assert sent_by(transport) == ([b"\x03\xe8", None] if gone == "closed" else [])


async def test_a_request_whose_connection_is_gone_by_now_is_no_more_than_a_loss() -> None:
    class Gone:
        transport = None
        protocol = None

    listener = Listener()
    socket = platform(listener)
    upgrade = Upgrade.__new__(Upgrade)
    upgrade._request = cast("web.Request", Gone())
    upgrade.begin(socket)
    assert socket._closed.done()
    assert listener.lost == [None]
