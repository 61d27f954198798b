"""Events as a client says them in the Realtime protocol."""

import json

from media.playout import Speech


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


def message(role: str, part: str, text: str, event_id: str) -> bytes:
    """Say a text; `part` is how the vendor calls what holds it."""
    item = {"type": "message", "role": role, "content": [{"type": part, "text": text}]}
    return wire("conversation.item.create", event_id, item=item)
