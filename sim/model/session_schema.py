"""The settings of a GA session, field by field, as `session.update` takes them.

The fields are those of OpenAI's published types (openai-python: types/realtime/realtime_session_create_request.py);
beyond them the service wants a rate with audio/pcm, knows no rate but 24000, and takes one modality, not two.
"""

from typing import Any

from sim.model.checks import (
    Check,
    RequestError,
    anything,
    decimal,
    either,
    flag,
    integer,
    list_of,
    mapping_of,
    matching,
    nullable,
    one_of,
    record,
    tagged,
    text,
)

MAX_TOKENS = 4096
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")

_LONG_MS = 3_600_000


def typed(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({"type": anything, **required}, optional or {})


def modalities(value: Any, path: str) -> None:
    """Accept exactly one of ["audio"] and ["text"]; the beta's pair of both is refused."""
    list_of(one_of("text", "audio"))(value, path)
    if len(value) != 1:
        message = f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio']."
        raise RequestError("invalid_value", message, path)


_SCHEMA_KEYWORDS = {
    "properties": dict,
    "required": list,
    "enum": list,
    "examples": list,
    "anyOf": list,
    "oneOf": list,
    "allOf": list,
    "minItems": int,
    "minLength": int,
    "maxLength": int,
    "format": str,
}


def json_schema(value: Any, path: str) -> None:
    """Accept what has the outline of a JSON schema; the service looks closer."""
    if not isinstance(value, dict | bool):
        raise _no_schema(path)
    fields = value if isinstance(value, dict) else {}
    for keyword, kind in _SCHEMA_KEYWORDS.items():
        if keyword in fields and not isinstance(fields[keyword], kind):
            raise _no_schema(f"{path}.{keyword}")
    for name, inner in fields.get("properties", {}).items():
        json_schema(inner, f"{path}.properties.{name}")


def _no_schema(path: str) -> RequestError:
    return RequestError("invalid_function_parameters", f"Invalid schema for function: '{path}' is not valid.", path)


FORMAT = tagged(
    "type",
    {
        "audio/pcm": typed({"rate": integer(24000, 24000)}),
        "audio/pcmu": typed({}),
        "audio/pcma": typed({}),
    },
)
VOICE = either(dict, record({"id": text()}, {}), one_of(*VOICES))
_EFFORT = one_of("minimal", "low", "medium", "high", "xhigh")
_TURN_DETECTION = tagged(
    "type",
    {
        "server_vad": typed(
            {},
            {
                "threshold": decimal(0, 1),
                "prefix_padding_ms": integer(0, _LONG_MS),
                "silence_duration_ms": integer(0, _LONG_MS),
                "create_response": flag,
                "interrupt_response": flag,
                "idle_timeout_ms": nullable(integer(5000, 30000)),
            },
        ),
        "semantic_vad": typed(
            {},
            {
                "eagerness": one_of("low", "medium", "high", "auto"),
                "create_response": flag,
                "interrupt_response": flag,
            },
        ),
    },
)
_TRANSCRIPTION = record(
    {},
    {
        "model": text(),
        "language": text(),
        "languages": list_of(text()),
        "prompt": text(),
        "keywords": list_of(text()),
        "delay": _EFFORT,
    },
)
_NOISE_REDUCTION = record({}, {"type": one_of("near_field", "far_field"), "strength": decimal(0, 1)})
_TOOL = tagged(
    "type",
    {
        "function": typed(
            {"name": matching("^[a-zA-Z0-9_-]{1,64}$")},
            {"description": text(), "parameters": json_schema},
        ),
        "mcp": typed(
            {"server_label": text()},
            {
                "server_url": text(),
                "connector_id": text(),
                "tunnel_id": text(),
                "authorization": text(),
                "headers": nullable(mapping_of(text())),
                "allowed_tools": anything,
                "allowed_callers": anything,
                "require_approval": anything,
                "server_description": text(),
                "defer_loading": flag,
            },
        ),
    },
)
_TOOL_CHOICE = either(
    str,
    one_of("none", "auto", "required"),
    tagged(
        "type",
        {"function": typed({"name": text()}), "mcp": typed({"server_label": text()}, {"name": text()})},
    ),
)
# What the session and a single response have in common.
ANSWERING: dict[str, Check] = {
    "instructions": text(),
    "output_modalities": modalities,
    "max_output_tokens": either(str, one_of("inf"), integer(1, MAX_TOKENS)),
    "tools": list_of(_TOOL),
    "tool_choice": _TOOL_CHOICE,
    "parallel_tool_calls": flag,
    "reasoning": record({}, {"effort": _EFFORT}),
    "prompt": nullable(record({"id": text()}, {"version": text(), "variables": nullable(mapping_of(anything))})),
}
_TRUNCATION = either(
    str,
    one_of("auto", "disabled"),
    tagged(
        "type",
        {
            "retention_ratio": typed(
                {"retention_ratio": decimal(0, 1)},
                {"token_limits": record({}, {"post_instructions": integer(0, 10**6)})},
            )
        },
    ),
)
_TRACING = nullable(
    either(
        str,
        one_of("auto"),
        record({}, {"workflow_name": text(), "group_id": text(), "metadata": mapping_of(anything)}),
    )
)
SESSION = tagged(
    "type",
    {
        "realtime": typed(
            {},
            {
                **ANSWERING,
                "model": text(),
                "tracing": _TRACING,
                "truncation": _TRUNCATION,
                "include": nullable(list_of(one_of("item.input_audio_transcription.logprobs"))),
                "audio": record(
                    {},
                    {
                        "input": record(
                            {},
                            {
                                "format": FORMAT,
                                "noise_reduction": nullable(_NOISE_REDUCTION),
                                "transcription": nullable(_TRANSCRIPTION),
                                "turn_detection": nullable(_TURN_DETECTION),
                            },
                        ),
                        "output": record({}, {"format": FORMAT, "voice": VOICE, "speed": decimal(0.25, 1.5)}),
                    },
                ),
            },
        )
    },
)
