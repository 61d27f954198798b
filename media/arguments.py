"""What the model wrote as a tool's arguments, read and held to the schema that it was given.

The schema is a stranger's, and so is in part what the caller makes the model write: neither may hold up the other
calls. Patterns are matched in bounded time, and a check that goes on and on is left off.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from verbs.patterns import finds

JsonObject = dict[str, Any]
Errors = Iterator[ValidationError]

MAX_ARGUMENTS_CHARS = 16 * 1024
MAX_SHOWN_CHARS = 200
MAX_COST = 300_000
"Characters that patterns are looked for in; at a fifth of a microsecond each, in the worst case."
COST_OF_A_REFERENCE = 100
"A `$ref` that leads to two of itself makes of each level of the arguments twice the work."


class RefusalError(ValueError):
    """A tool call that is not run; the words are for the model, and may quote what the caller said.

    `shown` is what may be written down of them.
    """

    def __init__(self, words: str, shown: str = "") -> None:
        super().__init__(words)
        self.shown = shown or words


class _TooMuchError(Exception):
    """The check has taken enough time."""


class _Account(FormatChecker):
    """What one check may still cost. A format checker, for jsonschema hands that on from keyword to keyword."""

    def __init__(self) -> None:
        super().__init__(formats=())
        self._left = MAX_COST

    def spend(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise _TooMuchError

    def finds(self, pattern: str, text: str) -> bool | None:
        self.spend(len(text) + 1)
        return finds(pattern, text)


def _followed(name: str) -> Callable[..., Errors | None]:
    follow: Callable[..., Errors | None] = Draft202012Validator.VALIDATORS[name]

    def followed(check: Any, *reference: Any) -> Errors | None:
        check.format_checker.spend(COST_OF_A_REFERENCE)
        return follow(check, *reference)

    return followed


def _pattern(check: Any, pattern: str, value: Any, _: Any) -> Errors:
    if isinstance(value, str) and check.format_checker.finds(pattern, value) is False:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(check: Any, patterns: Mapping[str, Any], value: Any, _: Any) -> Errors:
    for pattern, schema in patterns.items():
        for name in value if isinstance(value, dict) else ():
            if check.format_checker.finds(pattern, name):
                yield from check.descend(value[name], schema, path=name, schema_path=pattern)


def _additional_properties(check: Any, additional: Any, value: Any, schema: Mapping[str, Any]) -> Errors:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in value if isinstance(value, dict) else ():
        if name in known or any(check.format_checker.finds(pattern, name) is not False for pattern in patterns):
            continue
        if additional is False:
            yield ValidationError(f"there is no argument {name!r}")
        else:
            yield from check.descend(value[name], additional, path=name)


def _unique(_: Any, wanted: bool, items: Any, __: Any) -> Errors:  # noqa: FBT001  # jsonschema's form
    """Compare each with all at once: two by two, 16 KiB of objects hold up every call for seconds."""
    if wanted and isinstance(items, list) and len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
        yield ValidationError("has items that are the same")


def _unchecked(*_: Any) -> None:
    """Let it be: jsonschema finds by Python's `re` what was evaluated, which can take for ever."""


_KEYWORDS = {
    "$ref": _followed("$ref"),
    "$dynamicRef": _followed("$dynamicRef"),
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "unevaluatedProperties": _unchecked,
    "uniqueItems": _unique,
}
Arguments = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]  # so are its stubs


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
        raise RefusalError(*(f"the arguments do not fit the tool's parameters: {words}" for words in fault))
    return value


def _fault(value: JsonObject, schema: JsonObject) -> tuple[str, ...]:
    """Name the worst fault, in words that help, and by the schema's own alone: the path of the rule that is broken.

    A schema that is none itself finds no fault: it was complained of when it was read.
    """
    try:
        if not _is_schema(json.dumps(schema)):
            return ()
        # An empty registry: a `$ref` to an address is not looked up, from here or anywhere.
        check = Arguments(schema, registry=Registry(), format_checker=_Account())
        fault = best_match(check.iter_errors(value))
    except (Unresolvable, RecursionError):
        return ()
    except _TooMuchError:
        return ("they are too much to be checked",)
    except ArithmeticError:  # 1e400, divided by what it is to be a multiple of
        return ("a number is out of range",)
    if fault is None:
        return ()
    where, rule = (".".join(map(str, path)) for path in (fault.absolute_path, fault.absolute_schema_path))
    return f"{where + ': ' if where else ''}{fault.message}"[:MAX_SHOWN_CHARS], f"{rule[:MAX_SHOWN_CHARS]} is broken"


@lru_cache(maxsize=64)  # it takes longer than the check
def _is_schema(schema: str) -> bool:
    try:
        Draft202012Validator.check_schema(json.loads(schema), format_checker=FormatChecker(formats=()))
    except SchemaError:
        return False
    return True


def _no_number(name: str) -> None:
    raise ValueError(name)
