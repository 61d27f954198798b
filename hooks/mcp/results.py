"""What a server answered to the call of a tool, made into the one output that the model gets.

Source: modelcontextprotocol.io, specification 2025-11-25, server/tools ("Tool Result"). A model that speaks on the
phone can use words alone: what else there is, is named in their midst.
"""

from collections.abc import Iterator
from typing import Any

from hooks.replies import Output, error_output, function_output
from verbs.base import JsonObject

MAX_NAME_CHARS = 200


def output_of(result: JsonObject, call_id: str) -> Output:
    """Give the output of a `tools/call` result, as its JSON has it; at most 32 KiB."""
    words = "\n".join(_words(result.get("content")))
    if result.get("isError"):
        return Output(error_output(words or "the tool failed"))
    if words:
        return function_output(words, call_id)
    return function_output(result.get("structuredContent"), call_id)


def _words(content: Any) -> Iterator[str]:
    for block in content if isinstance(content, list) else ():
        match block:
            case {"type": "text", "text": str(text)}:
                yield text
            case {"type": "resource", "resource": {"text": str(text)}}:
                yield text
            case {"type": "resource", "resource": {"uri": uri}} | {"type": "resource_link", "uri": uri}:
                yield f"[a resource, not passed on: {str(uri)[:MAX_NAME_CHARS]}]"
            case {"type": str(kind), "mimeType": str(mime)}:
                yield f"[{kind}, not passed on: {mime[:MAX_NAME_CHARS]}]"
            case _:
                yield "[something that is no text, not passed on]"
