"""The response that the caller is owed, and what is done when the model falls silent.

Theory of operation
    A response is owed from the moment that it was asked for, or that the caller's turn ended where the model
    answers by itself, until its end. Any event of it proves that the model is at work:

        nothing ──asked, turn ended──▶ owed ──every event of it──▶ begun ──its end, the caller speaks──▶ nothing
                                        └── too long without one ──┘──▶ asked for once more, then given up

    So silence is found wherever it begins: before the first word, in mid-response, or after the caller's turn.
    One that has begun has `timeout_s` from each of its events. One that has not is asked for once more after half
    of it, and given up after all of it, counted from the first request or turn that has had no answer: a caller who
    asks "Hello?" meanwhile only stops that clock for as long as they speak.
    The second try comes back with every response that was completed.

    What is asked in passing is watched too (`watched`), so that it blocks nothing for ever, but never owed.
"""

import re
from math import inf
from typing import Any

from media.ends import FATAL

JsonObject = dict[str, Any]

RETRIES = 1
"How often a response that failed, or never came, is asked for again."
RATE_LIMITS = frozenset({"rate_limit_exceeded", "inference_rate_limit_exceeded"})
RATE_LIMIT_RETRIES = 2
RATE_LIMIT_S = 1.0
"How long to wait where the model does not say."
SERVER_FAULTS = frozenset({"server_error", "internal_error"})
SERVER_FAULT_S = 0.5
"What the vendor's own servers fail at needs a moment."
PASSING = RATE_LIMITS | SERVER_FAULTS
"Nothing of it is the request's fault: the same one may go through a little later."
MAX_RATE_LIMIT_S = 6.0
"A caller waits no longer for all tries of one turn together."
_AGAIN_IN = re.compile(r"try again in ([0-9]+(?:\.[0-9]+)?) ?(ms|s)\b")


class Awaited:
    """See the theory above. Time is an argument, in monotonic seconds."""

    def __init__(self, *, timeout_s: float, watch_s: float | None = None) -> None:
        """`watch_s`: when the second try is, in place of `timeout_s` or half of it; the model is given up no sooner."""
        self._stall_s = watch_s or timeout_s
        self._last_stall_s = max(self._stall_s, timeout_s)
        self._again_s = watch_s or timeout_s / 2
        self._give_up_s = max(timeout_s, self._again_s + min(self._again_s, timeout_s))
        self._since: float | None = None
        "When the oldest of what has had no answer at all was asked; what the caller spoke since is taken out."
        self._paused_at: float | None = None
        self._retries = RETRIES
        self.asked_with: JsonObject = {}
        "What the request said; nothing where the model answers by itself: to ask again is then to ask for an answer."
        self.due = inf
        self.ask_at = inf
        "When a request that the model's limits did not allow is to be made again."
        self._rate_limits, self._rate_limit_s = RATE_LIMIT_RETRIES, MAX_RATE_LIMIT_S
        "How often, and for how long, the model's limits may still be waited for."

    @property
    def owed(self) -> bool:
        return self.next_due() != inf

    @property
    def _patience_s(self) -> float:
        """How long a response that has begun may pause."""
        return self._stall_s if self._retries > 0 else self._last_stall_s

    def asked(self, response: JsonObject, now: float) -> None:
        """A request went out."""
        self.asked_with, self.ask_at = response, inf
        self._since = now if self._since is None else self._since + now - (self._paused_at or now)
        self._paused_at = None
        self.due = self._since + (self._again_s if self._retries > 0 else self._give_up_s)

    def paused(self, now: float) -> None:
        """The caller speaks: nothing is owed until their turn ends, and the clock of what has had no answer stands."""
        since = self._since
        self.settled()
        if since is not None:
            self._since, self._paused_at = since, now

    def turn_ended(self, now: float) -> None:
        """The caller has spoken, and the model answers by itself."""
        self.asked({}, now)

    def started(self, now: float, *, by_itself: bool) -> None:
        self.asked_with = {} if by_itself else self.asked_with
        self.ask_at = inf
        self.watched(now)

    def watched(self, now: float) -> None:
        """Something was asked, or begins, that costs nothing if it is lost: what is owed besides stays so."""
        self._since = self._paused_at = None
        self.due = now + self._patience_s

    def passed(self) -> None:
        """That is over."""
        self.due = inf

    def plainer(self) -> tuple[str, JsonObject]:
        """Give a request with less in it than the last, and the words that are to be told as an item in their place."""
        words = str(self.asked_with.get("instructions") or "")
        return words, {key: value for key, value in self.asked_with.items() if words and key == "tool_choice"}

    def goes_on(self, now: float) -> None:
        """Something of a response came: it is not stalled, however long it takes to write."""
        if self.due != inf:
            self._since = self._paused_at = None
            self.due = now + (self._stall_s if self._retries > 0 else self._last_stall_s)

    def settled(self, *, completed: bool = False) -> None:
        """Nothing is owed any more."""
        self.due = self.ask_at = inf
        self._since = self._paused_at = None
        if completed:
            self._retries = RETRIES
            self._rate_limits, self._rate_limit_s = RATE_LIMIT_RETRIES, MAX_RATE_LIMIT_S

    def after_failure(self, code: str, message: str, now: float) -> float | None:
        """Say in how many seconds to ask again after a response that failed; None: never."""
        if code in FATAL:
            return None
        if code not in RATE_LIMITS:
            return self._wait(SERVER_FAULT_S if code in SERVER_FAULTS else 0.0, now) if self.again() else None
        if not self._rate_limits or not self._rate_limit_s:
            return None
        said = _AGAIN_IN.search(message)
        wanted_s = float(said[1]) / (1000 if said[2] == "ms" else 1) if said else RATE_LIMIT_S
        wait_s = min(wanted_s, self._rate_limit_s)
        self._rate_limits -= 1
        self._rate_limit_s -= wait_s
        return self._wait(wait_s, now)

    def _wait(self, wait_s: float, now: float) -> float:
        """Set when to ask again; where it is at once, that is the caller's to do."""
        self.ask_at = now + wait_s if wait_s else inf
        return wait_s

    def again(self) -> bool:
        """Take the second try, if there is one."""
        self.due = inf
        self._retries -= 1
        return self._retries >= 0

    def retry(self, now: float) -> bool:
        """Say, once, that it is time to ask again."""
        if now < self.ask_at:
            return False
        self.ask_at = inf
        return True

    def next_due(self) -> float:
        return min(self.due, self.ask_at)
