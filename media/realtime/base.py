"""The model's leg: what a realtime model can say to the bridge, and what the bridge can say to it.

One vendor a file. A vendor's own event names and shapes are compared in that file alone; elsewhere they are
these types. Those that speak OpenAI's protocol share `protocol.py`, and declare in a `Dialect` what they say
otherwise.

OpenAI's successor, the Live API (`gpt-live-1`), is another protocol and would be one more file that offers these:
    `configure` is its `session.start`, which the client sends first (not `can.speak_first`); `session.started` is
    SessionReady. `can.pace_itself`: its speech comes at real time, silence included. It takes turns by itself, in
    full duplex, and tells nothing of them: `interrupts_itself` and `answers_itself`, no Caller* events, and neither
    `can.truncate` nor `can.cancel` nor `can.delete`. `ask` with instructions is a `session.commentary.append`; one
    without, after `answer_tool`, is its `response.create`. It hears and speaks linear audio of 16 or 24 kHz and G.711.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from media.audio import AudioFormat
from media.playout import Speech
from media.realtime.capabilities import Capabilities, ModelAudio
from media.realtime.dial import Dial
from media.realtime.settable import Settable
from verbs.vendors import KnownVendor

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The model accepted the connection; it may be configured now."""

    expires_at_unix_s: float | None = None


@dataclass(frozen=True, slots=True)
class SessionReady:
    """The session is as we asked. `mismatch` says in words what is not, and then nothing must be played."""

    mismatch: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAnnounced:
    """The model began an item of the conversation that may be spoken."""

    response_id: str
    item_id: str


class SpeechReceived(NamedTuple):
    """A piece of the agent's voice, in the model's audio format, cut anywhere between two bytes."""

    response_id: str
    speech: Speech
    audio: bytes


@dataclass(frozen=True, slots=True)
class SpeechComplete:
    """No more audio of this speech will come."""

    speech: Speech


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What the agent's voice says: a part of it, or with `final` the whole."""

    speech: Speech
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class TextWritten:
    """The model answers in text, which nobody hears."""

    response_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CallerStarted:
    """The model's voice detection heard the caller begin."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CallerStopped:
    """The model's voice detection heard the caller's pause."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CallerCommitted:
    """The caller's turn became an item of the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CallerText:
    """The transcript of the caller's turn; None where the vendor could not make one."""

    item_id: str
    text: str | None
    usage: JsonObject = field(default_factory=dict)
    "Of what wrote it down, which is billed apart."


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The model began to answer in the conversation."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """`status` is completed, cancelled, incomplete or failed; `reason` says why, where it was not completed."""

    response_id: str
    status: str
    error: JsonObject | None = None
    usage: JsonObject = field(default_factory=dict)
    reason: str = ""
    empty: bool = False
    "Whether it names no output; some vendors never do, whatever they have said."


@dataclass(frozen=True, slots=True)
class AsideEnded:
    """A response beside the conversation is over: nothing of it was heard, and it costs as any other."""

    usage: JsonObject


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model wants a function called; `arguments` is the text that it wrote, JSON or not."""

    response_id: str
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """The model answered one of our messages with an error; the session lives unless `fatal`."""

    code: str
    message: str
    param: str | None
    event_id: str | None
    fatal: bool
    harmless: bool
    error: JsonObject


SessionEvent = SessionOpened | SessionReady | ModelRefused
AgentEvent = ItemAnnounced | SpeechReceived | SpeechComplete | SpokenText | TextWritten
CallerEvent = CallerStarted | CallerStopped | CallerCommitted | CallerText
ModelEvent = SessionEvent | AgentEvent | CallerEvent | ResponseStarted | ResponseEnded | AsideEnded | ToolCalled


class Said(NamedTuple):
    """One message of the model: what it means to the bridge, and itself for the eventHook."""

    type: str
    event: JsonObject
    meaning: ModelEvent | None


class ModelError(ValueError):
    """The model sent something that is not of its protocol. The message says what; it quotes no content."""


