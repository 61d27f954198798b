"""Who has the floor: whether what the agent is saying may be interrupted, and how it takes its leave.

Theory of operation
        protected greeting ──heard──▶ open ──a tool, or a silent caller, leads out──▶ goodbye ──last words heard──▶ left

    In the first and the last phase the agent *keeps* the floor: nothing of the caller's interrupts it, no voice and no
    key, whatever the vendor's turn detection says. Words that the vendor breaks off all the same are asked for again,
    once. What the conversation is on its way to (`leaving`) wins over whatever befalls the model meanwhile.
"""

from media.effects import End
from media.realtime.base import JsonObject


class Floor:
    """See the theory above."""

    def __init__(self) -> None:
        self.leaving: End | None = None
        self.left: End | None = None
        self._greets = False
        self._words: JsonObject = {}
        "The request for the words that are still to be asked for."
        self._again: JsonObject = {}
        "The same, for when they are broken off."

    @property
    def kept(self) -> bool:
        """Whether the agent cannot be interrupted."""
        return self._greets or self.leaving is not None

    def greet(self, words: JsonObject) -> None:
        """The agent says words, asked for already, that must be heard to their end."""
        self._greets, self._again = True, words

    def leave(self, end: End, words: str, *, said: bool) -> None:
        """The agent takes its leave, with such words (an instruction to it) where it has not `said` its own."""
        self.leaving, self._greets = end, False
        self._again = {"instructions": words, "tool_choice": "none"} if words else {}
        self._words = {} if said else self._again

    def broken_off(self) -> None:
        """The model did not say to the end what must be heard."""
        if self.kept:
            self._words, self._again = self._words or self._again, {}

    def heard(self) -> JsonObject:
        """Nothing is to be heard any more: give the words to be asked for now; if there are none, that was all."""
        words, self._words = self._words, {}
        if not words:
            self.left, self._greets = self.leaving, False
        return words
