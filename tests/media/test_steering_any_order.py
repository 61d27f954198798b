"""A conversation that is steered at any moment, between turns, tools, barge-ins, drops and renewals: it stays one.

The other side is the rehearsal model on a virtual clock, which refuses what the service would.
"""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from media.changing import Change
from media.effects import Effect, Outcome, Redial, ToModel, Warn
from media.options import ModelLeg, Options
from media.realtime.updating import UpdateRefusedError
from media.requests import AddItem, Interrupt, PauseInput, Request, Reset, RetrieveItem, SendEvent
from media.settings import read
from tests.properties import tries
from tests.simulation import PCM24, WEATHER, Call, JsonObject, llm

SCRIPT: JsonObject = {
    "greeting": "Hello, this is a greeting that goes on for a while.",
    "turns": [
        {"when": {"heard": "weather"}, "say": "Let me check.", "tool": {"name": "get_weather"}},
        {"when": {"tool_result": "*"}, "say": "It is sunny, and it will stay so for some days."},
    ],
    "otherwise": "Please go on, I am listening to every word.",
    "thinking_s": 0.2,
}
LINES = ("What is the weather in Boston?", "Hello?")
ANSWERED_IN_S = 15.0
"Longer than any request may take: a reset has three times three seconds and five."
EVENTS: tuple[JsonObject, ...] = (
    {"type": "response.create", "response": {"instructions": "Say something."}},
    {"type": "response.create", "response": {"conversation": "none", "output_modalities": ["text"]}},
    {"type": "response.cancel"},
    {"type": "input_audio_buffer.clear"},
    {"type": "input_audio_buffer.commit"},
    {"type": "session.update", "session": {"instructions": "Be brief."}},
    {"type": "session.update", "session": {"instructions": "Be long."}},
    {"type": "conversation.item.delete", "item_id": "nobody"},
    {"type": "nonsense"},
)
SETTINGS: tuple[JsonObject, ...] = (
    {"instructions": "Be kind."},
    {"system_instruction": None},
    {"voice": "cedar"},
    {"session_properties": {"instructions": "Be quick."}},
    {"speed": 1.2, "max_tokens": 99},
)


class Heard(Call):
    """A call that keeps what was said to the model and by it, in order, and looks at it."""

    def __post_init__(self) -> None:
        self.in_flight = ""
        self.active = ""
        super().__post_init__()

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToModel(wire):
                    self._tells(json.loads(wire))
                case Redial() | Warn("model_stalled"):
                    self.in_flight = self.active = ""
                case _:
                    pass
        super().do(effects)

    def _tells(self, event: JsonObject) -> None:
        match event:
            case {"type": "input_audio_buffer.append"}:
                assert not self.bridge._talk.ear.paused
            case {"type": "response.create", "response": {"conversation": "none"}}:
                pass
            case {"type": "response.create"}:
                assert not self.in_flight
                assert not self.active
                self.in_flight = event["event_id"]
            case {"type": "response.cancel"} if "response_id" not in event:
                self.in_flight = ""  # it was taken back

    def _hear_model(self, nth: int, event: JsonObject) -> None:
        if nth == self.sessions and self.bridge._session.ready:
            match event:
                case {"type": "response.created", "response": {"conversation_id": str()} as response}:
                    self.in_flight, self.active = "", response["id"]
                case {"type": "response.done", "response": {"id": id_}} if id_ == self.active:
                    self.active = ""
                case {"type": "error", "error": {"event_id": id_}} if id_ == self.in_flight:
                    self.in_flight = ""
        super()._hear_model(nth, event)


