"""What every verb of a document shares, and how a document's faults are told."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator
from pydantic.alias_generators import to_camel

JsonValue = Any
JsonObject = dict[str, Any]
Path = tuple[str | int, ...]
Hook = str | JsonObject | Callable[..., Any]
"A URL, a path, an object with one of them as `url`; in an application that is written in Python also a function."
Number = int | float

_SHOWN_CHARS = 40
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_NAME = 64
"What is longer is no misspelt name, and comparing it takes time."


class Complaint(NamedTuple):
    """One fault; the path leads to it from the document's root: `(1, "vendor")` is the second verb's vendor."""

    path: Path
    message: str

    def __str__(self) -> str:
        steps = [f"[{step}]" if isinstance(step, int) else f".{step[:_LONGEST_NAME]}" for step in self.path]
        return _NOT_PRINTED.sub("?", f"verbs{''.join(steps)}: {self.message}")


class Finding(NamedTuple):
    """A complaint, and how far it goes."""

    path: Path
    message: str
    fatal: bool = False
    "Whether it is of a thing that cannot be worked with, not only of one we do not know."
    unknown: bool = False
    "Whether it is of a name that is not known here: a model may know it, or another version of the platform."


class DocumentError(ValueError):
    """A document that cannot be used; the text holds every complaint."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = list(complaints)
        super().__init__("; ".join(map(str, self.complaints)))


@dataclass(frozen=True, slots=True)
class Written:
    """How a document had a verb: the item as it stood, and its properties with what a synonym implies."""

    item: JsonObject
    properties: JsonObject

    def is_plain(self, name: str) -> bool:
        """Tell whether it stood there as `{"verb": name, …}`, with nothing implied, in this order."""
        return [*self.item.items()] == [("verb", name), *self.properties.items()]


class Verb(BaseModel):
    """One verb of a document. Names are snake_case here and camelCase on the wire."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )
    SHORT: ClassVar[str] = ""
    "The property that a bare text stands for, as in `{name: text}`; none: it must be an object."
    ours: ClassVar[bool] = False
    "Whether we carry it out, so that it may hold what a later platform knows: this one never sees it."
    verb: str
    id: str | None = None
    "Comes back as `verb_id` in what the platform posts to the verb's hooks."
    _written: Written | None = PrivateAttr(default=None)

    @field_validator("*", mode="before")
    @classmethod
    def _as_a_property(cls, value: Any) -> Any:
        """A verb within a verb, such as the `say` of a `gather`, is its properties there."""
        return value.properties if isinstance(value, Verb) else value

    @classmethod
    def read(cls, name: str, item: JsonObject, properties: JsonObject) -> Self:
        """Make the verb of properties that were checked; those we do not know are kept for the wire only."""
        known = {field.alias or key for key, field in cls.model_fields.items()}
        verb = cls.model_validate({**{key: value for key, value in properties.items() if key in known}, "verb": name})
        verb._written = Written(copied(item), copied(properties))  # noqa: SLF001  # its own
        return verb

    @classmethod
    def completed(cls, properties: JsonObject) -> JsonObject:
        """Add what a document may leave out and the platform may not."""
        return properties

    @classmethod
    def findings(cls, _properties: JsonObject) -> Iterator[Finding]:
        """Give what only this verb knows to be wrong; property names and JSON types are checked before."""
        return iter(())

    @classmethod
    def findings_as_left(cls, properties: JsonObject, _version: str) -> Iterator[Finding]:
        """Give the same of a verb that is left to the platform of that version, whoever else could carry it out."""
        return cls.findings(properties)

    def to_wire(self) -> JsonObject:
        """Give the item as the document had it: same form, spelling, order and nulls."""
        return copied(self._written.item) if self._written else self.plain()

    def plain(self) -> JsonObject:
        """Give the item in the form `{"verb": name, …}`, under its own name instead of a synonym."""
        return {"verb": self.verb, **self.properties}

    def in_plain_form(self) -> Self:
        """Return the verb as if the document had it in its plain form; itself, where it had."""
        if self._written and self._written.is_plain(self.verb):
            return self
        return self.read(self.verb, self.plain(), self.properties)

    @property
    def properties(self) -> JsonObject:
        """All but the name, as on the wire."""
        if self._written:
            written: JsonObject = copied(self._written.properties)
            return written
        return self.model_dump(by_alias=True, exclude_unset=True, exclude={"verb"})


def copied(value: JsonValue) -> JsonValue:
    """Return a copy of JSON that shares nothing with it, in a third of what `copy.deepcopy` takes.

    That keeps a memory of what it has met, for things that lead back to themselves: no JSON does. What else may stand
    in a verb of Python, such as a function, is itself.
    """
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value


def shown(value: JsonValue) -> str:
    """Quote a value for a complaint, short enough for a line."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return repr(value if len(value) <= _SHOWN_CHARS else f"{value[:_SHOWN_CHARS]}…")
        case _:
            return json.dumps(value)[:_SHOWN_CHARS]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give ` (did you mean 'x'?)` when a known word is near; neither case nor `-` or `_` counts."""
    return _nearest(word, tuple(known))


@lru_cache(maxsize=1024)
def _nearest(word: str, known: tuple[str, ...]) -> str:
    spellings = {_bare(name): name for name in known}
    near = get_close_matches(_bare(word[:_LONGEST_NAME]), list(spellings), n=1, cutoff=0.6)
    return f" (did you mean {spellings[near[0]]!r}?)" if near else ""


def _bare(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
