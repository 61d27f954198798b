"""A whole call on a virtual clock: the bridge between the fake platform's stream and the rehearsal model.

No socket and no waiting: the machines that the simulator's doors drive are driven here by a clock that jumps to
whatever is due next. What was sent, reported and measured is kept in order, and OpenAI's own types judge every
event that the bridge sends.
"""

import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, TypeVar

from media.audio import AudioFormat, converter
from media.bridge import Bridge
from media.effects import Answered, CallTool, Effect, End, Finish, Measure, Redial, Report, ToModel, ToPlatform
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.capabilities import ModelAudio
from media.realtime.openai import VENDOR, Realtime
from sim.model import Close, RehearsalSession, Script
from sim.platform.stream import Disconnected, MediaStream, Send, digit
from sim.voice import caller_line
from tests.oracles import check_client
from verbs.llm import Llm

JsonObject = dict[str, Any]
Kind = TypeVar("Kind")
PCM24 = AudioFormat("pcm16", 24000)
ULAW = AudioFormat("ulaw", 8000)
GREETING: JsonObject = {"greeting": "Hello, this is the Hookswitch rehearsal voice."}
WEATHER: JsonObject = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
TIME: JsonObject = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}
FOREVER_S = 60.0
MAX_STEPS = 100_000
MAX_STEPS_AT_ONE_TIME = 1000
NEEDLE_BYTES = 4800
"A tenth of a second: enough to find where a piece of speech begins in what was sent."


def llm(**options: Any) -> Llm:
    return Llm.model_validate({"verb": "llm", "vendor": "openai", "llmOptions": {"response_create": {}, **options}})


def model_audio(platform: AudioFormat) -> ModelAudio:
    """What the model is asked to hear and speak."""
    return VENDOR.audio_at(platform.rate_hz)


