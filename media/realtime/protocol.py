"""The Realtime protocol in its GA shape, without its socket: what every vendor here speaks, OpenAI first.

The beta shape has been refused by OpenAI since 2026-05-12 (close code 4000, `beta_api_shape_disabled`); what a verb
says in that shape is translated by `legacy.py` before it gets here. Event names that are the beta's are understood,
whoever sends them. A vendor's file declares what is otherwise there: `can` and `dialect`.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import count
from typing import ClassVar

from pybase64 import b64encode

from media.audio import AudioFormat
from media.newest import Newest
from media.playout import Speech
from media.realtime import legacy, models
from media.realtime.base import JsonObject, ModelError, ModelEvent, ModelRefused, Said, SessionReady, SpeechReceived
from media.realtime.capabilities import Capabilities, ModelAudio
from media.realtime.changes import Change, Changes
from media.realtime.deltas import Deltas
from media.realtime.dialect import MISSING, Dialect, Path, find
from media.realtime.dialling import model_of
from media.realtime.habits import TRANSCRIBER, habits
from media.realtime.picture import names_in_extra, picture
from media.realtime.reading import (
    AUDIO_DELTA,
    AUDIO_DELTAS,
    DELTA_TYPE,
    HEAD_BYTES,
    MEANINGS,
    aside,
    mismatch,
    parse,
    refusal,
    text_in,
    type_of,
)
from media.realtime.settable import Besides
from media.realtime.telling import Told
from media.realtime.updating import VOICE, FixedError, differences, leave_out, merged
from media.realtime.wires import is_theirs, message, new_item, tool_output, truncation, wire
from verbs.event_names import GA_OF
from verbs.llm import Llm
from verbs.offering import beside
from verbs.vendors import VENDORS

SPOKEN: JsonObject = {"output_modalities": ["audio"]}
"Said with every request that says anything; a plain one goes by the session, which says it too."
MAX_ASIDES = 32
"Out-of-band responses that are remembered: no session has so many at once."


class Realtime:
    """One session with a model; see `base.Realtime` for what each method does."""

    can: Capabilities
    dialect: ClassVar[Dialect]

    def __init__(
        self,
        llm: Llm,
        *,
        audio: AudioFormat | ModelAudio,
        wants_audio_events: bool = False,
        besides: Sequence[JsonObject] = (),
    ) -> None:
        """`audio`: what it hears and speaks, or one format for both; `besides`: functions that are not the verb's."""
        self.hears, self.speaks = audio if isinstance(audio, ModelAudio) else (audio, audio)
        self._vendor = llm.vendor
        self.name, renamed = model_of(llm, self.dialect)
        self._renamed = self._leaves_turns = False
        self._knows = VENDORS[llm.vendor].settings
        self._changes = Changes(llm.llm_options, partial(legacy.changed, dialect=self.dialect), besides)
        self._left_out: list[str] = []
        self._picture: JsonObject | None = None
        self._tools: dict[str, JsonObject] = {}
        self.tools: Mapping[str, JsonObject] = self._tools
        self._as_it_is = names_in_extra(llm.llm_options)
        self.warnings = [*self._agree(), *([renamed] if renamed else [])]
        self._wants_audio_events = wants_audio_events
        self._told = Told()
        self._updates, self._ids = 0, count(1)
        self._deltas = Deltas(self.speaks, AUDIO_DELTAS, parse)
        self._asides: Newest[str] = Newest(MAX_ASIDES)

    @property
    def model(self) -> str:
        return f"{self._vendor}/{self.name}"

    def _agree(self) -> list[str]:
        """Fix the session that is to be asked for, and what the model will do by itself in it; give the warnings."""
        told, self._picture = self._translated(), None
        self._session, self.greeting = told.session, told.response
        self._know_habits()
        return told.warnings

    def _translated(self) -> legacy.Translated:
        audio, turns = ModelAudio(self.hears, self.speaks), self._leaves_turns
        whole = beside(self._changes.options, self._changes.tools)
        told = legacy.translate(whole, audio=audio, dialect=self.dialect, model=self.name, leave_turns=turns)
        for param in self._left_out:
            leave_out(told.session, param)
        if self._renamed and "model" in told.session:
            told.session["model"] = self.name
        return told

    def _know_habits(self) -> None:
        """Read from the session's settings what the model will do by itself."""
        by_itself = habits(self._session, self.greeting, self.dialect, obeyed=self.can.leave_turns)
        self.interrupts_itself = by_itself.interrupts_itself
        self.answers_itself = by_itself.answers_itself
        self.finds_turns = by_itself.finds_turns
        self.pause_ms = by_itself.pause_ms
        self.transcribes = by_itself.transcribes
        self.transcriber = f"{self._vendor}/{by_itself.transcriber or TRANSCRIBER}"
        self._tools.clear()  # the same object: whoever checks calls by it checks them by what is in force
        self._tools.update(by_itself.tools)
        self.follow_up = by_itself.follow_up

    def speech(self, wire: bytes) -> SpeechReceived | None:
        if self._wants_audio_events or self._asides or wire.find(DELTA_TYPE, 0, HEAD_BYTES) < 0:
            return None
        return self._deltas.read(wire)

    def receive(self, wire: str | bytes) -> Said:
        """Read one server event.

        :raises ModelError: not JSON, not an object, or an audio delta that is not base64
        """
        data = wire if isinstance(wire, bytes) else wire.encode()
        if data.find(DELTA_TYPE, 0, HEAD_BYTES) >= 0 and not self._wants_audio_events:
            speech = self._deltas.read(data)
            if speech:
                return Said(AUDIO_DELTA, {}, None if speech.response_id in self._asides else speech)
        event = parse(data)
        type_ = type_of(event)
        if type_ in AUDIO_DELTAS:
            speech = self._deltas.speech(event)
            heard = None if speech.response_id in self._asides else speech
            return Said(type_, event if self._wants_audio_events else {}, heard)
        return Said(type_, event, self._meaning(GA_OF.get(type_, type_), event))

    def configure(self) -> bytes:
        self._updates += 1
        self._told.configured(f"session-{self._updates}", self._session)
        return wire("session.update", f"session-{self._updates}", session=self._session)

    def without(self, param: str) -> bool:
        self._picture = None
        self._left_out.append(param)
        return leave_out(self._session, param)

    @property
    def settings(self) -> JsonObject:
        if self._picture is None:
            self._picture = picture(self._changes.options, self.dialect, self.lacks)
            for param in self._left_out:
                leave_out(self._picture, param)
        return self._picture

    def lacks(self, path: Path) -> bool:
        return self.dialect.lacks(path, model=self.name, known=self._knows)

    @property
    def changes(self) -> int:
        return self._changes.newest

    def called(self, name: str) -> tuple[str, str | None]:
        return models.renamed(name) if self.dialect.of_openai else (name, None)

    def rename(self, name: str) -> None:
        self.name, self._renamed = self.called(name)[0], True
        self._agree()

    def update(
        self, session: JsonObject, *, spoken: bool, without: Sequence[Path] = (), besides: Besides = None
    ) -> bytes | None:
        told = self._change(Change(session, without=tuple(without), besides=besides), spoken=spoken)
        if without:
            self._agree()
        return told

    def declare(self, tools: Sequence[JsonObject]) -> bytes | None:
        return self._change(Change(tools=tuple(tools)), spoken=False)

    def take_back(self) -> bool:
        taken_back = self._changes.withdraw_tools()
        self._agree()
        return taken_back

    def change_of(self, refusal: ModelRefused) -> int | None:
        return self._told.change_of(refusal)

    @property
    def unanswered(self) -> frozenset[int]:
        return self._told.unanswered

    def settle(self, waiting: Collection[int]) -> None:
        self._changes.settle(waiting)

    def presume(self) -> None:
        self._told.presume()

    def retold(self, nth: int) -> bytes | None:
        change = deepcopy(self._told.refused)
        for param in self._left_out:
            leave_out(change, param)
        self._know_habits()
        return self._tell(nth, change) if change else None

    def undo(self, nth: int) -> bytes | None:
        self._changes.undo(nth)
        self._agree()
        expected, after = self._told.expected, self._changes.newest_open
        lacking = differences(expected, self._session) if expected and after else {}
        return self._tell(after, lacking) if lacking else None

    def _change(self, change: Change, *, spoken: bool) -> bytes | None:
        """Take what is changed for what the session is to be; give what the model must be told of that."""
        nth, self._picture = self._changes.make(change), None
        difference = differences(self._session, self._translated().session)
        if spoken and find(difference, self.dialect.at(VOICE)) is not MISSING:
            self._changes.unmake()
            raise FixedError("the voice cannot be changed any more: the agent has spoken with the one it has")
        if not difference:
            return None
        self._session = merged(self._session, difference)
        self._know_habits()
        return self._tell(nth, difference)

    def _tell(self, nth: int, change: JsonObject) -> bytes:
        self._updates += 1
        event_id = f"session-{self._updates}"
        self._told.told(event_id, nth, change)
        kind = {"type": self._session["type"]} if "type" in self._session else {}
        return wire("session.update", event_id, session=kind | change)

    def hear(self, audio: bytes) -> bytes:
        return b'{"type":"input_audio_buffer.append","audio":"' + b64encode(audio) + b'"}'

    def commit(self, event_id: str) -> bytes:
        return wire("input_audio_buffer.commit", event_id)

    def unhear(self, event_id: str) -> bytes:
        return wire("input_audio_buffer.clear", event_id)

    def ask(self, response: JsonObject, event_id: str) -> bytes:
        worded = self.dialect.word({**SPOKEN, **response} if response else {}, self._as_it_is)
        return wire("response.create", event_id, **({"response": worded} if worded else {}))

    def cancel(self, response_id: str, event_id: str) -> bytes | None:
        named = {"response_id": response_id} if response_id and self.dialect.cancels_by_name else {}
        return wire("response.cancel", event_id, **named) if self.can.cancel else None

    def truncate(self, speech: Speech, heard_ms: int, event_id: str) -> bytes | None:
        return truncation(speech, heard_ms, event_id) if self.can.truncate else None

    def forget(self, item_id: str, event_id: str) -> bytes | None:
        return wire("conversation.item.delete", event_id, item_id=item_id) if self.can.delete else None

    def retrieve(self, item_id: str, event_id: str) -> bytes:
        return wire("conversation.item.retrieve", event_id, item_id=item_id)

    def answer_tool(self, call_id: str, output: str, event_id: str) -> bytes:
        return tool_output(call_id, output, event_id)

    def add(self, item: JsonObject, *, after: object = None, event_id: object = None) -> bytes | None:
        named = event_id if is_theirs(event_id) else f"item-{next(self._ids)}"
        return new_item(item, after, named) if self.can.add_text else None

    def say(self, role: str, text: str, event_id: str) -> bytes | None:
        part = self.dialect.text_part if role == "assistant" else "input_text"
        return message(role, part, text, event_id) if self.can.add_text else None

    def leave_turns(self) -> None:
        if self.can.leave_turns:
            self._leaves_turns = True
            self._agree()

    def _meaning(self, type_: str, event: JsonObject) -> ModelEvent | None:
        if self._asides and event.get("response_id") in self._asides:
            return None
        try:
            return self._read(type_, event)
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{type_} lacks what it must have: {type(error).__name__} {error}") from error

    def _read(self, type_: str, event: JsonObject) -> ModelEvent | None:
        """Say what an event means that is neither audio nor out of band."""
        if type_ == "session.updated":
            self._told.agreed()
            return SessionReady(mismatch(self._session, event.get("session")))
        if type_ == "error":
            return refusal(event, self.dialect.benign)
        if type_ == "response.created" and aside(event["response"]):
            self._asides.append(text_in(event["response"], "id"))
        return MEANINGS[type_](event) if type_ in MEANINGS else None
