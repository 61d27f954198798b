"""Requests as clients send them."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from brains.asked import MAX_MESSAGES, Asked, read_request, with_instructions
from brains.errors import QuestionError
from tests.properties import changed

JsonObject = dict[str, Any]
SAMPLES = Path(__file__).parent.parent / "samples" / "brains"
HI = [{"role": "user", "content": "Hi"}]


def sample(name: str) -> JsonObject:
    body: JsonObject = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert body.pop("_source")
    return body


def read(body: Any, **headers: str) -> Asked:
    return read_request(body if isinstance(body, bytes) else json.dumps(body).encode(), headers)


@pytest.mark.claim("V8", "V18")
def test_v8_what_vapi_sends_is_a_question_and_what_it_adds_are_facts() -> None:
    asked = read(sample("vapi"))
    assert (asked.model, asked.stream, asked.include_usage) == ("gpt-3.5-turbo", True, False)
    question = asked.question
    assert question.settings == {"max_tokens": 250, "temperature": 0.7}
    assert [tool["function"]["name"] for tool in question.tools] == ["endCall"]
    assert question.context.messages[-1] == {"role": "user", "content": "Yeah. I can hear you."}
    assert question.facts.keys() == {"call", "phoneNumber", "customer", "metadata", "timestamp"}
    assert question.conversation == "c4f10969-0000-4000-8000-8f608db9df26"
    assert "token-of-the-carrier" not in repr(question)


@pytest.mark.claim("V8")
def test_v8_metadata_that_vapi_lays_out_among_the_rest_is_facts_too() -> None:
    body = {**sample("vapi"), "plan": "gold", "top_k": 5}
    del body["metadata"]
    question = read(body).question
    assert (question.facts["plan"], question.facts["top_k"], set(question.settings)) == (
        "gold",
        5,
        {"max_tokens", "temperature"},
    )


@pytest.mark.claim("T21")
def test_t21_what_tavus_sends_is_a_question_of_its_conversation() -> None:
    asked = read(sample("tavus"), conversation_id="c123456")
    assert (asked.question.conversation, asked.include_usage) == ("c123456", True)
    assert asked.question.settings == {"frequency_penalty": 0.5, "temperature": 0.5, "top_p": 0.9}
    assert asked.question.facts["perception"]["user_emotions"] == "Cheerful."


@pytest.mark.claim("V9")
@pytest.mark.parametrize(
    ("stream", "streams"),
    [({}, False), ({"stream": None}, False), ({"stream": True}, True), ({"stream": False}, False)],
)
def test_v9_a_stream_is_wanted_where_it_is_said_so(stream: JsonObject, streams: bool) -> None:  # noqa: FBT001
    asked = read({"messages": HI, **stream})
    assert (asked.stream, asked.question.stream, asked.model) == (streams, streams, "")


def test_parameters_that_nobody_here_knows_go_on_unless_a_platform_has_added_its_own() -> None:
    question = read({"messages": HI, "top_k": 5, "metadata": {"a": "b"}, "user": "u"}).question
    assert (question.settings, question.facts) == ({"top_k": 5, "user": "u"}, {"metadata": {"a": "b"}})


def test_functions_of_old_are_tools() -> None:
    asked = read({"messages": HI, "functions": [{"name": "f"}], "function_call": {"name": "f"}})
    assert list(asked.question.tools) == [{"type": "function", "function": {"name": "f"}}]
    assert asked.question.tool_choice == {"type": "function", "function": {"name": "f"}}
    assert read({"messages": HI, "function_call": "auto"}).question.tool_choice == "auto"
    assert read({"messages": HI, "tool_choice": "none"}).question.tool_choice == "none"


def test_a_conversation_is_named_by_the_call_or_a_header() -> None:
    assert read({"messages": HI, "call": {"callId": "k"}}).question.conversation == "k"
    assert read({"messages": HI, "call": "k"}, **{"x-conversation-id": "h"}).question.conversation == "h"
    assert read({"messages": HI}).question.conversation == ""


@pytest.mark.claim("V7", "V16")
@pytest.mark.parametrize(
    ("body", "told", "param"),
    [
        (b"{", "not JSON", None),
        (b"[" * 100_000, "not JSON", None),
        (b'{"messages": [{"role": "user", "content": NaN}]}', "not JSON", None),
        (b"[]", "must be a JSON object", None),
        ({"messages": []}, "at least one", "messages"),
        ({}, "at least one", "messages"),
        ({"messages": HI * (MAX_MESSAGES + 1)}, "more than 4096", "messages"),
        ({"messages": ["Hi"]}, "must be an object", "messages[0]"),
        ({"messages": [*HI, {"role": "robot"}]}, "must be one of", "messages[1].role"),
        ({"messages": [{"role": ["user"]}]}, "must be one of", "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "a text or a list", "messages[0].content"),
        ({"messages": HI, "stream": "yes"}, "stream must be true or false", "stream"),
        ({"messages": HI, "tools": {}, "functions": [5]}, "functions must be", "functions"),
        ({"messages": HI, "tools": [5]}, "tools must be", "tools"),
        ({"messages": HI, "model": 5}, "model must be a text", "model"),
    ],
)
def test_v7_v16_what_is_no_request_is_told_with_its_parameter(body: Any, told: str, param: str | None) -> None:
    with pytest.raises(QuestionError, match=told.replace("[", r"\[")) as caught:
        read(body)
    assert (caught.value.param, caught.value.status) == (param, 400)


@given(changed([sample("vapi") | {"functions": [{"name": "f"}], "function_call": {"name": "f"}}]))
def test_whatever_is_posted_is_a_question_or_told_not_to_be(body: Any) -> None:
    with suppress(QuestionError):
        question = read(body).question
        assert question.context.tokens > 0
        assert question.context.fitting(10).messages
        json.dumps(question.settings)


def test_instructions_stand_before_all_that_is_said() -> None:
    question = read({"messages": HI}).question
    assert with_instructions(question, "Be short.").context.messages == [
        {"role": "system", "content": "Be short."},
        *HI,
    ]
    assert question.context.messages == HI
