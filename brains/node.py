"""A Python function in place of the model: LiveKit calls it the LLM node.

    async def answer(context: ChatContext, tools: list[dict], settings: dict):
        yield "Hello "
        yield "there."

It may yield texts, chunks, or OpenAI's own objects as dicts; it may also be a coroutine that returns the whole text.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from inspect import Parameter, isasyncgen, signature
from typing import Any

from brains.base import Brain, Chunks, Question
from brains.chunks import ChatChunk, Delta, read_chunk
from brains.errors import BrainError, BrokenError, FunctionFailedError

GIVEN = ("context", "tools", "settings")


class NodeBrain(Brain):
    """Calls `function` with as many of (context, tools, settings) as it takes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._takes = _takes(function)

    async def answer(self, question: Question) -> Chunks:
        settings = {**question.settings, "tool_choice": question.tool_choice, "facts": question.facts}
        given = (question.context.copy(), list(question.tools), settings)[: self._takes]
        ended = False
        async with aclosing(_pieces(self._function, given)) as pieces:
            async for piece in pieces:
                chunk = _chunk(piece)
                ended = ended or bool(chunk.finish_reason)
                yield chunk
        if not ended:
            yield ChatChunk(finish_reason="stop")


def _takes(function: Callable[..., Any]) -> int:
    parameters = list(signature(function).parameters.values())
    if any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters):
        return len(GIVEN)
    return min(
        len(GIVEN),
        sum(parameter.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD} for parameter in parameters),
    )


async def _pieces(function: Callable[..., Any], given: tuple[Any, ...]) -> AsyncGenerator[Any, None]:
    """Give what it yields, or returns; whatever it raises is a fault of the answer, and ends nothing else."""
    try:
        async with aclosing(_said(function, given)) as pieces:
            async for piece in pieces:
                yield piece
    except BrainError:
        raise
    except Exception as error:
        raise FunctionFailedError(f"the function that answers failed: {type(error).__name__}") from error


async def _said(function: Callable[..., Any], given: tuple[Any, ...]) -> AsyncGenerator[Any, None]:
    said = function(*given)
    if isasyncgen(said):
        async with aclosing(said) as pieces:
            async for piece in pieces:
                yield piece
    elif (whole := await said) is not None:
        yield whole


def _chunk(piece: Any) -> ChatChunk:
    match piece:
        case ChatChunk():
            return piece
        case str():
            return ChatChunk(delta=Delta("assistant", piece))
        case dict():
            return read_chunk(piece)
    raise BrokenError(f"the function that answers gave a {type(piece).__name__}; it must give texts or chunks")
