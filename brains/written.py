"""Answers as OpenAI's clients read them: `chat.completion`, `chat.completion.chunk`, and errors.

What a model's server wrote goes out as it came, with what it left out filled in; what was made here is written anew.
"""

import json
from dataclasses import dataclass

from brains.chunks import Answer, ChatChunk, ToolCallPart, Usage
from brains.errors import BrainError, QuestionError, RefusedError
from verbs.base import JsonObject

DONE = b"data: [DONE]\n\n"
PING = b": nothing new\n\n"
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """What all pieces of one answer have in common."""

    id: str
    model: str
    created_s: int


def whole(answer: Answer, heading: Heading, raw: JsonObject | None) -> JsonObject:
    """Write an answer that is not streamed; `raw` is that of the server, where it came as one."""
    if raw is not None and _is_whole(raw):
        return {**_common(heading), **raw, "object": "chat.completion"}
    calls = answer.tool_calls
    choice = {
        "index": 0,
        "message": {"refusal": None, **answer.message()},
        "logprobs": None,
        "finish_reason": answer.finish_reason or ("tool_calls" if calls else "stop"),
    }
    body = {**_common(heading), "object": "chat.completion", "choices": [choice]}
    return body | ({"usage": _usage(answer.usage)} if answer.usage else {})


def event(body: JsonObject) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n\n"


def piece(chunk: ChatChunk, heading: Heading, *, include_usage: bool) -> list[JsonObject]:
    """Write a chunk; nothing of one that tells but the usage, which was not asked for."""
    common = _common(heading)
    raw = chunk.raw
    if raw is not None and not _is_whole(raw):
        if not (raw.get("choices") or include_usage):
            return []
        told = {name: value for name, value in raw.items() if name != "usage" or include_usage}
        return [{"choices": [], **common, **told, "object": "chat.completion.chunk"}]
    common["object"] = "chat.completion.chunk"
    pieces = []
    if not (chunk.silent and chunk.usage):
        delta: JsonObject = {"role": chunk.delta.role} if chunk.delta.role else {}
        delta |= {"content": chunk.delta.content} if chunk.delta.content or chunk.delta.role else {}
        if chunk.delta.tool_calls:
            delta["tool_calls"] = [_part(place, part) for place, part in enumerate(chunk.delta.tool_calls)]
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": chunk.finish_reason or None}
        pieces.append({**common, "choices": [choice]})
    if chunk.usage and include_usage:
        pieces.append({**common, "choices": [], "usage": _usage(chunk.usage)})
    return pieces


def error_body(error: BrainError) -> JsonObject:
    """Write an error as OpenAI does; a refusal that is the asker's comes in the model's own words and codes."""
    told: JsonObject = {
        "message": str(error),
        "type": TYPES.get(error.status, "server_error"),
        "param": error.param if isinstance(error, QuestionError) else None,
        "code": error.code,
    }
    if isinstance(error, RefusedError) and error.status == error.upstream_status:
        told |= {name: error.body[name] for name in ("type", "param", "code") if name in error.body}
    elif isinstance(error, RefusedError):  # what it says then may be of our key
        told["message"] = (
            f"the model's server refused the question ({error.upstream_status}): it is not the asker's fault"
        )
    return {"error": told}


def _common(heading: Heading) -> JsonObject:
    return {"id": heading.id, "created": heading.created_s, "model": heading.model}


def _part(nth: int, part: ToolCallPart) -> JsonObject:
    head = {"id": part.id, "type": "function"} if part.id else {}
    named = {"name": part.name} if part.name else {}
    place = nth if part.place is None else part.place
    return {"index": place, **head, "function": {**named, "arguments": part.arguments}}


def _is_whole(raw: JsonObject) -> bool:
    """Tell a whole answer from a chunk: of servers that mix them up, by where the words are."""
    choices = raw.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return isinstance(first, dict) and isinstance(first.get("message"), dict)


def _usage(usage: Usage) -> JsonObject:
    told: JsonObject = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
    return told | ({"prompt_tokens_details": {"cached_tokens": usage.cached_tokens}} if usage.cached_tokens else {})
