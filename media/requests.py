"""What is asked of a conversation from outside, and the table of what is still to be answered.

Theory of operation
    A request is answered at once, or it waits in the table for what the model says to it:

        open ──the event that confirms it──▶ done       ──an `error` that names its event──▶ refused, or unknown
             ──its deadline──▶ late, or sent where the model need not say anything
             ──the session is gone──▶ lost              ──the conversation has ended──▶ over

    So each has one answer, whatever happens, and no later than its deadline. Two that ask for the same item share one
    question. Nothing here sends anything: `steering` does, and tells the table what it waits for.

Time is an argument, in monotonic seconds.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from math import inf

from media.effects import Answer, Answered, Effect, End, How, JsonObject, Outcome
from media.realtime.reading import aside
from verbs.event_names import GA_OF

MAX_OPEN = 32
"Of one call: more at once is a fault of whoever asks."
NO_SUCH_ITEM = "item_retrieve_invalid_item_id"


@dataclass(frozen=True, slots=True)
class AddItem:
    """Add a message, in the Realtime API's words, at the end or `after` the item of this id (`root`: in front)."""

    item: JsonObject
    after: str | None = None


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    item_id: str


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Send one client event of the Realtime API; which are taken says `steering`."""

    event: JsonObject


@dataclass(frozen=True, slots=True)
class PauseInput:
    """Let the model hear the caller no more, or again; `for_s`: again by itself after so long."""

    paused: bool
    for_s: float = inf


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the agent's speech: what was heard is what stays of it."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Begin a new session with the model, that is told the `history` or begins the conversation anew."""

    history: bool = True


Request = AddItem | RetrieveItem | SendEvent | PauseInput | Interrupt | Reset


def fault(how: How, code: str, message: str) -> Outcome:
    return Outcome(how, {"code": code, "message": message})


NOTHING_TOLD = Outcome("done", {"event_id": None, "event": None})
"What came of a change that was none."
LATE = fault("late", "model_silent", "the model did not answer in time; what was asked for may have been done")
LOST = fault("lost", "session_lost", "the session with the model ended before it answered: ask again in a moment")
AWAY = fault("away", "no_session", "there is no session with the model at this moment: ask again in a moment")
BUSY = fault("busy", "too_many_requests", f"{MAX_OPEN} requests to this conversation wait for their answers already")


@dataclass(slots=True, eq=False)
class Open:
    """A request that waits."""

    request: Request
    event_id: str = ""
    "By which an error names it."
    confirmed_by: Collection[str] = ()
    "The events, by today's names, any of which confirms it."
    item_id: str = ""
    "Of which item; empty: of any."
    change: int | None = None
    "Which change of the session it is; without an event of its own it needs none, if those before it are agreed to."
    answers: list[Answer] = field(default_factory=list)
    due: float = inf
    late: Outcome = LATE
    "What it is answered at its deadline."

    beside: bool = False
    "Whether it asks for a response beside the conversation."

    def confirmed(self, type_: str, event: JsonObject) -> bool:
        if type_ == "response.created" and self.beside != _is_beside(event):
            return False
        return not self.change and type_ in self.confirmed_by and (not self.item_id or self.item_id == _item_of(event))

    def done(self, event: JsonObject) -> Outcome:
        """Give what came of it, by the event that confirms it."""
        match self.request:
            case AddItem():
                told = {"id": self.item_id, "event_id": self.event_id, "item": event.get("item")}
            case RetrieveItem():
                told = {"item": event.get("item")}
            case Reset(history):
                told = {"history": "kept" if history else "dropped"}
            case _ if self.change and not self.event_id:
                return NOTHING_TOLD
            case _:
                told = {"event_id": self.event_id, "event": event}
        return Outcome("done", told)


Came = Outcome | Open
"What came of a request, or what it waits for."


class Requests:
    """One conversation's table; effects go to `out`."""

    def __init__(self, out: list[Effect]) -> None:
        self._out = out
        self.open: list[Open] = []

    @property
    def full(self) -> bool:
        return len(self.open) >= MAX_OPEN

    def wait(self, opened: Open) -> None:
        self.open.append(opened)

    def like(self, request: Request) -> Open | None:
        """Give the question that waits for the same item, of which this one can share the answer."""
        if not isinstance(request, RetrieveItem):
            return None
        return next((opened for opened in self.open if opened.request == request), None)

    def settled(self, unanswered: Collection[int]) -> list[Open]:
        """Give the changes of the session to which the model has agreed, by the numbers of those still unanswered."""
        return [opened for opened in self.open if opened.change and opened.change < min(unanswered, default=inf)]

    def answered_by(self, type_: str, event: JsonObject) -> Open | None:
        """Give the oldest request to which this is the answer: what names it, or confirms it."""
        if type_ == "error":
            event_id = error_in(event).get("event_id")
            return next((opened for opened in self.open if event_id and event_id == opened.event_id), None)
        named = GA_OF.get(type_, type_)
        return next((opened for opened in self.open if opened.confirmed(named, event)), None)

    def settle(self, opened: Open, outcome: Outcome) -> None:
        """Answer a request, and wait for it no more."""
        self.open.remove(opened)
        self._out.extend(Answered(answer, outcome) for answer in opened.answers)

    def settle_all(self, these: Collection[Open], outcome: Outcome) -> None:
        for opened in list(these):
            self.settle(opened, outcome)

    def tick(self, now: float) -> None:
        for opened in [each for each in self.open if each.due <= now]:
            self.settle(opened, opened.late)

    def next_due(self) -> float:
        return min(opened.due for opened in self.open) if self.open else inf


def ended(end: End) -> Outcome:
    return fault("over", "conversation_over", f"the conversation has ended: {end.reason_code}")


def refusal(request: Request, event: JsonObject) -> Outcome:
    """Give what an `error` event of the model's says to a request; its body as it came."""
    error = error_in(event)
    code, message = str(error.get("code") or error.get("type") or "refused"), str(error.get("message") or "")
    unknown = isinstance(request, RetrieveItem) and code == NO_SUCH_ITEM
    return Outcome("unknown" if unknown else "refused", {**error, "code": code, "message": message})


def _is_beside(event: JsonObject) -> bool:
    """Tell whether a response that was begun is none of the conversation's."""
    response = event.get("response")
    return isinstance(response, dict) and aside(response)


def error_in(event: JsonObject) -> JsonObject:
    error = event.get("error")
    return error if isinstance(error, dict) else {}


def _item_of(event: JsonObject) -> object:
    item = event.get("item")
    return item.get("id") if isinstance(item, dict) else event.get("item_id")
