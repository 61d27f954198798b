"""Verbs as an application in Python writes them, made into JSON. Pure.

A verb is one of our classes or a plain object, and a hook may be a function: it becomes an address at which the call's
application finds it again.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from verbs.base import JsonObject, JsonValue, Verb

MAX_DEPTH = 64

Function = Callable[..., Any]
Address = Callable[[str, Function], str]
"Gives the address of a function that stands where the hook of this name stands."


class WritingError(ValueError):
    """This is no document; the text says what was returned instead, or where the fault is."""


class Hooked(NamedTuple):
    """A function, and the hook that it stands for, such as `actionHook`."""

    name: str
    function: Function


def written(returned: object, address: Address) -> list[JsonObject]:
    """Make what a function returned into a document: a list of verbs, one verb, or None for nothing.

    :raises WritingError: it is something else
    """
    items = list(returned) if isinstance(returned, list | tuple) else [] if returned is None else [returned]
    document = []
    for item in items:
        if not isinstance(item, Verb | Mapping):
            raise WritingError(f"a verb is wanted, such as Say(text=…), and this is {_named(item)}")
        document.append(_item(item, address))
    return document


def _item(item: Verb | Mapping[Any, Any], address: Address) -> JsonObject:
    plain = item.plain() if isinstance(item, Verb) else item
    return {str(key): _property(str(key), value, address, 0) for key, value in plain.items()}


def _property(name: str, value: object, address: Address, depth: int) -> JsonValue:
    if name.endswith("Hook") and callable(value):
        return address(name, value)
    return _value(name, value, address, depth + 1)


def _value(name: str, value: object, address: Address, depth: int) -> JsonValue:
    if depth > MAX_DEPTH:
        raise WritingError(f"{name} is nested deeper than {MAX_DEPTH} levels")
    match value:
        case Verb():  # such as the `say` of a gather
            return _value(name, value.properties, address, depth)
        case Mapping():
            return {str(key): _property(str(key), inner, address, depth) for key, inner in value.items()}
        case list() | tuple():
            return [_value(name, inner, address, depth + 1) for inner in value]
        case None | str() | int() | float():
            return value
        case _:
            raise WritingError(f"{name} is {_named(value)}, which a document cannot hold")


def _named(value: object) -> str:
    kind = type(value).__name__
    return f"the {kind} {value.__qualname__}" if hasattr(value, "__qualname__") else f"of type {kind}"
