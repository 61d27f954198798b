"""When a session with a model must be renewed: vendors end each after an hour at the latest (`expires_at`).

It is renewed two minutes before, as soon as nobody speaks and nothing is being tried, and at once in the last
seconds. What a model tells of the end of its sessions is not believed where that cannot be.
"""

from collections.abc import Callable
from math import inf

from media.effects import Effect, Warn
from media.options import Options

RENEW_MARGIN_S = 120.0
FORCE_MARGIN_S = 20.0
MIN_SESSION_S = 10.0
"An end sooner than that after the beginning is told by a wrong clock: no vendor has such sessions."


class Expiry:
    """Of the sessions of one call, one after the other. Times are monotonic seconds."""

    def __init__(self, out: list[Effect], options: Options) -> None:
        self._out = out
        self._options = options
        self._renew_at = inf
        self.renew_by = inf
        "When the session is renewed whoever speaks."
        self._doubted = False
        "Whether the end that the model tells of its sessions was warned of."

    def begin(self, expires_at_unix_s: float | None, now: float) -> None:
        """A session has begun, of which the model tells this end, or none."""
        left_s = min(self._told_left_s(expires_at_unix_s, now), self._options.max_session_s)
        # A session that is shorter than our margins is renewed in its last fifth.
        self._renew_at = now + left_s - min(RENEW_MARGIN_S, left_s / 5)
        self.renew_by = now + left_s - min(FORCE_MARGIN_S, left_s / 30)

    def wants_another(self, now: float, *, quiet: Callable[[float], bool]) -> bool:
        """Tell whether another session is to begin now; `quiet` tells whether that would disturb nobody."""
        return now >= self._renew_at and (now >= self.renew_by or quiet(now))

    def forget(self) -> None:
        """There is no session to renew, or it is left to end when it does."""
        self._renew_at = self.renew_by = inf

    def _told_left_s(self, expires_at_unix_s: float | None, now: float) -> float:
        """Say how long the session lasts by what the model tells of it, where that can be."""
        if expires_at_unix_s is None or not self._options.unix_s:
            return inf
        left_s = expires_at_unix_s - self._options.unix_s - now
        if left_s >= MIN_SESSION_S:
            return left_s
        if not self._doubted:
            self._doubted = True
            self._out.append(Warn("session_expiry_not_believed", {"left_s": round(left_s)}))
        return inf
