"""A parsed YAML document that remembers where everything stood: line and column (from 1), and its path."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from config.complaints import Path

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = {"", "~", "null", "Null", "NULL"}
# JSON's numbers and no others: a leading zero or plus means a phone number or a code, which is text.
WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# Beyond this a float overflows, and int() itself refuses some thousands of digits later.
_MOST_NUMBER_CHARS = 300


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written, after `${NAME}` was filled in; what it means is decided by the key that reads it."""

    line: int
    column: int
    path: Path
    text: str
    plain: bool
    "Written without quotes, so that `5` may be a number and `~` nothing."
    written: str
    "The text before `${NAME}` was filled in: the only form that a complaint may show."
    values: tuple[tuple[str, str], ...] = ()
    "(NAME, value) of every variable that the environment supplied."

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in _NULLS and self.written in _NULLS

    @property
    def other_reading(self) -> "Scalar | None":
        """A number may be meant as a text, and a variable, which often needs quotes, as a number; or None."""
        other = replace(self, plain=not self.plain)
        may = self.plain or bool(self.values)
        return other if may and type(other.json()) is not type(self.json()) else None

    def json(self) -> str | float | bool | None:
        """Type a plain scalar as JSON would; everything else stays the text that was written."""
        if not self.plain:
            return self.text
        if self.is_null:
            return None
        if self.text in _BOOLEANS:
            return _BOOLEANS[self.text]
        return _number(self.text)


@dataclass(frozen=True, slots=True)
class Sequence:
    line: int
    column: int
    path: Path
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping with the place of the key itself."""

    key: str
    line: int
    column: int
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    line: int
    column: int
    path: Path
    entries: tuple[Entry, ...]

    def entry(self, key: str | int) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    def get(self, key: str) -> "Node | None":
        entry = self.entry(key)
        return entry.value if entry else None


Node = Scalar | Sequence | Mapping


def json_of(node: Node) -> Any:
    """Give the node as JSON types."""
    match node:
        case Scalar():
            return node.json()
        case Sequence():
            return [json_of(item) for item in node.items]
        case _:
            return {entry.key: json_of(entry.value) for entry in node.entries}


def children(node: Node) -> Iterator[Node]:
    match node:
        case Scalar():
            return
        case Sequence():
            yield from node.items
        case _:
            yield from (entry.value for entry in node.entries)


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar at or under `node`, in the order of the file."""
    if isinstance(node, Scalar):
        yield node
    for child in children(node):
        yield from scalars(child)


def step(node: Node, key: str | int) -> Node | None:
    """Go one step of a path down; None where the document has no such place."""
    match node:
        case Sequence() if isinstance(key, int) and 0 <= key < len(node.items):
            return node.items[key]
        case Mapping():
            entry = node.entry(key)
            return entry.value if entry else None
        case _:
            return None


def with_value(mapping: Mapping, key: str, value: Node) -> Mapping:
    entries = [replace(entry, value=value) if entry.key == key else entry for entry in mapping.entries]
    return replace(mapping, entries=tuple(entries))


def merged(over: Mapping, under: Mapping) -> Mapping:
    """Fill what `over` leaves out with what `under` says, mapping by mapping; a list is replaced as a whole."""
    kept = [
        Entry(entry.key, entry.line, entry.column, _merged(entry.value, under.get(entry.key))) for entry in over.entries
    ]
    added = [entry for entry in under.entries if not over.entry(entry.key)]
    return Mapping(over.line, over.column, over.path, (*kept, *added))


def _merged(over: Node, under: Node | None) -> Node:
    """An empty section (`server:` with nothing below it) leaves everything out."""
    if isinstance(under, Mapping) and isinstance(over, Scalar) and over.is_null:
        return Mapping(over.line, over.column, over.path, under.entries)
    return merged(over, under) if isinstance(over, Mapping) and isinstance(under, Mapping) else over


def _number(text: str) -> str | float:
    if len(text) > _MOST_NUMBER_CHARS:
        return text
    if WHOLE.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    return text
