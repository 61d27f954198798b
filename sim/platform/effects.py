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
class CloseMedia:
    pass


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


Effect = Post | OpenMedia | CloseMedia | SendDigit | Note | Over
