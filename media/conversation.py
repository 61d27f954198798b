"""The conversation while both legs are up: speech, turns, barge-in, tools.

What the two legs *are* (connecting, ready, gone) is the bridge's business; here they work. Effects are
collected in `out`, which the bridge empties. A conversation that cannot go on sets `over`.

Barge-in, when the model hears the caller:
    nothing queued and nothing sounding → nothing to cut. Else our queue is dropped, the platform flushed, and
    the model told what was heard of every piece that was cut: 0 < heard → truncate; nothing heard → delete
    (a truncate at 0 ms is refused: livekit/agents #6157). Audio of the cut response that still arrives is
    dropped. The model is told to cancel only where it does not interrupt itself.
"""

import json
from typing import assert_never

from media.audio import Converter, converter
from media.awaited import Awaited
from media.effects import CallTool, Effect, End, Measure, ToModel, Warn
from media.options import Options
from media.playout import ROUNDING_MS, Heard, Speech
from media.realtime.base import (
    JsonObject,
    ModelRefused,
    Realtime,
    ResponseEnded,
    SpeechReceived,
    ToolCalled,
)
from media.realtime.rounds import Answer, Ask, Note, Rounds, Step
from media.record import Record
from media.voice import Voice

MAX_ARGUMENTS_CHARS = 16 * 1024
DRY_LOOK_S = 0.25
"How often it is looked whether a model that fell silent has been heard to the end of what it said."


