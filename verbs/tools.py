"""The tools that an `llm` verb offers its model (OpenAI guide "Function calling").

A function is declared as realtime models know it, `{"type": "function", "name": …}`, or as chat models do, with all
but the type under `function`: both are read, and made the first.
"""

import json
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from verbs import patterns
from verbs.base import Finding, JsonObject, JsonValue, Path, shown
from verbs.kinds import BOOLEAN, OBJECT, TEXT, Kind, check, check_fields, words

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FUNCTION: dict[str, Kind] = {"type": TEXT, "name": TEXT, "description": TEXT, "parameters": OBJECT}
_OURS: dict[str, Kind] = {"confirm": BOOLEAN}
"What a declaration may say to us, and the model is not told."
_CHOICES = words("auto", "none", "required")
_KINDS = ("function", "mcp")
"Of which one can be chosen."
_SCHEMA_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_LONGEST_FAULT = 120
_FORMATS = FormatChecker(formats=())
_FORMATS.checks("regex", raises=re.error)(patterns.is_pattern)


def flat(tool: JsonObject) -> JsonObject:
    """Give a function as realtime models know it."""
    match tool:
        case {"type": "function", "function": dict(inner), **others}:
            return {"type": "function", **{key: inner[key] for key in inner if key != "type"}, **others}
    return tool


def bare(tool: JsonValue) -> tuple[JsonValue, list[str]]:
    """Give a function without what no model knows, and the names of that; any other tool as it is."""
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool, []
    told = flat(tool)
    foreign = sorted(told.keys() - _FUNCTION.keys() - _OURS.keys())
    return {name: told[name] for name in told if name in _FUNCTION}, foreign


class ToolError(ValueError):
    """What is to be a tool cannot be one; `path` leads to the fault from where the tool is written down."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def check_tools(tools: JsonValue, path: Path, *, built_in: AbstractSet[str] = frozenset({"mcp"})) -> Iterator[Finding]:
    """Check the `tools` of a session; `built_in` are the types of those that the vendor serves itself."""
    if not isinstance(tools, list):
        return
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict):
            yield Finding((*path, index), f"must be an object, not {shown(tool)}", fatal=True)
        elif tool.get("type") == "function":
            inner = ("function",) if flat(tool) is not tool else ()
            yield from _check_function(flat(tool), (*path, index, *inner))
            yield from _check_unique(flat(tool).get("name"), names, (*path, index, *inner, "name"))
        elif tool.get("type") not in sorted(built_in):  # of any shape: a list may be no member of a set
            known = " or ".join(["function", *sorted(built_in)])
            yield Finding((*path, index, "type"), f"must be {known}", unknown=isinstance(tool.get("type"), str))


def check_tool_choice(choice: JsonValue, path: Path) -> Iterator[Finding]:
    if isinstance(choice, str):
        yield from check(choice, _CHOICES, path)
    elif isinstance(choice, dict) and choice.get("type") not in _KINDS:
        yield Finding((*path, "type"), "must be function or mcp")
    elif isinstance(choice, dict) and choice["type"] == "function" and not isinstance(choice.get("name"), str):
        yield Finding((*path, "name"), "is missing: which function?")


def _check_function(tool: JsonObject, path: Path) -> Iterator[Finding]:
    yield from check_fields(tool, _FUNCTION | _OURS, path)
    name = tool.get("name")
    if name is None:
        yield Finding((*path, "name"), "is missing and required", fatal=True)
    elif isinstance(name, str) and not _NAME.fullmatch(name):
        yield Finding((*path, "name"), f"must be 1 to 64 of letters, digits, _ and -, not {shown(name)}")
    parameters = tool.get("parameters")
    if isinstance(parameters, dict):
        if parameters.get("type", "object") != "object":
            yield Finding((*path, "parameters", "type"), "must be object: arguments have names")
        readable = list(_check_schema(parameters, (*path, "parameters")))
        yield from readable or _check_whole_schema(parameters, (*path, "parameters"))


def _check_unique(name: JsonValue, names: set[str], path: Path) -> Iterator[Finding]:
    if isinstance(name, str):
        if name in names:
            yield Finding(path, f"a second tool named {shown(name)}")
        names.add(name)


def _check_schema(schema: JsonValue, path: Path) -> Iterator[Finding]:
    """Check the parts of a JSON Schema that tools are made of, in words that say more than the schema's own schema."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield Finding(path, f"must be a JSON schema, not {shown(schema)}")
        return
    types = schema.get("type", [])
    unknown = [name for name in (types if isinstance(types, list) else [types]) if name not in _SCHEMA_TYPES]
    if unknown:
        yield Finding((*path, "type"), f"unknown type {shown(unknown[0])}; it can be {', '.join(_SCHEMA_TYPES)}")
    for key in ("required", "enum"):
        if not isinstance(schema.get(key, []), list):
            yield Finding((*path, key), f"must be a list, not {shown(schema[key])}")
    if "items" in schema:
        yield from _check_schema(schema["items"], (*path, "items"))
    yield from _check_properties(schema.get("properties", {}), (*path, "properties"))


def _check_properties(properties: JsonValue, path: Path) -> Iterator[Finding]:
    if not isinstance(properties, dict):
        yield Finding(path, f"must be an object, not {shown(properties)}")
        return
    for name, inner in properties.items():
        yield from _check_schema(inner, (*path, name))


def _check_whole_schema(schema: JsonObject, path: Path) -> Iterator[Finding]:
    if fault := _schema_fault(json.dumps(schema, sort_keys=True)):
        where, message = fault
        yield Finding((*path, *where), f"is no JSON schema: {message}")


@lru_cache(maxsize=256)  # half a millisecond each, and a route's document is read for every call
def _schema_fault(schema: str) -> tuple[Path, str] | None:
    try:
        Draft202012Validator.check_schema(json.loads(schema), format_checker=_FORMATS)
    except SchemaError as error:
        return tuple(error.absolute_path), error.message[:_LONGEST_FAULT]
    return None