class AnyMoment(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        verb = llm(response_create={"instructions": "Greet."}, session_update={"tools": [WEATHER]})
        options = Options(audio=PCM24, max_session_s=12.0)
        self.call = Heard(SCRIPT, verb, options, later=[SCRIPT] * 60, tool=lambda _: (0.7, '"sunny"'))
        self.asked: list[tuple[Request, float, list[Outcome]]] = []
        self.changes: list[list[Outcome]] = []
        "What came of settings that were changed; one that is refused at once has its answer by that."
        self.paused, self.resumes_at = False, float("inf")
        self.added: dict[str, str] = {}
        "What later sessions are to know: the texts of items, by their ids."
        self.dropped: set[str] = set()
        "What they are not to know any more."
        self.call.run(0.5)

    def ask(self, request: Request) -> list[Outcome]:
        outcomes: list[Outcome] = []
        self.asked.append((request, self.call.now, outcomes))
        self.call.do(self.call.bridge.ask(request, outcomes.append, self.call.now))
        return outcomes

    def going_on(self) -> bool:
        return self.call.end is None

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.2, 0.7, 2.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.call.run(self.call.now + seconds)

    @precondition(going_on)
    @rule(line=st.sampled_from(LINES), seconds=st.sampled_from([0.1, 0.5, 3.0]))
    def the_caller_speaks(self, line: str, seconds: float) -> None:
        self.call.say(self.call.now, line)
        self.call.run(self.call.now + seconds)

    @precondition(going_on)
    @rule()
    def the_caller_types(self) -> None:
        self.call.press(self.call.now, "5")
        self.call.press(self.call.now, "#")
        self.call.run(self.call.now + 0.1)

    @precondition(lambda self: self.call.end is None and self.call.bridge._session.leg is not ModelLeg.DIALLED)
    @rule()
    def the_model_is_lost(self) -> None:
        self.call.model_gone = True
        self.call.do(self.call.bridge.model_closed(self.call.now, code=1006, reason=""))

    @rule(words=st.sampled_from(["One.", "Two.", "Three."]), own_id=st.sampled_from([None, "mine"]))
    def an_item_is_added(self, words: str, own_id: str | None) -> None:
        text = f"{words} {len(self.asked)}"
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        self.ask(AddItem(item if own_id is None else {**item, "id": own_id}))

    @rule(which=st.integers(0, 5))
    def an_item_is_retrieved(self, which: int) -> None:
        known = [e["item"]["id"] for _, e in self.call.from_model if e["type"] == "conversation.item.added"]
        self.ask(RetrieveItem([*known, "nobody"][-1 - which % (len(known) + 1)]))

    @rule(event=st.sampled_from(EVENTS))
    def an_event_is_sent(self, event: JsonObject) -> None:
        self.ask(SendEvent(event))

    @rule(paused=st.booleans(), for_s=st.sampled_from([float("inf"), 1.0]))
    def the_input_is_paused_or_resumed(self, for_s: float, *, paused: bool) -> None:
        [outcome] = self.ask(PauseInput(paused, for_s))
        if outcome.how == "done":
            self.paused, self.resumes_at = paused, self.call.now + for_s if paused else float("inf")

    @rule()
    def the_agent_is_interrupted(self) -> None:
        [outcome] = self.ask(Interrupt())
        if outcome.how == "done":
            assert not self.call.bridge._voice.speaking(self.call.now)

    @rule(history=st.booleans())
    def the_session_is_reset(self, *, history: bool) -> None:
        outcomes = self.ask(Reset(history))
        if not (outcomes or history):
            self._learn()
            self.dropped |= set(self.added.values())
            self.added.clear()

    @rule(wanted=st.sampled_from(SETTINGS))
    def settings_are_changed(self, wanted: JsonObject) -> None:
        self._change(wanted, recycle=False)

    @rule(voice=st.sampled_from(["ash", "cedar", "marin"]))
    def the_voice_is_changed_by_a_new_session(self, voice: str) -> None:
        self._change({"voice": voice}, recycle=True)

    def _change(self, wanted: JsonObject, *, recycle: bool) -> None:
        outcomes: list[Outcome] = []
        change = Change(read(wanted), outcomes.append, recycle=recycle)
        try:
            self.call.do(self.call.bridge.update(change, self.call.now))
        except UpdateRefusedError:
            assert not outcomes
        else:
            self.changes.append(outcomes)

    @invariant()
    def no_change_is_answered_twice(self) -> None:
        assert all(len(outcomes) <= 1 for outcomes in self.changes)

    @invariant()
    def each_request_has_one_answer_and_soon(self) -> None:
        for request, at, outcomes in self.asked:
            assert len(outcomes) <= 1
            assert outcomes or self.call.now - at < ANSWERED_IN_S, request
            assert outcomes or isinstance(request, Reset) or self.call.bridge._session.ready

    @invariant()
    def a_pause_lasts_as_long_as_it_was_to(self) -> None:
        paused = self.call.bridge._talk.ear.paused
        if self.call.now < self.resumes_at:
            assert paused == self.paused
        elif self.call.bridge._session.ready and self.call.now > self.resumes_at:
            assert not paused

    def _learn(self) -> None:
        """Take in which items were confirmed; in `asked` stay those that wait."""
        for request, _, outcomes in self.asked:
            if isinstance(request, AddItem) and outcomes and outcomes[0].how == "done":
                self.added[outcomes[0].told["id"]] = request.item["content"][0]["text"]
        self.asked = [each for each in self.asked if not each[2]]

    def teardown(self) -> None:
        self._learn()
        for each in self.call.of(Warn):
            assert each.event not in {"model_bad_event", "session_update_refused"}
        self._next_session_knows_what_was_said()
        self.call.hang_up(self.call.now)
        self.call.run(self.call.now + 3)
        assert self.call.end
        for request, _, outcomes in self.asked:
            assert len(outcomes) == 1, request
        assert self.ask(Interrupt())[0].how == "over"

    def _next_session_knows_what_was_said(self) -> None:
        self.call.run(self.call.now + 4)
        if not (self.call.end is None and self.call.bridge._session.ready and self.call.bridge._talk.begun):
            return
        assert all(outcomes for outcomes in self.changes), "a session that is ready has agreed or refused"
        history = [text for _, text in self.call.bridge.record.history()]
        assert set(self.added.values()) <= set(history)
        assert not self.dropped & set(history)
        since = len(self.call.sent)
        self.ask(Reset())
        self.call.run(self.call.now + 0.4)
        told = [event["item"] for event in self.call.sent[since:] if event["event_id"].startswith("say-")]
        assert [item["content"][0]["text"] for item in told][: len(history)] == history


AnyMoment.TestCase.settings = settings(max_examples=tries(12), stateful_step_count=20, deadline=None)
TestAnyMoment: Any = AnyMoment.TestCase
