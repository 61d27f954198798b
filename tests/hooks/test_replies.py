import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from hooks.replies import MAX_OUTPUT_BYTES, error_output, function_output, tool_output, verbs_in
from hooks.transports.base import HookBroken, HookFailure, HookReply, HookTimeout, HookUnreachable
from hooks.transports.http import MAX_TYPE_CHARS
from tests.properties import NEARLY_JSON, changed, json_values, tried_with

MAX_TOLD_CHARS = 512
"Of what somebody else says, in the log."

JSON = "application/json; charset=utf-8"


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": {"type": "function_call_output", **fields}}


def answer(value: Any, content_type: str = JSON, status: int = 200) -> HookReply:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HookReply(status, content_type, body)


@pytest.mark.claim("J10", "toolHook")
@pytest.mark.parametrize(
    ("value", "output"),
    [
        ({"temp": 21, "sky": "Zoë"}, '{"temp":21,"sky":"Zoë"}'),
        ({}, "{}"),
        ("sunny", "sunny"),
        ("", ""),
        (21.5, "21.5"),
        (True, "true"),
        (None, "null"),
        ({"result": "sunny"}, "sunny"),
        ({"result": {"temp": 21}}, '{"temp":21}'),
        ({"result": [1, 2]}, "[1,2]"),
        ({"result": None}, "null"),
        ({"output": "sunny"}, "sunny"),
        ({"output": 21, "call_id": "call_9"}, "21"),
        ({"type": "client_tool_result", "invocation_id": "call_9", "result": "sunny"}, "sunny"),
        ({"type": "function_call_output", "call_id": "call_9", "output": "sunny"}, "sunny"),
        ({"result": 21, "unit": "C"}, '{"result":21,"unit":"C"}'),
        ({"result": 21, "output": 22}, '{"result":21,"output":22}'),
        ({"type": "refund", "result": "ok"}, '{"type":"refund","result":"ok"}'),
        ({"type": ["odd"], "result": "ok"}, '{"type":["odd"],"result":"ok"}'),
        ({"type": "pizza"}, '{"type":"pizza"}'),
        ({"call_id": "their own", "state": "open"}, '{"call_id":"their own","state":"open"}'),
        ({"error": "no such city"}, '{"error":"no such city"}'),
        (item(call_id="call_9", output="sunny"), "sunny"),
        (item(call_id="call_9", output={"temp": 21}), '{"temp":21}'),
        ({"results": [{"toolCallId": "call_9", "result": "sunny"}]}, "sunny"),
        ({"results": [{"toolCallId": "call_8", "result": "no"}, {"toolCallId": "call_9", "result": 21}]}, "21"),
        ({"results": [{"toolCallId": "call_9", "name": "w", "error": "closed"}]}, '{"error":"closed"}'),
        ({"results": [{"title": "a hit"}]}, '{"results":[{"title":"a hit"}]}'),
        ({"results": []}, '{"results":[]}'),
        ({"results": "none"}, '{"results":"none"}'),
    ],
)
def test_every_shape_in_use_becomes_one_string(value: Any, output: str) -> None:
    assert tool_output(answer(value), "call_9").text == output
    assert tool_output(answer(value, "application/problem+json"), "call_9").text == output
    assert tool_output(answer(value, ""), "call_9").text == output


@pytest.mark.claim("J10")
@pytest.mark.parametrize(
    ("reply", "output"),
    [
        (answer(b"It is sunny.", "text/plain"), "It is sunny."),
        (answer(b'{"result": 1}', "text/plain"), '{"result": 1}'),
        (answer("Zoë".encode("latin-1"), "text/plain"), "Zo\ufffd"),
        (answer(b"# sunny", "text/markdown"), "# sunny"),
        (answer(b'"sunny"', "text/json"), "sunny"),
        (HookReply(204), '{"ok":true}'),
        (HookReply(204, JSON, b"odd"), '{"ok":true}'),
        (HookReply(200, JSON), '{"ok":true}'),
        (HookReply(202, "text/html", b" \r\n"), '{"ok":true}'),
        (HookReply(201, JSON, b"1"), "1"),
        (answer(b'{"a":"\\ud83d"}', JSON), '{"a":"?"}'),
    ],
)
def test_text_and_silence_are_answers_too(reply: HookReply, output: str) -> None:
    assert tool_output(reply, "call_9").text == output


