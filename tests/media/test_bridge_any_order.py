"""The bridge between two legs that say anything in any order: what must hold whatever comes."""

import base64
import json
from collections import Counter
from math import inf
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from media.audio import AudioFormat
from media.bridge import Bridge
from media.effects import CallTool, Effect, End, Finish, Measure, ToModel, ToPlatform, Warn
from media.ends import HANGUP
from media.interruption import BargeIn
from media.options import Exit, Manners, Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.base import (
    ModelError,
    ModelRefused,
    ResponseEnded,
    ResponseStarted,
    SpeechReceived,
)
from media.realtime.openai import Realtime
from media.realtime.reading import MEANINGS
from tests.oracles import check_client
from tests.properties import tries
from tests.simulation import WEATHER, llm, model_audio

JsonObject = dict[str, Any]
Action = tuple[str, Any]

TYPES = [*MEANINGS, "session.updated", "response.output_audio.delta", "response.audio.delta", "rate_limits.updated"]
RESPONSES, ITEMS, CALLS = st.sampled_from(["r1", "r2"]), st.sampled_from(["i1", "i2"]), st.sampled_from(["c1", "c2"])
MAX_TICKS_AT_ONE_TIME = 50
FROM_OUTSIDE = {"caller_hung_up", "max_duration", "media_lost", "server_restart"}
BARGE_INS = [BargeIn(), BargeIn(min_speech_ms=100), BargeIn(resume=True)]


def event(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[JsonObject]:
    return st.fixed_dictionaries({"type": st.just(type_), **fields})


def response(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[JsonObject]:
    return event(type_, response=st.fixed_dictionaries({"id": RESPONSES, **fields}))


def call_item() -> st.SearchStrategy[JsonObject]:
    names, arguments = st.sampled_from(["get_weather", "other", "hangup"]), st.sampled_from(["{}", "{", "[]", ""])
    return st.fixed_dictionaries(
        {"type": st.just("function_call"), "call_id": CALLS, "name": names, "arguments": arguments}
    )


def audio(ms: int) -> str:
    return base64.b64encode(bytes(ms * 48)).decode()


ABOUT_SPEECH: dict[str, st.SearchStrategy[Any]] = {
    "item_id": ITEMS,
    "content_index": st.just(0),
    "response_id": RESPONSES,
}
REFUSAL = st.sampled_from(["conversation_already_has_active_response", "item_truncate_invalid_item_id", "odd"])
WELL_FORMED = st.one_of(
    event("session.created", session=st.just({})),
    event("session.updated", session=st.just({})),
    response("response.created"),
    response("response.done", status=st.sampled_from(["completed", "cancelled", "failed"])),
    event("response.output_audio.delta", delta=st.sampled_from([20, 77, 900]).map(audio), **ABOUT_SPEECH),
    event("response.output_audio.done", **ABOUT_SPEECH),
    event("response.output_audio_transcript.delta", delta=st.just("some words "), **ABOUT_SPEECH),
    event("response.output_item.done", response_id=RESPONSES, item=call_item()),
    event("input_audio_buffer.speech_started", item_id=st.just("u1")),
    event("input_audio_buffer.speech_stopped", item_id=st.just("u1")),
    event("input_audio_buffer.committed", item_id=st.just("u1")),
    event("conversation.item.input_audio_transcription.completed", item_id=st.just("u1"), transcript=st.just("hi")),
    event(
        "error", error=st.fixed_dictionaries({"code": REFUSAL, "event_id": st.sampled_from(["ask-1", "bi-1", None])})
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
FIELDS = ("item_id", "response_id", "content_index", "delta", "transcript", "session", "response", "item", "error")
WITHIN = ("id", "type", "call_id", "name", "arguments", "status", "status_details", "usage", "code", "message", "param")
HOSTILE = st.builds(
    lambda type_, fields: {**fields, "type": type_},
    st.sampled_from(TYPES) | JSON,
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.dictionaries(st.sampled_from(WITHIN), JSON, max_size=4)),
)
METADATA = json.dumps({"callSid": "CS1", "mixType": "mono"})
DIGIT = '{"event":"dtmf","dtmf":"5","duration":"1600"}'
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.tuples(st.just("model"), WELL_FORMED),
    st.tuples(st.just("model"), WELL_FORMED),
    st.tuples(st.just("model"), HOSTILE),
    st.tuples(st.just("raw"), st.binary(max_size=8) | st.just(b"[" * 5000)),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.013, 0.2, 1.0, 2.6, 9.0])),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.013, 0.2, 1.0])),
    st.tuples(st.just("platform"), st.sampled_from([METADATA, METADATA, bytes(640), b"\0", DIGIT, "{", "[]"])),
    st.tuples(st.just("tool"), CALLS),
    st.tuples(st.just("model lost"), st.sampled_from([None, 1000, 1001, 3000])),
    st.tuples(st.sampled_from(["platform lost", "end"]), st.none()),
)
OPENED: list[Action] = [
    ("platform", METADATA),
    ("model", {"type": "session.created", "session": {}}),
    ("model", {"type": "session.updated", "session": {}}),
]
SPEAKING: list[Action] = [
    *OPENED,
    ("model", {"type": "response.created", "response": {"id": "r1"}}),
    ("model", {"type": "response.output_audio.delta", "delta": audio(900), "item_id": "i1", "response_id": "r1"}),
]
HANGUP_ITEM = {"type": "function_call", "name": "hangup", "call_id": "c1", "arguments": "{}"}
LEAVING: list[Action] = [
    *SPEAKING,
    ("model", {"type": "response.output_item.done", "response_id": "r1", "item": HANGUP_ITEM}),
]
SO_FAR = {"nothing": [], "opened": OPENED, "speaking": SPEAKING, "leaving": LEAVING}


