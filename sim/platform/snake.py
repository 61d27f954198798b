"""The names of keys as jambonz' hooks carry them: lib/utils/snakecase-keys.js, on the npm package to-snake-case."""

import re
from typing import Any

VERBATIM = frozenset({"customerData", "sip", "env_vars", "args"})
"The values of these keys stay as they are."
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z][a-z]")
_UPPERS = re.compile(r"(.)([A-Z]+)")
_SEPARATED = re.compile(r"[\W_]+(.|$)", re.ASCII)


def snakecased(value: Any) -> Any:
    """Rename all keys of a JSON value, at any depth."""
    if isinstance(value, list):
        return [snakecased(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key if key in VERBATIM else snake(key): item if key in VERBATIM else snakecased(item)
        for key, item in value.items()
    }


def snake(key: str) -> str:
    """`callSid` is call_sid, `X-Reason` x_reason, `someURLValue` some_u_r_l_value; a name of no letters is empty."""
    if not re.search(r"[\s_.:-]", key) and _CAMEL.search(key):
        key = _UPPERS.sub(lambda found: f"{found[1]} {' '.join(found[2])}", key)
    return _SEPARATED.sub(lambda found: f" {found[1]}" if found[1] else "", key.lower()).strip().replace(" ", "_")
