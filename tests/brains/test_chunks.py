"""Pieces of answers, as different servers write them, and what they make together."""

import json
from typing import Any

import pytest
from hypothesis import given

from brains.chunks import Answer, ChatChunk, Delta, ToolCall, ToolCallPart, Usage, read_chunk
from tests.properties import changed

JsonObject = dict[str, Any]


CHUNK: JsonObject = {
    "id": "c",
    "choices": [
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "content": [{"type": "text", "text": "Hi"}],
                "tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": "{}"}}],
                "function_call": {"name": "f", "arguments": "{"},
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}},
}


def of_choice(**choice: Any) -> JsonObject:
    return {"id": "c-1", "choices": [{"index": 0, **choice}]}


@pytest.mark.claim("L17")
@pytest.mark.parametrize(
    ("body", "chunk"),
    [
        (of_choice(delta={"role": "assistant", "content": "Hi"}), ChatChunk("c-1", Delta("assistant", "Hi"))),
        (of_choice(delta=None, finish_reason="stop"), ChatChunk("c-1", finish_reason="stop")),  # Azure, filtered
        ({"choices": [], "prompt_filter_results": []}, ChatChunk()),  # Azure's first
        ({"choices": None}, ChatChunk()),
        ({"choices": ["x"]}, ChatChunk()),
        (of_choice(message={"content": "Hi"}), ChatChunk("c-1", Delta(content="Hi"))),
        (
            of_choice(delta={"content": [{"type": "text", "text": "H"}, {"text": "i"}, 5]}),
            ChatChunk("c-1", Delta("", "Hi")),
        ),
        (of_choice(delta={"content": None, "reasoning_content": "Hm"}), ChatChunk("c-1", Delta(reasoning="Hm"))),
        (of_choice(delta={"reasoning": "Hm"}), ChatChunk("c-1", Delta(reasoning="Hm"))),
        (of_choice(delta={"refusal": "No."}), ChatChunk("c-1", Delta(content="No."))),
        (
            of_choice(delta={"tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{}"}}, 5, {"x": 1}]}),
            ChatChunk("c-1", Delta(tool_calls=(ToolCallPart(None, "t", "f", "{}"),))),
        ),
        (of_choice(delta={"tool_calls": "x"}), ChatChunk("c-1")),
        (
            of_choice(delta={"function_call": {"name": "f", "arguments": "{"}}),
            ChatChunk("c-1", Delta(tool_calls=(ToolCallPart(0, "", "f", "{"),))),
        ),
        (
            {
                "id": 5,
                "choices": [],
                "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4},
            },
            ChatChunk(usage=Usage(9, 2, 4)),
        ),
        (
            {"usage": {"prompt_tokens": 9, "completion_tokens": None, "prompt_tokens_details": {"cached_tokens": 3}}},
            ChatChunk(usage=Usage(9, 0, 3)),
        ),
    ],
)
def test_l17_a_chunk_is_read_as_any_server_writes_it(body: JsonObject, chunk: ChatChunk) -> None:
    assert read_chunk(body) == chunk
    assert read_chunk(body).raw is body


@given(changed([CHUNK]))
def test_whatever_stands_in_a_chunk_it_is_one(body: Any) -> None:
    answer = Answer()
    answer.add(read_chunk(body if isinstance(body, dict) else {}))
    json.dumps(answer.message())


def calls(*parts: ToolCallPart) -> tuple[ToolCall, ...]:
    answer = Answer()
    for part in parts:
        answer.add(ChatChunk(delta=Delta(tool_calls=(part,))))
    return answer.tool_calls


P = ToolCallPart


@pytest.mark.parametrize(
    ("parts", "made"),
    [
        ([P(0, "a", "f", ""), P(0, "", "", "{"), P(0, "", "", "}")], [("a", "f", "{}")]),
        ([P(0, "a", "f", "{}"), P(1, "b", "g", "{"), P(1, "", "", "}")], [("a", "f", "{}"), ("b", "g", "{}")]),
        (
            [P(0, "a", "f", "{}"), P(0, "b", "g", "{}")],
            [("a", "f", "{}"), ("b", "g", "{}")],
        ),  # Ollama: all are the first
        ([P(None, "a", "f", "{}"), P(None, "b", "g", "{}")], [("a", "f", "{}"), ("b", "g", "{}")]),  # Gemini
        ([P(None, "a", "f", "{"), P(None, "", "", "}")], [("a", "f", "{}")]),
        ([P(None, "", "f", "{}"), P(None, "", "g", "{}")], [("call_0", "f", "{}"), ("call_1", "g", "{}")]),
        ([P(None, "a", "f", "{"), P(None, "a", "", "}")], [("a", "f", "{}")]),
        ([P(0, "", "", "{"), P(0, "a", "f", "}")], [("a", "f", "{}")]),
        ([P(0, "", "f", "")], [("call_0", "f", "{}")]),
        ([P(0, "a", "f", "{"), P(0, "a", "f", "}")], [("a", "f", "{}")]),
    ],
)
def test_tool_calls_are_put_together_over_their_parts(parts: list[ToolCallPart], made: list[tuple[str, ...]]) -> None:
    assert calls(*parts) == tuple(made)


def test_an_answer_is_a_message_of_the_conversation() -> None:
    answer = Answer()
    for chunk in (
        ChatChunk(delta=Delta("assistant", "Hel")),
        ChatChunk(delta=Delta(content="lo")),
        ChatChunk(finish_reason="stop"),
    ):
        answer.add(chunk)
    assert (answer.message(), answer.finish_reason) == ({"role": "assistant", "content": "Hello"}, "stop")
    answer.add(ChatChunk(delta=Delta(tool_calls=(P(0, "a", "f", "{}"),))))
    assert answer.message()["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
    assert Answer().message() == {"role": "assistant", "content": ""}
    calling = Answer()
    calling.add(ChatChunk(delta=Delta(tool_calls=(P(0, "a", "f", "{}"),))))
    assert calling.message()["content"] is None
