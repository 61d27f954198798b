"""Settings that an operator changes of a conversation that goes on, in the names of `media/settings.py`.

It is answered when the model has agreed; what it refuses was not changed. What a session cannot change is refused, or
done by a new session, which is told what was said, where whoever wants it says so (`recycle`). A new session that does
not come about is given up for one as before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from media import settings
from media.agreements import error_of
from media.conversation import Conversation
from media.effects import Answer, Effect, End, JsonObject, Outcome, ToModel
from media.places import leaves
from media.realtime.base import Realtime
from media.realtime.dial import Dial
from media.realtime.dialect import Path
from media.realtime.settable import Besides
from media.realtime.updating import VOICE, AwayError, FixedError, UpdateRefusedError
from media.session import Session
from media.settings import Delta, Settings
from media.updating import check, refuse, see_that_there_is_room, share

LEFT_OUT = "is not taken by this vendor's model, or is overruled by the verb's `extra`"


@dataclass(frozen=True, slots=True)
class Change:
    """Settings that an operator wants changed; the answer comes when the model has agreed, or not."""

    delta: Delta
    answer: Answer
    deep: bool = False
    "Whether objects are merged into what is so."
    recycle: bool = False
    "Whether a new session may begin for it."
    besides: Besides = None


class Changing:
    """Of one conversation."""

    def __init__(self, session: Session, talk: Conversation, out: list[Effect]) -> None:
        self._session = session
        self._talk = talk
        self._out = out
        self._extra: JsonObject = {}
        self.dial_of: Callable[[Realtime, str], Dial] | None = None
        "Says where another model of a vendor's is, or raises UpdateRefusedError; None: there is only the one."

    @property
    def _settings(self) -> Settings:
        model = self._session.model
        return Settings(model.name, leaves(model.settings), self._extra)

    def heard(self, own: Realtime) -> JsonObject | None:
        """Give the model and the voice that speak, where the conversation is with this model; else None."""
        now = self._settings
        return {settings.MODEL: now.model, "voice": now.at(VOICE)} if self._session.model is own else None

    def anew(self) -> bool:
        """Tell whether another session is on its way: what is changed now, it begins with."""
        return not self._session.ready

    def change(self, change: Change, *, over: bool) -> None:
        """Make a change, and see that it is answered.

        :raises UpdateRefusedError: that cannot be, and nothing has changed
        """
        if over or not self._session.ready:
            raise AwayError
        delta, before, agreements = change.delta, self._settings, self._session.agreements
        refuse(settings.faults(delta))
        wanted = settings.apply(delta, before, deep=change.deep)
        name, renamed = self._session.model.called(wanted.settings.model)
        wanted = replace(wanted, settings=replace(wanted.settings, model=name))
        lacking = [path for path in wanted.told if self._session.model.lacks(path)]
        see_that_there_is_room([*wanted.settings.session, *wanted.settings.extra])
        same = wanted.same if self._session.model.unanswered else {}  # what is so may still be refused
        told = {path: value for path, value in (same | wanted.told).items() if path not in lacking}
        session, fixed = settings.in_words(told), settings.fixed(told)
        check(session)
        if fixed and not change.recycle:
            names = ", ".join(map(delta.name_of, fixed))
            raise FixedError(f"{names} cannot be cleared in a session that goes on")
        nth = self._session.model.changes + 1
        wire = None
        if told or wanted.settings.model != before.model or change.besides is not None:
            wire = self._put(session, wanted.settings.model, change, without=fixed)
        now = self._settings
        lost = [path for path in told if now.at(path) != wanted.settings.at(path)]
        ignored = wanted.untold | {delta.name_of(path): LEFT_OUT for path in (*lacking, *lost)}
        ignored |= {settings.MODEL: renamed} if renamed else {}
        after = replace(now, model=wanted.settings.model, extra=wanted.settings.extra)
        agreed: JsonObject = {"changed": settings.changes(delta, before, after)}
        agreed |= {"ignored": ignored} if ignored else {}
        answer = partial(self._answered, change)
        if wire:
            self._out.append(ToModel(wire))
        if self._session.model.changes < nth:
            agreements.at_once(answer, agreed)
            return
        agreements.wait(nth, answer, agreed)
        if self._session.ready:
            self._session.settle_changes()

    def _answered(self, change: Change, outcome: Outcome) -> None:
        if outcome.how == "done":
            self._extra = change.delta.extra_after(self._extra)
        change.answer(outcome)

    def _put(self, session: JsonObject, name: str, change: Change, without: Sequence[Path]) -> bytes | None:
        """Change the session, or begin another one that is so; give what the one that goes on is to be told."""
        model = self._session.model
        if name != model.name and not change.recycle:
            raise FixedError(f"the model is {model.name} as long as its connection lasts")
        elsewhere = self._dial_of(model, name) if name != model.name else None
        if not (elsewhere or without):
            try:
                wire = model.update(session, spoken=self._talk.speaking.has_spoken, besides=change.besides)
            except FixedError:
                if not change.recycle:
                    raise
            else:
                share(session, model, self._others, self._talk, change.besides)
                return wire
        if self._talk.leaving:
            raise AwayError("the conversation takes its leave: no new session begins")
        model.update(session, spoken=False, without=without, besides=change.besides)
        share(session, model, self._others, self._talk, change.besides)
        self._recycle(model, name, elsewhere)
        return None

    def _dial_of(self, model: Realtime, name: str) -> Dial:
        if self.dial_of is None:
            raise UpdateRefusedError("no other model can be had in this conversation")
        return self.dial_of(model, name)

    @property
    def _others(self) -> Sequence[Realtime]:
        """Those that may take the model's place."""
        return self._session.models[1:]

    def _recycle(self, model: Realtime, name: str, elsewhere: Dial | None) -> None:
        """Begin a new session; where it does not come about, one as it was before the newest change."""
        nth, before = model.changes, model.name
        home = self._dial_of(model, before) if elsewhere else None

        def back(end: End) -> Dial | None:
            for one in self._session.models:
                one.undo(nth)
            model.rename(before)
            self._session.agreements.refused(nth, error_of(end))
            return home

        if elsewhere:
            model.rename(name)
        self._session.recycle(elsewhere, back)


def by_event(event: JsonObject) -> JsonObject | Change:
    """Give what an application's session.update wants where a new session may begin for it; else the event."""
    match event:
        case {"type": "session.update", "session": dict(session), "recycle": True}:
            return anew(session, lambda _: None)
        case _:
            return event


def anew(session: JsonObject, answer: Answer, besides: Besides = None) -> Change:
    """Give a change of a session in its own words, for which a new one may begin."""
    given = {name: value for name, value in session.items() if name == settings.MODEL}
    flat = {name: value for name, value in session.items() if name not in given}
    return Change(Delta(given, flat, {}, {name: name for name in given}), answer, recycle=True, besides=besides)
