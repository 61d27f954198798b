"""Numbers and user names as routes compare them, and the one wildcard they know: `*` at the end."""

import re
from functools import lru_cache

# Only what looks like a number loses its separators: `app-1` and `anna.smith` are users of their own.
_WRITTEN_NUMBER = re.compile(r"[0-9+ ().\-]*")
_SEPARATORS = str.maketrans("", "", "+ ().-")


def user_of(address: str) -> str:
    """Give the user part: `sip:+1555@host;user=phone`, `+1 555` and `1-555` are all alike `1555`."""
    text = " ".join(address.split())
    if "<" in text:
        text = text.partition("<")[2].partition(">")[0]
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in {"sip", "sips", "tel"}:
        text = rest
    text = text.partition("@")[0].partition(";")[0].strip()
    return text.translate(_SEPARATORS) if _WRITTEN_NUMBER.fullmatch(text) else text


@lru_cache(maxsize=16_384)  # the same few are asked for at every call
def pattern_of(written: str) -> str:
    """Bring a route's number into the form that `user_of` gives; a `*` at its end stays."""
    rest = "*" if written.rstrip().endswith("*") else ""
    return user_of(written.rstrip().removesuffix("*")) + rest


def pattern_fault(written: str) -> str | None:
    if "*" in pattern_of(written)[:-1]:
        return "holds a * before its end: * stands for any rest, as the last character"
    return None if pattern_of(written) else "is empty: write a number, a user, or '*' for all"


def fits(pattern: str, text: str) -> bool:
    """Tell whether a text is the pattern, or begins with what stands before its `*`."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every text that fits `narrow` fits `wide` too."""
    return wide == narrow or (wide.endswith("*") and narrow.startswith(wide[:-1]))
