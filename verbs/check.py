"""Checks properties against the table of a platform version.

A wrong JSON type and a missing property are fatal: the platform refuses the whole document for them, and we could
not work with it either. What is unknown to us may be known to a newer platform.
"""

import re
from collections.abc import Iterable, Iterator

from verbs.base import Finding, JsonObject, JsonValue, Path, did_you_mean, shown
from verbs.tables import Shape, Table, Type

_ANYTHING = "_"
"The platform lets a property of this name pass everywhere."
_IN_WORDS = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}

_JSON_TYPES = {"array": "array", "object": "object", "number": "number", "integer": "number"}
"Of our own words for a type."


def check_json(document: JsonValue, *, max_depth: int = 64) -> Finding | None:
    """Find what is no JSON, or nested deeper than any document is: everything after this may recurse."""
    rest: list[tuple[JsonValue, Path]] = [(document, ())]
    while rest:
        value, path = rest.pop()
        if len(path) > max_depth:
            return Finding(path[:2], f"is nested deeper than {max_depth} levels", fatal=True)
        match value:
            case dict():
                if not all(isinstance(key, str) and _is_text(key) for key in value):
                    return Finding(path, "has a name that is no text", fatal=True)
                rest += [(inner, (*path, key)) for key, inner in value.items()]
            case list():
                rest += [(inner, (*path, index)) for index, inner in enumerate(value)]
            case _ if not _is_scalar(value):
                return Finding(path, f"is nothing that JSON can carry: {type(value).__name__}", fatal=True)
    return None


def _is_scalar(value: object) -> bool:
    match value:
        case str():
            return _is_text(value)
        case int() | float():
            return abs(value) < float("inf")  # which nan is not either
        case _:
            return value is None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def check_shape(name: str, data: JsonObject, path: Path, table: Table) -> Iterator[Finding]:
    """Check an object, a verb's properties or something inside them, against the shape of that name."""
    shape = table[name]
    for key, value in data.items():
        if key in shape.properties:
            yield from _check_property(key, value, shape, (*path, key), table)
        elif key != _ANYTHING and not shape.open:
            yield Finding((*path, key), _unknown(key, shape), unknown=True)
    for key in shape.required:
        if data.get(key) is None:
            yield Finding((*path, key), "is missing and required", fatal=True)


def _check_property(key: str, value: JsonValue, shape: Shape, path: Path, table: Table) -> Iterator[Finding]:
    if value is None:  # as if it were not there
        return
    yield from check_type(value, shape.properties[key], path, table)
    if key.endswith("Hook") and isinstance(value, dict) and not isinstance(value.get("url"), str):
        yield Finding((*path, "url"), "is missing: a hook is a URL, a path, or an object with one of them as `url`")


def _unknown(key: str, shape: Shape) -> str:
    if key in shape.later:
        return f'{key!r} needs a later platform: set platform.version: "10", or leave it out'
    return f"unknown property {shown(key)}{did_you_mean(key, shape.properties)}"


def check_type(value: JsonValue, kind: Type, path: Path, table: Table) -> Iterator[Finding]:
    accepted = _json_types(kind)
    if _json_type(value) not in accepted:
        wanted = " or ".join(_IN_WORDS[name] for name in accepted)
        yield Finding(path, f"must be {wanted}, not {shown(value)}", fatal=True)
        return
    match kind:
        case str():
            if kind.removeprefix("#") in table and kind.startswith("#"):
                yield from check_shape(kind[1:], value, path, table)
        case list():
            for index, item in enumerate(value):
                yield from check_type(item, kind[0], (*path, index), table)
        case {"either": kinds}:
            yield from _check_either(value, kinds, path, table)
        case {"array": _} | {"object": _}:
            yield from _check_items(value, kind, path, table)
        case _:
            yield from _check_scalar(value, kind, path)


def _check_either(value: JsonValue, kinds: list[Type], path: Path, table: Table) -> Iterator[Finding]:
    tried = [list(check_type(value, kind, path, table)) for kind in kinds if _json_type(value) in _json_types(kind)]
    if all(tried):
        yield from _uncertain(tried[0])


def _check_items(value: JsonValue, kind: Type, path: Path, table: Table) -> Iterator[Finding]:
    if len(value) < kind.get("min", 0):
        yield Finding(path, "must not be empty")
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = kind.get("array") or kind["object"]
    shaped = isinstance(inner, str) and inner.startswith("#")
    for key, item in items:
        found = check_type(item, inner, (*path, key), table)
        yield from found if shaped else _uncertain(found)


def _check_scalar(value: JsonValue, kind: Type, path: Path) -> Iterator[Finding]:
    if "enum" in kind:
        if isinstance(value, str) and value not in kind["enum"]:
            hint = did_you_mean(value, kind["enum"]) or f"; it can be {', '.join(kind['enum'])}"
            yield Finding(path, f"unknown value {shown(value)}{hint}")
    elif "pattern" in kind:
        if not re.fullmatch(kind["pattern"], value):
            yield Finding(path, f"does not fit {kind['pattern']}")
    elif "integer" in kind and value != int(value):
        yield Finding(path, f"must be a whole number, not {shown(value)}")
    else:
        low, high = kind.get("number") or kind["integer"]
        if value < low or (high is not None and value > high):
            yield Finding(path, f"must be {in_words(low, high)}, not {shown(value)}")


def in_words(low: float, high: float | None) -> str:
    return f"{low} at least" if high is None else f"from {low} to {high}"


def _uncertain(findings: Iterable[Finding]) -> Iterator[Finding]:
    return (finding._replace(fatal=False, unknown=False) for finding in findings)


def _json_types(kind: Type) -> list[str]:
    match kind:
        case str() if kind.startswith("#"):
            return ["object"]
        case str():  # "string|#shape" is in the table, but the platform takes the string only
            return [name.strip() for name in kind.split("|") if "#" not in name]
        case {"either": kinds}:
            return [name for inner in kinds for name in _json_types(inner)]
        case list():
            return ["array"]
        case _:
            return [next((name for word, name in _JSON_TYPES.items() if word in kind), kind.get("type", "string"))]


def _json_type(value: JsonValue) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "null"
