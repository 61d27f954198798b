"""The conversation while both legs are up: turns, requests, tools, and what leads out of it.

What the two legs *are* (connecting, ready, gone) is the bridge's business. `over` says why it cannot go on.

What has a theory of its own is a machine of its own, and only joined here:
    `ear` the caller's audio · `speaking` the agent's · `interruption` what interrupts it · `responses` what the model
    is asked, and owes · `tooling` tool calls · `attendant` the keypad, a silent caller, the call's end
"""

from typing import assert_never

from media.arguments import RefusalError
from media.attendant import Act, Attendant, Leave, Say, Typed, Unended
from media.ear import Ear
from media.effects import CallTool, Effect, End, Measure, Warn
from media.interruption import Interruption, Verdict
from media.options import Options
from media.realtime.base import Realtime, ToolCalled
from media.record import Record
from media.responses import Responses
from media.speaking import Speaking
from media.tooling import Tooling, failure, leaving
from media.voice import Voice


class Conversation:
    """See the theory above. `out` is shared with the bridge: effects, in order."""

    def __init__(
        self, model: Realtime, voice: Voice, record: Record, out: list[Effect], options: Options, *, ends_at: float
    ) -> None:
        self._voice = voice
        self._record = record
        self._out = out
        self._options, self._manners = options, options.manners
        self.speaking = Speaking(voice, record, out, options.audio)
        self._ear = Ear(options.audio, out)
        self._ear.shut(keep=self._manners.caller_speaks_first)
        self.attendant = Attendant(self._manners, ends_at=ends_at)
        self.responses = Responses(voice, self.speaking, record, out, options)
        self._begun = False
        self._guarded = False
        "Whether the greeting is still being said that must not be interrupted."
        self._unanswered = False
        "Whether the model was lost while the caller was owed an answer."
        self._words = ""
        self._turn_ended_at: float | None = None
        self._greeted_from: float | None = None
        self.caller_speaks = False
        self.leaving: End | None = None
        self._left: End | None = None
        self.use(model)

    @property
    def over(self) -> End | None:
        """Why it cannot go on; the end that it was on its way to wins over what befell it on the way."""
        return (self.leaving or self.responses.over) if self.responses.over else self._left

    # The model comes, and goes

    def use(self, model: Realtime) -> None:
        """Talk with this model from now on."""
        self._model = model
        self._judge: Interruption | None = None
        if self._manners.barge_in.judged and model.can.leave_turns:
            self._judge = Interruption(self._manners.barge_in, self._options.audio)
            model.leave_turns()
        self.speaking.use(model)
        self._tooling = Tooling(model.tools, self._manners.fillers_s, self._options.confirmed)
        self.responses.use(model)

    def begin(self, now: float, *, opened_at: float) -> None:
        """Both legs are up: the first time, let the model speak first; later, let it know what was said."""
        if self._begun:
            self._go_on(now)
            return
        self._begun = True
        self._tell_history()
        if self._manners.caller_speaks_first:
            self._ear.open(self._model, now)
            return
        self._greeted_from = opened_at
        self._guarded = self._manners.protect_greeting
        if self._guarded:
            self._ear.shut(keep=True)
        else:
            self._ear.open(self._model, now)
        self.responses.ask(self._options.opening or self._model.greeting, now)

    def lost(self) -> None:
        """The model is gone, and will be back, or another one: what it said is spoken to its end."""
        heard_again = self._ear.lose(told=not (self.caller_speaks or self._record.lacks_words))
        owed = self.responses.lost() or self._unanswered
        self._unanswered = owed and not (heard_again and self._takes_turns)
        self._voice.complete_all()
        self.caller_speaks = False
        if self._judge:
            self._judge.stopped()
            self._voice.resume(0.0)  # the next session never heard the beginning of what the agent was held for

    def _go_on(self, now: float) -> None:
        if not self._model.can.add_text:
            self._out.append(Warn("history_untold"))
        self._tell_history()
        if self.leaving is None and not self._guarded:
            self._ear.open(self._model, now)
        if self._unanswered:
            self._unanswered = False
            self.responses.ask({}, now)

    def _tell_history(self) -> None:
        for role, text in (*self._options.history, *self._record.history()):
            self.responses.say(role, text)

    # The caller

    def hear(self, pcm: bytes, now: float) -> None:
        """Take the caller's audio, also while there is no model to pass it on to."""
        if self._judge and (verdict := self._judge.hear(pcm)):
            self._judged(verdict, now)
        self._ear.hear(pcm, now)

    def pressed(self, key: str, now: float, *, waits: bool) -> None:
        self._act(self.attendant.pressed(key, now, waits=waits), now)

    def caller_started(self, now: float) -> None:
        self.attendant.stirred(now)
        self._ear.caller_begins(anew=not self.responses.at_work)
        if self._takes_turns:
            self.responses.caller_begins()
        self.caller_speaks, self._turn_ended_at = True, None
        speaking = self._voice.speaking(now)
        if verdict := self._judge.started(speaking=speaking) if self._judge else None:
            self._judged(verdict, now)
        elif not (self._judge and speaking):
            self._barge_in(now)

    def caller_stopped(self, now: float) -> None:
        self.caller_speaks = False
        if verdict := self._judge.stopped() if self._judge else None:
            self._judged(verdict, now)
        counts = self._judge is None or self._judge.counts()
        if counts:
            self._turn_ended_at = now - self._model.pause_ms / 1000
        if self._takes_turns:
            self.responses.caller_stops(now, owed=counts)

    def caller_committed(self, item_id: str, now: float) -> bool:
        """The caller's turn is an item of the conversation. Say whether it counts."""
        if self._judge is None:
            return True
        counts = self._judge.counts()
        if not counts:
            self._ear.settle()
            self.speaking.forget(item_id)
        self.responses.release(now)
        if counts:
            self.responses.ask({}, now)
        return counts

    @property
    def _takes_turns(self) -> bool:
        """Whether the end of the caller's turn brings a response, of the model's own or at our request."""
        return self._model.answers_itself or self._judge is not None

    def _judged(self, verdict: Verdict, now: float) -> None:
        if verdict is Verdict.CUT:
            self._barge_in(now)
        elif verdict is Verdict.HOLD:
            self._voice.hold(now)
        else:
            self._voice.resume(now)

    def _barge_in(self, now: float) -> None:
        if self._voice.speaking(now):
            self.speaking.cut(now)
            self._out.append(Measure("barge_in", since=now))
        self.responses.interrupted(now, excused=self._takes_turns)

    def response_started(self, response_id: str, now: float) -> None:
        if self.responses.started(response_id, now, over_the_caller=self.caller_speaks and self._takes_turns):
            self.caller_speaks = False  # the model has heard the end of the turn that it answers

    # Tools

    def tool_called(self, call: ToolCalled, now: float) -> None:
        """Run a tool once, if it may be run; else tell the model at once."""
        self._ear.settle()
        if exit_ := self._options.exits.get(call.name):
            self._record.tool_called(call.call_id, call.name, call.arguments, now)
            self._record.tool_answered(call.call_id, '{"ok":true}', now)
            words = "" if self.speaking.spoke_in(call.response_id) else exit_.words
            self._leave(leaving(call, exit_.end), words)
            return
        if not self.responses.called(call.response_id, call.call_id, now):
            self._out.append(Warn("tool_duplicate", {"call_id": call.call_id}))
            return
        self._record.tool_called(call.call_id, call.name, call.arguments, now)
        try:
            self._out.append(CallTool(call.call_id, call.name, self._tooling.begin(call, now, self._record.user_turns)))
        except RefusalError as error:
            self._out.append(Warn("tool_rejected", {"call_id": call.call_id, "tool": call.name, "reason": error.shown}))
            self.tool_answered(call.call_id, failure(str(error)), now)

    def tool_answered(self, call_id: str, output: str, now: float) -> None:
        self._record.tool_answered(call_id, output, now)
        self._tooling.ended(call_id)
        self.responses.answer(call_id, output, now)

    def tool_answered_to_nobody(self, call_id: str, output: str, now: float) -> None:
        """Take an output while the model is away: it is part of the history that the next session gets."""
        self._record.tool_answered(call_id, output, now)
        self._tooling.ended(call_id)
        self.responses.forget_call(call_id)
        self._unanswered = True

    # Time

    def tick(self, now: float) -> None:
        """Do what time alone brings."""
        for call_id in self.responses.overdue(now):
            self._out.append(Warn("tool_timeout", {"call_id": call_id}))
            self.tool_answered(call_id, failure("the tool did not answer in time"), now)
        due = self._tooling.filler_due(now) and self._model.can.choose_tools
        if due and not self.caller_speaks and self._voice.silent(now):
            self.responses.fill({"instructions": self._manners.filler, "tool_choice": "none"}, now)
        self.responses.tick(now)
        self._act(self.attendant.tick(now), now)
        self._ear.tick(now)

    def look(self, now: float) -> None:
        """See what the agent's silence brings: the end of a protected greeting or of a goodbye, a caller's silence."""
        if not (self._guarded or self.leaving or self.attendant.minds_silence):
            return
        quiet = not (self._voice.speaking(now) or self.owes)
        if self.leaving and quiet:
            if self._words:
                self.responses.ask({"instructions": self._words, "tool_choice": "none"}, now)
                self._words = ""
            else:
                self._left = self.leaving
        elif self._guarded and quiet:
            self._guarded = False
            self._ear.open(self._model, now)
        elif not self.leaving:
            self._act(self.attendant.mind(silent=quiet and not self.caller_speaks, now=now), now)
            if self.leaving:
                self.look(now)

    def sent(self, now: float) -> None:
        """Agent speech has just been sent to the caller: the moment that latencies are measured to."""
        if self._greeted_from is not None:
            self._out.append(Measure("first_audio", since=self._greeted_from))
            self._greeted_from = None
        if self._turn_ended_at is not None:
            self._out.append(Measure("turn_latency", since=self._turn_ended_at))
            self._record.turn(now - self._turn_ended_at, now)
            self._turn_ended_at = None
            self._ear.settle()

    @property
    def owes(self) -> bool:
        """Whether the caller, who is silent, may expect to hear something."""
        return not self.caller_speaks and self.responses.at_work

    def quiet(self, now: float) -> bool:
        """Whether nothing goes on that a new session with the model would disturb."""
        return not (self.caller_speaks or self.owes or self._voice.speaking(now))

    def next_due(self) -> float:
        return min(self.responses.next_due(), self._ear.next_due(), self._tooling.next_due(), self.attendant.next_due())

    # What is done

    def _act(self, acts: list[Act], now: float) -> None:
        for act in acts:
            match act:
                case Say(instructions):
                    self.responses.ask({"instructions": instructions}, now)
                case Typed(entry, confidential) as typed:
                    self._record.typed(entry, now, confidential=confidential)
                    self._barge_in(now)
                    self.responses.say("user", typed.item)
                    self.responses.ask({}, now)
                case Leave(end, words):
                    self._leave(end, words)
                case Unended(over):
                    self._voice.resume(now)
                    if over and self.caller_speaks:
                        self.caller_speaks = False
                        self._out.append(Warn("turn_unended"))
                        self.responses.release(now)
                case _:
                    assert_never(act)

    def _leave(self, end: End, words: str) -> None:
        """Hear nothing more, and end when the last words have been heard."""
        if self.leaving is None:
            self.leaving, self._words = end, words
            self._ear.shut(keep=False)
