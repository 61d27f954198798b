"""Whether the caller has answered: they heard something of the agent, and spoke, or typed, when they had.

An answer begins after a line of which they heard something, and has words, as far as anybody writes them down: a cough
is none, nor is a turn that was going on already. A turn whose words are still to come is taken for one that has some,
for the model has heard it and goes on. Pure; times are monotonic seconds.
"""

from dataclasses import dataclass
from math import inf

from media.playout import Speech


@dataclass(slots=True)
class _Turn:
    began: float
    worded: bool = True


class Answers:
    """One conversation's."""

    def __init__(self) -> None:
        self._said: dict[Speech, float] = {}
        "When each line of the agent's was first told of,"
        self._heard: dict[Speech, float] = {}
        "and since when the caller has heard it."
        self._turns: dict[str, _Turn] = {}
        self._typed: list[float] = []
        self._wordless: set[str] = set()
        self._began: float | None = None
        self.stirred_at = -inf
        "When they have last heard a line to its end, or its cut, spoken or typed."

    def said(self, speech: Speech, now: float) -> None:
        """Something of a line of the agent's is known."""
        self._said.setdefault(speech, now)

    def heard(self, speech: Speech, heard_ms: float, now: float) -> None:
        """So much of a line has been heard by now."""
        if heard_ms > 0:
            self._heard[speech] = began = now - heard_ms / 1000
            self._said[speech] = min(self._said.get(speech, began), began)
            self.stirred_at = now

    def began(self, now: float) -> None:
        """The caller begins to speak."""
        self._began = now

    def turn(self, item_id: str, now: float) -> None:
        """What the caller began is a turn."""
        self._turns[item_id] = _Turn(now if self._began is None else self._began, item_id not in self._wordless)
        self._began = None
        self.stirred_at = now

    def text(self, item_id: str, text: str | None) -> None:
        """Take the words of a turn, which may come before it; None: nobody could write them down."""
        if text is not None and not text.strip():
            self._wordless.add(item_id)
            if turn := self._turns.get(item_id):
                turn.worded = False

    def typed(self, now: float) -> None:
        self._typed.append(now)
        self.stirred_at = now

    def since(self, at: float) -> bool:
        """Say whether they have answered a line that began after `at`."""
        heard = [self._heard[speech] for speech, said in self._said.items() if said > at and speech in self._heard]
        if not heard:
            return False
        answers = [*self._typed, *(turn.began for turn in self._turns.values() if turn.worded)]
        return any(answer > min(heard) for answer in answers)
