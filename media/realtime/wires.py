"""Events as a client says them in the Realtime protocol."""

import json
import re
from copy import deepcopy
from typing import Any, TypeGuard

from media.playout import Speech
from media.realtime.legacy import rename_in_item

OURS = re.compile("(bi|ask|item|say|session|tool)-")
"How the ids of our own events begin; what the model refuses of them is ours to mend."


def is_theirs(event_id: object) -> TypeGuard[str]:
    """Tell whether this can be the id of somebody else's event."""
    return isinstance(event_id, str) and bool(event_id) and not OURS.match(event_id)


def wire(type_: str, event_id: str, **fields: object) -> bytes:
    return json.dumps({"type": type_, "event_id": event_id, **fields}, separators=(",", ":")).encode()


def truncation(speech: Speech, heard_ms: int, event_id: str) -> bytes:
    return wire(
        "conversation.item.truncate",
        event_id,
        item_id=speech.item_id,
        content_index=speech.content_index,
        audio_end_ms=heard_ms,
    )


def tool_output(call_id: str, output: str, event_id: str) -> bytes:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return wire("conversation.item.create", event_id, item=item)


def new_item(item: dict[str, Any], after: object, event_id: str) -> bytes:
    """Add an application's item, behind that of an id."""
    named = deepcopy(item)
    rename_in_item(named)
    place = {"previous_item_id": after} if isinstance(after, str) else {}
    return wire("conversation.item.create", event_id, **place, item=named)


def message(role: str, part: str, text: str, event_id: str) -> bytes:
    """Say a text; `part` is how the vendor calls what holds it."""
    item = {"type": "message", "role": role, "content": [{"type": part, "text": text}]}
    return wire("conversation.item.create", event_id, item=item)
