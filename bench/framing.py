"""WebSocket framing by hand (RFC 6455), only as much as a load generator needs: whole frames, no extensions."""

from base64 import b64encode
from hashlib import sha1
from struct import pack

try:
    from websockets.speedups import apply_mask
except ImportError:  # the C extension is optional there
    from websockets.utils import apply_mask

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_FIN = 0x80
_MASKED = 0x80
_ZERO_KEY = b"\0\0\0\0"


def header(opcode: int, length: int, *, masked: bool = False) -> bytes:
    """What stands before `length` bytes of payload. A client must mask (§5.3); key 0 leaves the payload as it is."""
    bit = _MASKED if masked else 0
    key = _ZERO_KEY if masked else b""
    if length < 126:
        return pack("!BB", _FIN | opcode, bit | length) + key
    if length < 65_536:
        return pack("!BBH", _FIN | opcode, bit | 126, length) + key
    return pack("!BBQ", _FIN | opcode, bit | 127, length) + key


def frame(opcode: int, payload: bytes, *, masked: bool = False) -> bytes:
    return header(opcode, len(payload), masked=masked) + payload


def accept_key(key: str) -> str:
    return b64encode(
        sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    ).decode()


class FrameReader:
    """Bytes as they come → (opcode, payload) as they are complete. Raises ValueError on what it was not built for."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        if self._rest:
            data = self._rest + data
        found: list[tuple[int, bytes]] = []
        at, size = 0, len(data)
        while size - at >= 2:
            first, second = data[at], data[at + 1]
            if first & 0x70 or not first & _FIN:
                raise ValueError("a fragmented or compressed WebSocket frame: nothing offered that")
            start, length = at + 2, second & 0x7F
            if length > 125:
                wide = 2 if length == 126 else 8
                length = int.from_bytes(data[start : start + wide], "big") if size - start >= wide else size
                start += wide
            if second & _MASKED:
                start += 4
            if start + length > size:
                break
            at = start + length
            payload = data[start:at]
            found.append((first & 0x0F, apply_mask(payload, data[start - 4 : start]) if second & _MASKED else payload))
        self._rest = data[at:]
        return found
