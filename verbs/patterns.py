"""The patterns of tools' schemas, matched by RE2: in a time that grows with the text alone, whatever the pattern.

JSON Schema wants ECMAScript's regular expressions (draft 2020-12, 6.4). Where those differ from Python's, RE2's do too:
a digit is one of ten, `$` is the very end, classes go by Unicode's properties. What it has not, lookarounds and
references back, no engine can match in a bounded time.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import re2

from verbs.base import JsonValue

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_VALUES = {"enum", "const", "default", "examples"}
"Keys of a schema under which no schema stands."


def finds(pattern: str, text: str) -> bool | None:
    """Tell whether the pattern is found in the text; None where it cannot be looked for."""
    compiled = _compiled(pattern)
    try:
        return None if compiled is None else compiled.search(text) is not None
    except UnicodeEncodeError:  # half a character, as JSON can write it
        return False


def is_pattern(text: object) -> bool:
    """Tell whether this is one, whether it can be looked for or not.

    :raises re.error: it is none
    """
    if not isinstance(text, str):
        return True  # of which something else is wrong
    if _compiled(text) is None:
        re.compile(text)
    return True


def unchecked(schema: JsonValue) -> Iterator[str]:
    """Give the patterns of a schema that cannot be looked for."""
    match schema:
        case dict():
            own = schema.get("pattern")
            named = schema.get("patternProperties")
            patterns = [*([own] if isinstance(own, str) else []), *(named if isinstance(named, dict) else [])]
            yield from (pattern for pattern in patterns if _compiled(pattern) is None)
            for key, inner in schema.items():
                if key not in _VALUES:
                    yield from unchecked(inner)
        case list():
            for inner in schema:
                yield from unchecked(inner)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> "re2._Regexp[str] | None":
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_ESCAPE.sub(_in_re2s_words, pattern), options)
    except (re2.error, UnicodeEncodeError):
        return None


def _in_re2s_words(escape: re.Match[str]) -> str:
    return rf"\x{{{escape[1]}}}" if escape[1] else escape[0]