@pytest.mark.claim("J10")
@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(b"<!DOCTYPE html><p>Hi", "text/html"), "web page"),
        (answer(b" <html>secret", "text/plain"), "web page"),
        (answer(b"<p>Hi", "application/xhtml+xml"), "web page"),
        (answer(b"{oops secret", JSON), "not valid JSON"),
        (answer(b"oops secret", ""), "not valid JSON"),
        (answer(b"\x89PNG secret", "image/png"), "not valid JSON"),
        (answer(b'{"a": NaN}', JSON), "not valid JSON"),
        (answer(b'{"a": 1e999}', JSON), "not valid JSON"),
        (answer(b"\xff", JSON), "not valid JSON"),
        (answer(b"9" * 5000, JSON), "not valid JSON"),
        (answer(b"[" * 65 + b"]" * 65, JSON), "nested"),
        (answer(b'{"a":' * 65 + b"1" + b"}" * 65, JSON), "nested"),
        (answer(b"[" * 100_000, JSON), "not valid JSON"),
        (answer([1, 2]), "bare list"),
        (answer([]), "bare list"),
        (answer({"type": "session.update", "session": {}}), "session.update event"),
        (answer({"type": "response.create"}), "response.create event"),
        (answer(item(call_id="call_8", output="secret")), "another call"),
        (answer(item(output="secret")), "function_call_output"),
        (answer(item(call_id="call_9")), "function_call_output"),
        (answer({"type": "conversation.item.create"}), "function_call_output"),
        (answer({"type": "conversation.item.create", "item": {"type": "message"}}), "function_call_output"),
        (answer({"results": [{"toolCallId": "call_8", "result": "secret"}]}), "another call"),
        (answer({"results": [{"toolCallId": "call_9"}]}), "another call"),
        (answer({"tool_call_id": "call_8", "result": "secret"}), "another call"),
        (answer({"a": "secret"}, status=500), "status 500"),
        (answer({"a": "secret"}, status=302), "status 302"),
        (HookReply(200, JSON, unreadable="longer than 262144 bytes"), "longer than"),
        (HookTimeout("after 8 s"), "in time"),
        (HookUnreachable("refused"), "cannot be reached"),
        (HookBroken("reset"), "did not answer"),
        (HookFailure("internal error"), "did not answer"),
    ],
)
def test_what_cannot_be_used_becomes_an_error_without_the_applications_text(
    reply: HookReply | HookFailure, why: str
) -> None:
    output = json.loads(tool_output(reply, "call_9").text)
    assert [*output] == ["error"]
    assert why in output["error"]
    assert "secret" not in output["error"]


def test_depth_64_is_not_too_deep() -> None:
    body = b'{"a":' * 64 + b"1" + b"}" * 64
    assert tool_output(answer(body), "call_9").text == body.decode()


@pytest.mark.parametrize("head", ["", "a", "ab"])
def test_a_long_output_is_cut_between_characters(head: str) -> None:
    output = tool_output(answer((head + "€" * 20_000).encode(), "text/plain"), "call_9").text
    assert MAX_OUTPUT_BYTES - 3 < len(output.encode()) <= MAX_OUTPUT_BYTES
    assert set(output[len(head) :]) == {"€"}


@given(
    status=st.sampled_from([200, 204, 302, 500]),
    content_type=st.sampled_from(["", JSON, "text/plain", "text/html", "x/y", "x" * MAX_TYPE_CHARS]),
    body=st.binary(max_size=200) | st.text().map(str.encode) | st.builds(json.dumps, st.text()).map(str.encode),
)
def test_any_reply_gives_an_output_within_bounds(status: int, content_type: str, body: bytes) -> None:
    reply = HookReply(status, content_type, body)
    assert len(tool_output(reply, "call_9").text.encode()) <= MAX_OUTPUT_BYTES
    verbs, complaint = verbs_in(reply)
    assert verbs is None or complaint is None
    assert len(complaint or "") <= MAX_TOLD_CHARS
    assert len(tool_output(reply, "call_9").complaint or "") <= MAX_TOLD_CHARS


ANSWERS: list[Any] = [
    {"temperature": 72, "sky": ["clear"]},
    {"result": {"ok": True}},
    {"output": "72 degrees"},
    {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "call_9", "output": "72"}},
    {"results": [{"toolCallId": "call_9", "result": "72"}, {"toolCallId": "other", "error": "s3cr3t"}]},
    {"type": "client_tool_result", "invocation_id": "call_9", "result": "72"},
    {"type": "session.update", "session": {"instructions": "s3cr3t"}},
    [{"verb": "say", "text": "Hello."}, {"verb": "hangup"}],
]


def texts_in(value: Any) -> list[str]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for inner in inside for text in texts_in(inner)]


@tried_with("body", [*NEARLY_JSON, b'{"result":[1e999]}', b"[-1e999]", b'[{"verb":"pause","length":1e999}]'])
@given(body=changed(ANSWERS, json_values()).map(json.dumps).map(str.encode))
def test_any_json_is_an_output_that_is_json_or_text_and_verbs_or_a_complaint(body: bytes) -> None:
    reply = answer(body)
    output, complaint = tool_output(reply, "call_9")
    assert len(output.encode()) <= MAX_OUTPUT_BYTES
    if complaint:
        assert json.loads(output).keys() == {"error"}
        assert "s3cr3t" not in output + complaint
    elif len(output.encode()) < MAX_OUTPUT_BYTES and output not in texts_in(json.loads(body or b"{}")):
        json.loads(output, parse_constant=pytest.fail)
    verbs, complaint = verbs_in(reply)
    assert verbs is None or complaint is None
    json.dumps(verbs, allow_nan=False)
    assert "s3cr3t" not in (complaint or "")


