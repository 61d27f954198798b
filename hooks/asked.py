"""One call of a tool by the model, and whose call it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hooks.agent import Agent
from hooks.envelope import FULL, Envelope
from verbs.base import JsonObject


@dataclass(frozen=True, slots=True)
class Call:
    """A call, as the functions of an application see it: a tool, the first verbs, a hook.

    A tool with a parameter of this type gets it; the model neither sees it nor says it.
    """

    call_sid: str
    caller: str
    called: str
    route: str
    direction: str = ""
    "`inbound` or `outbound`."
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    "What the platform said of the call as it came: `sip`, `customerData`, `env_vars` and the rest."
    notes: dict[str, Any] = field(default_factory=dict, repr=False)
    "The application's own, for as long as the call lives; every function of the call sees the same."
    agent: Agent = field(default_factory=Agent, repr=False, compare=False)
    "Steers the conversation of the call."


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a tool by the model."""

    call_id: str
    name: str
    arguments: JsonObject
    call: Call
    envelope: Envelope = FULL
    "How a hook is asked for it."
