"""How much may be changed of a conversation at once, and what is looked at beside the loop: it carries all other calls.

The schemas of 48 KiB of tools take a tenth of a second to be read. They are read in a thread first; what was found is
remembered, so that the conversation itself finds it in no time.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any, Final

from calls.control import OrderError
from media.realtime.updating import UpdateRefusedError
from media.updating import check
from verbs.base import JsonObject

MAX_CHANGE_BYTES: Final = 64 * 1024
"Of settings, as JSON. OpenAI takes 16,384 tokens of instructions and tools together."
MAX_SETTINGS: Final = 64
MAX_DEPTH: Final = 64
MAX_AT_ONCE_BYTES: Final = 2048
"So much is looked at in less than a few milliseconds."


async def look_at(session: JsonObject) -> None:
    """See that settings of a session, in a verb's words, are not more than may be told at once, and read their schemas.

    :raises OrderError: they are too large, too many or too deep
    """
    size_bytes = _size_bytes(session)
    if size_bytes > MAX_CHANGE_BYTES:
        raise OrderError(f"settings of {size_bytes} bytes are changed at once; {MAX_CHANGE_BYTES} are the most")
    if len(session) > MAX_SETTINGS:
        raise OrderError(f"at most {MAX_SETTINGS} settings can be changed at once")
    if _deeper(session, MAX_DEPTH):
        raise OrderError(f"settings are nested {MAX_DEPTH} times at most")
    if size_bytes > MAX_AT_ONCE_BYTES:
        await asyncio.to_thread(_read, session)


def session_in(event: JsonObject) -> JsonObject:
    """Give the settings that an event brings, of the session or of a response."""
    found = (event.get(name) for name in ("session", "response"))
    return next((settings for settings in found if isinstance(settings, dict)), {})


def _size_bytes(session: JsonObject) -> int:
    try:
        return len(json.dumps(session, ensure_ascii=False).encode(errors="replace"))
    except (RecursionError, TypeError, ValueError) as error:
        raise OrderError("settings must be what JSON can say, and not nested too deeply") from error


def _deeper(value: Any, left: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return left < 0 or any(_deeper(inner, left - 1) for inner in inside)


def _read(session: JsonObject) -> None:
    with suppress(UpdateRefusedError):
        check(session)
