"""How the platform goes about a call, beyond what its portal says."""

from dataclasses import dataclass

from sim.platform.amd import Found
from sim.platform.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Callee:
    """Whom a dial reaches: answers after so many seconds, and hangs up after as many more."""

    answers_s: float = 1.0
    talks_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Manner:
    auth: tuple[str, str] | None = None
    "Basic auth of the call_hook."
    reconnects: bool = True
    "False: a control socket that was lost stays lost."
    callee: Callee | None = None
    "Who answers a dial; None: nobody."
    rooms: Rooms | None = None
    "Its conferences; None: it carries none out."
    found: Found | None = None
    "What answering machine detection finds; None: nothing."
