"""Documents made from the tables: good ones, and such with one thing changed."""

from random import Random
from typing import Any

from verbs.tables import TABLES, Table

ODD: list[Any] = [None, True, 0, 1.5, "", "x", [], [1], {}, {"x": 1}, {"url": "/x"}]
_SCALARS = {"string": "x", "number": 1.5, "boolean": True, "array": ["x"], "object": {"url": "https://x.example/y"}}


def document(name: str, version: str, rng: Random) -> dict[str, Any]:
    """Make a verb with its required properties and a few others; it goes two levels deep."""
    return {"verb": name, **_shape(name, TABLES[version], rng, 2)}


def changed(verb: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Return the verb with one thing changed, somewhere in it."""
    copy = dict(verb)
    key = rng.choice([*(key for key in copy if key != "verb"), "bogus"])
    inner = copy.get(key)
    match inner:
        case dict() if inner and rng.random() < 0.6:
            copy[key] = changed(inner, rng)
        case [dict() as first, *rest] if rng.random() < 0.6:
            copy[key] = [changed(first, rng), *rest]
        case _ if rng.random() < 0.2:
            copy.pop(key, None)
        case _:
            copy[key] = rng.choice(ODD)
    return copy


def _shape(name: str, table: Table, rng: Random, depth: int) -> dict[str, Any]:
    shape = table[name]
    optional = [key for key in shape.properties if key not in shape.required and key != "_"]
    picked = rng.sample(optional, min(len(optional), rng.randrange(5))) if depth else []
    keys = [*shape.required, *picked]
    rng.shuffle(keys)
    return {key: example(shape.properties.get(key, "string"), table, rng, depth - 1) for key in keys}


def example(kind: Any, table: Table, rng: Random, depth: int) -> Any:
    """Make a value of a type."""
    made: Any
    match kind:
        case str() if kind.startswith("#"):
            made = _shape(kind[1:], table, rng, max(depth, 0)) if kind[1:] in table else {}
        case str():
            made = _SCALARS[rng.choice([name.strip() for name in kind.split("|") if "#" not in name])]
        case [item] | {"array": item}:
            made = [example(item, table, rng, depth) for _ in range(rng.randrange(1, 3))]
        case {"object": item}:
            made = {"X-Name": example(item, table, rng, depth)}
        case {"either": kinds}:
            made = example(rng.choice(kinds), table, rng, depth)
        case {"number": [low, _]} | {"integer": [low, _]}:
            made = low
        case {"enum": words}:
            made = rng.choice(words) if kind.get("type") != "array" else []
        case _:
            made = "x"  # fits the one pattern there is
    return made