class Conversation:
    """See the theory above. `out` is shared with the bridge: effects, in order."""

    def __init__(self, model: Realtime, voice: Voice, record: Record, out: list[Effect], options: Options) -> None:
        self._model = model
        self._voice = voice
        self._record = record
        self._out = out
        self._to_caller: Converter = converter(model.audio, options.audio)
        self._to_model: Converter = converter(options.audio, model.audio)
        self._awaited = Awaited(timeout_s=options.response_timeout_s)
        self._speech: Speech | None = None
        self._silenced: set[str] = set()
        self._forgotten: set[str] = set()
        self._turn_ended_at: float | None = None
        self._greeted_from: float | None = None
        self._ids = 0
        self.rounds = Rounds(tool_timeout_s=options.tool_timeout_s, follow_up=model.follow_up)
        self.caller_speaks = False
        self.over: End | None = None

    def begin(self, now: float, *, opened_at: float) -> None:
        """Both legs are up: let the model speak first."""
        self._greeted_from = opened_at
        self._do(self.rounds.ask(self._model.greeting), now)

    def hear(self, pcm: bytes) -> None:
        """Pass the caller's audio on."""
        self._out.append(ToModel(self._model.hear(self._to_model.convert(pcm))))

    def speech(self, said: SpeechReceived, now: float) -> None:
        """Queue a piece of the agent's voice, or drop it where its response was cut."""
        item = said.speech.item_id
        if item in self._forgotten:
            return
        if item in self._silenced or said.response_id in self._silenced:
            if item not in self._silenced:
                self._record.heard(Heard(said.speech, 0.0, 0.0), interrupted=True, now=now)
                self._forget(item)
            return
        if said.speech != self._speech:
            self._to_caller.reset()
            self._speech = said.speech
        self._voice.queue(said.speech, self._to_caller.convert(said.audio))

    def speech_complete(self, speech: Speech) -> None:
        if speech == self._speech and (rest := self._to_caller.flush()):
            self._voice.queue(speech, rest)
        self._voice.complete(speech)

    def caller_started(self, now: float) -> None:
        """Barge-in: see above."""
        if self._model.answers_itself:
            self.rounds.caller_started()
            self._awaited.settled()
        self.caller_speaks, self._turn_ended_at = True, None
        if self._voice.speaking(now):
            self._cut(now)
            self._out.append(Measure("barge_in", since=now))
        if self.rounds.active and self.rounds.active not in self._silenced:
            self._silence(self.rounds.active, cancel=not self._model.interrupts_itself)

    def caller_stopped(self, now: float) -> None:
        self.caller_speaks = False
        if self._model.answers_itself:
            self.rounds.caller_stopped(now)
            self._awaited.turn_ended(now)
        self._turn_ended_at = now - self._model.pause_ms / 1000

    def _cut(self, now: float) -> None:
        """Stop the agent's voice at once, and tell the model how much of it was heard."""
        self._speech = None  # what the converter still holds of it goes with it
        for heard in self._voice.stop(now):
            self._silenced.add(heard.speech.item_id)
            if heard_ms := int(heard.heard_ms + ROUNDING_MS):
                self._to_the_model(self._model.truncate(heard.speech, heard_ms, self._id("bi")))
            else:
                self._forget(heard.speech.item_id)

    def response_started(self, response_id: str, now: float) -> None:
        ours = self.rounds.asked
        self._do(self.rounds.started(response_id), now)
        self._awaited.started(now, by_itself=not ours)
        if not ours:
            self.caller_speaks = False  # the model has heard the end of the turn that it answers
        elif self.caller_speaks and self._model.answers_itself:
            self._silence(response_id)  # asked for before they began: their turn will have an answer of its own

    def response_goes_on(self, now: float) -> None:
        """Something of a response came."""
        self._awaited.goes_on(now)

    def response_ended(self, ended: ResponseEnded, now: float) -> None:
        self._record.used(ended.usage)
        if self.rounds.active not in {None, ended.response_id}:
            self._do(self.rounds.ended(ended.response_id), now)  # another one than that which speaks
            return
        self._awaited.settled(completed=ended.status == "completed")
        self._voice.complete_all()
        failed = ended.status == "failed"
        if failed and self._awaited.again():
            self._out.append(Warn("response_failed", {"error": ended.error or {}}))
            # Asked first: a request that waits already and this one become one.
            self._do([*self.rounds.ask(self._awaited.asked_with), *self.rounds.ended(ended.response_id)], now)
        elif failed:
            self.rounds.ended(ended.response_id)
            error = ended.error or {"message": "the response failed"}
            self.over = End("server failure", str(error.get("code") or "response_failed"), "model", error)
        else:
            self._do(self.rounds.ended(ended.response_id), now)

    def tool_called(self, call: ToolCalled, now: float) -> None:
        """Run a tool once, if it was declared and its arguments can be read; else tell the model at once."""
        if not self.rounds.called(call.response_id, call.call_id, now):
            self._out.append(Warn("tool_duplicate", {"call_id": call.call_id}))
            return
        self._record.tool_called(call.call_id, call.name, call.arguments, now)
        arguments = _arguments(call.arguments)
        if call.name not in self._model.tools:
            self.tool_answered(call.call_id, _failure(f"there is no tool named {call.name[:64]}"), now)
        elif arguments is None:
            self.tool_answered(call.call_id, _failure("the arguments are not a JSON object"), now)
        else:
            self._out.append(CallTool(call.call_id, call.name, arguments))

    def tool_answered(self, call_id: str, output: str, now: float) -> None:
        self._record.tool_answered(call_id, output, now)
        self._do(self.rounds.answered(call_id, output), now)

    def refused(self, refusal: ModelRefused, now: float) -> None:
        """Tell the errors that end a conversation from those that a correct client can meet."""
        ours = str(refusal.event_id).startswith("ask-")
        if refusal.fatal:
            self.over = End("server error", refusal.code, "model", refusal.error)
        elif refusal.code == "conversation_already_has_active_response":
            self._do(self.rounds.refused(), now)
        elif not refusal.harmless:
            self._out.append(Warn("model_error", {"code": refusal.code, "message": refusal.message}))
            if ours:
                self._ask_plainly(refusal, now)

    def tick(self, now: float) -> None:
        """Do what time alone brings: late tools, held requests, a response that never came."""
        for call_id in self.rounds.overdue(now):
            self._out.append(Warn("tool_timeout", {"call_id": call_id}))
            self.tool_answered(call_id, _failure("the tool did not answer in time"), now)
        self._do(self.rounds.tick(now), now)
        if now >= self._awaited.due:
            self._stalled(now)

    def sent(self, now: float) -> None:
        """Agent speech has just been sent to the caller: the moment that latencies are measured to."""
        if self._greeted_from is not None:
            self._out.append(Measure("first_audio", since=self._greeted_from))
            self._greeted_from = None
        if self._turn_ended_at is not None:
            self._out.append(Measure("turn_latency", since=self._turn_ended_at))
            self._record.turn(now - self._turn_ended_at, now)
            self._turn_ended_at = None

    @property
    def owes(self) -> bool:
        """Whether the caller, who is silent, may expect to hear something."""
        return not self.caller_speaks and (self.rounds.at_work or self._awaited.owed)

    def next_due(self) -> float:
        return min(self.rounds.next_due(), self._awaited.due)

    def _stalled(self, now: float) -> None:
        """Handle a model that fell silent: once what it said is heard, ask once more, then give up."""
        if not self._voice.silent(now):
            self._awaited.due = now + DRY_LOOK_S
            return
        if not self._awaited.again():
            self.over = End("server failure", "response_timeout", "model", {"message": "the model fell silent"})
            return
        self._out.append(Warn("model_stalled"))
        self.rounds.failed()
        if self.rounds.active:
            self._cut(now)
            self._silence(self.rounds.active, cancel=True)
            self._awaited.asked(self._awaited.asked_with, now)
        self._do(self.rounds.ask(self._awaited.asked_with), now)

    def _ask_plainly(self, refusal: ModelRefused, now: float) -> None:
        """Ask again with nothing in the request that the model could refuse."""
        self.rounds.failed()
        self._awaited.settled()
        if self._awaited.asked_with:
            self._do(self.rounds.ask({}), now)
        else:
            self.over = End("server error", refusal.code, "model", refusal.error)

    def _do(self, steps: list[Step], now: float) -> None:
        for step in steps:
            match step:
                case Answer(call_id, output):
                    self._to_the_model(self._model.answer_tool(call_id, output, self._id("tool")))
                case Note(call_id, output):
                    text = f"The result of the tool call {call_id} came late: {output}"
                    self._to_the_model(self._model.note(text, self._id("note")))
                case Ask(response):
                    self._awaited.asked(response, now)
                    self._to_the_model(self._model.ask(response, self._id("ask")))
                case _:
                    assert_never(step)

    def _silence(self, response_id: str, *, cancel: bool = True) -> None:
        """Let nothing more of a response be heard."""
        self._silenced.add(response_id)
        if cancel:
            self._to_the_model(self._model.cancel(response_id, self._id("bi")))

    def _forget(self, item_id: str) -> None:
        self._forgotten.add(item_id)
        self._to_the_model(self._model.forget(item_id, self._id("bi")))

    def _to_the_model(self, wire: bytes) -> None:
        self._out.append(ToModel(wire))

    def _id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids}"


def _arguments(text: str) -> JsonObject | None:
    if len(text) > MAX_ARGUMENTS_CHARS:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _failure(message: str) -> str:
    return json.dumps({"error": message})
