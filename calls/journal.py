"""What happens in a call, for those who look on as it happens. Pure.

The newest events of each call are kept whether anybody looks on or not, so that one who comes late, or comes back, is
told what went before. A listener has no queue of its own: it says how far it has read. So one that reads slowly costs
nobody memory or time; what it has missed for good is told as a number.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Any, NamedTuple

from media.newest import Newest

JsonObject = dict[str, Any]
MAX_EVENTS = 200


class Event(NamedTuple):
    n: int
    "Its number in the call, from 1."
    kind: str
    data: JsonObject


class Journal:
    """One call's. `listeners` are called, and must neither wait nor raise, when there is something new."""

    def __init__(self, *, over: bool = False) -> None:
        self.name = token_hex(4)
        "Tells this journal's numbers from those of another one of the same call, as after a restart."
        self.over = over
        self.listeners: set[Callable[[], None]] = set()
        self._events: Newest[Event] = Newest(MAX_EVENTS)
        self._count = 0
        self._lines: dict[tuple[int, str], int] = {}

    def add(self, kind: str, data: JsonObject) -> None:
        if self.over:
            return
        self._count += 1
        self._events.append(Event(self._count, kind, data))
        for heard in self.listeners:
            heard()

    def said(self, nth: int, kind: str, key: str, value: JsonObject) -> None:
        """Add what was said or done in the n-th conversation; a line may come again, as it is then."""
        if kind == "line":
            number = self._lines.setdefault((nth, key), len(self._lines) + 1)
            self.add("transcript", {"conversation": nth, "line": number, **value})
        else:
            self.add(kind, {"conversation": nth, **value})

    def end(self, data: JsonObject) -> None:
        """Add the last event; nothing comes after it."""
        self.add("end", data)
        self.over = True

    def since(self, n: int) -> tuple[int, list[Event]]:
        """Give how many events after the n-th are lost, and those that are not."""
        behind = [event for event in self._events if event.n > n]
        first = behind[0].n if behind else self._count + 1
        return max(0, first - n - 1), behind
