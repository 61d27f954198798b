"""What a model is told of a function."""

import functools
import inspect
import json
import math
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, ValidationError

from hooks.declaring import declared
from hooks.tools import Call
from verbs.tools import ToolError

CALL = Call("CS1", "+1", "+2", "support")


class Scale(Enum):
    C = "celsius"
    F = "fahrenheit"


class Place(BaseModel):
    city: str
    at: "Place | None" = None


class Guest(BaseModel):
    name: str = Field(description="Who comes.")
    title: str = "Dr."


class Stranger:
    pass


def weather(
    location: str,
    scale: Literal["celsius", "fahrenheit"] = "celsius",
    days: Annotated[int, "How many.", Field(ge=1)] = 1,
    *,
    call: Call,
) -> str:
    """Get the weather.

    Args:
        location: Where.
        days: not used, for its annotation says it
        call: not told
    """
    return f"{location} {scale} {days} {call.call_sid}"


def kinds(**_: Any) -> None: ...


kinds.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # as functools.wraps and decorators set it
    [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in zip(
            "abcdefghi",
            (str, int, float, bool, list[str], dict[str, int], Optional[str], Scale, Guest),  # noqa: UP045  # as some write it
            strict=True,
        )
    ]
)


def odd(json: int = 1, copy: int = 2, schema: object = object) -> Any:  # names that pydantic's models have too
    return {"json": json, "copy": copy, "schema": schema}


def test_a_function_is_declared_by_its_signature_and_its_docstring() -> None:
    made = declared(weather)
    assert made.description == "Get the weather."
    assert made.parameters == {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "Where."},
            "scale": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "days": {"type": "integer", "minimum": 1, "default": 1, "description": "How many."},
        },
        "required": ["location"],
        "additionalProperties": False,
    }


def test_the_kinds_that_a_model_knows_are_told_without_references() -> None:
    parameters = declared(kinds).parameters
    assert parameters["properties"] == {
        "a": {"type": "string"},
        "b": {"type": "integer"},
        "c": {"type": "number"},
        "d": {"type": "boolean"},
        "e": {"type": "array", "items": {"type": "string"}},
        "f": {"type": "object", "additionalProperties": {"type": "integer"}},
        "g": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "h": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "i": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Who comes."},
                "title": {"type": "string", "default": "Dr."},
            },
            "required": ["name"],
        },
    }
    Draft202012Validator.check_schema(parameters)


def test_a_function_that_has_some_of_its_arguments_is_declared_with_the_others() -> None:
    made = declared(functools.partial(weather, scale="celsius"))
    assert (made.description, made.parameters["required"]) == ("Get the weather.", ["location"])


def test_what_contains_itself_keeps_its_references() -> None:
    def find(place: Place) -> None:
        pass

    parameters = declared(find).parameters
    assert "$defs" in parameters
    assert Draft202012Validator(parameters).is_valid({"place": {"city": "Rome", "at": {"city": "Lazio"}}})
    assert not Draft202012Validator(parameters).is_valid({"place": {"city": "Rome", "at": {"city": 1}}})


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    made = declared(lambda: None)
    assert made.parameters == {"type": "object", "properties": {}, "additionalProperties": False}
    assert made.bound({}, CALL) == {}


@pytest.mark.parametrize(
    ("function", "given", "arguments"),
    [
        (weather, {"location": "Rome"}, {"location": "Rome", "call": CALL}),
        (weather, {"location": "Rome", "days": 2}, {"location": "Rome", "days": 2, "call": CALL}),
        (odd, {}, {}),
        (odd, {"json": 5, "copy": 6, "schema": 7}, {"json": 5, "copy": 6, "schema": 7}),
        (functools.partial(weather, "Rome", call=CALL), {"days": 3}, {"days": 3}),
    ],
)
def test_what_a_model_says_becomes_what_the_function_takes(
    function: Callable[..., Any], given: dict[str, Any], arguments: dict[str, Any]
) -> None:
    bound = declared(function).bound(given, CALL)
    assert {key: value for key, value in bound.items() if key in arguments} == arguments
    function(**bound)


def test_values_have_the_types_of_the_annotations() -> None:
    def book(scale: Scale, guest: Guest, call: Call | None = None, whose: Annotated[Call, "x"] = CALL) -> None:
        pass

    bound = declared(book).bound({"scale": "celsius", "guest": {"name": "Ann"}}, CALL)
    assert bound == {"scale": Scale.C, "guest": Guest(name="Ann"), "call": CALL, "whose": CALL}


@pytest.mark.parametrize(
    "given", [{}, {"location": 5}, {"location": "Rome", "call": {}}, {"location": "Rome", "p0": "x"}]
)
def test_what_the_function_does_not_take_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declared(weather).bound(given, CALL)


class Endless(Enum):
    YES = math.inf


def endless(a: Endless) -> None: ...
def weighed(a: Annotated[float, Field(json_schema_extra={"examples": [math.nan]})]) -> None: ...


class Odd:
    __signature__ = 5

    def __call__(self) -> None: ...


def bare(a, b: int, c) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001
def several(*places: str, **more: str) -> None: ...
def by_place(a: str, /) -> None: ...
def a_stranger(a: Stranger) -> None: ...
def a_function(a: Callable[[], None]) -> None: ...
def a_ghost(a: "Ghost") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def ghosts(a: "list[Ghost]") -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (bare, r"does not say what a and c must be: annotate it, such as `a: str`"),
        (several, r"takes \*places: str, \*\*more: str: a model gives its arguments by name"),
        (by_place, "takes a: str: a model gives"),
        (a_stranger, "no model can be told what a: .*Stranger must be; use str, int"),
        (a_function, "no model can be told what a: collections.abc.Callable"),
        (a_ghost, "its signature cannot be read: NameError: name 'Ghost' is not defined"),
        (ghosts, "its signature cannot be read: NameError"),
        (endless, "a parameter can be nan or inf"),
        (weighed, "a parameter can be nan or inf"),
        (Odd(), "its signature cannot be read: TypeError"),
    ],
)
def test_a_function_that_no_model_can_call_is_told_why_and_what_to_write(
    function: Callable[..., Any], words: str
) -> None:
    with pytest.raises(ToolError, match=words):
        declared(function)


class Bounds(BaseModel):
    most: float = math.inf


def bounded(
    least: float = math.nan,
    among: list[float] = [-math.inf],  # noqa: B006  # it is the example
    within: Bounds = Bounds(),  # noqa: B008
    of: Annotated[float, Field(le=math.inf)] = 1.5,
) -> None: ...


def test_a_default_that_json_cannot_say_is_the_functions_own_and_the_model_need_not_know() -> None:
    told = declared(bounded)
    properties = json.loads(json.dumps(told.parameters, allow_nan=False))["properties"]
    assert [name for name in properties if "default" in properties[name]] == ["of"]
    assert "default" not in properties["within"]["properties"]["most"]
    assert told.bound({}, CALL) == {}