def test_an_error_can_be_given_without_a_reply() -> None:
    assert error_output("closed") == '{"error":"closed"}'
    assert len(error_output("€" * 100_000)) < 1_000


@dataclass
class Weather:
    temp: float
    sky: Literal["clear", "cloudy"] = "clear"


class Place(BaseModel):
    city: str = Field(alias="name")


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (None, '{"ok":true}'),
        ("sunny", "sunny"),
        ("", ""),
        (21, "21"),
        (float("nan"), "null"),
        (True, "true"),
        ([1, "a"], '[1,"a"]'),
        ((1, 2), "[1,2]"),
        ({"temp": 21, "sky": "Zoë"}, '{"temp":21,"sky":"Zoë"}'),
        ({"result": "sunny"}, "sunny"),
        ({5: date(2026, 11, 21)}, '{"5":"2026-11-21"}'),
        (Weather(21.5), '{"temp":21.5,"sky":"clear"}'),
        (Place(name="Rome"), '{"name":"Rome"}'),
        ([Place(name="Rome")], '[{"name":"Rome"}]'),
        (Decimal("21.5"), "21.5"),
    ],
)
def test_what_a_function_returns_becomes_one_string(value: Any, output: str) -> None:
    assert function_output(value, "call_9") == (output, None)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (object(), "the tool's result cannot be written as JSON: it is a object"),
        ({"a": {1, object()}}, "the tool's result cannot be written as JSON: it is a dict"),
        (b"\xff", "the tool's result cannot be written as JSON: it is a bytes"),
        (LOOP, "the tool's result cannot be written as JSON: it is a list"),
        ({"type": "session.update"}, "the tool answered with a session.update event, which it must not send"),
        ({"call_id": "call_8", "result": "x"}, "the tool answered for another call"),
        (
            json.loads('{"a":' * 65 + "1" + "}" * 65),
            "the tool's result is nested more than 64 deep",
        ),
    ],
)
def test_what_a_function_must_not_return_becomes_an_error(value: Any, complaint: str) -> None:
    assert function_output(value, "call_9") == (json.dumps({"error": complaint}, separators=(",", ":")), complaint)


def test_a_long_result_is_cut() -> None:
    assert len(function_output("a" * 10_000_000, "call_9").text) == MAX_OUTPUT_BYTES
    assert len(function_output({"a": "b" * 100_000}, "call_9").text) == MAX_OUTPUT_BYTES


@pytest.mark.claim("actionHook")
@pytest.mark.parametrize(
    ("reply", "verbs"),
    [
        (answer([{"verb": "hangup"}]), [{"verb": "hangup"}]),
        (answer([{"say": {"text": "x"}}], status=202), [{"say": {"text": "x"}}]),
        (answer([]), None),
        (HookReply(204), None),
        (HookReply(200, JSON), None),
        (HookReply(200, "text/html"), None),
    ],
)
def test_verbs_are_an_array_of_objects_and_silence_is_none(reply: HookReply, verbs: list[Any] | None) -> None:
    assert verbs_in(reply) == (verbs, None)


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (answer({"ok": True}), "the reply is a JSON object; verbs come as an array of objects"),
        (answer("x"), "the reply is a JSON string; verbs come as an array of objects"),
        (answer(None), "the reply is a JSON null; verbs come as an array of objects"),
        (answer(1), "the reply is a JSON number; verbs come as an array of objects"),
        (
            answer([{"verb": "hangup"}, []]),
            "verbs[1]: a JSON array stands where a verb's object must be",
        ),
        (answer([True]), "verbs[0]: a JSON boolean stands where a verb's object must be"),
        (answer(b"{", JSON), "the reply is not valid JSON"),
        (answer([], "text/html"), "the reply's content type is text/html; verbs come as application/json"),
        (answer([], ""), "the reply's content type is missing; verbs come as application/json"),
        (HookReply(200, JSON, unreadable="longer than 65536 bytes"), "the reply is longer than 65536 bytes"),
        (answer([], status=500), "HTTP status 500"),
        (HookTimeout("no complete answer within 8 s"), "no complete answer within 8 s"),
    ],
)
def test_a_reply_that_is_no_document_is_none_with_the_reason(reply: HookReply | HookFailure, complaint: str) -> None:
    assert verbs_in(reply) == (None, complaint)
