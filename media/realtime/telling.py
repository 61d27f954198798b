"""Which changes of a session the model was told, and what it has said to them. Pure.

A session.updated names no request. It answers the oldest that was not refused: a session is told one thing after the
other. An error names the event that it answers, mostly.
"""

from media.newest import Newest
from media.realtime.base import JsonObject, ModelRefused
from media.realtime.changes import MOST_OPEN

CONFIGURATION = 0
"The number of what a session begins with; changes are counted from 1."


class Told:
    """Of one session; a change is told once, or again without what was not known."""

    def __init__(self) -> None:
        self._said: Newest[tuple[str, int, JsonObject]] = Newest(MOST_OPEN)
        "The newest changes: the event that each was told by, its number, and what was said of it."
        self._unanswered: Newest[tuple[str, int]] = Newest(MOST_OPEN)

    def configured(self, event_id: str) -> None:
        """A session begins: with all changes, so nothing that was told before is answered in it."""
        self._unanswered.clear()
        self._unanswered.append((event_id, CONFIGURATION))

    def told(self, event_id: str, nth: int, change: JsonObject) -> None:
        self._said.append((event_id, nth, change))
        self._unanswered.append((event_id, nth))

    def agreed(self) -> int | None:
        """Give the number of what a session.updated answers; None: nobody has asked."""
        return self._unanswered.pop(0)[1] if self._unanswered else None

    def change_of(self, refusal: ModelRefused) -> int | None:
        """Give the number of the change that was refused, the newest where none is named; None: it was no change."""
        unnamed = refusal.event_id is None and str(refusal.param).startswith("session.")
        for event_id, nth, _ in reversed(self._said):
            if unnamed or event_id == refusal.event_id:
                self._unanswered[:] = [one for one in self._unanswered if one[0] != event_id]
                return nth
        return None

    def change(self, nth: int) -> JsonObject:
        """Give what was last said of a change."""
        return next(change for _, number, change in reversed(self._said) if number == nth)
