"""Changing a session that goes on, in the words of a verb: what is merged into what, and what is sent of it. Pure."""

from copy import deepcopy
from typing import Final

from media.realtime.dialect import MISSING, JsonObject, Path

VOICE: Final[Path] = ("audio", "output", "voice")
_NESTED: Final[frozenset[Path]] = frozenset({("audio",), ("audio", "input"), ("audio", "output")})
"The objects of a session that hold settings of their own; any other is a setting, and is replaced whole."


class UpdateRefusedError(ValueError):
    """A change that cannot be made to a conversation that goes on; str() says why, for whoever wants it."""


def merged(settings: JsonObject, change: JsonObject, path: Path = ()) -> JsonObject:
    """Return settings, in OpenAI's words of today, with the changed ones in their places."""
    result = dict(settings)
    for name, value in change.items():
        place = (*path, name)
        below = place in _NESTED and isinstance(value, dict) and isinstance(settings.get(name), dict)
        result[name] = merged(settings[name], value, place) if below else deepcopy(value)
    return result


def differences(before: JsonObject, after: JsonObject, path: Path = ()) -> JsonObject:
    """Return the settings of `after` that are not so in `before`: what a session.update needs to say."""
    found: JsonObject = {}
    for name, value in after.items():
        had, place = before.get(name, MISSING), (*path, name)
        if place in _NESTED and isinstance(value, dict) and isinstance(had, dict):
            if below := differences(had, value, place):
                found[name] = below
        elif had is MISSING or had != value:
            found[name] = value
    return found
