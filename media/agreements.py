"""Changes of a session: they are made when the model has agreed to them.

One that the model refuses was not made; whoever waits for it hears the model's own words. What nobody waits for is
mended where it can be: it is told again without what the model does not know. A model that leaves many unanswered is
told no more of them for a while: each of them may still have to be undone.
"""

from collections.abc import Sequence
from math import inf

from media.effects import Answer, Answered, Effect, End, JsonObject, Outcome, ToModel, Warn
from media.realtime.base import ModelRefused, Realtime, SessionReady
from media.realtime.updating import BusyError

RECYCLED = {"recycled": True}
"Told besides where it took a new session."
UNKNOWN = "unknown_parameter"
MOST_OPEN = 32
"Changes that a model may leave unanswered."
PATIENCE_S = 30.0
"After so long a model that has left as many unanswered is not waited for: it answers none, and takes what it is told."


class Agreements:
    """Of one conversation, by the numbers of the changes (`Realtime.change_of`). `models`: see `Session.models`."""

    def __init__(self, out: list[Effect]) -> None:
        self._out = out
        self._waiting: dict[int, tuple[Answer, JsonObject]] = {}
        self._whole: set[int] = set()
        "Those that are wanted whole by somebody who is answered elsewhere."
        self.taken_back: dict[int, JsonObject] = {}
        "Those of them that were refused, and the model's error; for whoever answers to forget."
        self._full_since: float | None = None

    def admit(self, models: Sequence[Realtime], now: float) -> None:
        """See that there is room for one more.

        :raises BusyError: the model has not answered as many
        """
        self.settle(models)
        if len(models[0].unanswered) < MOST_OPEN:
            self._full_since = None
            return
        if self._full_since is None:
            self._full_since = now
        if now - self._full_since < PATIENCE_S:
            raise BusyError(MOST_OPEN)
        models[0].presume()
        self.settle(models)

    def wait(self, nth: int, answer: Answer, told: JsonObject) -> None:
        """Answer this when the model agrees to that change."""
        self._waiting[nth] = (answer, told)

    def whole(self, nth: int) -> None:
        """Make that change as it is or not at all."""
        self._whole.add(nth)

    def at_once(self, answer: Answer, told: JsonObject) -> None:
        """Answer what the model need not be asked."""
        self._out.append(Answered(answer, Outcome("done", told)))

    def settle(self, models: Sequence[Realtime], more: JsonObject | None = None) -> None:
        """Let it be for good what has no answer before it that is still to come, and tell who waits for it."""
        waiting = models[0].unanswered
        for nth in [nth for nth in self._waiting if nth < min(waiting, default=inf)]:
            answer, told = self._waiting.pop(nth)
            self.at_once(answer, told | (more or {}))
        for model in models:
            model.settle(waiting)
        self._whole &= waiting

    def begun(self, models: Sequence[Realtime]) -> None:
        """A session is ready that was told of all changes but those that came after."""
        self.settle(models, RECYCLED)

    def heard(self, answer: SessionReady | ModelRefused, models: Sequence[Realtime]) -> None:
        """Take the model's word on a change."""
        if isinstance(answer, SessionReady):
            self.settle(models)
        elif not answer.harmless and (nth := models[0].change_of(answer)) is not None:
            self._refused(nth, answer, models)
            self.settle(models)

    def refused(self, nth: int, error: JsonObject) -> bool:
        """That change is refused; tell whether somebody wants it whole."""
        if nth in self._whole:
            self._whole.discard(nth)
            self.taken_back[nth] = error
            return True
        if nth not in self._waiting:
            return False
        code, message = error.get("code") or error.get("type") or "refused", error.get("message") or ""
        told = {**error, "code": str(code), "message": str(message)}
        self._out.append(Answered(self._waiting.pop(nth)[0], Outcome("refused", told)))
        return True

    def _refused(self, nth: int, refusal: ModelRefused, models: Sequence[Realtime]) -> None:
        """Tell a change again without what the model does not know of it, or undo it where it was refused otherwise."""
        param, model = refusal.param or "", models[0]
        if not self.refused(nth, refusal.error) and refusal.code == UNKNOWN and model.without(param):
            self._out.append(Warn("session_setting_dropped", {"param": param}))
            wire = model.retold(nth)
        else:
            wire, *_ = [each.undo(nth) for each in models]
            self._out.append(Warn("session_update_refused", {"code": refusal.code, "message": refusal.message}))
        if wire:
            self._out.append(ToModel(wire))


def error_of(end: End) -> JsonObject:
    """Give why a session did not come about, as a model would say it."""
    return {"code": end.reason_code, **(end.error or {})}
