"""One call as a state machine: the caller's leg, the model's leg, and what joins them.

Theory of operation
    Each leg goes one way through its phases, and the two in any order:

        platform   awaited ──socket──▶ opened ──call named──▶ talking ──▶ gone
        model      dialled ──session.created──▶ configuring ──session.updated──▶ ready ──▶ gone   (session.py)

    Nothing is sent to the model before `ready` but its configuration: audio that came earlier would be read in the
    default format. Once ready it is asked to speak, so that its first words wait for the caller; when both legs are up
    the conversation begins (`conversation.py`). It outlives the model's leg, which can be lost and found again.

    The first reason to end wins. Then the agent's voice stops, the model is told to cancel, and for at most
    a second the last transcript and usage are awaited; then comes Finish, once, and nothing after it (`parting.py`).

Inputs carry the time (monotonic seconds) and return effects; `next_due` says when `tick` is wanted.
"""

from collections.abc import Sequence
from functools import partial
from math import inf

from media.arrival import Arrival
from media.changing import Change, Changing
from media.conversation import Conversation
from media.effects import Answer, Answered, Effect, End, JsonObject, Report, Wire
from media.ends import HUNG_UP, media_lost
from media.intake import Intake
from media.meanings import is_told_only, note, tell
from media.options import ModelLeg, Options
from media.parting import Parting
from media.passage import Passage
from media.platforms.base import AudioReceived, CallStarted, DigitReceived, MediaDialect, PlatformError, PlatformEvent
from media.realtime.base import (
    CallerCommitted,
    ModelError,
    ModelEvent,
    ModelRefused,
    Realtime,
    ResponseEnded,
    SessionOpened,
    SessionReady,
    SpeechReceived,
)
from media.record import Record
from media.requests import Request, ended
from media.session import Session
from media.steering import Steering
from media.voice import Voice

NOTHING: list[Effect] = []
"What a piece of speech brings that makes no lot yet: no effect, and no other time to wake up. Not to be added to."


