"""The far side of a websocket, without a network: frames of any kind, and websockets' whole core beside our socket.

The oracle gets the same bytes as ours, a frame at a time, and never sees our way past it (media/sockets/base.py).
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from struct import pack
from typing import cast

from structlog import get_logger
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CLIENT, SERVER, Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from media.effects import Wire
from media.sockets.base import Socket
from media.sockets.framing import FIN_BINARY, FIN_TEXT
from media.sockets.model import ModelSocket
from media.sockets.platform import PlatformSocket

FIN = 0x80
LIMIT_BYTES = 70_000
"Of a message, in these tests."
Message = tuple[int, bytes]
Sent = tuple[int, bytes] | None
"A frame's first byte and its payload; None is the end of what is sent."
DATA = {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}


def frame(first: int, payload: bytes = b"", *, masked: bool, wide: int = 0) -> bytes:
    """Make a frame, sound or not. `wide`: 2 or 8 bytes are taken for its size, however small it is."""
    bit, size_bytes = FIN if masked else 0, len(payload)
    if wide == 8 or size_bytes > 0xFFFF:
        head = pack("!BBQ", first, bit | 127, size_bytes)
    elif wide == 2 or size_bytes > 125:
        head = pack("!BBH", first, bit | 126, size_bytes)
    else:
        head = pack("!BB", first, bit | size_bytes)
    if not masked:
        return head + payload
    mask = b"\x5a\x00\xff\x81"
    return head + mask + bytes(byte ^ key for byte, key in zip(payload, cycle(mask), strict=False))


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    at = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[begin:end] for begin, end in pairwise(at)]


@dataclass
class Transport:
    """What our socket writes to; nothing happens by itself."""

    written: list[bytes] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    closing: bool = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def write_eof(self) -> None:
        self.written.append(b"")

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True
        self.did.append("abort")

    def pause_reading(self) -> None:
        self.did.append("pause")

    def resume_reading(self) -> None:
        self.did.append("resume")

    def set_protocol(self, _: asyncio.BaseProtocol) -> None: ...


@dataclass
class Listener:
    """Listener and ears in one."""

    heard: list[Message] = field(default_factory=list)
    lost: list[int | None] = field(default_factory=list)
    opened: int = 0

    def platform_spoke(self, pcm: bytes) -> None:
        self._hear((FIN_BINARY, pcm))

    def platform_said(self, text: str) -> None:
        self._hear((FIN_TEXT, text.encode()))

    def platform_lost(self, code: int | None) -> None:
        self.lost.append(code)

    def model_opened(self, _: ModelSocket) -> None:
        self.opened += 1

    def model_said(self, wire: bytes) -> None:
        self._hear((0, wire))

    def model_lost(self, code: int | None, reason: str) -> None:
        self.lost.append(code)

    def _hear(self, message: Message) -> None:
        assert type(message[1]) is bytes
        self.heard.append(message)


@dataclass
class Near:
    """Our socket, open, on a transport of ours."""

    masked: bool
    "What comes is: ours is the server."
    listener: Listener = field(default_factory=Listener)
    transport: Transport = field(default_factory=Transport)
    socket: Socket = field(init=False)

    def __post_init__(self) -> None:
        self.socket = platform(self.listener) if self.masked else opened_model(self.listener)
        self.socket.connection_made(cast("asyncio.Transport", self.transport))

    def receive(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.socket.data_received(part)

    def end(self) -> None:
        self.socket.eof_received()
        self.socket.connection_lost(None)

    @property
    def sent(self) -> list[Sent]:
        return parsed(self.transport.written, masked=not self.masked)


def platform(listener: Listener, silence: Wire = "silence") -> PlatformSocket:
    return PlatformSocket(listener, lambda: silence, get_logger())


def asking(*, limit_bytes: int = LIMIT_BYTES) -> ClientProtocol:
    """Make a model's core whose request is on its way."""
    core = ClientProtocol(parse_uri("ws://model/"), max_size=limit_bytes)
    core.send_request(core.connect())
    return core


def accepted(core: ClientProtocol) -> bytes:
    """Give the answer to the upgrade that `core` asks for."""
    return ServerProtocol().accept(Request("/", core.connect().headers)).serialize()


def opened_model(listener: Listener) -> ModelSocket:
    core = asking()
    core.data_to_send()
    socket = ModelSocket(core, listener)
    socket.data_received(accepted(core))
    assert socket.open
    return socket


class Oracle:
    """websockets' core, driven as its own asyncio connection drives it: text that is not UTF-8 fails it, too."""

    def __init__(self, *, masked: bool) -> None:
        self.core = Protocol(SERVER if masked else CLIENT, max_size=LIMIT_BYTES)
        self._masked = masked
        self._first = 0
        self._parts = b""
        self._failed = False
        self.heard: list[Message] = []
        self._written: list[bytes] = []

    def receive(self, frames: Sequence[bytes]) -> None:
        for one in frames:
            self.core.receive_data(one)
            for event in self.core.events_received():
                if isinstance(event, Frame) and event.opcode in DATA and not self._failed:
                    self._join(event)
            self._written += self.core.data_to_send()

    def end(self) -> None:
        self.core.receive_eof()
        self._written += self.core.data_to_send()

    def _join(self, part: Frame) -> None:
        if part.opcode is not Opcode.CONT:
            self._first, self._parts = FIN | part.opcode, b""
        self._parts += part.data
        if not part.fin:
            return
        if self._masked and self._first == FIN_TEXT and not is_text(self._parts):
            self._failed = True
            self.core.fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
        else:
            self.heard.append((self._first if self._masked else 0, self._parts))

    @property
    def sent(self) -> list[Sent]:
        return parsed(self._written, masked=not self._masked)

    @property
    def told(self) -> int | None:
        return self.core.close_rcvd.code if self.core.close_rcvd else None


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def parsed(written: Iterable[bytes], *, masked: bool) -> list[Sent]:
    """Read what was sent, as the far side would."""
    sent: list[Sent] = []
    for data in written:
        if not data:
            sent.append(None)
            continue
        assert None not in sent, "nothing is sent after the end"
        reader = Protocol(SERVER if masked else CLIENT, max_size=None)
        reader.receive_data(data)
        frames = [event for event in reader.events_received() if isinstance(event, Frame)]
        sent += [(FIN * one.fin | one.opcode, bytes(one.data)) for one in frames]
    return sent
