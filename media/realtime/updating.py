"""Changing a session that goes on, in the words of a verb: what is merged into what, and what is sent of it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from media.realtime.dialect import MISSING, RESPONSE_PATHS, JsonObject, Path, find, objects_copied, take

VOICE: Final[Path] = ("audio", "output", "voice")
NESTED: Final[frozenset[Path]] = frozenset({("audio",), ("audio", "input"), ("audio", "output")})
"The objects of a session that hold settings of their own; any other is a setting, and is replaced whole."
INDISPENSABLE = frozenset({"type", "audio", "input", "output", "format"})
"Settings without which a call would be heard as noise: better that it ends."


class UpdateRefusedError(ValueError):
    """A change that cannot be made to a conversation that goes on; str() says why, for whoever wants it."""


class FixedError(UpdateRefusedError):
    """It could be made to a new session, which then knows what was said."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"{why}; with `recycle: true` a new session begins, which is told what was said")


class BusyError(UpdateRefusedError):
    """The model has not said yet what it makes of others; a little later it may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the model has not answered {most} changes of its session yet: ask again in a moment")


class AwayError(UpdateRefusedError):
    """There is no model to change anything of at this moment."""

    def __init__(self, why: str = "there is no session with the model at this moment") -> None:
        super().__init__(why)


def merged(settings: JsonObject, change: JsonObject, path: Path = ()) -> JsonObject:
    """Return settings, in OpenAI's words of today, with the changed ones in their places."""
    result = dict(settings)
    for name, value in change.items():
        place = (*path, name)
        below = place in NESTED and isinstance(value, dict) and isinstance(settings.get(name), dict)
        result[name] = merged(settings[name], value, place) if below else objects_copied(value)
    return result


def differences(before: JsonObject, after: JsonObject, path: Path = ()) -> JsonObject:
    """Return the settings of `after` that are not so in `before`: what a session.update needs to say."""
    found: JsonObject = {}
    for name, value in after.items():
        had, place = before.get(name, MISSING), (*path, name)
        if place in NESTED and isinstance(value, dict) and isinstance(had, dict):
            if below := differences(had, value, place):
                found[name] = below
        elif had is MISSING or had != value:
            found[name] = value
    return found


def leave_out(session: JsonObject, param: str) -> bool:
    """Take out the setting that a model did not know, by the name under which it says so; False: there is none."""
    *parents, leaf = param.removeprefix("session.").split(".")
    place = find(session, tuple(parents))
    return isinstance(place, dict) and leaf not in INDISPENSABLE and place.pop(leaf, MISSING) is not MISSING


def unsaid(options: JsonObject, paths: Iterable[Path]) -> JsonObject:
    """Return a verb's `llmOptions`, whose session is in the words of today, without these settings of it."""
    if not (paths := list(paths)):
        return options
    left: JsonObject = objects_copied(options)
    for path in paths:
        named = (("session_update", path), *(("response_create", place) for place in _in_a_response(path)))
        for within, place in named:
            if isinstance(left.get(within), dict):
                take(left[within], place)
    return left


def _in_a_response(path: Path) -> Iterator[Path]:
    """Give the places where a first response may say what the session does not."""
    yield path
    yield from ((name,) for name, place in RESPONSE_PATHS.items() if place == path)
