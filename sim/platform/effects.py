"""What the platform does about a call: data, carried out by the door (client.py)."""

from dataclasses import dataclass, field
from typing import Literal

from sim.platform.bodies import JsonObject


@dataclass(frozen=True, slots=True)
class Post:
    """Send a webhook. Those of one lane go out one after the other, as on one connection; "status" is never read."""

    lane: Literal["call", "status"]
    url: str
    body: JsonObject
    ref: str = ""
    "What the answer is for; it comes back with it. Empty: nobody reads it."
    kind: str = "verb:hook"
    "What the same request is called on a control socket."
    auth: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OpenControl:
    """Open a control socket. `socket` numbers them, for a call may leave one application for another."""

    socket: int
    url: str
    auth: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class SendControl:
    socket: int
    text: str


@dataclass(frozen=True, slots=True)
class CloseControl:
    socket: int
    code: int


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """Open the media socket of a listen."""

    url: str
    caller_hz: int
    agent_hz: int | None
    "None: what comes back is not played."
    metadata: JsonObject
    auth: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Open the platform's own socket to a model, for an `llm` verb that it carries out itself."""

    url: str
    auth: tuple[str, str] | None
    "The name of the header and its value; None: the key is in the query."


@dataclass(frozen=True, slots=True)
class SendModel:
    event: JsonObject


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """Close the media socket, or the socket to the model."""


@dataclass(frozen=True, slots=True)
class PauseMedia:
    """Stop sending what the caller says, or send it again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class SendDigit:
    """Tell the media socket of a pressed key."""

    key: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to show and to expect in a scene."""

    name: str
    text: str
    fields: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended; webhooks on their way are still sent, their answers no longer matter."""

    call_status: str
    ended_by: str
    answered: bool
    why: str
    failed: bool
    "It ended because something went wrong, not because somebody hung up."


ControlEffect = OpenControl | SendControl | CloseControl
MediaEffect = OpenMedia | OpenModel | SendModel | CloseMedia | PauseMedia | SendDigit
Effect = Post | ControlEffect | MediaEffect | Note | Over
