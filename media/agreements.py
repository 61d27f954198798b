"""Changes of a session that somebody waits for: they are made when the model has agreed to them.

One that the model refuses was not made; whoever wanted it hears the model's own words.
"""

from media.effects import Answer, Answered, Effect, End, JsonObject, Outcome

RECYCLED = {"recycled": True}
"Told besides where it took a new session."


class Agreements:
    """Of one conversation, by the numbers of the changes (`Realtime.change_of`)."""

    def __init__(self, out: list[Effect]) -> None:
        self._out = out
        self._waiting: dict[int, tuple[Answer, JsonObject]] = {}

    def wait(self, nth: int, answer: Answer, told: JsonObject) -> None:
        """Answer this when the model agrees to that change."""
        self._waiting[nth] = (answer, told)

    def at_once(self, answer: Answer, told: JsonObject) -> None:
        """Answer what the model need not be asked."""
        self._out.append(Answered(answer, Outcome("done", told)))

    def reached(self, nth: int | None) -> None:
        """The model has agreed to this change."""
        if nth in self._waiting:
            self.at_once(*self._waiting.pop(nth))

    def all_reached(self) -> None:
        """A session is ready that was told of all changes."""
        for answer, told in self._waiting.values():
            self.at_once(answer, told | RECYCLED)
        self._waiting.clear()

    def refused(self, nth: int, error: JsonObject) -> bool:
        """The model refused this change; tell whether somebody waits for it."""
        if nth not in self._waiting:
            return False
        code, message = error.get("code") or error.get("type") or "refused", error.get("message") or ""
        told = {**error, "code": str(code), "message": str(message)}
        self._out.append(Answered(self._waiting.pop(nth)[0], Outcome("refused", told)))
        return True


def error_of(end: End) -> JsonObject:
    """Give why a session did not come about, as a model would say it."""
    return {"code": end.reason_code, **(end.error or {})}
