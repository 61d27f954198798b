"""What comes back from a model's server, read as it comes."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brains.answers import MAX_BODY_BYTES, AnswerReader, refused
from brains.chunks import Answer
from brains.errors import BrainError, BrokenError, RefusedError
from brains.sse import MAX_EVENT_CHARS
from tests.brains.model_server import USAGE, piece, said, whole

JsonObject = dict[str, Any]
EVENTS = "".join(f"data: {json.dumps(part)}\n\n" for part in said("Hel", "lo."))


def read(*pieces: bytes) -> Answer:
    reader, answer = AnswerReader(), Answer()
    for received in pieces:
        for chunk in reader.feed(received):
            answer.add(chunk)
    for chunk in reader.end():
        answer.add(chunk)
    assert reader.over
    return answer


@pytest.mark.claim("V11", "T10")
@pytest.mark.parametrize("end", ["data: [DONE]\n\n", "data: [DONE]", "data:  [DONE] \r\n\r\n", ""], ids=repr)
def test_v11_t10_a_stream_is_read_with_and_without_its_last_word(end: str) -> None:
    text = (EVENTS + end).encode()
    for cut in range(0, len(text), 7):
        assert read(text[:cut], text[cut:]).content == "Hello."


@pytest.mark.claim("V10")
@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf", b" \r\n"])
def test_v10_json_is_read_though_a_stream_was_asked_for(head: bytes) -> None:
    text = head + json.dumps(whole(said("Hel", "lo."))).encode()
    answer = read(*(text[place : place + 1] for place in range(len(text))))
    assert (answer.content, answer.finish_reason, answer.usage) == ("Hello.", "stop", (9, 3, 0))


@pytest.mark.claim("V10")
def test_v10_json_is_read_with_a_delta_where_the_message_should_be_as_vapis_sample_has_it() -> None:
    # VapiAI/server-example-python-flask, app/api/custom_llm.py: /basic
    body = {
        "object": "chat.completion",
        "choices": [{"index": 0, "delta": {"content": "Hello."}, "finish_reason": "stop"}],
    }
    assert read(json.dumps(body).encode()).content == "Hello."


def test_what_comes_after_the_last_word_is_of_no_interest() -> None:
    reader = AnswerReader()
    chunks = [*reader.feed((EVENTS + "data: [DONE]\n\ndata: nonsense\n\n").encode()), *reader.feed(b"data: more\n\n")]
    assert (len(chunks), reader.over, list(reader.end())) == (4, True, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "gave no answer"),
        (b" \n", "gave no answer"),
        (b": ping\n\n", "gave no answer"),
        (f"data: {json.dumps(piece({'content': 'Once'}))}\n\n".encode(), "broke off"),
        (b'data: {"choices": [{"del', "not JSON, or broke off"),
        (b'{"choices": [{"mess', "not JSON, or broke off"),
        (b"data: 5\n\n", "no JSON object"),
        (b"[1]", "no JSON object"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "not JSON"),
        (b"data: " + b"x" * (MAX_EVENT_CHARS + 2), "longer than"),
        (b"{" + b" " * MAX_BODY_BYTES, "longer than"),
    ],
)
def test_what_is_no_answer_is_told_to_be_none(text: bytes, told: str) -> None:
    with pytest.raises(BrokenError, match=told):
        read(text)


@given(st.binary(max_size=80), st.sampled_from(["", EVENTS, json.dumps(whole(said("Hi")))]), st.integers(0, 200))
def test_whatever_a_server_answers_is_chunks_or_a_fault_of_the_answer(noise: bytes, text: str, at: int) -> None:
    received = text.encode()[:at] + noise + text.encode()[at:]
    with suppress(BrokenError, RefusedError):
        read(received[:at], received[at:])
    error = refused(500, received)
    assert str(error)


def test_a_refusal_in_mid_stream_comes_after_what_was_said() -> None:
    reader, heard = AnswerReader(), []
    text = (
        f'data: {json.dumps(piece({"content": "Once"}))}\n\ndata: {{"error": {{"message": "Busy.", "code": 503}}}}\n\n'
    )
    chunks = reader.feed(text.encode())
    heard.append(next(chunks).delta.content)
    with pytest.raises(RefusedError, match="Busy") as caught:
        next(chunks)
    assert (heard, caught.value.status, caught.value.elsewhere) == (["Once"], 503, True)


@pytest.mark.parametrize(
    ("status", "body", "told", "status_told", "elsewhere"),
    [
        (400, b'{"error": {"message": "Too long.", "code": "x"}}', "Too long.", 400, False),
        (401, b'{"error": {"message": "Wrong key."}}', "Wrong key.", 502, True),
        (404, b'{"detail": "No such model."}', "No such model.", 502, True),
        (422, b'{"detail": [{"loc": ["body"]}]}', "[{'loc': ['body']}]", 422, False),
        (429, b'{"error": "Slow down."}', "Slow down.", 429, True),
        (503, b"<html>", "the model's server answered 503", 503, True),
        (500, b"[" * 100_000, "the model's server answered 500", 502, True),
        (500, b'"x"', "the model's server answered 500", 502, True),
        (500, b"{}", "the model's server answered 500", 502, True),
        (400, b'[{"error": {"code": 400, "message": "Gemini says no."}}]', "Gemini says no.", 400, False),
        (302, b"", "the model's server answered 302", 502, True),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words(
    status: int,
    body: bytes,
    told: str,
    status_told: int,
    elsewhere: bool,  # noqa: FBT001
) -> None:
    error = refused(status, body)
    assert (str(error), error.status, error.elsewhere, error.upstream_status) == (told, status_told, elsewhere, status)
    assert isinstance(error, BrainError)


def test_an_error_under_a_200_is_a_refusal() -> None:
    for body in (
        {"error": "No."},
        {"error": {"message": "No.", "code": "bad"}},
        {"error": {"message": "No.", "code": 700}},
    ):
        with pytest.raises(RefusedError, match=r"No\.") as caught:
            read(json.dumps(body).encode())
        assert caught.value.status == 502
    assert USAGE["total_tokens"] == 12
