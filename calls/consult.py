"""One attempt to find a human who takes a caller over, while the caller stays with the agent. Pure.

        calling ──answered──▶ briefing ──accepted──▶ over: completed
           │                     └──another key, none, hung up, a machine──▶ over: declined
           └──nobody answers, busy, refused, not reached──▶ over
           and from both: the caller hangs up ──▶ over: caller-abandoned

The first outcome counts. What the human's leg asks after that is answered all the same: the conference, or to hang up.
"""

from math import inf
from typing import Literal

from calls.leaving import OUTCOMES
from verbs.base import JsonObject, JsonValue
from verbs.briefing import BRIEFED_WITHIN_S, accepts, briefing_verbs, meeting_verbs, rings_s, wait_verbs
from verbs.handoff import Outcome

Phase = Literal["calling", "briefing", "over"]
HANGUP: JsonObject = {"verb": "hangup"}
HOOK = "hookswitch:consult/"
"A hook of the human's document that is our own to answer: whether they take the caller over."
GRACE_S = 2.0
"The platform ends the ringing itself, and tells so; it has this long to do it."
MOST_WAITS = 6
"How often a human who is ready waits for the answering machine detection to make up its mind."
OVER = "the conversation is over"
MACHINE = "an answering machine answered"


class Consult:
    """See the theory above. Times are monotonic seconds."""

    def __init__(self, handoff: JsonObject, briefing: str, *, token: str, now: float) -> None:
        """`token` names it, and the conference: letters and digits, not to be guessed."""
        self._handoff = handoff
        self._briefing = briefing
        self.token = token
        self.phase: Phase = "calling"
        self.outcome: Outcome | None = None
        self.why = ""
        "Said of an outcome that is none of the usual ones."
        self.due = now + rings_s(handoff) + GRACE_S
        self._waits = 0 if handoff.get("amd") is None else MOST_WAITS

    @property
    def hook(self) -> str:
        return f"{HOOK}{self.token}"

    @property
    def room(self) -> str:
        return f"handoff-{self.token}"

    @property
    def told(self) -> str:
        """Say for the model how it went."""
        return self.why or OUTCOMES.get(self.outcome or "error", "")

    def answered(self, now: float) -> list[JsonObject]:
        """Give the first document of the human's leg."""
        if self.outcome is not None:
            return [HANGUP]
        if self.phase == "calling":
            self.phase, self.due = "briefing", now + BRIEFED_WITHIN_S
        return briefing_verbs(self._handoff, self._briefing, self.hook)

    def asked(self, digits: JsonValue) -> list[JsonObject]:
        """Give what the human does after the briefing, with the key that they have pressed, if any."""
        accepted = accepts(self._handoff, digits)
        if accepted and digits is None and self._waits and self.outcome is None:
            self._waits -= 1
            return wait_verbs(self.hook)
        self._decide("completed" if accepted else "declined")
        return meeting_verbs(self.room) if self.outcome == "completed" else [HANGUP]

    def detected(self, *, machine: bool) -> None:
        """It is known what has answered: that a human did, a key has told already."""
        self._waits = 0
        if machine:
            self._decide("declined", MACHINE)

    def left(self, outcome: Outcome) -> None:
        """The human's leg is over; `outcome`: how, if they had not answered yet."""
        self._decide(outcome if self.phase == "calling" else "declined")

    def failed(self, why: str) -> None:
        """They could not even be called."""
        self._decide("error", why)

    def abandoned(self, *, by_caller: bool) -> None:
        """The conversation from which the caller was to be taken over is over."""
        self._decide("caller-abandoned" if by_caller else "error", "" if by_caller else OVER)

    def tick(self, now: float) -> None:
        if now >= self.due:
            self._decide("no-answer" if self.phase == "calling" else "declined")

    def _decide(self, outcome: Outcome, why: str = "") -> None:
        if self.outcome is None:
            self.phase, self.outcome, self.why, self.due = "over", outcome, why, inf
