"""Answers as OpenAI's clients read them: its own types are the judge."""

from typing import Any

import pytest

from brains.answers import refused
from brains.chunks import Answer, ChatChunk, Delta, ToolCallPart, Usage, read_chunk
from brains.errors import QuestionError, SilentError
from brains.written import Heading, error_body, event, piece, whole
from tests.brains.model_server import USAGE, said
from tests.brains.model_server import piece as upstream
from tests.brains.model_server import whole as upstream_whole

JsonObject = dict[str, Any]
HEADING = Heading("chatcmpl-1", "support", 1_700_000_000)
CALL = ChatChunk(delta=Delta("assistant", "", (ToolCallPart(None, "c", "f", "{}"), ToolCallPart(3, "", "", "}"))))


def pieces(chunk: ChatChunk, *, include_usage: bool = True) -> list[JsonObject]:
    return piece(chunk, HEADING, include_usage=include_usage)


@pytest.mark.claim("V7")
def test_v7_what_is_made_here_is_what_openais_client_reads() -> None:
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    end = ChatChunk(finish_reason="stop", usage=Usage(9, 3, 2))
    for chunk in (ChatChunk(delta=Delta("assistant")), ChatChunk(delta=Delta(content="Hi")), CALL, end):
        for body in pieces(chunk):
            ChatCompletionChunk.model_validate(body, strict=True)
    answer = Answer()
    for chunk in (ChatChunk(delta=Delta("assistant", "Hi")), CALL, end):
        answer.add(chunk)
    read = ChatCompletion.model_validate(whole(answer, HEADING, None))
    assert (read.id, read.model, read.choices[0].message.content, read.usage and read.usage.total_tokens) == (
        "chatcmpl-1",
        "support",
        "Hi",
        12,
    )
    assert "usage" not in whole(Answer(), HEADING, None)
    calling = Answer()
    calling.add(CALL)
    assert whole(calling, HEADING, None)["choices"][0]["finish_reason"] == "tool_calls"
    assert whole(Answer(), HEADING, None)["choices"][0]["finish_reason"] == "stop"


def test_what_the_models_server_wrote_goes_out_as_it_came_with_what_it_left_out() -> None:
    raw = upstream({"content": "Hi"}, system_fingerprint="fp", usage=None)
    assert pieces(read_chunk(raw)) == [raw]
    assert pieces(read_chunk(raw), include_usage=False) == [{key: raw[key] for key in raw if key != "usage"}]
    assert pieces(read_chunk({"choices": [{"delta": {}}]}))[0]["id"] == "chatcmpl-1"
    usage = {"choices": [], "usage": USAGE}
    assert (pieces(read_chunk(usage))[0]["usage"], pieces(read_chunk(usage), include_usage=False)) == (USAGE, [])
    complete = upstream_whole(said("Hel", "lo."))
    assert whole(Answer(), HEADING, complete) == complete
    assert whole(Answer(), HEADING, upstream({"content": "x"}))["id"] == "chatcmpl-1"  # a last piece is no whole


def test_a_whole_answer_to_who_wanted_a_stream_becomes_pieces() -> None:
    chunk = read_chunk(upstream_whole(said("Hel", "lo.")))
    assert [body["choices"][0]["delta"]["content"] for body in pieces(chunk, include_usage=False)] == ["Hello."]
    assert [bool(body["choices"]) for body in pieces(chunk)] == [True, False]
    assert [bool(body["choices"]) for body in pieces(ChatChunk(usage=Usage(9, 3)))] == [False]


def test_an_event_is_one_line_whatever_is_said() -> None:
    assert event({"a": "ü\n\ud83d"}) == 'data: {"a":"ü\\n?"}\n\n'.encode()


def test_errors_are_told_as_openai_tells_them() -> None:
    assert error_body(QuestionError("no", "messages"))["error"] == {
        "message": "no",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "invalid_request",
    }
    assert error_body(SilentError("late"))["error"]["type"] == "server_error"
    theirs = refused(429, b'{"error": {"message": "Slow down.", "code": "rate_limit_exceeded", "type": "tokens"}}')
    assert error_body(theirs)["error"] == {
        "message": "Slow down.",
        "type": "tokens",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    ours = error_body(refused(401, b'{"error": {"message": "Incorrect API key provided: sk-abc"}}'))["error"]
    assert ("sk-abc" in ours["message"], ours["code"]) == (False, "model_refused")
