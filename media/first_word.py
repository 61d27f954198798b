"""How long a caller who has heard nothing yet waits for a first word, however many models there are to try.

Each has its share of what is left, the session and the first word together. While the caller speaks the clock stands.
Times are monotonic seconds.
"""

from math import inf

from media.options import Options
from media.realtime.base import (
    CallerStarted,
    CallerStopped,
    ModelEvent,
    ResponseEnded,
    SpeechReceived,
    SpokenText,
    ToolCalled,
)

SIGNS_OF_LIFE = (SpeechReceived, SpokenText, ToolCalled)
"What only a model says that does its work; to hear the caller is not yet to answer."


class FirstWord:
    """Of one call."""

    def __init__(self, options: Options) -> None:
        self._within_s = max(options.first_word_s, options.response_timeout_s)
        self._spoke = False
        self._word_by = self._answer_by = inf
        "When the call, and this model, must have brought the caller a first word."
        self._caller_since: float | None = None
        "Since when the caller has been speaking, as far as this session can tell."

    @property
    def due(self) -> float:
        return self._answer_by if self._caller_since is None else inf

    def wait(self, now: float, *, models: int) -> None:
        """The caller is there, and waits; so many models may still be tried."""
        if not self._spoke:
            self._word_by = now + self._within_s
            self.share(now, models=models)

    def share(self, now: float, *, models: int) -> None:
        """Give the model that is tried now its share of the time that is left."""
        self._answer_by = now + (self._word_by - now) / models

    def heard(self, meaning: ModelEvent, now: float) -> None:
        """Take note of a model that works, and of a caller who speaks before it does."""
        answered = isinstance(meaning, ResponseEnded) and not (meaning.status == "failed" or meaning.empty)
        if answered or isinstance(meaning, SIGNS_OF_LIFE):
            self.not_needed()
        elif isinstance(meaning, CallerStarted):
            self._caller_since = self._caller_since or now
        elif isinstance(meaning, CallerStopped):
            self.caller_spoke(now)

    def caller_spoke(self, now: float) -> None:
        """Give back the time that the caller took."""
        spoke_s = 0.0 if self._caller_since is None else now - self._caller_since
        self._word_by, self._answer_by = self._word_by + spoke_s, self._answer_by + spoke_s
        self._caller_since = None

    def not_needed(self) -> None:
        """It was said, or there is nobody to say it."""
        self._spoke, self._word_by, self._answer_by = True, inf, inf
