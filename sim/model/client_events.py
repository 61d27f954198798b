"""The client events of the GA Realtime API, field by field, as the server takes them.

The fields are those of OpenAI's published types (openai-python: types/realtime/*_param.py); the limits are those of
its documentation: identifiers of 32 characters, metadata of 16 pairs.
"""

import json
from typing import Any

from sim.model.checks import (
    Check,
    RequestError,
    anything,
    flag,
    integer,
    list_of,
    mapping_of,
    nullable,
    one_of,
    record,
    tagged,
    text,
)
from sim.model.session_schema import ANSWERING, FORMAT, SESSION, VOICE, typed

MAX_ID_CHARS = 32
MAX_AUDIO_MS = 10**9
_ID = text(MAX_ID_CHARS)


def _message(content: Check) -> Check:
    return _item({"role": anything, "content": list_of(content)})


def _item(required: dict[str, Check]) -> Check:
    status = one_of("completed", "incomplete", "in_progress")
    return typed(required, {"id": _ID, "object": one_of("realtime.item"), "status": status})


_TEXT_PART = typed({"text": text()})
# A client cannot make the assistant's audio: such a part is read as text and found without it
# (openai/openai-agents-js#963).
_ASSISTANT_PART = tagged(
    "type",
    {
        "output_text": _TEXT_PART,
        "output_audio": typed({"text": text()}, {"transcript": text(), "audio": text()}),
    },
)
_USER_PART = tagged(
    "type",
    {
        "input_text": _TEXT_PART,
        "input_audio": typed({"audio": text()}, {"transcript": nullable(text())}),
        "input_image": typed({"image_url": text()}, {"detail": one_of("auto", "low", "high")}),
    },
)
_ITEMS: dict[str, Check] = {
    "message": tagged(
        "role",
        {
            "system": _message(tagged("type", {"input_text": _TEXT_PART})),
            "user": _message(_USER_PART),
            "assistant": _message(_ASSISTANT_PART),
        },
    ),
    "function_call": typed(
        {"name": text(), "arguments": text()},
        {
            "id": _ID,
            "call_id": _ID,
            "object": one_of("realtime.item"),
            "status": one_of("completed", "incomplete", "in_progress"),
        },
    ),
    "function_call_output": _item({"call_id": _ID, "output": text()}),
    "mcp_approval_response": typed(
        {"id": _ID, "approval_request_id": text(), "approve": flag}, {"reason": nullable(text())}
    ),
}
ITEM = tagged("type", _ITEMS)
_INPUT_ITEM = tagged("type", {**_ITEMS, "item_reference": typed({"id": _ID})})
_RESPONSE = record(
    {},
    {
        **ANSWERING,
        "conversation": one_of("auto", "none"),
        "metadata": nullable(mapping_of(text(512), max_pairs=16, max_key_chars=64)),
        "input": list_of(_INPUT_ITEM),
        "audio": record({}, {"output": record({}, {"format": FORMAT, "voice": VOICE})}),
    },
)


def _event(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return typed(required, {"event_id": text(512), **(optional or {})})


CLIENT_EVENT = tagged(
    "type",
    {
        "session.update": _event({"session": SESSION}),
        "input_audio_buffer.append": _event({"audio": text()}),
        "input_audio_buffer.commit": _event({}),
        "input_audio_buffer.clear": _event({}),
        "output_audio_buffer.clear": _event({}),
        "conversation.item.create": _event({"item": ITEM}, {"previous_item_id": nullable(text())}),
        "conversation.item.retrieve": _event({"item_id": text()}),
        "conversation.item.truncate": _event(
            {"item_id": text(), "content_index": integer(0, 0), "audio_end_ms": integer(0, MAX_AUDIO_MS)}
        ),
        "conversation.item.delete": _event({"item_id": text()}),
        "response.create": _event({}, {"response": nullable(_RESPONSE)}),
        "response.cancel": _event({}, {"response_id": nullable(text())}),
    },
)


def parsed(message: str | bytes) -> Any:
    """Return the JSON value of a websocket message; RequestError if it is none."""
    try:
        return json.loads(message)
    except (ValueError, RecursionError) as error:
        raise RequestError("invalid_json", "Could not parse the event: it is not valid JSON.") from error
