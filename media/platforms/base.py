"""What every telephony platform is to the rest: how a call is announced, and what is said on its media socket.

A platform is a file or a folder beside this one that offers PLATFORM.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from media.control import ControlDialect
from media.native import LlmDialect
from media.remote import RemoteDialect
from verbs.handoff import Outcome

__all__ = [
    "AudioReceived",
    "Call",
    "CallDialect",
    "CallStarted",
    "CallStatus",
    "DigitReceived",
    "JsonObject",
    "MediaDialect",
    "Pacing",
    "Platform",
    "PlatformError",
    "PlatformEvent",
    "PlatformOther",
    "Signature",
    "Stage",
    "read_json",
    "read_mended_json",
]

JsonObject = dict[str, Any]

MAX_DEPTH = 64
"Nested deeper than any platform nests, and far from where Python gives up."
MAX_INT_DIGITS = 19
"A signed 64-bit number; above 4,300 digits int() itself refuses."


class PlatformError(Exception):
    """The platform said something that cannot be worked with. The text names the fault, never the input."""


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The media socket names its call: comes once, before any audio."""

    call_sid: str
    rate_hz: int
    attributes: JsonObject


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """What the caller said: whole linear 16-bit samples at the stream's rate, of any length but none."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class DigitReceived:
    digit: str
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class PlatformOther:
    """Something not needed or not understood, to be counted. `kind` is one of a few fixed words, never input."""

    kind: str


PlatformEvent = CallStarted | AudioReceived | DigitReceived | PlatformOther


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a platform plays what it is sent."""

    lot_ms: int
    "It plays whole lots only, so audio goes out in lots."
    prime_ms: int
    "It keeps this much back, once, when a stream begins."
    start_delay_ms: int
    "From the arrival of audio to the playing of it, when nothing stands before it."
    clear_guard_ms: int
    "So long after a clear, what arrives may still be thrown away."


@dataclass(frozen=True, slots=True)
class Call:
    """A call as its webhook announces it. `caller` and `called` are as the carrier wrote them, + or not."""

    call_sid: str
    caller: str
    called: str
    direction: str
    caller_name: str
    attributes: JsonObject
    "The webhook's body, for matching and for templates; without the copies of the SIP message."
    parent_sid: str | None = None
    "The call of which this one was a leg."
    body: JsonObject = field(default_factory=dict, repr=False)
    "All of it, as it came."


class Stage(IntEnum):
    """How far a call has come. It never goes back, though webhooks overtake each other."""

    RINGING = 0
    ANSWERED = 1
    OVER = 2


@dataclass(frozen=True, slots=True)
class CallStatus:
    call_sid: str
    parent_sid: str | None
    "The call of which this one is a leg."
    status: str
    "In the platform's word."
    sip_status: str
    stage: Stage | None
    "None: the platform's word is new to us."
    by_platform: bool
    "Whether the platform itself ended the call."
    attributes: JsonObject


class Signature(NamedTuple):
    """What a webhook's signature proves."""

    state: Literal["absent", "wrong", "stale", "valid"]
    skew_s: int = 0
    "Of a stale one, how long ago it was made by our clock; negative where that is still to come."


class CallDialect(Protocol):
    """The platform's webhooks."""

    signature_header: ClassVar[str]
    "The name of the header in which a webhook is signed."

    def verify(self, body: bytes, header: str | None, secrets: Sequence[str], *, now_s: float) -> Signature:
        """Tell whether one of the secrets signed these very bytes, lately. No input raises."""
        ...

    def parse(self, body: bytes) -> Call:
        """Read a call webhook. Raises PlatformError."""
        ...

    def announced(self, attributes: JsonObject) -> Call:
        """Read what announces a call, from the body of its webhook or of its control message. Raises PlatformError."""
        ...

    def status(self, body: bytes) -> CallStatus:
        """Read a status webhook. Raises PlatformError."""
        ...

    def reported(self, attributes: JsonObject) -> CallStatus:
        """Read a status, from the body of its webhook or of its control message. Raises PlatformError."""
        ...

    def is_over(self, attributes: JsonObject) -> bool:
        """Tell whether the attributes that came with a hook say that the call is over."""
        ...

    def transferred(self, attributes: JsonObject) -> Outcome:
        """Tell how a transfer went, from what the hook of its verb says."""
        ...

    def hook_attributes(self, attributes: JsonObject) -> JsonObject:
        """Return what the platform's own later hooks would tell of a call."""
        ...


class MediaDialect(Protocol):
    """One call's media socket: what it says, and what to say to it. Made with the rate that was asked for."""

    pacing: ClassVar[Pacing]

    def receive(self, wire: str | bytes) -> list[PlatformEvent]:
        """Read one message. Raises PlatformError where the call cannot go on."""
        ...

    def plain(self, wire: bytes) -> bool:
        """Whether a binary message is samples of the caller's, as `receive` would give them, and nothing else."""
        ...

    def play(self, pcm: bytes) -> str | bytes: ...

    def clear(self) -> str:
        """Throw away what is not yet played."""
        ...


@dataclass(frozen=True, slots=True)
class Platform:
    call: CallDialect
    llm: LlmDialect
    media: Callable[[int], MediaDialect]
    "Makes the dialect of one media socket, given the sample rate in Hz that the document asked for."
    control: ControlDialect | None = None
    "None: the platform has webhooks only."
    rest: RemoteDialect | None = None
    "None: the platform has no API by which it is told what it has not asked."


NOT_UNICODE = "text that is not UTF-8"


def read_mended_json(raw: bytes | str) -> Any:
    """Parse JSON the same way, with a `?` for half of a surrogate pair.

    An honest platform passes on what a model says, and what a caller is called.

    Raises PlatformError.
    """
    try:
        return read_json(raw)
    except PlatformError as error:
        if str(error) != NOT_UNICODE:
            raise
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        return read_json(json.dumps(json.loads(text), ensure_ascii=False).encode(errors="replace"))
    except UnicodeError:
        raise PlatformError(NOT_UNICODE) from None


def read_json(raw: bytes | str) -> Any:
    """Parse JSON as a stranger may have written it, strictly. Raises PlatformError.

    Python's parser takes more than JSON (NaN, 1e999), lets the last of two equal keys win, and gives strings that
    cannot be encoded again (half a surrogate pair). None of it comes from an honest platform.
    """
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_not_a_number,
            parse_float=_finite,
            parse_int=_short_int,
        )
        _walk(value, MAX_DEPTH)
    except UnicodeError:
        raise PlatformError(NOT_UNICODE) from None
    except RecursionError:
        raise PlatformError(f"JSON nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        fault = "not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        raise PlatformError(fault) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("JSON with the same key twice in an object")
    return value


def _not_a_number(_: str) -> Any:
    raise ValueError("JSON with a number that is none (NaN or Infinity)")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("JSON with a number out of range")
    return value


def _short_int(text: str) -> int:
    if len(text.removeprefix("-")) > MAX_INT_DIGITS:
        raise ValueError("JSON with a number out of range")
    return int(text)


def _walk(value: Any, levels: int) -> None:
    """Raise UnicodeError for a string that cannot be encoded, RecursionError for too deep a value."""
    match value:
        case str():
            value.encode()
        case list() | dict() if levels == 0:
            raise RecursionError
        case list():
            for item in value:
                _walk(item, levels - 1)
        case dict():
            for key, item in value.items():
                key.encode()
                _walk(item, levels - 1)
