"""What the bridge wants done. It decides; `media/sockets/` does; nothing else crosses between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

JsonObject = dict[str, Any]
Wire = str | bytes


@dataclass(frozen=True, slots=True)
class ToPlatform:
    """Send this on the media socket (bytes as a binary frame, text as a text frame)."""

    wire: Wire


@dataclass(frozen=True, slots=True)
class ToModel:
    """Send this JSON text on the model socket."""

    wire: bytes


@dataclass(frozen=True, slots=True)
class Redial:
    """Leave the model's socket, if there is one, and reach the `nth` model that this call may have."""

    nth: int
    dial: Any = None
    "Where it is from now on, a `media.realtime.dial.Dial`; None: where it was."


@dataclass(frozen=True, slots=True)
class Report:
    """Something happened that the eventHook may have asked for."""

    type: str
    event: JsonObject


@dataclass(frozen=True, slots=True)
class CallTool:
    """Ask the customer's application; its answer comes back by `Bridge.tool_answered`."""

    call_id: str
    name: str
    arguments: JsonObject


How = Literal["done", "sent", "refused", "unknown", "busy", "away", "lost", "late", "over"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request from outside: what was done, or an error as `{"code", "message"}`.

    done     what was asked for is so
    sent     the model has it, or will; it says nothing to it
    refused  the model, or we, will not: the request is at fault
    unknown  the model has no such item
    busy     too many requests are open
    away     there is no session with the model at this moment, or none that could do this
    lost     the session ended before the model answered
    late     the model did not answer in time
    over     the conversation has ended
    """

    how: How
    told: JsonObject


Answer = Callable[[Outcome], None]
"Told what came of a request, once. It must neither wait nor raise."


@dataclass(frozen=True, slots=True)
class Answered:
    """Tell whoever asked what came of it."""

    answer: Answer
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Measure:
    """A latency to be observed once the effects before it are done; `name` is turn_latency, first_audio or barge_in."""

    name: str
    since: float


@dataclass(frozen=True, slots=True)
class Count:
    """A message of the media socket that was passed over; `kind` is one of a few fixed words."""

    kind: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Something that an operator should read in the log; `detail` never holds audio, keys or speech."""

    event: str
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """Why the conversation ended.

    `completion_reason` is one of the platform's own strings (jambonz: lib/tasks/llm), `reason_code` is ours
    and finer, `ended_by` is caller, agent, model, platform, operator or server.
    """

    completion_reason: str
    reason_code: str
    ended_by: str
    error: JsonObject | None = None
    told: JsonObject = field(default_factory=dict)
    "What the model said of it: the arguments of the tool by which it left."

    @property
    def abnormal(self) -> bool:
        """Whether the caller is still there and owed the route's fallback verbs."""
        return self.completion_reason != "normal conversation end"


@dataclass(frozen=True, slots=True)
class Finish:
    """The conversation is over: close both sockets. Emitted exactly once."""

    end: End


Effect = ToPlatform | ToModel | Redial | Report | CallTool | Answered | Measure | Count | Warn | Finish
