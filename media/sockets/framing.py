"""Whole data frames, fifty a second and way: cut out of what came, and made for what goes (RFC 6455 §5.2).

websockets' own reader and serialiser go through a generator and four objects for each, and ask the system for each
mask; this is the part of them that an unfragmented message needs. All other frames are left to websockets. Masks are as
unforeseeable: they come from the same source, a thousand at a time.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from struct import Struct

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a wheel's C part
    from websockets.utils import apply_mask

FIN_TEXT, FIN_BINARY = 0x81, 0x82
MASKED = 0x80
MASK_BYTES = 4
HEAD_BYTES = 2
"At least; what they say tells how many more there are."
_MASKS_AT_ONCE = 1024
_SHORT, _MEDIUM, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")
_LAST_SHORT, _LAST_MEDIUM = 125, 65_535
_SIZES = 128
"Heads that are remembered: frames of audio are of a few sizes."


class Masks:
    """An endless supply of masks."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random
        self._supply = b""
        self._at = 0

    def next(self) -> bytes:
        if self._at >= len(self._supply):
            self._supply, self._at = self._random(MASK_BYTES * _MASKS_AT_ONCE), 0
        self._at += MASK_BYTES
        return self._supply[self._at - MASK_BYTES : self._at]


def head_of(data: bytes, at: int) -> tuple[int, int] | None:
    """Say where the payload of the frame at `at` begins and ends; None where more of its head is still to come.

    The mask, where there is one, stands right before the payload.
    """
    if (more := len(data) - at) < HEAD_BYTES:
        return None
    second = data[at + 1]
    size_bytes, start = second & ~MASKED, at + HEAD_BYTES
    if size_bytes > _LAST_SHORT:
        wide = 2 if size_bytes == _LAST_SHORT + 1 else 8
        if more < HEAD_BYTES + wide:
            return None
        size_bytes = int.from_bytes(data[start : start + wide], "big")
        start += wide
    if second & MASKED:
        start += MASK_BYTES
    return start, start + size_bytes


def unmasked(data: bytes, start: int, end: int) -> bytes:
    """Give the payload of a client's frame."""
    return apply_mask(data[start:end], data[start - MASK_BYTES : start])


@lru_cache(maxsize=_SIZES)
def head_to(first: int, size_bytes: int, masked: int = 0) -> bytes:
    """Make the head of a frame: its first byte, the size of its payload, and MASKED where a mask is to follow."""
    if size_bytes <= _LAST_SHORT:
        return _SHORT.pack(first, masked | size_bytes)
    if size_bytes <= _LAST_MEDIUM:
        return _MEDIUM.pack(first, masked | _LAST_SHORT + 1, size_bytes)
    return _LONG.pack(first, masked | _LAST_SHORT + 2, size_bytes)


def masked_frame(first: int, payload: bytes, mask: bytes) -> bytes:
    """Frame one whole message of a client."""
    return head_to(first, len(payload), MASKED) + mask + apply_mask(payload, mask)


def plain_frame(first: int, payload: bytes) -> bytes:
    """Frame one whole message of a server."""
    return head_to(first, len(payload)) + payload
