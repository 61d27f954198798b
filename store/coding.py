"""A call row as JSON text, exactly: what is read is equal to what was written. Pure."""

import json
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from store.base import CallRow

BYTES = "latin-1"
"Maps each byte to the character of its number; documents are ASCII."
COLUMNS = ("id", "call_sid", "created_at_s", "state", "owner")
"What stands in columns of its own beside the text."
ROW = TypeAdapter(CallRow)


def encode(row: CallRow) -> str:
    return json.dumps({name: value for name, value in asdict(row).items() if name not in COLUMNS}, default=_text)


def decode(text: str, **columns: Any) -> CallRow:
    """Return the row; `columns` are those of COLUMNS."""
    value = json.loads(text)
    value["document"] = value["document"].encode(BYTES)
    for leg in value["legs"]:
        answer = leg["ended_answer"]
        leg["ended_answer"] = None if answer is None else answer.encode(BYTES)
    return ROW.validate_python({**columns, **value})


def storable(text: str) -> str:
    """Give a text that a column can hold. A stranger's JSON can hold half a character, and no UTF-8 can."""
    return text.encode(errors="replace").decode()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(BYTES)
    raise TypeError(f"a call row holds a {type(value).__name__}, which is not JSON")