@dataclass
class Call:
    """`at(seconds, action)` plans what happens; `run(until)` lets time pass."""

    script: JsonObject = field(default_factory=lambda: GREETING)
    verb: Llm = field(default_factory=llm)
    options: Options = field(default_factory=lambda: Options(audio=PCM24))
    tool: Callable[[CallTool], tuple[float, str] | None] = lambda _: (0.1, '{"ok":true}')
    "When a tool answers, after how many seconds, and what; None: never."
    wire_s: float = 0.002
    "How long a message is on its way."
    model_opens_s: float = 0.0
    platform_opens_s: float = 0.0
    redial_s: float = 0.3
    later: list[JsonObject] = field(default_factory=list)
    "The scripts of the model's later sessions; when they are used up it cannot be reached any more."
    sessions: int = 1
    legal: bool = True
    "Whether every event sent must be one that OpenAI knows; a verb may ask for what it does not."

    def __post_init__(self) -> None:
        self.now = 0.0
        audio = self.options.audio
        self.model = RehearsalSession(Script.of(self.script), self.model_opens_s)
        self.platform = MediaStream(audio.rate_hz, audio.rate_hz, self.platform_opens_s)
        model = Realtime(self.verb, audio=model_audio(audio))
        self.bridge = Bridge(JambonzMedia(audio.rate_hz), [model], self.options, now=0.0)
        self.sent: list[JsonObject] = []
        "What the bridge sent to the model, without the caller's audio."
        self.effects: list[tuple[float, Effect]] = []
        self.from_model: list[tuple[float, JsonObject]] = []
        self.end: End | None = None
        self.ended_at = inf
        self.model_gone = False
        self.platform_gone = False
        self._plan: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self.at(self.model_opens_s, lambda: self.do(self.bridge.model_opened(self.now)))
        self.at(self.platform_opens_s, self._open_platform)

    def at(self, when_s: float, action: Callable[[], None]) -> None:
        if when_s < inf:
            self._planned += 1
            heapq.heappush(self._plan, (max(when_s, self.now), self._planned, action))

    def say(self, when_s: float, text: str) -> None:
        """Let the caller say a line."""
        self.at(when_s, lambda: self.platform.line.say(text, self._caller_pcm(text)))

    def press(self, when_s: float, key: str) -> None:
        self.at(when_s, partial(self._from_platform, digit(key)))

    def hang_up(self, when_s: float, *, clean: bool = True) -> None:
        def gone() -> None:
            self.platform_gone = True
            self.do(self.bridge.platform_closed(self.now, clean=clean))

        self.at(when_s, gone)

    def run(self, until_s: float = FOREVER_S) -> "Call":
        """Let time pass until then, or until the conversation has finished."""
        steps = steps_now = 0
        while not self.bridge.finished:
            next_s = self._next_due()
            if next_s > until_s:
                self.now = until_s
                break
            steps, steps_now = steps + 1, steps_now + 1 if next_s <= self.now else 0
            assert steps < MAX_STEPS
            assert steps_now < MAX_STEPS_AT_ONE_TIME, f"the clock stands still at {self.now}"
            self.now = max(self.now, next_s)
            self._step()
        return self

    def events(self, *types: str) -> list[JsonObject]:
        """What the bridge sent to the model, of these types."""
        return [event for event in self.sent if event["type"] in types]

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [effect for _, effect in self.effects if isinstance(effect, kind)]

    def reported(self) -> list[str]:
        return [report.type for report in self.of(Report)]

    def reported_at(self, type_: str) -> list[float]:
        return [at for at, effect in self.effects if isinstance(effect, Report) and effect.type == type_]

    def measured(self, name: str) -> list[float]:
        return [at - m.since for at, m in self.effects if isinstance(m, Measure) and m.name == name]

    def cleared_at(self) -> list[float]:
        """When the bridge told the platform to throw away what it has."""
        return [at for at, effect in self.effects if isinstance(effect, ToPlatform) and isinstance(effect.wire, str)]

    def speech_at(self, item_id: str) -> int:
        """Return the sample, of all that the platform was sent, at which an item's speech begins (24 kHz only)."""
        sound = self.model._conversation.find(item_id, "find").sound
        assert sound is not None
        at = self.platform.heard.received.find(bytes(sound.wire[:NEEDLE_BYTES]))
        assert at >= 0, f"nothing of {item_id} was sent"
        return at // 2

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert self.end is None or isinstance(effect, Answered), f"{effect} after the end"
            self.effects.append((self.now, effect))
            match effect:
                case ToModel(wire):
                    self.at(self.now + self.wire_s, partial(self._to_model, self.sessions, wire))
                case ToPlatform(wire):
                    self.at(self.now + self.wire_s, partial(self._to_platform, wire))
                case CallTool(call_id):
                    self._call_tool(call_id, effect)
                case Redial():
                    self._redial()
                case Answered(answer, outcome):
                    answer(outcome)
                case Finish(end):
                    self.end, self.ended_at = end, self.now
                case _:
                    pass

    def _next_due(self) -> float:
        dues = [self.model.next_due(), self.bridge.next_due(), *(when for when, _, _ in self._plan[:1])]
        dues += [] if self.platform_gone else [self.platform.next_due()]
        return min(due for due in dues if due is not None)

    def _step(self) -> None:
        while self._plan and self._plan[0][0] <= self.now:
            heapq.heappop(self._plan)[2]()
        self._from_model(self.model.tick(self.now))
        for output in [] if self.platform_gone else self.platform.advance(self.now):
            if isinstance(output, Send):
                self.at(self.now + self.wire_s, partial(self._from_platform, output.message))
        due = self.bridge.next_due()
        if due is not None and due <= self.now:
            self.do(self.bridge.tick(self.now))

    def _open_platform(self) -> None:
        metadata = {"sampleRate": self.options.audio.rate_hz, "mixType": "mono", "callSid": "CS1"}
        self.do(self.bridge.platform_opened(self.now))
        self.do(self.bridge.platform_said(json.dumps(metadata), self.now))

    def _to_model(self, nth: int, wire: bytes) -> None:
        event = json.loads(wire)
        assert not self.legal or not check_client(event), check_client(event)
        if event["type"] != "input_audio_buffer.append":
            self.sent.append(event)
        if not self.model_gone and nth == self.sessions:
            self._from_model(self.model.receive(wire, self.now))

    def _from_model(self, events: list[JsonObject]) -> None:
        for event in events:
            self.at(self.now + self.wire_s, partial(self._hear_model, self.sessions, event))
        if self.model.closing and not self.model_gone:
            self.model_gone = True
            self.at(self.now + self.wire_s, partial(self._lose_model, self.sessions, self.model.closing))

    def _hear_model(self, nth: int, event: JsonObject) -> None:
        if nth != self.sessions:
            return
        self.from_model.append((self.now, event))
        self.do(self.bridge.model_said(json.dumps(event).encode(), self.now))

    def _redial(self) -> None:
        """Reach another session, of a model that goes by the next script, or by none where there is none."""
        self.model_gone = not self.later
        self.sessions += 1
        if self.later:
            opens_at = self.now + self.redial_s
            self.model = RehearsalSession(Script.of(self.later.pop(0)), opens_at, nonce=str(self.sessions))
            self.at(opens_at, lambda: self.do(self.bridge.model_opened(self.now)))
        else:
            failed = partial(self.bridge.model_failed, reason_code="connect_failed", message="no route")
            self.at(self.now + self.redial_s, lambda: self.do(failed(self.now)))

    def _lose_model(self, nth: int, close: Close) -> None:
        if nth == self.sessions:
            self.do(self.bridge.model_closed(self.now, code=close.code, reason=close.reason))

    def _from_platform(self, wire: str | bytes) -> None:
        if not self.platform_gone:
            self.do(self.bridge.platform_said(wire, self.now))

    def _to_platform(self, wire: str | bytes) -> None:
        if any(isinstance(output, Disconnected) for output in self.platform.received(wire)):
            self.platform_gone = True

    def _call_tool(self, call_id: str, call: CallTool) -> None:
        if answer := self.tool(call):
            after_s, output = answer
            self.at(self.now + after_s, lambda: self.do(self.bridge.tool_answered(call_id, output, self.now)))

    def _caller_pcm(self, text: str) -> bytes:
        return converter(PCM24, self.options.audio).convert(caller_line(text))
