"""The model's responses: asked for, awaited, tried again, given up.

`rounds` says when a request may go out, `awaited` what is owed and for how long; this joins them to the model.
"""

from media.asking import Asking
from media.awaited import PASSING, Awaited
from media.complaints import Complaints
from media.effects import Effect, End, Warn
from media.ends import FATAL, SILENT, TIMEOUT
from media.options import Options
from media.realtime.base import JsonObject, ModelRefused, Realtime, ResponseEnded
from media.realtime.rounds import Rounds
from media.realtime.steps import Step
from media.record import Record
from media.speaking import Speaking
from media.voice import Voice

EMPTY = "the response ended, and nothing came of it"
WHOLE = frozenset({"completed", "incomplete"})
"How a response ends that was neither broken off nor failed."
DRY_LOOK_S = 0.25
"How often it is looked whether a model that fell silent has been heard to the end of what it said."


class Responses:
    """Effects go to `out`; times are monotonic seconds."""

    def __init__(self, voice: Voice, speaking: Speaking, record: Record, out: list[Effect], options: Options) -> None:
        """`use` says with which model."""
        self._voice = voice
        self._speaking = speaking
        self._record = record
        self._out = out
        self._options = options
        self._rounds = Rounds(tool_timeout_s=options.tool_timeout_s)
        self.awaited = Awaited(timeout_s=options.response_timeout_s, watch_s=options.watch_s)
        self._asking = Asking(self.awaited, speaking, record, out)
        self._do, self.say = self._asking.do, self._asking.say
        self._anew: JsonObject = {}
        self._complaints = Complaints(out)
        self.over: End | None = None
        self._given_up = False
        "Whether it is over although the caller is owed an answer."
        self._heard = False
        "Whether something was heard of what failed last."
        self._turn_heard = False
        "Whether anything was heard of the answer to the caller's last turn, or to the last request of ours."
        self.caller_begins = self._rounds.caller_started
        self.called = self._rounds.called
        self.overdue = self._rounds.overdue
        self.forget_call = self._rounds.forget
        self.start_over = self._rounds.start_over
        self.close = self._rounds.close

    # What is asked of the model

    def ask(self, request: JsonObject, now: float) -> None:
        """Request a response, now or as soon as the model can take it."""
        self._turn_heard = False
        self._do(self._rounds.ask(request), now)
        self._stay_on(now)

    def fill(self, request: JsonObject, now: float) -> bool:
        """Request one that only fills a wait, if it can be made at once. Say whether it was."""
        steps = self._rounds.fill(request) if not self.awaited.owed else []
        self._do(steps, now)
        return bool(steps)

    def mention(self, request: JsonObject, now: float) -> None:
        """Request one that can wait until nothing else is to be said."""
        self._do(self._rounds.mention(request), now)

    def instruct(self, instructions: str, now: float, *, in_passing: bool, lasting: bool) -> None:
        """Let the model say something by an instruction; `lasting`: by which it shall go from then on."""
        if lasting:
            self.say("system", instructions)
        (self.mention if in_passing else self.ask)({"instructions": instructions}, now)

    def answer(self, call_id: str, output: str, now: float) -> None:
        """Give a tool's output."""
        self._do(self._rounds.answered(call_id, output), now)

    # The caller's turns

    def caller_stops(self, now: float, *, owed: bool) -> None:
        """Their turn is over, and if it is one that counts, an answer is `owed`."""
        self._rounds.caller_stopped(now)
        if owed:
            self._turn_heard = False
            self.awaited.turn_ended(now)

    def release(self, now: float) -> None:
        """The caller's turn is settled: nothing need wait for it."""
        self._do(self._rounds.released(), now)

    def interrupted(self, now: float, *, excused: bool) -> None:
        """Let nothing more be heard of what the model is saying; `excused`: and nothing is owed any more."""
        if excused:
            self.awaited.paused(now)
        if self._rounds.active:
            cancel = self._options.cancel_on_barge_in or not self._model.interrupts_itself
            self._speaking.silence(self._rounds.active, now, cancel=cancel)

    def cancel(self, now: float) -> None:
        """Leave off what the model is saying, or is about to, unasked by the caller: nothing is owed for it."""
        self.awaited.settled()
        self._rounds.discard()
        if self._rounds.active:
            self._speaking.silence(self._rounds.active, now, cancel=True)

    # What becomes of it

    def started(self, response_id: str, now: float, *, over_the_caller: bool) -> bool:
        """A response begins; `over_the_caller`, whose turn will have its own? Say whether it is not one of ours."""
        ours = self._rounds.asked
        self._do(self._rounds.started(response_id), now)
        if self._rounds.passing:
            self.awaited.watched(now)
        else:
            self.awaited.started(now, by_itself=not ours)
        if ours and (over_the_caller or self._rounds.discarded):
            self._speaking.silence(response_id, now, cancel=True)
        return not ours

    def ended(self, ended: ResponseEnded, now: float) -> None:
        self._record.used(ended.usage, self._model.model, now)
        if self._rounds.active not in {None, ended.response_id}:
            self._do(self._rounds.ended(ended.response_id), now)  # another one than that which speaks
            return
        empty = self._empty(ended)
        owed = self.awaited.owed
        if passing := self._rounds.passing and self._rounds.active is not None:
            self.awaited.passed()
        else:
            self.awaited.settled(completed=ended.status == "completed" and not empty)
            self._turn_heard = self._turn_heard or self._speaking.spoke_in(ended.response_id)
        self._voice.complete_all()
        if ended.status == "failed" or (empty and owed and not (passing or self._turn_heard)):
            self._failed(ended, now, passing=passing)
        else:
            self._do(self._rounds.ended(ended.response_id, cancelled=ended.status == "cancelled"), now)
        self._stay_on(now)

    def ended_late(self, ended: ResponseEnded, now: float) -> None:
        """One ended after the conversation did: only what it cost counts."""
        self._record.used(ended.usage, self._model.model, now)
        self._rounds.ended(ended.response_id)

    def refused(self, refusal: ModelRefused, now: float) -> None:
        """Tell the errors that end a conversation from those that a correct client can meet."""
        if refusal.fatal:
            self.over = End("server error", refusal.code, "model", refusal.error)
        elif refusal.code == "conversation_already_has_active_response":
            if self._asking.meant(refusal):
                self._do(self._rounds.refused(), now)
        elif not refusal.harmless:
            self._complaints.error(refusal)
            if refusal.event_id and self._asking.meant(refusal):
                self._not_taken(refusal, now)

    def lost(self) -> bool:
        """The model is gone. Say whether the caller was owed something besides what tools under way lead to."""
        answer_owed = self._given_up or (self.awaited.owed and not self._rounds.passing)
        calling = self._rounds.active is not None and self._rounds.owes_results_alone
        answer_owed = answer_owed and not calling
        owed = (self._rounds.owes and not self._rounds.owes_results_alone) or answer_owed
        active = self._rounds.active
        unheard = not (self._speaking.spoke_in(active) if active else self._given_up and self._heard)
        self._anew = self.awaited.asked_with if unheard and answer_owed else {}
        self.awaited.settled()
        self._rounds.lost(unheard=unheard)
        self.over, self._given_up = None, False
        return owed

    def resume(self, now: float, *, owed: bool) -> None:
        """Ask in a new session for what the caller is `owed`, as it was asked for if they have heard nothing of it."""
        self._do(self._rounds.ask(self._anew) if owed else self._rounds.released(), now)

    def use(self, model: Realtime, follow_up: JsonObject | None = None) -> None:
        self._model = model
        self._asking.use(model)
        self._rounds.follow_up = model.follow_up if follow_up is None else follow_up

    @property
    def at_work(self) -> bool:
        """Whether the caller may expect to hear something without speaking."""
        return self._rounds.at_work or self.awaited.owed

    @property
    def active(self) -> str | None:
        return self._rounds.active

    @property
    def asked_as(self) -> str:
        """The event by which the newest request was made."""
        return self._asking.asked_as

    @property
    def under_way(self) -> bool:
        """Whether the model makes a response, or was asked for one."""
        return self._rounds.active is not None or self._rounds.asked

    def tick(self, now: float) -> None:
        self._do(self._rounds.tick(now), now)
        if self.awaited.retry(now):
            self._do(self._rounds.ask(self.awaited.asked_with), now)
        if now >= self.awaited.due:
            self._stalled(now)

    def next_due(self) -> float:
        return min(self._rounds.next_due(), self.awaited.next_due())

    def _stay_on(self, now: float) -> None:
        """Await a request that is on its way still, where another one has just ended or the caller was heard."""
        if self._rounds.asked and not self.awaited.owed:
            self.awaited.asked(self.awaited.asked_with, now)

    def _empty(self, ended: ResponseEnded) -> bool:
        """Tell of a response that was not what it should be, and say whether nothing at all came of it."""
        empty = ended.empty and ended.status in WHOLE and self._speaking.nothing_came(ended.response_id)
        self._complaints.ended(ended, empty=empty)
        return empty

    def _failed(self, ended: ResponseEnded, now: float, *, passing: bool) -> None:
        """A response did not come about: ask again where that may help, and is worth it."""
        why = "failed" if ended.status == "failed" else "empty"
        error = ended.error or {"message": EMPTY if why == "empty" else "the response failed"}
        code = str(error.get("code") or f"response_{why}")
        if passing and code not in FATAL:
            self._out.append(Warn("response_failed", {"error": error, "again_in_s": None}))
            self._do(self._rounds.ended(ended.response_id), now)
            return
        self._heard = self._speaking.spoke_in(ended.response_id)
        asked = self._again(End("server failure", code, "model", error), now, owed=not passing)
        waiting = self._rounds.ended(ended.response_id)
        # Asked first: a request that waits already and this one become one.
        self._do([] if self.over else [*asked, *waiting], now)

    def _again(self, end: End, now: float, *, owed: bool = True) -> list[Step]:
        """Ask once more for what failed, at once or when the model's limits allow it; `end` is why, if never."""
        error = end.error or {}
        wait_s = self.awaited.after_failure(end.reason_code, str(error.get("message") or ""), now)
        if wait_s is None:
            self.over, self._given_up = end, owed
            return []
        self._out.append(Warn("response_failed", {"error": error, "again_in_s": wait_s}))
        return [] if wait_s else self._rounds.ask(self.awaited.asked_with)

    def _stalled(self, now: float) -> None:
        """Handle a model that fell silent: once what it said is heard, ask once more, then give up."""
        if not self._voice.silent(now):
            self.awaited.due = now + DRY_LOOK_S
            return
        if self._rounds.passing:
            self._never_mind(now)
            return
        self._out.append(TIMEOUT)
        if not self.awaited.again():
            self.over, self._given_up, self._heard = SILENT, True, False
            return
        self._out.append(Warn("model_stalled"))
        if self._rounds.active:
            self._speaking.cut(now)
            self._speaking.silence(self._rounds.active, now, cancel=True)
            self.awaited.settled()
            self.awaited.asked(self.awaited.asked_with, now)
        elif self._options.cancel_stalled:
            self._speaking.cancel()
        self._do(self._rounds.ask_again(self.awaited.asked_with), now)

    def _never_mind(self, now: float) -> None:
        """Give up what was only to be said in passing, and let out what waited for it."""
        self._out.append(Warn("model_stalled"))
        self.awaited.passed()
        if self._rounds.active:
            self._speaking.cut(now)
            self._speaking.silence(self._rounds.active, now, cancel=True)
        self._do(self._rounds.abandon(), now)

    def _not_taken(self, refusal: ModelRefused, now: float) -> None:
        """A request was refused: make it again later, or one with nothing in it that the model could refuse."""
        if self._rounds.passing:
            self.awaited.passed()
            self._do(self._rounds.abandon(), now)
            return
        self._rounds.failed()
        self.awaited.settled()
        self._heard = False
        end = End("server error", refusal.code, "model", refusal.error)
        if refusal.code in PASSING:
            self._do(self._again(end, now), now)
        elif self.awaited.asked_with:
            words, plainer = self.awaited.plainer()
            if words:
                self.say("system", words)
            self._do(self._rounds.ask(plainer), now)
        else:
            self.over, self._given_up = end, True
