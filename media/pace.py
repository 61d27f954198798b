"""How fast the caller's audio may come: as fast as it is spoken, with room for a network that stalls and catches up.

Theory of operation
    What has come is held against the clock: ten seconds, and half as much again as time has passed. Whenever the
    clock is ahead the count begins anew, so that a call that was quiet for an hour has not saved one up. What comes
    beyond that is dropped, for whoever sends it is no telephone, or sends at another rate than it has told; and ten
    seconds of it are the end. No call's memory, and no model's bill, grows faster than that.

A frame costs an addition and a comparison: the clock is read anew only where the bound is reached, about every ten
seconds of audio.
"""

from media.audio import AudioFormat
from media.effects import Effect, Warn
from media.platforms.base import PlatformError

TIMES = 1.5
"Of real time: more than any clock is wrong, less than the next sample rate is."
BURST_MS = 10_000
BEYOND_MS = 10_000
"Of audio that was dropped, in one call."
SHORTEST_S = 0.02
"A burst has no pace: it is told as if it had taken one frame's time."


class Pace:
    """See the theory above. Warnings go to `out`; times are monotonic seconds."""

    def __init__(self, audio: AudioFormat, out: list[Effect], now: float) -> None:
        """`audio` is the platform's format."""
        self._audio = audio
        self._out = out
        self._since = now
        self._heard_bytes = 0
        self._bound_bytes = self._burst_bytes = audio.bytes_in(BURST_MS)
        self._dropped_bytes = 0

    def fits(self, size_bytes: int) -> bool:
        """Take note of a frame, where no look at the clock is needed to see that it shall be heard."""
        heard_bytes = self._heard_bytes + size_bytes
        if heard_bytes > self._bound_bytes:
            return False
        self._heard_bytes = heard_bytes
        return True

    def admits(self, size_bytes: int, now: float) -> bool:
        """Whether a frame of this size shall be heard.

        :raises PlatformError: the socket goes on and on faster than it may
        """
        self._heard_bytes += size_bytes
        return self._heard_bytes <= self._bound_bytes or self._look(size_bytes, now)

    def _look(self, size_bytes: int, now: float) -> bool:
        elapsed_s = now - self._since
        allowed_bytes = self._audio.bytes_in(elapsed_s * 1000 * TIMES)
        if self._heard_bytes <= allowed_bytes:
            self._since, self._heard_bytes, self._bound_bytes = now, 0, self._burst_bytes
            return True
        self._bound_bytes = allowed_bytes + self._burst_bytes
        if self._heard_bytes <= self._bound_bytes:
            return True
        times = self._audio.ms_in(self._heard_bytes) / 1000 / max(elapsed_s, SHORTEST_S)
        if not self._dropped_bytes:
            self._out.append(Warn("media_too_fast", {"times_real_time": round(times, 1)}))
        self._heard_bytes -= size_bytes
        self._dropped_bytes += size_bytes
        if (dropped_ms := self._audio.ms_in(self._dropped_bytes)) > BEYOND_MS:
            raise PlatformError(f"audio faster than real time: {dropped_ms / 1000:.1f} s of it had to be dropped")
        return False