class Realtime(Settable, Protocol):
    """A realtime model's protocol, without its socket.

    Every method that returns bytes gives one message, or None where its vendor cannot be told that: then there is
    nothing to send.
    """

    can: Capabilities
    transcriber: str
    "Who bills what writes down the caller's words: `vendor/model`."
    hears: AudioFormat
    "The caller's audio, as `hear` takes it."
    speaks: AudioFormat
    "The agent's audio, as SpeechReceived brings it."
    interrupts_itself: bool
    "Whether it stops its own response when it hears the caller."
    answers_itself: bool
    "Whether it starts a response of its own when the caller's turn has ended."
    finds_turns: bool
    "Whether it finds the caller's turns in what it hears; else somebody commits them."
    pause_ms: float
    "The silence that it waits for before it says that the caller has stopped."
    tools: Mapping[str, JsonObject]
    "The functions that were declared to it: by their names, the JSON schemas of their parameters."
    transcribes: bool
    "Whether the caller's words come as text."
    greeting: JsonObject
    "What the first response is asked with."
    follow_up: JsonObject
    "What the response after a tool call is asked with."
    warnings: list[str]
    "What was asked of the model in words that it no longer knows."

    @property
    def model(self) -> str:
        """Who bills its responses: `vendor/model`, as it is asked for."""

    def speech(self, wire: bytes) -> SpeechReceived | None:
        """Read a message that is a piece of the agent's voice and nothing else, which most are.

        None: it is `receive` that reads it.

        :raises ModelError: see `receive`
        """
        ...

    def receive(self, wire: str | bytes) -> Said:
        """Read one message.

        :raises ModelError: it is not of the protocol
        """

    def configure(self) -> bytes: ...

    def change_of(self, refusal: ModelRefused) -> int | None:
        """Say which `update` or `declare` was refused, counted from the first; None: it was something else."""

    def add(self, item: JsonObject, *, after: object = None, event_id: object = None) -> bytes | None:
        """Add an application's item, `after` that of an id; under its own `event_id`, unless that could be ours."""

    def hear(self, audio: bytes) -> bytes: ...

    def commit(self, event_id: str) -> bytes:
        """Make an item of what was heard since the last one."""

    def unhear(self, event_id: str) -> bytes:
        """Forget what was heard and is no item yet."""

    def ask(self, response: JsonObject, event_id: str) -> bytes: ...

    def cancel(self, response_id: str, event_id: str) -> bytes | None:
        """Leave off a response; with no id, whichever is being made."""

    def truncate(self, speech: Speech, heard_ms: int, event_id: str) -> bytes | None: ...

    def forget(self, item_id: str, event_id: str) -> bytes | None: ...

    def retrieve(self, item_id: str, event_id: str) -> bytes:
        """Ask for an item of the conversation as the model has it."""

    def answer_tool(self, call_id: str, output: str, event_id: str) -> bytes: ...

    def say(self, role: str, text: str, event_id: str) -> bytes | None:
        """Add a text item of the `user`, the `assistant` or the `system` to the conversation; nobody hears it."""

    def leave_turns(self) -> None:
        """Before `configure`: let the model hear turns, but neither answer them nor stop itself unasked.

        Where it cannot (`can.leave_turns`), `answers_itself` stays as it is.
        """


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a vendor's file offers as VENDOR."""

    realtime: Callable[..., Realtime]
    "Makes a session of an `llm` verb; `audio` is what `audio_at` says, see `protocol.Realtime`."
    dial: Callable[..., Dial]
    """Says where the verb's model is: (llm, *, url, api_key, proxy, tls), the latter as configured for this vendor.

    Raises ModelError where it cannot be reached like this.
    """
    can: Capabilities
    known: KnownVendor
    "What the other rooms must know of it; ours stand in `verbs/vendors.py`."

    def audio_at(self, rate_hz: int) -> ModelAudio:
        """Say what the model hears and speaks for a platform that carries `rate_hz`."""
        return self.can.audio_at(rate_hz)
