"""The conversation while both legs are up: turns, requests, tools, and what leads out of it.

What the two legs *are* (connecting, ready, gone) is the bridge's business; here they work. `over` says why
it cannot go on.

What has a theory of its own is a machine of its own, and only joined here:
    `ear` the caller's audio · `speaking` the agent's · `interrupting` what interrupts it · `responses` what the model
    is asked, and owes · `tool_calls` tools · `attendant` the keypad, a silent caller, the call's end · `floor` when
    nothing interrupts, and the goodbye
"""

from dataclasses import replace
from typing import assert_never

from media.attendant import Act, Attendant, Leave, Say, Typed, Unended
from media.ear import Ear
from media.effects import Effect, End, Warn
from media.floor import Floor
from media.interrupting import Interrupting
from media.keypad import Entries
from media.latencies import Latencies
from media.options import Options
from media.realtime.base import Realtime, ResponseEnded, ToolCalled
from media.record import Record
from media.responses import Responses
from media.speaking import Speaking
from media.tool_calls import ToolCalls
from media.tooling import leaving
from media.voice import Voice


class Conversation:
    """See the theory above. `out` is shared with the bridge: effects, in order."""

    def __init__(
        self, model: Realtime, voice: Voice, record: Record, out: list[Effect], options: Options, *, now: float
    ) -> None:
        self._voice = voice
        self._record = record
        self._out = out
        self._options, self._manners = options, options.manners
        self.speaking = Speaking(voice, record, out, options.audio)
        self.ear = Ear(options.audio, out, options.tape)
        self.ear.shut(keep=self._manners.caller_speaks_first)
        if self._manners.start_paused:
            self.ear.pause()
        self.attendant = Attendant(self._manners, record.meter, ends_at=now + options.max_call_s)
        self.responses = Responses(voice, self.speaking, record, out, options)
        self.tools = ToolCalls(self.responses, record, out, options)
        self._floor = Floor()
        self._typed = Entries(out)
        self._met = self.begun = self.caller_speaks = False
        self._unanswered = False
        "Whether the model was lost while the caller was owed an answer."
        self._latencies = Latencies(record, out)
        self.turns = Interrupting(voice, self.speaking, self.responses, self._latencies, options)
        self.use(model)

    @property
    def leaving(self) -> End | None:
        """The end that it is on its way to: it wins over whatever befalls the model on the way."""
        return self._floor.leaving

    @property
    def over(self) -> End | None:
        """Why it cannot go on."""
        return self._floor.left or self.responses.over

    # The model comes, and goes

    def use(self, model: Realtime) -> None:
        """Talk with this model from now on."""
        self._model = model
        self.turns.use(model)
        self.speaking.use(model)
        self.tools.use(model)
        self.responses.use(model)

    def met(self, now: float) -> None:
        """A model is ready: the first speaks first, the caller there or not; a later one hears what was said."""
        for role, text in (*self._options.history, *self._record.history()):
            self.responses.say(role, text)
        if self._met:
            self._go_on(now)
            return
        self._met, self._unanswered = True, False
        if not self._manners.caller_speaks_first:
            greeting = self._options.opening or self._model.greeting
            if self._manners.protect_greeting:
                self._floor.greet(greeting)
            self.responses.ask(greeting, now)

    def begin(self, now: float, *, opened_at: float) -> None:
        """The caller is there, and so is a model."""
        if self.begun:
            return
        self.begun = True
        if not self._manners.caller_speaks_first:
            self._latencies.greeting_awaited(opened_at)
        if self._floor.kept:
            self.ear.shut(keep=True)
        else:
            self.ear.open(self._model, now)

    def lost(self) -> None:
        """The model is gone, and will be back, or another one: what it said is spoken to its end."""
        heard_again = self.ear.lose(told=not (self.caller_speaks or self._record.lacks_words))
        owed = self.responses.lost() or self._unanswered
        self._unanswered = owed and not (heard_again and self.turns.takes_turns)
        self._voice.complete_all()
        self.caller_speaks = False
        self.turns.stopped(0.0)  # the next session never heard the beginning of it

    def start_over(self, now: float) -> None:
        """Forget what was said: with the next session the conversation begins anew."""
        self._record.drop_history(now)
        self._options = replace(self._options, history=(), opening={})
        self._met = self.begun = False

    def _go_on(self, now: float) -> None:
        if not self._model.can.add_text:
            self._out.append(Warn("history_untold"))
        if self.begun and not self._floor.kept:
            self.ear.open(self._model, now)
        owed, self._unanswered = self._unanswered, False
        self.responses.resume(now, owed=owed)

    # The caller

    def hear(self, pcm: bytes, now: float) -> None:
        """Take the caller's audio, also while there is no model to pass it on to."""
        if self.turns.judges:
            self.turns.hear(pcm, now)
        self.ear.hear(pcm, now)

    def give_up_turn(self, now: float) -> None:
        """Wait no more for the end of the caller's turn: nobody will tell it."""
        self.caller_speaks = False
        self.turns.stopped(now)
        self.responses.release(now)

    def pressed(self, key: str, now: float, *, waits: bool) -> None:
        self._act(self.attendant.pressed(key, now, waits=waits and self.leaving is None), now)

    def caller_started(self, now: float) -> None:
        if self._floor.kept or self.ear.paused:
            return  # said before the ear was shut, and told only now
        self.attendant.turn_began(now)
        self.ear.caller_begins(anew=not self.responses.at_work)
        if self.turns.takes_turns:
            self.responses.caller_begins()
        self.caller_speaks = True
        self._latencies.turn_began(now)
        self.turns.started(now)

    def caller_stopped(self, now: float) -> None:
        if self._floor.kept or self.ear.paused:
            return
        self.caller_speaks = False
        self.turns.stopped(now, finished=self._voice.would_be_over(now))
        counts = self.turns.counts()
        if counts:
            self.attendant.stirred()
            self._latencies.turn_ended(now - self._model.pause_ms / 1000)
        if self.turns.takes_turns:
            self.responses.caller_stops(now, owed=counts)

    def caller_committed(self, item_id: str, now: float) -> bool:
        """The caller's turn is an item of the conversation. Say whether it counts."""
        if self.leaving or not self.turns.judges:
            return True
        counts = self.turns.counts()
        if not counts:
            self.ear.settle()
            self.speaking.forget(item_id)
        self.responses.release(now)
        if counts:
            self.responses.ask({}, now)
        return counts

    def interrupt(self, now: float, *, told: bool) -> bool:
        """Stop the agent's speech, and say whether there was any; not `told`: there is no session to tell it."""
        cut = self._voice.speaking(now) or (told and self.responses.under_way)
        if told:
            self.speaking.cut(now)
            self.responses.cancel(now)
        else:
            self._voice.stop(now)
        return cut

    def response_started(self, response_id: str, now: float) -> None:
        """The model answers: to our request, or to the caller's turn, of which it has heard the end."""
        if self.responses.started(response_id, now, over_the_caller=self.caller_speaks and self.turns.takes_turns):
            self.caller_speaks = False
            if self.leaving:
                self.speaking.silence(response_id, now, cancel=True)

    def response_ended(self, ended: ResponseEnded, now: float) -> None:
        if ended.status == "cancelled" and self.speaking.left_off(ended.response_id):
            self._floor.broken_off()
        self.responses.ended(ended, now)

    # Tools

    def tool_called(self, call: ToolCalled, now: float) -> None:
        """Run a tool, or take leave where that is what it is for."""
        self.ear.settle()
        self.speaking.brought = call.response_id
        if exit_ := self._options.exits.get(call.name):
            self._record.tool_called(call.call_id, call.name, call.arguments, now)
            self._record.tool_answered(call.call_id, '{"ok":true}', now)
            said = self.speaking.spoke_in(call.response_id)
            self._leave(leaving(call, exit_.end), exit_.words, now, said=said)
        else:
            self.tools.called(call, now, heard=self._voice.speaking(now))

    def tool_answered_to_nobody(self, call_id: str, output: str, now: float) -> None:
        """Take an output while the model is away."""
        self.tools.answered_to_nobody(call_id, output, now)
        self._unanswered = True

    # Time

    def tick(self, now: float) -> None:
        """Do what time alone brings."""
        self.tools.tick(now, silent=not self.caller_speaks and self._voice.silent(now))
        self.responses.tick(now)
        self._act(self.attendant.tick(now), now)
        self.ear.tick(now)

    def look(self, now: float) -> None:
        """See what the agent's silence brings: the end of a protected greeting or of a goodbye, a caller's silence."""
        if not (self._floor.kept or self.attendant.minds_silence):
            return
        quiet = not (self._voice.speaking(now) or self.owes)
        if not self._floor.kept:
            silent = quiet and not (self.caller_speaks or self.ear.paused)
            self._act(self.attendant.mind(silent=silent, now=now), now)
        if self._floor.kept and quiet:
            if words := self._floor.heard():
                self.responses.ask(words, now)
            elif not self.leaving:
                self.ear.open(self._model, now)
                self._read(now)

    def sent(self, now: float) -> None:
        """Agent speech has just been sent to the caller."""
        if self._latencies.heard(now):
            self.ear.settle()

    @property
    def owes(self) -> bool:
        """Whether the caller, who is silent, may expect to hear something."""
        return not self.caller_speaks and self.responses.at_work

    def quiet(self, now: float) -> bool:
        """Whether nothing goes on that a new session with the model would disturb."""
        return not (self.caller_speaks or self.owes or self._voice.speaking(now))

    def next_due(self) -> float:
        return min(self.responses.next_due(), self.ear.next_due(), self.tools.next_due(), self.attendant.next_due())

    # What is done

    def _act(self, acts: list[Act], now: float) -> None:
        for act in acts:
            match act:
                case Say(instructions, in_passing, lasting):
                    if not self.leaving:
                        self.responses.instruct(instructions, now, in_passing=in_passing, lasting=lasting)
                case Typed(entry, confidential):
                    self._record.typed(entry, now, confidential=confidential)
                    self._typed.add(act.item)
                    self._read(now)
                case Leave(end, words):
                    self._leave(end, words, now, said=False)
                case Unended(over):
                    self._voice.resume(now)
                    if over and self.caller_speaks:
                        self._out.append(Warn("turn_unended"))
                        self.give_up_turn(now)
                case _:
                    assert_never(act)

    def _read(self, now: float) -> None:
        """Let the model read what was typed: after a protected greeting, and in a goodbye not at all."""
        for item in () if self._floor.kept else self._typed.taken(self._model):
            self.turns.cut_in(now)
            self.responses.say("user", item)
            self.responses.ask({}, now)

    def _leave(self, end: End, words: str, now: float, *, said: bool) -> None:
        """Hear nothing more, and end when the last words have been heard."""
        if self.leaving:
            return
        self._floor.leave(end, words, said=said)
        self.ear.shut(keep=False)
        self.caller_speaks = False
        self.turns.stopped(now)
        self.responses.close()
