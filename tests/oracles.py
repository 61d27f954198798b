"""What OpenAI's own package says of a realtime event: an oracle that none of our code is part of."""

from typing import Annotated, Any

import pydantic
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import Field, TypeAdapter, ValidationError

# The package's unions carry its own discriminator, which pydantic does not know: without one an event that fits no
# member is reported eleven times over.
CLIENT: TypeAdapter[Any] = TypeAdapter(Annotated[RealtimeClientEvent, Field(discriminator="type")])
SERVER: TypeAdapter[Any] = TypeAdapter(Annotated[RealtimeServerEvent, Field(discriminator="type")])

MAX_APPEND_CHARS = 15 * 1024 * 1024
MAX_ID_CHARS = 32
"Longer ids are refused by the service (error `string_above_max_length`)."
MAX_METADATA = (16, 64, 512)
"Pairs, characters of a key, characters of a value."


def check_client(message: dict[str, Any]) -> list[str]:
    """Return what the service would refuse in an event of ours; empty for a good one."""
    faults = _check(CLIENT, message, strict=True)
    return faults or [*_check_ids(message), *_check_formats(message), *_check_turn(message)]


def check_server(message: dict[str, Any]) -> list[str]:
    """Return what is no event of the service's. Sessions carry more than is modelled (id, object, expires_at)."""
    strict = not message.get("type", "").startswith("session.")
    return _check(SERVER, message, strict=strict)


def _check(adapter: TypeAdapter[Any], message: dict[str, Any], *, strict: bool) -> list[str]:
    try:
        event = adapter.validate_python(message, strict=strict)
    except ValidationError as error:
        return [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    return [f"unknown field {path}" for path in _extras(event)] if strict else []


def _extras(value: Any, path: str = "") -> list[str]:
    """Find unknown fields: the package's models let them pass, the service does not."""
    match value:
        case pydantic.BaseModel():
            known = value.model_fields_set & set(type(value).model_fields)
            below = [found for name in sorted(known) for found in _extras(getattr(value, name), f"{path}.{name}")]
            return [f"{path}.{name}" for name in value.model_extra or {}] + below
        case list() | tuple():
            return [found for i, item in enumerate(value) for found in _extras(item, f"{path}[{i}]")]
        case _:
            return []


def _check_ids(message: dict[str, Any]) -> list[str]:
    item = message.get("item", {})
    ids = {"event_id": message.get("event_id", ""), "item.id": item.get("id", "")}
    return [f"{name}: longer than {MAX_ID_CHARS} characters" for name, id_ in ids.items() if len(id_) > MAX_ID_CHARS]


def _check_formats(message: dict[str, Any]) -> list[str]:
    """Linear audio must say its rate (`missing_required_parameter`), which the models leave open."""
    told = message.get("session") or message.get("response") or {}
    audio = told.get("audio") or {}
    formats = {way: (audio.get(way) or {}).get("format") or {} for way in ("input", "output")}
    return [
        f"audio.{way}.format.rate: Field required"
        for way, wire_format in formats.items()
        if wire_format.get("type") == "audio/pcm" and "rate" not in wire_format
    ]


def _check_turn(message: dict[str, Any]) -> list[str]:
    told = message.get("session") or message.get("response") or {}
    faults = []
    if len(told.get("output_modalities", ["audio"])) != 1:
        faults.append("output_modalities: exactly one of audio and text")
    if len(message.get("audio", "")) > MAX_APPEND_CHARS:
        faults.append("audio: more than 15 MiB")
    pairs, key_chars, value_chars = MAX_METADATA
    metadata = told.get("metadata") or {}
    if len(metadata) > pairs or any(len(k) > key_chars or len(v) > value_chars for k, v in metadata.items()):
        faults.append("metadata: too much")
    return faults
