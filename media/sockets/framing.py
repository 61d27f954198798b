"""Text frames to the model, fifty a second and call.

websockets' own serialiser asks the system for each mask and goes through four objects; this is the part of it that
a client's text message needs (RFC 6455 §5.2). Masks are as unforeseeable: they come from the same source, a
thousand at a time.
"""

import os
from collections.abc import Callable
from struct import Struct

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a wheel's C part
    from websockets.utils import apply_mask

FIN_TEXT = 0x81
MASKED = 0x80
_MASK_BYTES = 4
_MASKS_AT_ONCE = 1024
_SHORT, _MEDIUM, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")
_LAST_SHORT, _LAST_MEDIUM = 125, 65_535


class Masks:
    """An endless supply of masks."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random
        self._supply = b""
        self._at = 0

    def next(self) -> bytes:
        if self._at >= len(self._supply):
            self._supply, self._at = self._random(_MASK_BYTES * _MASKS_AT_ONCE), 0
        self._at += _MASK_BYTES
        return self._supply[self._at - _MASK_BYTES : self._at]


def text_frame(text: bytes, mask: bytes) -> bytes:
    """Frame one whole text message of a client."""
    size = len(text)
    if size <= _LAST_SHORT:
        head = _SHORT.pack(FIN_TEXT, MASKED | size)
    elif size <= _LAST_MEDIUM:
        head = _MEDIUM.pack(FIN_TEXT, MASKED | 126, size)
    else:
        head = _LONG.pack(FIN_TEXT, MASKED | 127, size)
    return head + mask + apply_mask(text, mask)
