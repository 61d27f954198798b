"""`{{name}}` and `{{call.customer.number}}` in a text, filled with what is known; as data, cut to a bounded length."""

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_VALUE_CHARS = 16_384
_NAME = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Fill each name; one that is not known is nothing. What a value says is not filled again."""
    return _NAME.sub(lambda found: _value(found[1], values), text)


def _value(name: str, values: Any) -> str:
    for part in name.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    if values is None:
        return ""
    text = values if isinstance(values, str) else json.dumps(values, ensure_ascii=False)
    return text[:MAX_VALUE_CHARS]
