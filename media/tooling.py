"""The tool calls of one conversation: which are run, which the model is told at once, and what is said meanwhile.

    not too many? ── declared? ── arguments JSON, at most 16 KiB, as the schema says? ── agreed to? ──▶ CallTool
        └── no ──────────┴── no ────────┴── no ───────────────────────────────────────────┴── no ──▶ an error,
                                                                                                     to the model alone

The schema is the one that the model was given: a call that breaks it never reaches
the customer's application, and the model can mend it.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from media.allowance import MAX_PER_MINUTE, Allowance
from media.arguments import RefusalError, read_arguments
from media.confirming import Confirming
from media.effects import End
from media.realtime.base import ToolCalled

JsonObject = dict[str, Any]

MAX_IN_FLIGHT = 3
LOOK_S = 0.25
"How often it is looked whether somebody still speaks."


class Tooling:
    """See the theory above. Times are monotonic seconds."""

    def __init__(
        self, schemas: Mapping[str, JsonObject], fillers_s: Sequence[float], confirmed: Collection[str] = ()
    ) -> None:
        """`schemas`: of the parameters, by the tool's name; `confirmed`: tools that the caller must have agreed to."""
        self._confirming = Confirming(confirmed)
        self._schemas = schemas
        self._fillers_s = tuple(fillers_s)
        self._open: dict[str, float] = {}
        self.allowance = Allowance()
        self._filled = 0
        self._look_at = 0.0

    def begin(
        self,
        call: ToolCalled,
        now: float,
        answered: Callable[[float], bool] = lambda _: False,
        *,
        stirred: bool = True,
    ) -> JsonObject:
        """Return the arguments of a call that may run; `answered` says whether the caller has, since a time.

        `stirred`: they have heard or said something since the call before.

        :raises RefusalError: it may not
        """
        if not self.allowance.take(call.response_id, now, stirred=stirred):
            raise RefusalError(
                f"more than {MAX_PER_MINUTE} tool calls in a minute, or without a word to the caller; go on without"
            )
        if call.name not in self._schemas:
            raise RefusalError(f"there is no tool named {call.name[:64]}")
        arguments = read_arguments(call.arguments, self._schemas[call.name])
        if len(self._open) >= MAX_IN_FLIGHT:
            raise RefusalError(f"{MAX_IN_FLIGHT} tool calls are under way; wait for their results")
        if objection := self._confirming.objection(call.name, arguments, now, answered):
            raise RefusalError(objection)
        if not self._open:
            self._filled = 0
        self._open[call.call_id] = now
        return arguments

    def ended(self, call_id: str) -> None:
        """It was answered, by whomever."""
        self._open.pop(call_id, None)

    def start_over(self) -> None:
        """Nobody waits for those that are under way."""
        self._open.clear()

    def filler_due(self, now: float) -> bool:
        """Say whether the caller has waited for a tool long enough to be told so."""
        return now >= self.next_due()

    def filled(self, now: float) -> None:
        """They are told; every moment that has passed by now is done with."""
        self._look_at = 0.0
        while self.filler_due(now):
            self._filled += 1

    def not_filled(self, now: float) -> None:
        """They cannot be told now, as somebody speaks: look again in a moment."""
        self._look_at = now + LOOK_S

    def next_due(self) -> float:
        if not self._open or self._filled >= len(self._fillers_s):
            return inf
        return max(min(self._open.values()) + self._fillers_s[self._filled], self._look_at)


def failure(message: str) -> str:
    """Give the output of a call that failed, for the model."""
    return json.dumps({"error": message})


def leaving(call: ToolCalled, end: End) -> End:
    """Give the end of a conversation that the model leaves by a tool: with what it says as it does, if that is JSON."""
    try:
        told = read_arguments(call.arguments, {})
    except RefusalError:
        return end
    return replace(end, told=told) if told else end
