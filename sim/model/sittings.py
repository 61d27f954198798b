"""What the sessions of one server go by: each its own script, and where they are parts of one call, one caller."""

from collections import deque
from dataclasses import dataclass

from sim.model.script import Script


@dataclass(frozen=True, slots=True)
class Sitting:
    """One session's script; `caller` is shared with the sessions around it, None where each call is another one."""

    script: Script
    caller: deque[str] | None

    def take_back(self, line: str | None) -> None:
        """Let the next session hear what this one heard in vain."""
        if self.caller is not None and line is not None:
            self.caller.appendleft(line)


class Sittings:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._caller = deque(script.caller) if script.sessions or script.models else None
        self._count = 0

    def next(self, model: str) -> Sitting:
        """Begin another session, or the attempt at one, with a model of this name."""
        self._count += 1
        return Sitting(self._script.for_session(self._count - 1, model), self._caller)
