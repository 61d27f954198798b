"""What `rounds` wants said to the model."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Give the model this tool output."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Note:
    """Tell the model, unspoken, what came too late to be an output."""

    call_id: str
    output: str


class Kind(Enum):
    """What a response is asked for."""

    REQUEST = auto()
    MENTION = auto()
    FILLER = auto()
    DISCARDED = auto()
    "Cancelled by the application before it began: a response that is not to be heard."


@dataclass(frozen=True, slots=True)
class Ask:
    """Request a response."""

    response: JsonObject
    kind: Kind = Kind.REQUEST


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back the request that is on its way."""


Step = Answer | Note | Ask | Cancel


@dataclass(slots=True)
class Round:
    """The tool calls of one response."""

    outputs: dict[str, str | None] = field(default_factory=dict)
    ended: bool = False

    @property
    def complete(self) -> bool:
        return self.ended and None not in self.outputs.values()
