"""A function in place of the model."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from brains.base import Question
from brains.chunks import ChatChunk, Delta
from brains.context import ChatContext
from brains.errors import BrokenError, FunctionFailedError, QuestionError
from brains.node import NodeBrain
from tests.brains.asking import answered, asked, context


async def two_words(context: ChatContext) -> AsyncIterator[str]:
    yield "Hello "
    yield context.messages[-1]["content"]


@pytest.mark.claim("L15", "L13")
def test_l15_l13_a_function_that_yields_two_texts_is_two_pieces() -> None:
    pieces = asked(NodeBrain(two_words), Question(context("Ada")))
    assert [piece.delta.content for piece in pieces] == ["Hello ", "Ada", ""]
    assert pieces[-1].finish_reason == "stop"


@pytest.mark.claim("L15")
def test_l15_it_gets_as_much_as_it_takes_and_may_give_whatever_chunks_are() -> None:
    given: list[Any] = []

    async def all_of_it(*args: Any) -> AsyncIterator[Any]:
        given.extend(args)
        yield ChatChunk(delta=Delta(content="a"))
        yield {"choices": [{"delta": {"content": "b"}, "finish_reason": "length"}]}

    async def whole(_: ChatContext, tools: Any) -> str:
        return f"{len(tools)} tools"

    async def nothing() -> None:
        return None

    answer = answered(
        NodeBrain(all_of_it), "Hi", tools=[{"x": 1}], settings={"seed": 5}, tool_choice="auto", facts={"f": 1}
    )
    assert (answer.content, answer.finish_reason) == ("ab", "length")
    assert given[1:] == [[{"x": 1}], {"seed": 5, "tool_choice": "auto", "facts": {"f": 1}}]
    assert answered(NodeBrain(whole), "Hi", tools=[{}, {}]).content == "2 tools"
    assert answered(NodeBrain(nothing), "Hi").content == ""


def test_what_it_does_to_the_context_is_its_own() -> None:
    async def forgets(context: ChatContext) -> AsyncIterator[str]:
        context.messages.clear()
        yield "Done."

    question = Question(context("Hi"))
    asked(NodeBrain(forgets), question)
    assert len(question.context.messages) == 1


def test_whatever_it_raises_is_a_fault_of_the_answer_and_its_words_are_nobodys() -> None:
    async def fails(_: ChatContext) -> AsyncIterator[str]:
        yield "Well, "
        raise LookupError("no such customer +15557654321")

    async def refuses(told: ChatContext) -> AsyncIterator[str]:
        if told.messages:
            raise QuestionError("Not this one.")
        yield ""

    async def wrong(_: ChatContext) -> AsyncIterator[Any]:
        yield 5

    with pytest.raises(FunctionFailedError, match=r"failed: LookupError$"):
        answered(NodeBrain(fails), "Hi")
    with pytest.raises(QuestionError, match="Not this one"):
        answered(NodeBrain(refuses), "Hi")
    with pytest.raises(BrokenError, match="gave a int"):
        answered(NodeBrain(wrong), "Hi")
