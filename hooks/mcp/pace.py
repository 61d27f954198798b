"""How fast a server of tools is read: faster than any needs, and too slowly to keep us from the calls."""

BURST_BYTES = 1024 * 1024
BYTES_PER_S = 64 * 1024


class Pace:
    """Of one connection: a bucket that fills as time passes. Pure; times are monotonic seconds."""

    def __init__(self) -> None:
        self._full_at = 0.0
        "When there is room for a whole burst again."

    def wait_s(self, size_bytes: int, now: float) -> float:
        """Count what was read; say how long to wait before more is."""
        self._full_at = max(now, self._full_at) + size_bytes / BYTES_PER_S
        return max(0.0, self._full_at - now - BURST_BYTES / BYTES_PER_S)
