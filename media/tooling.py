"""The tool calls of one conversation: which are run, which the model is told at once, and what is said meanwhile.

    declared? ── arguments JSON, at most 16 KiB, as the schema says? ── not too many? ──▶ CallTool
        └── no ────────┴── no ───────────────────────────────────────────┴── no ──▶ an error, to the model alone

The schema is the one that the model was given: a call that breaks it never reaches
the customer's application, and the model can mend it.
"""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from media.effects import End
from media.realtime.base import ToolCalled

JsonObject = dict[str, Any]

MAX_ARGUMENTS_CHARS = 16 * 1024
MAX_IN_FLIGHT = 3
MAX_PER_MINUTE = 20
MAX_SHOWN_CHARS = 200


class RefusalError(ValueError):
    """A tool call that is not run; the words are for the model."""


class Tooling:
    """See the theory above. Times are monotonic seconds."""

    def __init__(self, schemas: Mapping[str, JsonObject], fillers_s: Sequence[float]) -> None:
        """`schemas`: of the parameters, by the tool's name."""
        self._schemas = schemas
        self._fillers_s = tuple(fillers_s)
        self._open: dict[str, float] = {}
        self._begun: deque[float] = deque(maxlen=MAX_PER_MINUTE)
        self._filled = 0

    def begin(self, call: ToolCalled, now: float) -> JsonObject:
        """Return the arguments of a call that may run.

        :raises RefusalError: it may not
        """
        if call.name not in self._schemas:
            raise RefusalError(f"there is no tool named {call.name[:64]}")
        arguments = read_arguments(call.arguments, self._schemas[call.name])
        if len(self._open) >= MAX_IN_FLIGHT:
            raise RefusalError(f"{MAX_IN_FLIGHT} tool calls are under way; wait for their results")
        if len(self._begun) == MAX_PER_MINUTE and now - self._begun[0] < 60:  # noqa: PLR2004  # a minute
            raise RefusalError(f"more than {MAX_PER_MINUTE} tool calls in a minute; go on without")
        self._begun.append(now)
        if not self._open:
            self._filled = 0
        self._open[call.call_id] = now
        return arguments

    def ended(self, call_id: str) -> None:
        """It was answered, by whomever."""
        self._open.pop(call_id, None)

    def filler_due(self, now: float) -> bool:
        """Say, once each, that the caller has waited for a tool long enough to be told so."""
        if now < self.next_due():
            return False
        self._filled += 1
        return True

    def next_due(self) -> float:
        if not self._open or self._filled >= len(self._fillers_s):
            return inf
        return min(self._open.values()) + self._fillers_s[self._filled]


def _no_number(name: str) -> None:
    raise ValueError(name)


def _unique(_: Any, wanted: bool, items: Any, __: Any) -> Iterator[ValidationError]:  # noqa: FBT001  # jsonschema's form
    """Compare each with all at once: two by two, 16 KiB of objects hold up every call for seconds."""
    if wanted and isinstance(items, list) and len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
        yield ValidationError("has items that are the same")


Arguments = extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]  # so are its stubs


def failure(message: str) -> str:
    """Give the output of a call that failed, for the model."""
    return json.dumps({"error": message})


def read_arguments(text: str, schema: JsonObject) -> JsonObject:
    """Read what the model wrote.

    :raises RefusalError: it cannot be run; in words with which the model can do better
    """
    if len(text) > MAX_ARGUMENTS_CHARS:
        raise RefusalError(f"the arguments are longer than {MAX_ARGUMENTS_CHARS} characters")
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RefusalError("the arguments are not JSON") from None
    if not isinstance(value, dict):
        raise RefusalError("the arguments are not a JSON object")
    if fault := _fault(value, schema):
        raise RefusalError(f"the arguments do not fit the tool's parameters: {fault}")
    return value


def leaving(call: ToolCalled, end: End) -> End:
    """Give the end of a conversation that the model leaves by a tool: with what it says as it does, if that is JSON."""
    try:
        told = read_arguments(call.arguments, {})
    except RefusalError:
        return end
    return replace(end, told=told) if told else end


def _fault(value: JsonObject, schema: JsonObject) -> str:
    """Name the worst fault; a schema that is none itself finds no fault: it was complained of when it was read."""
    try:
        Draft202012Validator.check_schema(schema)
        # An empty registry: a `$ref` to an address is not looked up, from here or anywhere.
        fault = best_match(Arguments(schema, registry=Registry()).iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError, re.error):
        return ""
    except ArithmeticError:  # 1e400, divided by what it is to be a multiple of
        return "a number is out of range"
    if fault is None:
        return ""
    where = ".".join(str(step) for step in fault.absolute_path)
    return f"{where + ': ' if where else ''}{fault.message}"[:MAX_SHOWN_CHARS]
