import json
from typing import Any

import pytest

from hooks.mcp.results import output_of
from hooks.replies import MAX_OUTPUT_BYTES


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "annotations": None}


@pytest.mark.parametrize(
    ("result", "output"),
    [
        ({"content": [text("sunny")]}, "sunny"),
        ({"content": [text("sunny"), text("warm")], "structuredContent": {"sky": "clear"}}, "sunny\nwarm"),
        ({"content": [], "structuredContent": {"sky": "clear"}}, '{"sky":"clear"}'),
        ({"content": []}, '{"ok":true}'),
        ({}, '{"ok":true}'),
        ({"content": "odd", "structuredContent": [1]}, "[1]"),
        (
            {"content": [text("See:"), {"type": "image", "data": "AAAA", "mimeType": "image/png"}]},
            "See:\n[image, not passed on: image/png]",
        ),
        ({"content": [{"type": "audio", "data": "A", "mimeType": "audio/wav"}]}, "[audio, not passed on: audio/wav]"),
        ({"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": "in it"}}]}, "in it"),
        (
            {"content": [{"type": "resource", "resource": {"uri": "file:///a", "blob": "AA"}}]},
            "[a resource, not passed on: file:///a]",
        ),
        ({"content": [{"type": "resource_link", "uri": "http://x"}]}, "[a resource, not passed on: http://x]"),
        ({"content": [{"type": 5}, None]}, "\n".join(["[something that is no text, not passed on]"] * 2)),
        ({"content": [text("no such city")], "isError": True}, '{"error":"no such city"}'),
        ({"content": [], "isError": True}, '{"error":"the tool failed"}'),
    ],
)
def test_what_a_server_answers_becomes_one_output(result: dict[str, Any], output: str) -> None:
    assert output_of(result, "c-1").text == output


@pytest.mark.claim("J31", "mcpServers")
def test_no_output_is_longer_than_a_model_may_read() -> None:
    assert len(output_of({"content": [text("x" * 100_000)]}, "c-1").text) == MAX_OUTPUT_BYTES
    told = output_of({"content": [text("x" * 100_000)], "isError": True}, "c-1").text
    assert len(json.loads(told)["error"]) < MAX_OUTPUT_BYTES
