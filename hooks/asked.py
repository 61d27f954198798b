"""One call of a tool by the model, and whose call it is."""

from dataclasses import dataclass

from hooks.envelope import FULL, Envelope
from verbs.base import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """Whose call it is. A function with a parameter of this type gets it; the model neither sees it nor says it."""

    call_sid: str
    caller: str
    called: str
    route: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a tool by the model."""

    call_id: str
    name: str
    arguments: JsonObject
    call: Call
    envelope: Envelope = FULL
    "How a hook is asked for it."
