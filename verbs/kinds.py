"""What a value of an `llm` verb may be, said once and checked here.

A wrong JSON type is fatal, as elsewhere; a key, a word or a number that we do not know is not: the model may.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from verbs import templates
from verbs.base import Finding, JsonObject, JsonValue, Path, did_you_mean, shown
from verbs.check import in_words


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be. null is always one: nothing was said."""

    types: tuple[type, ...]
    wants: str
    fits: Callable[[Any], bool] = lambda _: True
    fields: Mapping[str, "Kind"] | None = None
    "The keys that an object may have."
    secret: bool = False
    "Whether no complaint may repeat the value."


def check(value: JsonValue, kind: Kind, path: Path) -> Iterator[Finding]:
    if value is None:
        return
    if not isinstance(value, kind.types) or (isinstance(value, bool) and bool not in kind.types):
        yield Finding(path, f"must be {kind.wants}, not {shown(value)}", fatal=True)
    elif not kind.fits(value):
        untold = kind.secret or isinstance(value, dict | list)
        yield Finding(path, f"must be {kind.wants}{'' if untold else f', not {shown(value)}'}")
    elif kind.fields is not None and isinstance(value, dict):
        yield from check_fields(value, kind.fields, path)


def check_fields(value: JsonObject, fields: Mapping[str, Kind], path: Path) -> Iterator[Finding]:
    for key, inner in value.items():
        if key in fields:
            yield from check(inner, fields[key], (*path, key))
        else:
            yield Finding((*path, key), f"unknown property {shown(key)}{did_you_mean(key, fields)}", unknown=True)


def once_filled(kind: Kind) -> Kind:
    """Make a kind of what has yet to be filled: a text may hold `{{…}}` where a value will stand."""
    return replace(kind, fits=lambda value: kind.fits(templates.guessed(value)))


def words(*known: str) -> Kind:
    return Kind((str,), " or ".join(known), lambda value: value in known)


def number(low: float, high: float | None = None) -> Kind:
    return Kind((int, float), in_words(low, high), lambda value: value >= low and (high is None or value <= high))


def whole(low: int, high: int | None = None) -> Kind:
    wants = f"a whole number, {in_words(low, high)}"
    return Kind((int,), wants, lambda value: value >= low and (high is None or value <= high))


def an_object(fields: Mapping[str, Kind] | None = None) -> Kind:
    return Kind((dict,), "an object", fields=fields)


TEXT = Kind((str,), "text")
BOOLEAN = Kind((bool,), "true or false")
OBJECT = an_object()
TEXTS = Kind((list,), "a list of texts", lambda value: all(isinstance(item, str) for item in value))
