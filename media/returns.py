"""How often, and how soon, a model is reached again in one call. Pure; times are monotonic seconds."""

from media.newest import Newest

MAX_RETURNS = 3
WITHIN_S = 60.0
"A model that has to be reached again more often than that, for whatever reason, is not there."
BACKOFF_S = (0.5, 1.0, 2.0)
"The pauses before the second connection after a drop, the third and the fourth, which is the last."


class Returns:
    """Of the sessions of one call."""

    def __init__(self) -> None:
        self._at: Newest[float] = Newest(MAX_RETURNS)
        self._tries = 0

    def begin(self, now: float) -> bool:
        """Count a session that is to begin in place of one that was ready; say whether it may."""
        if len(self._at) == MAX_RETURNS and now - self._at[0] < WITHIN_S:
            return False
        self._at.append(now)
        return True

    def wait_s(self) -> float | None:
        """Count a connection that was closed before its session was ready, and say how soon another may follow."""
        if self._tries >= len(BACKOFF_S):
            return None
        self._tries += 1
        return BACKOFF_S[self._tries - 1]

    def settled(self) -> None:
        """A session is ready, or another model's turn has come."""
        self._tries = 0
