import json
import re
from contextlib import nullcontext, suppress
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.arguments import RefusalError, read_arguments
from tests.media.test_tooling import JSON, WEATHER


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"type": "foo"},
        {"$ref": "http://127.0.0.1:1/x"},
        {"properties": 3},
        {"properties": {"a": {"pattern": "("}}},
    ],
)
def test_a_schema_that_is_none_refuses_nothing_and_reaches_for_nothing(schema: dict[str, Any]) -> None:
    assert read_arguments('{"a":"b"}', schema) == {"a": "b"}


@given(value=st.dictionaries(st.text(), JSON), schema=st.dictionaries(st.sampled_from(sorted(WEATHER)), JSON))
def test_whatever_is_asked_by_whatever_schema_is_run_or_refused(value: Any, schema: Any) -> None:
    with suppress(RefusalError):
        assert read_arguments(json.dumps(value), schema) == value


NUMBER = {"properties": {"x": {"type": "number", "multipleOf": 0.01}}}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1" + "0" * 400])
def test_a_number_that_is_none_is_refused_and_nothing_breaks(number: str) -> None:
    with pytest.raises(RefusalError):
        read_arguments(f'{{"x":{number}}}', NUMBER)


@pytest.mark.parametrize(("items", "fits"), [([{"a": 1}, {"a": 2}], True), ([{"a": 1}, {"a": 1}], False)])
def test_items_that_must_differ_are_compared_all_at_once(items: list[Any], *, fits: bool) -> None:
    schema = {"properties": {"x": {"uniqueItems": True}}}
    with nullcontext() if fits else pytest.raises(RefusalError, match="items that are the same"):
        read_arguments(json.dumps({"x": items}), schema)
    read_arguments('{"x":5}', schema)


CLOSED = {"additionalProperties": False, "properties": {"a": {}}}


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"pattern": "^[a-z]+$"}, "ab", ""),
        ({"pattern": "^[a-z]+$"}, "ab\n", "x: 'ab\\n' does not match"),
        ({"pattern": r"^\d+$"}, "٣", "does not match"),
        ({"pattern": r"^[\u00e0-\u00ff]\\u$"}, "é\\u", ""),
        ({"pattern": "a"}, "\ud800", "does not match"),
        ({"pattern": "a"}, 5, ""),
        ({"pattern": "^(?!b)", "minLength": 3}, "b", "is too short"),
        ({"pattern": "("}, "b", ""),
        ({"patternProperties": {"^a": {"type": "string"}}}, {"ab": 5, "b": 5}, "x.ab: 5 is not of type 'string'"),
        ({"patternProperties": {"^a": {"type": "string"}}}, [], ""),
        (
            {"additionalProperties": False, "properties": {"a": {}}, "patternProperties": {"^b": {}}},
            {"a": 1, "b1": 1},
            "",
        ),
        (CLOSED, {"b": 1}, "x: there is no argument 'b'"),
        ({"additionalProperties": False, "patternProperties": {"(?=b)": {}}}, {"b": 1}, ""),
        ({"additionalProperties": {"type": "string"}}, {"b": 1}, "x.b: 1 is not of type 'string'"),
        ({"additionalProperties": False}, 5, ""),
        ({"unevaluatedProperties": False, "patternProperties": {"(a+)+$": {}}}, {"a" * 99 + "b": 1}, ""),
        ({"$dynamicRef": "#x"}, 5, ""),
    ],
)
def test_values_are_held_to_patterns_as_json_schema_means_them(schema: dict[str, Any], value: Any, fault: str) -> None:
    with pytest.raises(RefusalError, match=re.escape(fault)) if fault else nullcontext():
        read_arguments(json.dumps({"x": value}), {"properties": {"x": schema}})


DEEP: dict[str, Any] = {}
for _ in range(30):
    DEEP = {"a": DEEP}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 5000 + "!"),
        ({"pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}, "a" * 5000),
        ({"pattern": "(x+x+)+y"}, "x" * 5000),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, {"a" * 5000 + "!": 1}),
        ({"additionalProperties": False, "patternProperties": {f"{n}(a+)+$": {} for n in range(99)}}, {"a" * 9000: 1}),
        ({"pattern": "((a{1,100}){1,100}){1,100}"}, "a" * 5000),
        ({"allOf": [{"pattern": f"{n}$"} for n in range(500)]}, "a" * 5000),
        ({"properties": {"a": {"allOf": [{"$ref": "#/properties/x"}] * 2}}}, DEEP),
    ],
)
def test_nothing_that_a_schema_says_holds_up_the_other_calls(schema: dict[str, Any], value: Any) -> None:
    began = perf_counter()
    with suppress(RefusalError):
        read_arguments(json.dumps({"x": value}), {"properties": {"x": schema}})
    assert perf_counter() - began < 2  # a machine at its limits; it is some tens of milliseconds


def test_what_would_take_too_long_to_check_is_refused() -> None:
    with pytest.raises(RefusalError, match="too much to be checked"):
        read_arguments(json.dumps({"a": DEEP}), {"properties": {"a": {"allOf": [{"$ref": "#"}] * 2}}})


@pytest.mark.parametrize(
    ("schema", "arguments", "shown"),
    [
        ({"properties": {"card": {"type": "integer"}}}, '{"card":"4111 Ada"}', "properties.card.type is broken"),
        ({"properties": {"all": {"items": {"enum": [1]}}}}, '{"all":[1,"Ada"]}', "properties.all.items.enum is broken"),
        ({"additionalProperties": {"type": "null"}}, '{"Ada":4111}', "additionalProperties.type is broken"),
        ({"additionalProperties": False}, '{"Ada":4111}', "additionalProperties is broken"),
        ({"required": ["card"]}, '{"Ada":4111}', "required is broken"),
        ({"properties": {"card": {"multipleOf": 0.1}}}, '{"card":1e400}', "a number is out of range"),
        ({}, "Ada 4111", "the arguments are not JSON"),
    ],
)
def test_what_is_shown_of_a_refusal_is_the_rule_and_nothing_that_the_caller_said(
    schema: dict[str, Any], arguments: str, shown: str
) -> None:
    with pytest.raises(RefusalError) as refused:
        read_arguments(arguments, schema)
    assert refused.value.shown.removeprefix("the arguments do not fit the tool's parameters: ") == shown
