"""What the caller types on the keypad, gathered into entries that a model can read.

A model on a websocket never hears the keypad (OpenAI sends `dtmf_event_received` on SIP only), and single digits
would be a turn each. So digits are gathered until the finishing key, a pause, or as many as wanted.
"""

from dataclasses import dataclass
from math import inf

from media.effects import Effect, Warn
from media.realtime.base import Realtime

TYPED = "(typed on the keypad) "
"How an entry begins when it becomes an item of the conversation."


@dataclass(frozen=True, slots=True)
class Digits:
    """How entries are gathered; `finish` is one key, or nothing where only a pause or the maximum ends an entry."""

    finish: str = "#"
    pause_s: float = 2.0
    max_digits: int = 32
    sensitive: bool = False
    "Whether what was typed may stand in the transcript, in events and in the log: the model and its tools have it."


class Keypad:
    """One call's keypad. Times are monotonic seconds."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits
        self._typed = ""
        self._due = inf

    def press(self, key: str, now: float) -> str | None:
        """Take a key; return the entry that it completes."""
        if key == self._digits.finish:
            return self._entry()
        self._typed += key
        self._due = now + self._digits.pause_s
        return self._entry() if len(self._typed) >= self._digits.max_digits else None

    def tick(self, now: float) -> str | None:
        """Return the entry that a pause has ended."""
        return self._entry() if now >= self._due else None

    def next_due(self) -> float:
        return self._due

    def _entry(self) -> str | None:
        """Give what was typed; the finishing key alone says nothing."""
        typed, self._typed, self._due = self._typed, "", inf
        return typed or None


class Entries:
    """What was typed and waits to be read; a call whose model cannot be told has one warning."""

    def __init__(self, out: list[Effect]) -> None:
        self._out = out
        self._told = False
        self._waiting: list[str] = []

    def add(self, item: str) -> None:
        self._waiting.append(item)

    def taken(self, model: Realtime) -> list[str]:
        """Give those that wait, for the model to read, once; none where it cannot be told."""
        taken, self._waiting = self._waiting, []
        if taken and not (model.can.add_text or self._told):
            self._told = True
            self._out.append(Warn("digits_untold"))
        return taken if model.can.add_text else []
