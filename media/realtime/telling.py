"""Which changes of a session the model was told, what it has said to them, and what it has of them. Pure.

A session.updated names no request. It answers the oldest that was not refused: a session is told one thing after the
other. An error names the event that it answers, mostly.
"""

from media.realtime.base import JsonObject, ModelRefused
from media.realtime.updating import merged

CONFIGURATION = 0
"The number of what a session begins with; changes are counted from 1."


class Told:
    """Of one session; a change is told once, or again without what was not known."""

    def __init__(self) -> None:
        self._has: JsonObject = {}
        "What the session is, by all that was agreed to."
        self._open: dict[str, tuple[int, JsonObject]] = {}
        "What is not answered yet: by the event that it was told by, its number, and what was said of it."
        self._refused: JsonObject = {}

    @property
    def unanswered(self) -> frozenset[int]:
        """The numbers of what the model has neither agreed to nor refused."""
        return frozenset(nth for nth, _ in self._open.values())

    @property
    def expected(self) -> JsonObject:
        """What the session is if all is agreed to that it was told; nothing where it has not begun."""
        expected = self._has
        for _, change in self._open.values():
            expected = merged(expected, change)
        return expected

    def configured(self, event_id: str, session: JsonObject) -> None:
        """A session begins: with all changes, so nothing that was told before is answered in it."""
        self._has, self._open = {}, {event_id: (CONFIGURATION, session)}

    def told(self, event_id: str, nth: int, change: JsonObject) -> None:
        if self._has or self._open:  # else nothing is there to hear it
            self._open[event_id] = (nth, change)

    def agreed(self) -> None:
        """A session.updated has come."""
        if self._open:
            _, change = self._open.pop(next(iter(self._open)))
            self._has = merged(self._has, change)

    def presume(self) -> None:
        """Take it all for agreed: the model answers nothing."""
        while self._open:
            self.agreed()

    def change_of(self, refusal: ModelRefused) -> int | None:
        """Give the number of the change that was refused, the newest where none is named; None: it was no change."""
        unnamed = refusal.event_id is None and str(refusal.param).startswith("session.")
        for event_id, (nth, change) in reversed(self._open.items()):
            if nth != CONFIGURATION and (unnamed or event_id == refusal.event_id):
                del self._open[event_id]
                self._refused = change
                return nth
        return None

    @property
    def refused(self) -> JsonObject:
        """What was said of the change that was refused last."""
        return self._refused
