"""Which properties a verb may carry, and of which type, per version of the platform.

`0.9.json` is what the platform itself runs, as published: npm @jambonz/verb-specifications 0.1.13 (MIT). `10.json`
is what @jambonz/schema 0.4.15 adds to it. `narrower.json` is what that schema takes less of, for either version: what
leaves this server satisfies both. A type is one of

    "string"  "number"  "boolean"  "object"  "array"   also several, as in "string|array"
    "#name"  ["#name"]                                 an object of that shape, and a list of them
    {"type": "string", "enum": […]}                    these words
    {"array": type, "min": n}  {"object": type}        a list of a type, at least n; an object whose values have a type
    {"number": [lo, hi]}  {"integer": [lo, hi]}        a range; hi null: without end
    {"pattern": regex}  {"either": [type, …]}
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Type = Any


@dataclass(frozen=True, slots=True)
class Shape:
    """An object: a verb's properties, or those of something inside a verb."""

    properties: dict[str, Type]
    required: tuple[str, ...] = ()
    open: bool = False
    "Whether it may have further properties."
    later: frozenset[str] = field(default_factory=frozenset)
    "Properties that only a later version of the platform knows."


Table = dict[str, Shape]


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def _shape(name: str, published: dict[str, Any], added: dict[str, Any]) -> Shape:
    return Shape(
        properties={**published.get("properties", {}), **added.get("properties", {}), **_NARROWER.get(name, {})},
        required=(*published.get("required", ()), *added.get("required", ())),
        open=added.get("open", False),
    )


def _table(added: dict[str, Any], known: set[str]) -> Table:
    shapes = {name: _shape(name, _PUBLISHED.get(name, {}), added.get(name, {})) for name in known}
    return {name: _with_later(shape, _ADDED.get(name, {})) for name, shape in shapes.items()}


def _with_later(shape: Shape, added: dict[str, Any]) -> Shape:
    later = frozenset(added.get("properties", {})) - frozenset(shape.properties)
    return Shape(shape.properties, shape.required, shape.open, later)


_PUBLISHED = _load("0.9")
_ADDED = _load("10")
_NARROWER = _load("narrower")

TABLES: dict[str, Table] = {
    "0.9": _table({}, set(_PUBLISHED)),
    "10": _table(_ADDED, set(_PUBLISHED) | set(_ADDED)),
}
LATEST = "10"

_OURS = {"mcpServer": {"transport": {"type": "string", "enum": ["http", "sse"]}}}
OURS: Table = {
    name: Shape({**shape.properties, **_OURS.get(name, {})}, shape.required, shape.open, shape.later)
    for name, shape in TABLES[LATEST].items()
}
"What a verb may carry that this server carries out, and no platform sees."
