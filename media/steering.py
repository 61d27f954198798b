"""A conversation steered from outside: by operators, tools and applications, at any moment of it.

`deeds` does what is asked; what then waits for the model's word stands in the table of `requests`. Whatever becomes of
the session or the call, it is answered.
"""

from media.client_events import came_of
from media.conversation import Conversation
from media.deeds import Deeds
from media.effects import Answer, Answered, Effect, End, JsonObject, Outcome
from media.options import Options
from media.record import Record
from media.requests import (
    AWAY,
    BUSY,
    LATE,
    LOST,
    AddItem,
    Came,
    Interrupt,
    Open,
    PauseInput,
    Request,
    Requests,
    Reset,
    RetrieveItem,
    SendEvent,
    ended,
    error_in,
    refusal,
)
from media.session import Session
from media.updating import ROLES, texts

OBJECTION_S = 1.0
"How long the model may object to a response beside the conversation, of which not every vendor says that it begins."
IMAGE = "(an image)"
"What a later session is told of one: its history is text."
RESETTING = Outcome("sent", {"state": "resetting"})


class Steering:
    """See the theory above. Effects go to `out`; times are monotonic seconds."""

    def __init__(
        self, session: Session, talk: Conversation, record: Record, out: list[Effect], options: Options
    ) -> None:
        self._session = session
        self._record = record
        self._out = out
        self._timeout_s = options.request_timeout_s
        self._resetting_s = 3 * options.session_timeout_s + options.request_timeout_s
        self._deeds = Deeds(session, talk, record, out)
        self._requests = Requests(out)
        self.update = self._deeds.update
        self.asked = self._requests.open
        "What waits for an answer."
        self.next_due = self._requests.next_due

    def take(self, request: Request, answer: Answer, now: float) -> None:
        """Do what is asked, or have it done; `answer` is told once what came of it."""
        match self._came_of(request, now):
            case Outcome() as outcome:
                self._out.append(Answered(answer, self._shown(outcome)))
            case opened:
                opened.answers.append(answer)
                self._wait(opened, now)

    def heard(self, type_: str, event: JsonObject, now: float) -> None:
        """Take the model's word: it may be the answer to something."""
        if type_ == "session.updated":
            self._agreed(event)
        if type_ == "error":
            self._record.refused(error_in(event).get("event_id"))
        opened = self._requests.answered_by(type_, event)
        if opened is None:
            return
        if type_ == "error":
            outcome = refusal(opened.request, event)
        else:
            if isinstance(opened.request, AddItem):
                self._note(opened.request.item, now)
            outcome = opened.done(event)
        self._requests.settle(opened, self._shown(outcome))

    def look(self, now: float, end: End | None) -> None:
        """See what the state of the session, and time, mean to those who wait."""
        if end:
            self._requests.settle_all(self._requests.open, ended(end))
        resets = [opened for opened in self.asked if isinstance(opened.request, Reset)]
        if self._session.ready:
            for opened in resets:
                self._requests.settle(opened, opened.done({}))
            self._agreed({})
        else:
            self._requests.settle_all([opened for opened in self.asked if opened not in resets], LOST)
        self._requests.tick(now)

    def _agreed(self, event: JsonObject) -> None:
        """Answer who waits for a change of the session that is no more to be refused."""
        taken_back = self._session.agreements.taken_back
        for opened in [each for each in self.asked if each.change in taken_back]:
            error = taken_back[opened.change or 0]
            self._requests.settle(opened, self._shown(refusal(opened.request, {"error": error})))
        taken_back.clear()
        for opened in self._requests.settled(self._session.model.unanswered):
            self._requests.settle(opened, self._shown(opened.done(event)))

    def _came_of(self, request: Request, now: float) -> Came:
        match request:
            case PauseInput():
                return self._deeds.pause(request, now)
            case Interrupt():
                return self._deeds.interrupt(now)
            case _ if not self._session.ready:
                return AWAY
            case _ if same := self._requests.like(request):
                return same
            case _ if self._requests.full:
                return BUSY
            case _:
                return self._asked_of_the_model(request, now)

    def _asked_of_the_model(self, request: AddItem | RetrieveItem | SendEvent | Reset, now: float) -> Came:
        match request:
            case Reset():
                return self._deeds.reset(request, now)
            case AddItem():
                return self._deeds.add(request, {})
            case RetrieveItem(item_id):
                return self._deeds.retrieve(request, item_id, self._deeds.id_of())
            case _:
                return came_of(request, self._deeds, now)

    def _wait(self, opened: Open, now: float) -> None:
        """Let a request wait, for as long as what it asks for may take."""
        if opened in self.asked:
            return
        match opened.request:
            case Reset():
                due_in_s, late = self._resetting_s, RESETTING
            case SendEvent():
                within_s = min(OBJECTION_S, self._timeout_s) if opened.beside else self._timeout_s
                due_in_s, late = within_s, Outcome("sent", {"event_id": opened.event_id})
            case _:
                due_in_s, late = self._timeout_s, LATE
        opened.due, opened.late = now + due_in_s, late
        self._requests.wait(opened)

    def _note(self, item: JsonObject, now: float) -> None:
        """Let later sessions know what was added to this one."""
        if item.get("role") in ROLES and (text := " ".join([*texts(item), *([IMAGE] if _shows(item) else [])])):
            self._record.added(item["id"], item["role"], text, now)

    def _shown(self, outcome: Outcome) -> Outcome:
        """Give what may be told of an outcome."""
        return Outcome(outcome.how, self._record.confidential.shown(outcome.told))


def _shows(item: JsonObject) -> bool:
    parts = item.get("content")
    return isinstance(parts, list) and any(
        isinstance(part, dict) and part.get("type") == "input_image" for part in parts
    )
