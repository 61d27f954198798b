"""The response that the caller is owed, and what is done when the model falls silent.

Theory of operation
    A response is owed from the moment that it was asked for, or that the caller's turn ended where the model
    answers by itself, until its end. Any event of it proves that the model is at work:

        nothing ──asked, turn ended──▶ owed ──every event of it──▶ owed anew ──its end, the caller speaks──▶ nothing
                                         └──`timeout_s` without one──▶ asked for once more, then given up

    So silence is found wherever it begins: before the first word, in mid-response, or after the caller's turn.
    The second try comes back with every response that was completed.
"""

from math import inf
from typing import Any

JsonObject = dict[str, Any]

RETRIES = 1
"How often a response that failed, or never came, is asked for again."


class Awaited:
    """See the theory above. Time is an argument, in monotonic seconds."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._retries = RETRIES
        self.asked_with: JsonObject = {}
        "What the request said; nothing where the model answers by itself: to ask again is then to ask for an answer."
        self.due = inf

    @property
    def owed(self) -> bool:
        return self.due != inf

    def asked(self, response: JsonObject, now: float) -> None:
        """A request went out."""
        self.asked_with, self.due = response, now + self._timeout_s

    def turn_ended(self, now: float) -> None:
        """The caller has spoken, and the model answers by itself."""
        self.asked({}, now)

    def started(self, now: float, *, by_itself: bool) -> None:
        self.asked({} if by_itself else self.asked_with, now)

    def goes_on(self, now: float) -> None:
        """Something of a response came: it is not stalled, however long it takes to write."""
        if self.owed:
            self.due = now + self._timeout_s

    def settled(self, *, completed: bool = False) -> None:
        """Nothing is owed any more."""
        self.due = inf
        if completed:
            self._retries = RETRIES

    def again(self) -> bool:
        """Take the second try, if there is one."""
        self.due = inf
        self._retries -= 1
        return self._retries >= 0
