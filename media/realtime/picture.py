"""What a verb's options come to as settings of the session, in OpenAI's words of today, whoever its vendor is. Pure.

It is what was asked for and not refused, before it is put into the vendor's words: neither the call's audio formats nor
the functions that are offered besides stand in it.
"""

from collections.abc import Callable
from typing import Any

from media.realtime.dialect import RESPONSE_PATHS, SESSION_PATHS, Dialect, JsonObject, Path, find, place_of, take
from media.realtime.legacy import in_todays_words, overruled, share
from media.realtime.updating import NESTED

NO_SETTING: tuple[Path, ...] = (("type",), ("model",), ("output_modalities",))
"What stands in a session and is none of its settings: a model is its connection's."


def picture(options: JsonObject, dialect: Dialect, lacks: Callable[[Path], bool]) -> JsonObject:
    """Give the settings; `lacks` says which of them this model does not have."""
    gone: set[str] = set()
    session = in_todays_words(options.get("session_update"), SESSION_PATHS, gone, dialect)
    response = in_todays_words(options.get("response_create"), RESPONSE_PATHS, gone, dialect)
    place_of(session, ("audio", "output"))
    share(response, session)
    extra: Any = options.get("extra")
    told: Any = extra.get("session_update") if isinstance(extra, dict) else None
    whole = overruled(session, told) if isinstance(told, dict) else session
    for path in (*NO_SETTING, *(("audio", way, "format") for way in ("input", "output")), *_places(whole)):
        if path in NO_SETTING or path[-1] == "format" or lacks(path):
            take(whole, path)
    return whole


def _places(session: JsonObject, path: Path = ()) -> list[Path]:
    found: list[Path] = []
    for name, value in session.items():
        place = (*path, name)
        found += _places(value, place) if place in NESTED and isinstance(value, dict) else [place]
    return found


def names_in_extra(options: JsonObject) -> frozenset[str]:
    """Give the settings of a response that are to go out as they are."""
    told: Any = find(options, ("extra", "response_create"))
    return frozenset(told) if isinstance(told, dict) else frozenset()
