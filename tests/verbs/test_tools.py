"""Tools are looked at before a call, not by the model in the middle of one."""

from typing import Any

import pytest

from tests.verbs.seed import SEED
from verbs.tools import bare, check_tools

WEATHER: dict[str, Any] = SEED["llmOptions"]["session_update"]["tools"][0]

TYPES = "array, boolean, integer, null, number, object, string"


def function(**changed: Any) -> dict[str, Any]:
    return {"type": "function", "name": "f", **changed}


def schema(**parameters: Any) -> dict[str, Any]:
    return function(parameters={"type": "object", **parameters})


def told(*tools: Any) -> list[str]:
    return [f"{'.'.join(map(str, finding.path))}: {finding.message}" for finding in check_tools(list(tools), ())]


@pytest.mark.claim("J21", "llmOptions.session_update.tools")
@pytest.mark.parametrize(
    "tool",
    [
        WEATHER,
        function(),
        function(description="x", parameters={}),
        function(parameters=None),
        function(name="a-B_9" * 12),
        schema(properties={"a": {"type": ["string", "null"]}, "b": True, "c": {"enum": [1, None]}}),
        schema(properties={"a": {"type": "array", "items": {"type": "object", "properties": {"x": {}}}}}),
        schema(additionalProperties=False, **{"$defs": {}}),
        schema(properties={"a": {"$ref": "#/$defs/x", "pattern": "^[a-z]+$"}}, **{"$defs": {"x": {"type": "string"}}}),
        {"type": "function", "function": {"name": "f", "description": "x", "parameters": {"type": "object"}}},
        {"type": "mcp", "server_label": "m", "server_url": "https://x.example"},
    ],
)
def test_a_good_tool_has_no_complaint(tool: dict[str, Any]) -> None:
    assert told(tool) == []


@pytest.mark.claim(
    "J21",
    "llmOptions.session_update.tools.name",
    "llmOptions.session_update.tools.type",
    "llmOptions.session_update.tools.parameters",
)
@pytest.mark.parametrize(
    ("tool", "complaint"),
    [
        (function(name="get weather"), "0.name: must be 1 to 64 of letters, digits, _ and -, not 'get weather'"),
        (function(name=""), "0.name: must be 1 to 64 of letters, digits, _ and -, not ''"),
        (function(name="a" * 65), f"0.name: must be 1 to 64 of letters, digits, _ and -, not '{'a' * 40}…'"),
        (function(meta={}), "0.meta: unknown property 'meta'"),
        (function(parameters={"type": "array"}), "0.parameters.type: must be object: arguments have names"),
        (function(parameters={"type": {}}), "0.parameters.type: must be object: arguments have names"),
        (schema(properties=[]), "0.parameters.properties: must be an object, not a list"),
        (schema(required="a"), "0.parameters.required: must be a list, not 'a'"),
        (schema(properties={"a": "string"}), "0.parameters.properties.a: must be a JSON schema, not 'string'"),
        (schema(properties={"a": {"enum": {}}}), "0.parameters.properties.a.enum: must be a list, not an object"),
        (
            schema(properties={"a": {"items": {"type": "str"}}}),
            "0.parameters.properties.a.items.type: unknown type 'str'; it can be " + TYPES,
        ),
        (
            schema(properties={"a": {"pattern": "("}}),
            "0.parameters.properties.a.pattern: is no JSON schema: '(' is not",
        ),
        (
            schema(properties={"a": {"minimum": "5"}}),
            "0.parameters.properties.a.minimum: is no JSON schema: '5' is not",
        ),
        (
            schema(additionalProperties="no"),
            "0.parameters.additionalProperties: is no JSON schema: 'no' is not of type",
        ),
        (schema(required=["a", "a"]), "0.parameters.required: is no JSON schema: ['a', 'a'] has non-unique elements"),
        ({"type": "function", "function": {"name": "a b"}}, "0.function.name: must be 1 to 64 of letters, digits"),
        ({"type": "function", "function": {}}, "0.function.name: is missing and required"),
        ({"type": "function", "function": "f"}, "0.name: is missing and required"),
        ({"type": "code"}, "0.type: must be function or mcp"),
        ({"name": "f"}, "0.type: must be function or mcp"),
        ({"type": ["function"]}, "0.type: must be function or mcp"),
    ],
)
def test_a_bad_tool_is_told_where(tool: dict[str, Any], complaint: str) -> None:
    assert [line for line in told(tool) if line.startswith(complaint)]


def test_one_fault_of_a_schema_is_one_complaint() -> None:
    assert len(told(schema(properties={"a": {"items": {"type": "str", "minimum": "x"}}}))) == 1


def test_a_schema_as_deep_as_a_document_may_be_is_read() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(29):
        deep = {"type": "object", "properties": {"a": deep}}
    assert told(function(parameters=deep)) == []


@pytest.mark.parametrize(
    ("tool", "known", "foreign"),
    [
        (WEATHER, WEATHER, []),
        (function(strict=True, meta={}, description="x"), function(description="x"), ["meta", "strict"]),
        ({"type": "function", "function": {"name": "f", "type": "x", "strict": True}}, function(), ["strict"]),
        ({"type": "mcp", "server_label": "m", "meta": 1}, {"type": "mcp", "server_label": "m", "meta": 1}, []),
        (5, 5, []),
    ],
)
def test_j21_a_function_is_declared_with_what_the_model_knows_and_no_more(
    tool: Any, known: Any, foreign: list[str]
) -> None:
    assert bare(tool) == (known, foreign)


@pytest.mark.claim("J21", "llmOptions.session_update.tools.name")
def test_two_tools_cannot_have_one_name() -> None:
    assert told(function(), WEATHER, function()) == ["2.name: a second tool named 'f'"]
