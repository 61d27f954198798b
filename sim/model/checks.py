"""What a client event may hold, said with small composable checks, and refused in OpenAI's own words.

A check is a function of a value and its path ("session.tools[0].name"). It returns nothing or raises RequestError.
Codes and wording follow what api.openai.com answers; OpenAI publishes no list of them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

JsonObject = dict[str, Any]
Check = Callable[[Any, str], None]


class RequestError(Exception):
    """A client event that is answered with an `error` event; nothing of it is applied."""

    def __init__(self, code: str | None, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def error_of(refusal: RequestError, event: Any) -> JsonObject:
    """Return the `error` field of the answer to a refused event; it names that event if it has an id."""
    event_id = event.get("event_id") if isinstance(event, dict) else None
    return {
        "type": "invalid_request_error",
        "code": refusal.code,
        "message": refusal.message,
        "param": refusal.param,
        "event_id": event_id if isinstance(event_id, str) else None,
    }


_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    dict: "an object",
    list: "an array",
    type(None): "null",
}


def _expect(value: Any, path: str, *kinds: type) -> None:
    if type(value) not in kinds:
        wanted = " or ".join(_NAMES[kind] for kind in kinds)
        message = f"Invalid type for '{path}': expected {wanted}, but got {_NAMES[type(value)]} instead."
        raise RequestError("invalid_type", message, path)


def anything(_value: Any, _path: str) -> None:
    """Accept every JSON value."""


def flag(value: Any, path: str) -> None:
    _expect(value, path, bool)


def text(max_chars: int | None = None) -> Check:
    def check(value: Any, path: str) -> None:
        _expect(value, path, str)
        if max_chars is not None and len(value) > max_chars:
            raise RequestError(
                "string_above_max_length",
                f"Invalid '{path}': string too long. Expected a string with maximum length {max_chars}, "
                f"but got a string with length {len(value)} instead.",
                path,
            )

    return check


def matching(pattern: str) -> Check:
    def check(value: Any, path: str) -> None:
        _expect(value, path, str)
        if not re.fullmatch(pattern, value):
            message = f"Invalid '{path}': string does not match pattern. Expected a string that matches '{pattern}'."
            raise RequestError("invalid_value", message, path)

    return check


def integer(low: int, high: int) -> Check:
    return _number("integer", low, high, int)


def decimal(low: float, high: float) -> Check:
    return _number("decimal", low, high, int, float)


def _number(name: str, low: float, high: float, *kinds: type) -> Check:
    def check(value: Any, path: str) -> None:
        _expect(value, path, *kinds)
        for wrong, side, sign, bound in (
            (value < low, "below_min", ">=", low),
            (value > high, "above_max", "<=", high),
        ):
            if wrong:
                words = f"{name} {side.replace('_', ' ').removesuffix('min').removesuffix('max')}"
                edge = "minimum" if sign == ">=" else "maximum"
                message = f"Invalid '{path}': {words}{edge} value. Expected a value {sign} {bound}, but got {value}."
                raise RequestError(f"{name}_{side}_value", message, path)

    return check


def one_of(*choices: str) -> Check:
    def check(value: Any, path: str) -> None:
        _expect(value, path, str)
        if value not in choices:
            raise _unsupported(value, path, choices)

    return check


def _unsupported(value: Any, path: str, choices: Sequence[str]) -> RequestError:
    supported = ", ".join(f"'{choice}'" for choice in choices)
    return RequestError("invalid_value", f"Invalid value: '{value}'. Supported values are: {supported}.", path)


def either(kind: type, check: Check, other: Check) -> Check:
    """Take the first check for values of one JSON type, the other for all else."""

    def chosen(value: Any, path: str) -> None:
        (check if type(value) is kind else other)(value, path)

    return chosen


def nullable(check: Check) -> Check:
    return either(type(None), anything, check)


def list_of(check: Check) -> Check:
    def checked(value: Any, path: str) -> None:
        _expect(value, path, list)
        for at, item in enumerate(value):
            check(item, f"{path}[{at}]")

    return checked


def mapping_of(check: Check, max_pairs: int | None = None, max_key_chars: int | None = None) -> Check:
    def checked(value: Any, path: str) -> None:
        _expect(value, path, dict)
        if max_pairs is not None and len(value) > max_pairs:
            message = f"Invalid '{path}': too many properties. Expected at most {max_pairs}, got {len(value)}."
            raise RequestError("object_above_max_properties", message, path)
        for key, item in value.items():
            text(max_key_chars)(key, f"{path}.{key[:max_key_chars]}")
            check(item, f"{path}.{key}")

    return checked


def record(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """Accept an object of these fields and no others."""
    fields = {**required, **optional}

    def check(value: Any, path: str) -> None:
        _expect(value, path, dict)
        for name in required:
            if name not in value:
                raise _missing(f"{path}.{name}".lstrip("."))
        for name, item in value.items():
            inner = f"{path}.{name}".lstrip(".")
            if name not in fields:
                raise RequestError("unknown_parameter", f"Unknown parameter: '{inner}'.", inner)
            fields[name](item, inner)

    return check


def tagged(tag: str, cases: Mapping[str, Check]) -> Check:
    """Accept an object whose field `tag` says which of the cases it is; a case must allow that field."""

    def check(value: Any, path: str) -> None:
        _expect(value, path, dict)
        inner = f"{path}.{tag}".lstrip(".")
        if tag not in value:
            raise _missing(inner)
        one_of(*cases)(value[tag], inner)
        cases[value[tag]](value, path)

    return check


def _missing(path: str) -> RequestError:
    return RequestError("missing_required_parameter", f"Missing required parameter: '{path}'.", path)
