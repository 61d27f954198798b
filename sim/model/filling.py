"""Slots of a script's texts: {city}, {result.temperature}; and how values sound when they are said."""

import re
from collections.abc import Mapping
from typing import Any

_SLOT = re.compile(r"\{([\w.-]+)\}")
MAX_SPOKEN_CHARS = 160


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Fill every slot; what is not known is said as "unknown"."""

    def said(slot: re.Match[str]) -> str:
        value = _value(slot[1], values)
        return "unknown" if value is None else spoken(value)

    return _SLOT.sub(said, text)


def filled_deep(value: Any, values: Mapping[str, Any]) -> Any:
    """Fill every text inside a JSON value."""
    match value:
        case dict():
            return {key: filled_deep(inner, values) for key, inner in value.items()}
        case list():
            return [filled_deep(inner, values) for inner in value]
        case str():
            return filled(value, values)
        case _:
            return value


def can_fill(text: str, values: Mapping[str, Any]) -> bool:
    return all(_value(slot[1], values) is not None for slot in _SLOT.finditer(text))


def spoken(value: Any) -> str:
    """Say a value in words: {"temperature": 21.0, "sky": "clear"} → "temperature 21, sky clear"."""
    match value:
        case dict():
            return ", ".join(f"{key} {spoken(inner)}" for key, inner in value.items())[:MAX_SPOKEN_CHARS]
        case list():
            return ", ".join(spoken(inner) for inner in value)[:MAX_SPOKEN_CHARS]
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)[:MAX_SPOKEN_CHARS]


def _value(path: str, values: Mapping[str, Any]) -> Any:
    value: Any = values
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