class Bridge:
    """See the theory above."""

    def __init__(self, platform: MediaDialect, models: Sequence[Realtime], options: Options, *, now: float) -> None:
        """`models`: the one to talk with, and those to fall back on, in the order in which they can be dialled."""
        self._platform = platform
        self.silence = platform.clear  # for whoever writes to it, and finds that it has not read for a while
        self._options = options
        self._out: list[Effect] = []
        self._arrival = Arrival(options, now)
        self._due = self._arrival.next_due()
        "When something besides the agent's voice is due; only what `_effects` is run after brings it forward."
        self.record = Record(now=now, confidential=options.confidential, meter=options.meter)
        self._intake = Intake(options, self._out, now)
        self._voice = Voice(platform, self.record, self._out, options)
        self.backlogged = self._voice.backlogged
        talk = self._talk = Conversation(models[0], self._voice, self.record, self._out, options, now=now)
        # `wanted` asks the talk, and not `self`: what knows itself is kept until Python looks for garbage.
        self._session = Session(
            models, self._out, options, use=talk.use, lost=talk.lost, wanted=lambda: not talk.leaving
        )
        self._parting = Parting(self._session, talk, self._voice, self.record, self._out)
        self._end, self._part = self._parting.end, self._parting.part
        self._steering = Steering(self._session, talk, self.record, self._out, options)
        self.changing = Changing(self._session, talk, self._out)
        self._told = partial(self.record.confidential.taken, self._out)
        self.passage = Passage(platform, self._intake, self._talk, self._voice)

    @property
    def finished(self) -> bool:
        return self._parting.finished

    # The platform's leg

    def platform_opened(self, now: float) -> list[Effect]:
        """Its media socket is open."""
        self._arrival.opened(now)
        return self._effects(now)

    def platform_said(self, wire: Wire, now: float) -> list[Effect]:
        try:
            for event in self._platform.receive(wire):
                self._on_platform(event, now)
        except PlatformError as error:
            self._end(media_lost(str(error)), now)
            return self._effects(now)
        # The caller's audio alone changes nothing that the passing of time would not: `tick` sees to that.
        alone = isinstance(wire, bytes) and len(self._out) <= 1
        return self._told() if alone else self._effects(now)

    def platform_closed(self, now: float, *, clean: bool) -> list[Effect]:
        """Its media socket is gone. `clean`: closed by the platform, as when the caller hangs up."""
        self._arrival.gone()
        self._voice.close()
        self._end(HUNG_UP if clean else media_lost("the media socket broke"), now)
        return self._effects(now)

    def _on_platform(self, event: PlatformEvent, now: float) -> None:
        match event:
            case AudioReceived(pcm):
                if self._parting.ending is None and self._intake.pace.admits(len(pcm), now):
                    self._talk.hear(pcm, now)
            case CallStarted(call_sid):
                self._intake.named(call_sid)
                self._arrival.named()
                self._voice.open(now)
                self._session.caller_waits(now)
                self._begin(now)
            case DigitReceived(digit, _):
                self._out.append(self._talk.attendant.told(digit))
                if not self._parting.ending:
                    self._talk.pressed(digit, now, waits=not self._session.ready)
            case _:
                self._intake.passed_over(event)

    # The model's leg

    def model_opened(self, now: float) -> list[Effect]:
        """Its socket is open; its first message is awaited."""
        self._session.connected(now)
        return self._effects(now)

    def model_said(self, wire: Wire, now: float) -> list[Effect]:
        model = self._session.model
        try:
            if isinstance(wire, bytes) and (speech := model.speech(wire)):
                return self._model_spoke(speech, now)
            said = model.receive(wire)
        except ModelError as error:
            self._part(self._session.bad_message(str(error)), now)
            return self._effects(now)
        if said.event:
            self._out.append(Report(said.type, said.event))
            if self._steering.asked or said.type == "error":
                self._steering.heard(said.type, said.event, now)
        if isinstance(said.meaning, SpeechReceived):
            return self._model_spoke(said.meaning, now)
        if said.type.startswith("response."):
            self._talk.responses.awaited.goes_on(now)
        if said.meaning:
            self._on_model(said.meaning, now)
        # What only the record and the application care for changes nothing here: most events between two turns.
        return self._told() if self._parting.ending is None and is_told_only(said.meaning) else self._effects(now)

    def _model_spoke(self, speech: SpeechReceived, now: float) -> list[Effect]:
        """Take a piece of the agent's voice. Most bring nothing yet, or a lot, and leave all else as it is."""
        self._talk.responses.awaited.goes_on(now)
        if self.passage.to_caller(speech):
            if not self._voice.playout.has_lot():
                return NOTHING
            return self._told() if self.passage.flows(now) else self._effects(now)
        self._session.heard(speech, now)
        if self._works:
            self._talk.speaking.speech(speech, now)
        return self._effects(now)

    def model_closed(self, now: float, *, code: int | None, reason: str) -> list[Effect]:
        """Its socket is gone. What the caller was to hear is played to its end first, unless it was refused."""
        self._part(self._session.closed(code, reason, now), now)
        return self._effects(now)

    def model_failed(self, now: float, *, reason_code: str, message: str) -> list[Effect]:
        """It could not be reached, or refused us."""
        self._part(self._session.failed(reason_code, message, now), now)
        return self._effects(now)

    def _on_model(self, meaning: ModelEvent, now: float) -> None:
        self._session.heard(meaning, now)
        note(self.record, meaning, self._session.model, now)
        match meaning:
            case SessionOpened() | SessionReady() | ModelRefused() if not self._session.ready:
                self._end(self._session.said(meaning, now), now)
                self._begin(now, met=True)
            case CallerCommitted(item_id):
                if self._parting.ending or not self._session.ready or self._talk.caller_committed(item_id, now):
                    self.record.caller_turn(item_id, transcribed=self._session.model.transcribes, now=now)
            case ResponseEnded() if self._parting.ending:
                self._talk.responses.ended_late(meaning, now)
            case _ if self._works:
                tell(self._talk, meaning, now)

    # The application, the operator, and time

    def tool_answered(self, call_id: str, output: str, now: float) -> list[Effect]:
        """Take a tool's output: the first is the model's, a later one for the same call a note to it."""
        if self._works:
            self._talk.tools.answered(call_id, output, now)
        else:
            self._talk.tool_answered_to_nobody(call_id, output, now)
        return self._effects(now)

    def update(self, wanted: JsonObject | Change, now: float) -> list[Effect]:
        """Change the conversation for its application or an operator; UpdateRefusedError says why that cannot be."""
        if isinstance(wanted, Change):
            self._session.admit_change(now)
            self.changing.change(wanted, over=not self._works)
        else:
            self._steering.update(wanted, now, over=not self._works)
        return self._effects(now)

    def ask(self, request: Request, answer: Answer, now: float) -> list[Effect]:
        """Take a request from outside; `answer` is told what came of it, once, now or later."""
        if self._parting.ending:
            return [Answered(answer, ended(self._parting.ending))]
        self._steering.take(request, answer, now)
        return self._effects(now)

    def declare(self, tools: Sequence[JsonObject], now: float) -> list[Effect]:
        """Offer the model functions that became known only now, or none: those that `awaits_tools` speaks of."""
        self._session.declare(tools, now)
        return self._effects(now)

    def end(self, end: End, now: float) -> list[Effect]:
        """End the conversation for a reason from outside."""
        self._end(end, now)
        return self._effects(now)

    def tick(self, now: float) -> list[Effect]:
        """Do what is due."""
        if now < self._due and not (self._parting.ending or self._parting.leaving) and self.passage.flows(now):
            return self._told()
        self._end(self._arrival.overdue(now), now)
        if not self._parting.ending:
            self._part(self._session.overdue(now), now)
        if self._works:
            self._talk.tick(now)
        return self._effects(now)

    def next_due(self) -> float | None:
        """When `tick` is wanted; None once finished."""
        if self._parting.finished:
            return None
        return self._parting.finish_by if self._parting.ending else min(self._due, self._voice.next_due())

    # What every input ends with

    @property
    def _works(self) -> bool:
        """Whether there is a model, and the conversation goes on."""
        return self._parting.ending is None and self._session.leg is ModelLeg.READY

    def _effects(self, now: float) -> list[Effect]:
        if not self._parting.ending:
            self._advance(now)
        if self._steering.asked:
            self._steering.look(now, self._parting.ending)
        self._parting.finish(now)
        talk_due = self._talk.next_due() if self._session.ready else inf  # a model that is gone is waited for no more
        self._due = min(self._session.next_due(), self._arrival.next_due(), self._steering.next_due(), talk_due)
        self.passage.look(works=self._works, leaving=self._parting.leaving is not None)
        return self._told()

    def _advance(self, now: float) -> None:
        if self._session.ready:
            self._talk.look(now)
        waiting = not self._session.ready or self._talk.owes
        if self._voice.play(now, waiting=waiting):
            self._talk.sent(now)
        if (over := self._talk.over) and self._session.ready:
            self._part(self._session.fell(over, now), now)
        self._parting.heard_out(now)
        self._session.renew(now, quiet=self._talk.quiet)

    def _begin(self, now: float, *, met: bool = False) -> None:
        if met and self._works:
            self._talk.met(now)
        if self._arrival.talking and self._works:
            self._talk.begin(now, opened_at=self._arrival.opened_at)
