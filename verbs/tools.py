"""The tools that an `llm` verb offers its model (OpenAI guide "Function calling")."""

import re
from collections.abc import Iterator

from verbs.base import Finding, JsonObject, JsonValue, Path, shown
from verbs.kinds import OBJECT, TEXT, Kind, check, check_fields, words

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FUNCTION: dict[str, Kind] = {"type": TEXT, "name": TEXT, "description": TEXT, "parameters": OBJECT}
_CHOICES = words("auto", "none", "required")
_KINDS = ("function", "mcp")
_SCHEMA_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


class ToolError(ValueError):
    """What is to be a tool cannot be one; `path` leads to the fault from where the tool is written down."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def check_tools(tools: JsonValue, path: Path) -> Iterator[Finding]:
    if not isinstance(tools, list):
        return
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict):
            yield Finding((*path, index), f"must be an object, not {shown(tool)}", fatal=True)
        elif tool.get("type") == "function":
            yield from _check_function(tool, (*path, index))
            yield from _check_unique(tool.get("name"), names, (*path, index, "name"))
        elif tool.get("type") != "mcp":
            yield Finding((*path, index, "type"), "must be function or mcp")


def check_tool_choice(choice: JsonValue, path: Path) -> Iterator[Finding]:
    if isinstance(choice, str):
        yield from check(choice, _CHOICES, path)
    elif isinstance(choice, dict) and choice.get("type") not in _KINDS:
        yield Finding((*path, "type"), "must be function or mcp")


def _check_function(tool: JsonObject, path: Path) -> Iterator[Finding]:
    yield from check_fields(tool, _FUNCTION, path)
    name = tool.get("name")
    if name is None:
        yield Finding((*path, "name"), "is missing and required", fatal=True)
    elif isinstance(name, str) and not _NAME.fullmatch(name):
        yield Finding((*path, "name"), f"must be 1 to 64 of letters, digits, _ and -, not {shown(name)}")
    parameters = tool.get("parameters")
    if isinstance(parameters, dict):
        if parameters.get("type", "object") != "object":
            yield Finding((*path, "parameters", "type"), "must be object: arguments have names")
        yield from _check_schema(parameters, (*path, "parameters"))


def _check_unique(name: JsonValue, names: set[str], path: Path) -> Iterator[Finding]:
    if isinstance(name, str):
        if name in names:
            yield Finding(path, f"a second tool named {shown(name)}")
        names.add(name)


def _check_schema(schema: JsonValue, path: Path) -> Iterator[Finding]:
    """Check the parts of a JSON Schema that tools are made of; the rest of that language is let through."""
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
