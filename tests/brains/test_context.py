"""Conversations, their sizes, and what is left out of one that is too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brains.context import ChatContext, Limits, picture, text_of, tokens_of
from tests.brains.asking import context


@pytest.mark.claim("L17")
def test_l17_a_context_is_made_of_messages() -> None:
    made = ChatContext()
    made.add_message(role="user", content="Hello, this is a test message!")
    made.add_tool_output("call_1", "72")
    assert made.messages == [
        {"role": "user", "content": "Hello, this is a test message!"},
        {"role": "tool", "content": "72", "tool_call_id": "call_1"},
    ]
    copy = made.copy()
    copy.add_message("user", "More.")
    assert (len(made.messages), len(copy.messages)) == (2, 3)


@pytest.mark.claim("T4")
def test_t4_a_token_is_four_characters_and_the_limits_are_those_of_tavus() -> None:
    assert Limits() == (25_000, 32_000)
    assert context("x" * 128_000).tokens == 32_000 + 4
    assert tokens_of({"role": "user", "content": None}) == 4
    assert tokens_of({"role": "user", "content": [5, None, {"type": [], "text": 5}]}) == 4
    assert (
        tokens_of({"role": "user", "content": [{"type": "text", "text": "12345"}, {"type": "text", "text": None}]}) == 6
    )
    assert tokens_of({"role": "assistant", "tool_calls": [{"id": "a"}]}) > 4


@pytest.mark.claim("L18")
def test_l18_a_picture_is_a_part_of_a_message_and_counts() -> None:
    made = ChatContext()
    message = made.add_message("user", [{"type": "text", "text": "What is it?"}, picture("https://x/y.png", "low")])
    assert message["content"][1] == {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}
    assert made.tokens > 700
    assert text_of(message) == "What is it?"
    assert text_of({"content": 5}) == ""


@pytest.mark.claim("T4")
def test_t4_the_oldest_turns_are_left_out_each_with_its_tools() -> None:
    made = ChatContext()
    made.add_message("system", "You are short.")
    made.add_message("user", "a" * 400)
    made.add_message("assistant", "", tool_calls=[{"id": "c"}])
    made.add_tool_output("c", "72")
    made.add_message("assistant", "b" * 400)
    made.add_message("user", "c" * 400)
    made.add_message("system", "What is seen: a hat.")
    fitting = made.fitting(200)
    assert [message["role"] for message in fitting.messages] == ["system", "user", "system"]
    assert made.fitting(made.tokens) is made
    assert [message["role"] for message in made.fitting(1).messages] == ["system", "user", "system"]  # never less
    assert ChatContext().fitting(-5).messages == []


@given(st.lists(st.text(max_size=50), max_size=12), st.integers(0, 400))
def test_what_is_left_is_the_newest_of_what_there_was(words: list[str], most: int) -> None:
    made = context(*words)
    left = made.fitting(most).messages
    assert left == made.messages[len(made.messages) - len(left) :]
    assert made.fitting(most).tokens <= most or sum(message["role"] == "user" for message in left) <= 1
