"""How fast a stranger's messages are read: bursts are, a flood is held back, and one that does not end is cut off.

Pure: time is an argument. Held back means that the socket is not read for a while; TCP then slows the sender.
"""

from math import inf

PER_S = 200.0
"A platform that carries out a conversation itself tells every piece of it, and is far below this."
BURST_S = 1.0
LASTS_S = 60.0


class Flood:
    """The messages of one socket."""

    def __init__(self) -> None:
        self._full_at_s = -inf
        "When the messages so far would have come at PER_S."
        self._since_s: float | None = None

    def wait_s(self, now_s: float) -> float | None:
        """Take note of a message; say how long to wait before the next is read. None: it is time to cut it off."""
        self._full_at_s = max(self._full_at_s, now_s) + 1 / PER_S
        wait_s = max(0.0, self._full_at_s - now_s - BURST_S)
        if not wait_s:
            self._since_s = None
            return 0.0
        if self._since_s is None:
            self._since_s = now_s
        return wait_s if now_s - self._since_s < LASTS_S else None
