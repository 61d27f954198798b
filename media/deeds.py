"""What can be done to a conversation from outside, each as this conversation needs it done.

A response is asked for by the one owner of `response.create`; the agent's speech is cut as by a barge-in; an item is
added under an id that is known here, so that the model names it as it confirms it.

Paused input: nothing of the caller's goes on, nor is kept for later. What the model has heard of a turn that goes on is
cleared, for its turn detection waits for audio after speech that will not come; where it finds no turns itself, what it
has heard is for somebody to commit, and stays. A pause outlives sessions. Keys are no audio, and go on. A caller whom
nobody hears is not silent: the idle ladder stands still.
"""

import json
import re
from itertools import count
from typing import Final

from media.conversation import Conversation
from media.effects import Effect, JsonObject, Outcome, ToModel, Warn
from media.realtime.base import Realtime
from media.realtime.updating import BusyError, FixedError, UpdateRefusedError
from media.realtime.wires import OURS
from media.record import Record
from media.requests import (
    BUSY,
    NOTHING_TOLD,
    AddItem,
    Came,
    Open,
    PauseInput,
    Reset,
    RetrieveItem,
    SendEvent,
    fault,
)
from media.session import Session
from media.updating import update

ADDED: Final = ("conversation.item.added", "conversation.item.done")
MAX_ID_CHARS = 32
"Longer ids are refused by the service."
NOT_BEGUN = fault("away", "not_begun", "the conversation has not begun: there is nothing yet that this could follow")
LEAVING = fault("away", "leaving", "the agent is taking its leave: nothing more is begun")
BAD_ID = fault("refused", "bad_item_id", f"an item's id is a text of 1 to {MAX_ID_CHARS} characters")
ANEW = "PATCH /api/calls/{sid}/llm with `recycle: true` begins a new session, which is told what was said"
TAKES_NONE = fault("refused", "vendor_cannot", "this vendor's model takes no items")
FORGETS_NONE = fault("refused", "vendor_cannot", "this vendor's model forgets no items")
_TAKEN_IDS = re.compile(f"{OURS.pattern}|op-")


class Deeds:
    """Each says what came of it, or what it waits for. Effects go to `out`; times are monotonic seconds."""

    def __init__(self, session: Session, talk: Conversation, record: Record, out: list[Effect]) -> None:
        self._session = session
        self._talk = talk
        self._record = record
        self._out = out
        self._ids = count(1)

    @property
    def _model(self) -> Realtime:
        return self._session.model

    # The caller's audio, the agent's, and the session

    def pause(self, request: PauseInput, now: float) -> Came:
        ear = self._talk.ear
        if not request.paused:
            ear.resume(now)
            return Outcome("done", {"paused": False})
        if not ear.paused and self._session.ready and self._model.finds_turns:
            self._send(self._model.unhear(f"bi-{self.id_of()}"))
        ear.pause(now + request.for_s)
        self._give_up_turn(now)
        return Outcome("done", {"paused": True})

    def interrupt(self, now: float) -> Came:
        return Outcome("done", {"interrupted": self._talk.interrupt(now, told=self._session.ready)})

    def reset(self, request: Reset, now: float) -> Came:
        """Recycle the session, told what was said; or with nothing of it, and then the agent begins again."""
        if self._talk.leaving:
            return LEAVING
        if not request.history:
            self.interrupt(now)
            self._talk.ear.settle()
            self._talk.start_over(now)
            self._talk.tools.start_over()
        self._out.append(Warn("session_reset", {"history": "kept" if request.history else "dropped"}))
        self._session.recycle()
        return Open(request)

    # Items

    def add(self, request: AddItem, event: JsonObject) -> Came:
        """Add an item, by an event of this id where it has one."""
        if not self._talk.begun:
            return NOT_BEGUN
        event_id = self.id_of(event)
        item = {"id": self.id_of() if event_id == event.get("event_id") else event_id, **request.item}
        if not isinstance(item["id"], str) or not 0 < len(item["id"]) <= MAX_ID_CHARS:
            return BAD_ID
        wire = self._model.add(item, after=request.after, event_id=event_id)
        if wire is None:
            return TAKES_NONE
        self._send(wire)
        return Open(AddItem(item, request.after), event_id, ADDED, item["id"])

    def retrieve(self, request: RetrieveItem | SendEvent, item_id: str, event_id: str) -> Came:
        self._send(self._model.retrieve(item_id, event_id))
        return Open(request, event_id, ("conversation.item.retrieved",), item_id)

    def forget(self, request: SendEvent, item_id: str, event_id: str) -> Came:
        if not self._talk.speaking.forget(item_id, event_id):
            return FORGETS_NONE
        return Open(request, event_id, ("conversation.item.deleted",), item_id)

    # The rest of what a client may say

    def commit(self, request: SendEvent, event_id: str) -> Came:
        self._send(self._model.commit(event_id))
        return Open(request, event_id, ("input_audio_buffer.committed",))

    def clear(self, request: SendEvent, event_id: str, now: float) -> Came:
        self._send(self._model.unhear(event_id))
        self._give_up_turn(now)
        return Open(request, event_id, ("input_audio_buffer.cleared",))

    def respond(self, request: SendEvent, response: JsonObject, event_id: str, now: float) -> Came:
        """Ask for a response as soon as the model can take it; for one beside the conversation at once."""
        if response.get("conversation") == "none":
            self._send(self._model.ask(response, event_id))
            return Open(request, event_id, ("response.created",), beside=True)
        if self._talk.leaving or not self._talk.begun:
            return LEAVING if self._talk.begun else NOT_BEGUN
        responses = self._talk.responses
        before = responses.asked_as
        responses.ask(response, now)
        if responses.asked_as == before:
            return Outcome("sent", {"event_id": None})  # it waits for another one, or for the caller
        return Open(request, responses.asked_as, ("response.created",))

    def change(self, request: SendEvent, now: float) -> Came:
        try:
            event_id = self.update(request.event, now, over=False)
        except BusyError:
            return BUSY
        except FixedError as error:
            return fault("refused", "update_refused", f"{error.why}; {ANEW}")
        except UpdateRefusedError as error:
            return fault("refused", "update_refused", str(error))
        if event_id is None and not self._model.unanswered:
            return NOTHING_TOLD  # it is so already
        self._session.agreements.whole(self._model.changes)
        return Open(request, event_id or "", ("session.updated",), change=self._model.changes)

    def update(self, event: JsonObject, now: float, *, over: bool) -> str | None:
        """Change the conversation as its application wants it; give the event by which the model was told, if it was.

        :raises UpdateRefusedError: that cannot be, and why
        """
        models = self._session.models if self._session.ready and not over else ()
        if models and event.get("type") == "session.update":
            self._session.admit_change(now)
        wire = update(event, models, self._talk, self._record, now)
        if wire is None:
            return None
        self._send(wire)
        return str(json.loads(wire)["event_id"])

    def id_of(self, event: JsonObject | None = None) -> str:
        """Give an event its id: its own, unless that could be one of ours."""
        given = (event or {}).get("event_id")
        if isinstance(given, str) and 0 < len(given) <= MAX_ID_CHARS and not _TAKEN_IDS.match(given):
            return given
        return f"op-{next(self._ids)}"

    def _give_up_turn(self, now: float) -> None:
        if self._talk.caller_speaks:
            self._talk.give_up_turn(now)

    def _send(self, wire: bytes) -> None:
        self._out.append(ToModel(wire))
