"""A configuration while it is checked: its nodes, and the complaints found so far, each at its place."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.complaints import Complaint, Path, listed, path_text, shortened
from config.fields import tree_of
from config.nodes import Mapping, Node, Scalar, scalars, step
from verbs.base import did_you_mean

_Model = TypeVar("_Model", bound=BaseModel)

# pydantic's kinds of errors in our words; `{…}` are pydantic's own figures. What stands there is added.
_SENTENCES = {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number without a unit, such as 2.5",
    "bool_type": "must be true or false",
    "dict_type": "must be keys with values below it",
    "model_type": "must be keys with values below it",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "decimal_type": "must be a number such as 0.25",
    "decimal_max_places": "must have {decimal_places} places at most",
    "wanted": "must be {what}",
}
_WHOLE_SENTENCES = {
    "missing": "is missing",
    "too_short": "must not be empty",
    "fault": "{sentence}",
}
# A piece of a variable's value, of this length, is enough to know it by.
_TELLING_CHARS = 6
# Nobody reads on from here, and a file of nonsense must not take minutes.
_MOST_COMPLAINTS = 500


class Draft:
    """Where things stand in one file, and what is wrong with them."""

    def __init__(self, file: str, root: Mapping, complaints: list[Complaint]) -> None:
        self.root = root
        self.complaints = complaints
        self.put_right: list[str] = []
        "What was meant otherwise than it was written, for whoever wrote it."
        self._file = file
        self._values = {pair for scalar in scalars(root) for pair in scalar.values if len(pair[1]) >= _TELLING_CHARS}
        self._faulty = {(complaint.line, complaint.column, complaint.path) for complaint in complaints}

    def find(self, path: Path) -> Node | None:
        nodes = self._nearest(path)
        return nodes[-1] if len(nodes) == len(path) + 1 else None

    def complain(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Add a complaint at the node of `path`, or at the nearest one above it; one per place and path.

        The value of a variable never appears in it: `${NAME}` stands for it.
        """
        if len(self.complaints) >= _MOST_COMPLAINTS:
            return
        nodes = self._nearest(path)
        parent = nodes[-2] if at_key else None
        entry = parent.entry(path[-1]) if isinstance(parent, Mapping) else None
        # What nobody wrote (a built-in default) has no line: the nearest line above it stands in.
        line, column = next((place.line, place.column) for place in (entry, *reversed(nodes)) if place and place.line)
        named = path_text((*nodes[-1].path, *path[len(nodes) - 1 :]))
        if (line, column, named) not in self._faulty:
            self._faulty.add((line, column, named))
            hidden = without_values(message, nodes[-1], self._values)
            self.complaints.append(Complaint(self._file, line, column, named, hidden))

    def section(self, model: type[_Model], path: Path) -> _Model | None:
        """Read a mapping as a model; None, and complaints, where it is none."""
        node = self.find(path)
        tree = tree_of(node) if node else None
        try:
            return model.model_validate({} if tree is None else tree)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._report(detail, model, path)
        return None

    def value(self, kind: Any, path: Path, default: Any) -> Any:
        """Read one value as a type; the default where it is missing or wrong."""
        node = self.find(path)
        if node is None:
            return default
        try:
            return TypeAdapter(kind).validate_python(tree_of(node))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._report(detail, None, path)
        return default

    def unknown_key(self, path: Path, known: list[str]) -> None:
        word = str(path[-1])
        near = did_you_mean(word, known) or f"; known here: {listed(sorted(known))}"
        self.complain(path, f"unknown key {shortened(word)}{near}", at_key=True)

    def _report(self, detail: ErrorDetails, model: type[BaseModel] | None, path: Path) -> None:
        inner = tuple(detail["loc"])
        kind, figures = detail["type"], detail.get("ctx", {})
        if kind == "extra_forbidden" and model:
            self.unknown_key((*path, *inner), _known_keys(model, inner[:-1]))
        elif kind in _WHOLE_SENTENCES:
            self.complain((*path, *inner), _WHOLE_SENTENCES[kind].format(**figures))
        else:
            found = shown(self.find((*path, *inner)))
            near = did_you_mean(found, re.findall(r"'(.*?)'", figures.get("expected", "")))
            sentence = _SENTENCES.get(kind, "is not accepted").format(**figures)
            self.complain((*path, *inner), f"{sentence}, is {found}{near}")

    def _nearest(self, path: Path) -> list[Node]:
        """Give the nodes from the root to the one at `path`, or as far down as the file goes."""
        nodes: list[Node] = [self.root]
        for key in path:
            below = step(nodes[-1], key)
            if below is None:
                break
            nodes.append(below)
        return nodes


def shown(node: Node | None) -> str:
    """Name what stands in the file, with `${NAME}` for what came from the environment."""
    match node:
        case Scalar():
            return "empty" if node.is_null else shortened(node.written)
        case Mapping():
            return "keys with values"
        case _:
            return "a list"


def without_values(message: str, node: Node, others: set[tuple[str, str]]) -> str:
    """Put `${NAME}` where a message repeats a (NAME, value) of `node` or of `others`."""
    own = {pair for scalar in scalars(node) for pair in scalar.values}
    for name, value in sorted(own | others, key=lambda pair: -len(pair[1])):
        for form in (value, repr(value)[1:-1], json.dumps(value)[1:-1]):
            edge = "" if len(form) >= _TELLING_CHARS else r"\b"  # a 5 is hidden, the 5 of 65535 is not
            message = re.sub(rf"{edge}{re.escape(form)}{edge}", f"${{{name}}}", message)
    if any(_tells(message, value) for _, value in own):
        return f"the value of {' '.join(f'${{{name}}}' for name, _ in sorted(own))} is not accepted here"
    return message


def _tells(message: str, value: str) -> bool:
    pieces = (message[start : start + _TELLING_CHARS] for start in range(len(message) - _TELLING_CHARS + 1))
    return any(piece.casefold() in value.casefold() for piece in pieces)


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Give the keys of the model that stands at `path` under `model`."""
    models = [model]
    for key in path:
        below = [field for kind in models for name, field in _fields(kind) if name == key]
        models = [kind for field in below for kind in _models_in(field.annotation)] if below else models
    return [name for kind in models for name, _ in _fields(kind)]


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