class Watched:
    """A bridge whose every effect is judged. Sockets behave: nothing comes before they open or after they close."""

    def __init__(self, rate_hz: int, manners: Manners, *, interrupts: bool) -> None:
        audio = AudioFormat("pcm16", rate_hz)
        verb = llm(
            session_update={
                "tools": [WEATHER],
                "turn_detection": {"type": "server_vad", "interrupt_response": interrupts},
            }
        )
        exits = {"hangup": Exit(HANGUP, "Say goodbye.")}
        options = Options(
            audio=audio, tool_timeout_s=1, response_timeout_s=3, max_call_s=60, exits=exits, manners=manners
        )
        self._reader = Realtime(verb, audio=model_audio(audio))
        self._model_audio = model_audio(audio).speaks
        self._audio = audio
        self._bridge = Bridge(JambonzMedia(rate_hz), [Realtime(verb, audio=model_audio(audio))], options, now=0.0)
        self._now = 0.0
        self._lost: set[str] = set()
        self._in_flight = self._active = False
        self._active_id = ""
        self._outputs: Counter[str] = Counter()
        self._called: Counter[str] = Counter()
        self._came_ms: Counter[str] = Counter()
        self._sent_ms = 0.0
        self.ends: list[End] = []
        self._judge(self._bridge.model_opened(0.0))
        self._judge(self._bridge.platform_opened(0.0))

    def act(self, action: Action) -> None:
        match action:
            case "model", fields:
                self._model(json.dumps(fields).encode())
            case "raw", wire:
                self._model(wire)
            case "wait", seconds:
                self._wait(seconds)
            case "platform", wire if "platform" not in self._lost:
                self._judge(self._bridge.platform_said(wire, self._now))
            case "tool", call_id:
                self._judge(self._bridge.tool_answered(call_id, "{}", self._now))
            case "end", _:
                self._judge(self._bridge.end(End("connection failure", "server_restart", "server"), self._now))
            case "model lost", code if "model" not in self._lost:
                self._lost.add("model")
                self._judge(self._bridge.model_closed(self._now, code=code, reason=""))
            case "platform lost", _ if "platform" not in self._lost:
                self._lost.add("platform")
                self._judge(self._bridge.platform_closed(self._now, clean=True))

    def _model(self, wire: bytes) -> None:
        if "model" in self._lost:
            return
        self._note(wire)
        kept = self._bridge._talk._floor.kept
        effects = self._bridge.model_said(wire, self._now)
        assert not (kept and any(isinstance(effect, Measure) and effect.name == "barge_in" for effect in effects))
        self._judge(effects)

    def _note(self, wire: bytes) -> None:
        """Keep what the model's message means for what may be said after it."""
        try:
            meaning = self._reader.receive(wire).meaning
        except ModelError:
            return
        match meaning:
            case ResponseStarted(response_id) if self._bridge._session.ready:
                self._active, self._active_id, self._in_flight = True, response_id, False
            case ResponseEnded(response_id) if response_id == self._active_id:
                self._active = False
            case ModelRefused():
                self._in_flight = False
            case SpeechReceived(_, speech, pcm):
                self._came_ms[speech.item_id] += self._model_audio.ms_in(len(pcm))  # type: ignore[assignment]  # a sum of floats

    def _wait(self, seconds: float) -> None:
        until, ticks = self._now + seconds, 0
        while (due := self._next_due()) <= until:
            ticks = ticks + 1 if due <= self._now else 0
            assert ticks < MAX_TICKS_AT_ONE_TIME, "the clock stands still"
            self._now = max(self._now, due)
            self._judge(self._bridge.tick(self._now))
        self._now = until

    def _next_due(self) -> float:
        due = self._bridge.next_due()
        return inf if due is None else due

    def _judge(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert not self.ends, f"{effect} after the end"
            match effect:
                case ToModel(wire):
                    self._judge_event(json.loads(wire))
                case ToPlatform(bytes(pcm)):
                    self._sent_ms += self._audio.ms_in(len(pcm))
                case CallTool(call_id):
                    self._called[call_id] += 1
                    assert self._called[call_id] == 1
                case Warn("model_stalled"):
                    self._in_flight = False
                case Finish(end):
                    self.ends.append(end)
                    assert self._bridge._talk.leaving in (None, end) or end.reason_code in FROM_OUTSIDE
        assert self._bridge.finished == bool(self.ends)

    def _judge_event(self, event: JsonObject) -> None:
        if event["type"] == "input_audio_buffer.append":
            return
        assert check_client(event) == []
        match event:
            case {"type": "response.create"}:
                assert not self._in_flight
                assert not self._active
                self._in_flight = True
            case {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": call_id}}:
                self._outputs[call_id] += 1
                assert self._outputs[call_id] == 1
            case {"type": "conversation.item.truncate", "item_id": item_id, "audio_end_ms": ms}:
                assert 0 < ms <= min(self._came_ms[item_id], self._sent_ms)


@settings(max_examples=tries(150), deadline=None)
@given(
    actions=st.lists(ACTIONS, max_size=40),
    so_far=st.sampled_from(sorted(SO_FAR)),
    rate_hz=st.sampled_from([8000, 16000, 24000]),
    interrupts=st.booleans(),
    manners=st.builds(Manners, protect_greeting=st.booleans(), barge_in=st.sampled_from(BARGE_INS)),
)
def test_whatever_comes_there_is_one_request_one_output_one_end_and_time_goes_on(
    actions: list[Action], so_far: str, rate_hz: int, manners: Manners, *, interrupts: bool
) -> None:
    call = Watched(rate_hz, manners, interrupts=interrupts)
    for action in [*SO_FAR[so_far], *actions]:
        call.act(action)
    call.act(("platform lost", None))
    call.act(("wait", 1.1))
    assert len(call.ends) == 1
