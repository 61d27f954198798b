"""`{{name}}` in the strings of a document takes a value of the call: always as data, never as more template."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from verbs.base import JsonValue

_TEMPLATE = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SSML = re.compile(r"\s*<speak\b")


def fill(value: JsonValue, values: Mapping[str, Any], *, max_chars: int = 256) -> JsonValue:
    """Return a copy with every `{{name}}` filled in; an unknown name is empty, a longer value cut to `max_chars`."""
    return _changed(value, lambda text: _fill_text(text, values, max_chars))


def guessed(value: JsonValue) -> JsonValue:
    """Return a copy with a `1` for every `{{name}}`, which may stand for a word and for a number."""
    return _changed(value, lambda text: _TEMPLATE.sub("1", text))


def names(value: JsonValue) -> set[str]:
    """Return the names that the strings of a document use."""
    return {name for text in _texts(value) for name in _TEMPLATE.findall(text)}


def _changed(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    match value:
        case str():
            return change(value)
        case list():
            return [_changed(item, change) for item in value]
        case dict():
            return {key: _changed(item, change) for key, item in value.items()}
        case _:
            return value


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            yield from (text for item in value for text in _texts(item))
        case dict():
            yield from (text for item in value.values() for text in _texts(item))


def _fill_text(text: str, values: Mapping[str, Any], max_chars: int) -> str:
    # A caller's name shall be spoken, not obeyed: in SSML it could else bring elements of its own.
    protect = escape if _SSML.match(text) else str

    def filled(match: re.Match[str]) -> str:
        return protect(_as_text(_look_up(match[1], values))[:max_chars])

    return _TEMPLATE.sub(filled, text)


def _look_up(name: str, values: Mapping[str, Any]) -> Any:
    found: Any = values
    for step in name.split("."):
        found = _step(found, step)
    return found


def _step(found: Any, step: str) -> Any:
    """Header names come in the case in which the caller's side wrote them."""
    if not isinstance(found, Mapping):
        return None
    if step in found:
        return found[step]
    return next((value for key, value in found.items() if str(key).lower() == step.lower()), None)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _CONTROL.sub("", text)
