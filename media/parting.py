"""How a conversation ends: the first reason wins, and nothing is said after it.

    going on ──the model is gone──▶ leaving: what was said is heard to its end ──▶ ending
             ──any other reason──▶ ending: at most a second, for the last transcript and usage ──Finish──▶ finished

As it begins to end the agent's voice stops, and the model is told to cancel.
"""

from media.conversation import Conversation
from media.effects import Effect, End, Finish, ToModel
from media.ends import PLAYED_OUT
from media.record import Record
from media.session import Session
from media.voice import Voice

ENDING_S = 1.0
"How long the last transcript and usage are awaited."


class Parting:
    """Of one conversation. Effects go to `out`; times are monotonic seconds."""

    def __init__(self, session: Session, talk: Conversation, voice: Voice, record: Record, out: list[Effect]) -> None:
        self._session = session
        self._talk = talk
        self._voice = voice
        self._record = record
        self._out = out
        self.leaving: End | None = None
        "To be the end when all that was said is heard."
        self.ending: End | None = None
        self.finish_by = 0.0
        self.finished = False

    def part(self, end: End | None, now: float) -> None:
        """There is no model any more. What was said is heard to its end, and what it was to lead to wins."""
        if end and (self._talk.leaving or end.completion_reason in PLAYED_OUT):
            self._voice.complete_all()
            self.leaving = self._talk.leaving or end
        else:
            self.end(end, now)

    def end(self, end: End | None, now: float) -> None:
        """Fix the end, and stop what goes on."""
        if end is None or self.ending:
            return
        self.ending = end
        self.finish_by = now + ENDING_S
        self._voice.stop(now)
        active = self._talk.responses.active if self._session.ready else None
        if active and (wire := self._session.model.cancel(active, "bi-end")):
            self._out.append(ToModel(wire))

    def heard_out(self, now: float) -> None:
        """End, where nothing but what was said was waited for, and it has been heard."""
        if self.leaving and not self._voice.speaking(now):
            self.end(self.leaving, now)

    def finish(self, now: float) -> None:
        """Finish, once, where nothing more is waited for."""
        if self.finished:
            self._out.clear()
        elif self.ending and not self._awaits_last_words(now):
            self.finished = True
            self._record.close()
            self._out.append(Finish(self.ending))

    def _awaits_last_words(self, now: float) -> bool:
        owed = self._talk.responses.active or self._record.awaits_text
        return self._session.ready and now < self.finish_by and bool(owed)
