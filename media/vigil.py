"""The silence rule: a caller never waits in silence for something that is being tried.

While something is being tried and nobody speaks, a soft tone sounds after a few seconds and then now and
again, so that the caller knows that the line lives. Words are the model's, or `say` verbs' after it.
"""

from math import inf

REPEAT_S = 2.0


class Vigil:
    """Watches one call's silence. Time is an argument, in monotonic seconds."""

    def __init__(self, *, after_s: float, sound_s: float = 0.0) -> None:
        """`sound_s` is the length of what sounds: it is not begun again before its end."""
        self._after_s = after_s
        self._repeat_s = max(REPEAT_S, sound_s)
        self._due = inf

    def watch(self, *, trying: bool, speaking: bool, now: float) -> bool:
        """Say whether the tone is to sound now."""
        if speaking or not trying:
            self.rest()
            return False
        if self._due == inf:
            self._due = now + self._after_s
        if now < self._due:
            return False
        self._due = now + self._repeat_s
        return True

    def rest(self) -> None:
        """Nothing is awaited."""
        self._due = inf

    def next_due(self) -> float:
        return self._due
