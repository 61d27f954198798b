"""Settings by their places in a session of today, and as the object that a session is. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from media.realtime.dialect import SESSION_PATHS, TURN_DETECTION, Path, objects_copied, place_of
from media.realtime.updating import NESTED

JsonObject = dict[str, Any]
Leaves = dict[Path, Any]
"Settings by their places in a session of today."


def leaves(session: Mapping[str, Any], path: Path = ()) -> Leaves:
    """Give the settings in a session by their places of today; of two words for one, today's is heard."""
    found: Leaves = {}
    for name in sorted(session, key=lambda name: not path and name not in SESSION_PATHS):
        place, value = (*path, name) if path else SESSION_PATHS.get(name, (name,)), session[name]
        if place in NESTED:
            found |= leaves(value, place) if isinstance(value, dict) else {}
        else:
            found[place] = None if place == TURN_DETECTION and value is False else value
    return found


def nested(settings: Leaves) -> JsonObject:
    """Give settings as the object that a session is."""
    session: JsonObject = {}
    for path, value in settings.items():
        place_of(session, path[:-1])[path[-1]] = objects_copied(value)
    return session


def merged_deep(before: Any, value: Any) -> Any:
    if not (isinstance(before, dict) and isinstance(value, dict)):
        return value
    return {**before, **{name: merged_deep(before.get(name), inner) for name, inner in value.items()}}


def nulls(session: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Find where null stands for an object that holds settings."""
    for name, value in session.items():
        if (place := (*path, name)) in NESTED:
            yield from nulls(value, place) if isinstance(value, dict) else [place]


def dotted(path: Path) -> str:
    return ".".join(path)
