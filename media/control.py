"""What every platform's control socket is to the rest: what it says, and what it understands.

A platform that has one offers a ControlDialect beside its webhooks and its media socket (media/platforms/base.py).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from verbs.base import JsonObject

__all__ = ["ControlDialect", "ControlEvent", "ControlKind"]

ControlKind = Literal[
    "new",
    "reconnect",
    "redirect",
    "adulting",
    "hook",
    "confirm",
    "queue_status",
    "status",
    "verb_status",
    "llm_event",
    "tool_call",
    "tokens_result",
    "streaming_event",
    "error",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """A message of a control socket."""

    kind: ControlKind
    msgid: str
    "What an acknowledgement names; may be empty where none is wanted."
    call_sid: str
    "Empty where the platform left it to the socket."
    hook: str
    "Whose hook this asks, as the document wrote it; mostly empty."
    data: JsonObject
    wants_ack: bool


class ControlDialect(Protocol):
    """A control socket: the platform's webhooks in one place, and a way to tell it what it has not asked."""

    subprotocol: ClassVar[str]
    patience_s: ClassVar[float]
    "How long the platform waits for an ack, less what its way may take."
    max_message_bytes: ClassVar[int]
    "What is longer, in UTF-8, costs the socket."
    max_document_bytes: ClassVar[int]
    "What of it a document can have in an ack or a redirect."

    def receive(self, text: str) -> ControlEvent:
        """Read one message. Raises PlatformError."""
        ...

    def ack(self, msgid: str, document: bytes | None = None) -> str: ...

    def redirect(self, document: bytes, *, queue: bool = False) -> str:
        """Replace what the call does, or with `queue` add to it."""
        ...

    def hang_up(self) -> str: ...

    def command(self, command: JsonObject) -> str:
        """Write any other command, given as the platform writes it."""
        ...
