"""Strict YAML: text → nodes with their places. What guesses, repeats or hides is refused with a remedy.

Built from PyYAML's parser events, not by its constructors: no type is guessed (a phone number stays a phone
number), no tag makes an object, no alias multiplies, and nesting is bounded while it is read. Always PyYAML's
parser in Python: the one in C ends the process on 200 000 opening brackets.
"""

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from typing import Any

import yaml
from yaml import events
from yaml.scanner import ScannerError

from config.complaints import Complaint, ConfigError, Path, path_text, shortened
from config.environment import Filled, fill
from config.nodes import Entry, Mapping, Node, Scalar, Sequence

_MOST_LEVELS = 32
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# What PyYAML says, and what the author of the file can do about it; the first that fits is given.
_REMEDIES = [
    (r"found character '\\t'", "a tab stands where YAML wants spaces: indent with spaces"),
    (r"found character '[@`%]'", "put quotes around a text that begins with this sign"),
    (r"alphabetic or numeric character", 'put quotes around a text that begins with * or &, such as "*"'),
    (
        r"mapping values are not allowed",
        "a text that holds ': ' needs quotes, and a key a space after its ':'; or look at the indentation",
    ),
    (r"could not find expected ':'", "a key needs ': ' after it; otherwise look for a missing quote above"),
    (r"unexpected end of stream", "a quote or a bracket is opened and never closed"),
    (r"expected ',' or", "a comma or a closing bracket is missing, or ${…} needs quotes inside [ ] and { }"),
    (r"expected ' '", "put quotes around a text that begins with !"),
    (r"expected <block end>", "look at the indentation: this line stands under none of the lines above"),
]


class _Parser(yaml.SafeLoader):
    """PyYAML's parser; inside brackets a tab is a space, as it is in JSON that was indented with tabs."""

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.flow_level and self.peek() == "\t":
            self.forward()
            super().scan_to_next_token()

    # PyYAML hands these digits to int() and chr() as they are.

    def scan_flow_scalar_non_spaces(self, double: Any, start_mark: Any) -> Any:
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):
            raise self._refusal(start_mark, "\\U stands before the number of no character") from None

    def scan_yaml_directive_number(self, start_mark: Any) -> Any:
        try:
            return super().scan_yaml_directive_number(start_mark)
        except ValueError:
            raise self._refusal(start_mark, "there is no such version of YAML") from None

    def _refusal(self, start_mark: Any, problem: str) -> ScannerError:
        return ScannerError(None, start_mark, problem, self.get_mark())


class _Builder:
    def __init__(self, text: str, *, file: str, environ: MappingOf[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.complaints: list[Complaint] = []
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Parser)

    def place(self, event: Any) -> tuple[int, int]:
        mark = event.start_mark
        return (mark.line + 1, mark.column + 1) if self.file else (0, 0)

    def complain(self, event: events.Event, path: Path, message: str) -> None:
        self.complaints.append(complaint_at(self.file, event.start_mark, path, message))

    def document(self) -> Mapping:
        next(self.events)  # the stream's start
        start = next(self.events)
        if isinstance(start, events.StreamEndEvent):
            self.complain(start, (), "the file is empty; it needs at least `routes:`")
            raise ConfigError(self.complaints)
        first = next(self.events)
        root = self.node(first, ())
        next(self.events)  # the document's end
        after = next(self.events)
        if isinstance(after, events.DocumentStartEvent):
            self.complain(after, (), "a second document begins here: keep one, and remove the `---` between them")
        if not isinstance(root, Mapping):
            self.complain(first, (), "the file must hold keys with values, at least `routes:`")
            raise ConfigError(self.complaints)
        return root

    def node(self, event: Any, path: Path) -> Node:
        self._refuse_tricks(event, path)
        match event:
            case events.SequenceStartEvent():
                return self._sequence(event, path)
            case events.MappingStartEvent():
                return self._mapping(event, path)
            case _:
                return self._scalar(event, path)

    def _refuse_tricks(self, event: Any, path: Path) -> None:
        if len(path) > _MOST_LEVELS:
            self.complain(event, path[:1], f"nested more than {_MOST_LEVELS} levels deep")
            raise ConfigError(self.complaints)
        if isinstance(event, events.AliasEvent):
            self.complain(event, path, f"the alias *{event.anchor} is refused: write the value out, or use `defaults:`")
        elif event.anchor:
            self.complain(event, path, f"the anchor &{event.anchor} is refused: use `defaults:` for what routes share")
        if getattr(event, "tag", None):
            self.complain(event, path, f"the tag {shortened(event.tag)} is refused: put quotes around a text with !")

    def _sequence(self, start: Any, path: Path) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := next(self.events), events.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return Sequence(*self.place(start), path, tuple(items))

    def _mapping(self, start: Any, path: Path) -> Mapping:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), events.MappingEndEvent):
            key = self._key(event, path)
            value = self.node(next(self.events), (*path, key))
            if key not in entries:
                entries[key] = Entry(key, *self.place(event), value)
                continue
            first = entries[key]
            self.complain(
                event,
                (*path, key),
                f"the key {shortened(key)} is given twice, first in line {first.line}, column {first.column}",
            )
        return Mapping(*self.place(start), path, tuple(entries.values()))

    def _key(self, event: Any, path: Path) -> str:
        """Give a key as written: `+1555`, `on` and `0123` are texts here."""
        if not isinstance(event, events.ScalarEvent):
            self.complain(event, path, "a key must be a text; put quotes around a value that begins with { or [ or *")
            self.node(event, (*path, "?"))
            return "?"
        if event.value == "<<" and event.implicit[0]:
            self.complain(event, (*path, "<<"), "the merge key << is refused: use `defaults:` for what routes share")
        key = _joined(event.value)
        self._refuse_tricks(event, (*path, key))
        self._refuse_half_a_character(event, (*path, key), key)
        return key

    def _scalar(self, event: Any, path: Path) -> Scalar:
        written = "" if isinstance(event, events.AliasEvent) else _joined(event.value)
        plain = not isinstance(event, events.AliasEvent) and event.implicit[0]
        filled = fill(written, self.environ) if "${" in written else Filled(written)
        for fault in filled.faults:
            self.complain(event, path, fault)
        self._refuse_half_a_character(event, path, filled.text)
        return Scalar(*self.place(event), path, filled.text, plain, written, filled.values)

    def _refuse_half_a_character(self, event: Any, path: Path, text: str) -> None:
        if _LONE_SURROGATE.search(text):
            sentence = "half of a surrogate pair (\\ud800 … \\udfff) is no character: complete or remove it"
            self.complain(event, path, sentence)


def parse(text: str, *, file: str, environ: MappingOf[str, str]) -> tuple[Mapping, list[Complaint]]:
    """Parse one YAML document and fill its variables; raise ConfigError where nothing can be read on.

    With no `file` the text is a built-in one, whose nodes stand in line 0.
    """
    builder = _Builder(text, file=file, environ=environ)
    try:
        return builder.document(), builder.complaints
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError([*builder.complaints, complaint_at(file, mark, (), _remedy(error))]) from None


def complaint_at(file: str, mark: Any, path: Path, message: str) -> Complaint:
    return Complaint(file, mark.line + 1, mark.column + 1, path_text(path), message)


def _joined(text: str) -> str:
    r"""Join surrogate pairs: JSON writes an emoji as `\ud83d\ude00`, two characters to PyYAML."""
    return _SURROGATES.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def _remedy(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    remedy = next((f"; {remedy}" for pattern, remedy in _REMEDIES if re.search(pattern, problem)), "")
    return f"not valid YAML: {problem}{remedy}"
