"""A brain with tools of its own: it calls them, and the model goes on with what they give.

Calls of tools that the asker has declared go back to the asker, as with any model. Where a model calls both at once the
asker gets theirs alone: they know nothing of ours, and the model calls ours again when it has read their answer.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from brains.base import Brain, Chunks, Question
from brains.chunks import Answer, ChatChunk, Delta, ToolCall, ToolCallPart
from brains.context import ChatContext
from brains.errors import BrokenError
from verbs.base import JsonObject

MAX_ROUNDS = 8
"Of tool calls, one after the other, before a question is answered."


class Toolbox(Protocol):
    """Tools that are served here; `calls.brains` has those of the voice side."""

    @property
    def declarations(self) -> Sequence[JsonObject]:
        """Say how chat models know them."""

    def has(self, name: str) -> bool: ...

    async def outputs(self, calls: Sequence[ToolCall], question: Question) -> Sequence[str]:
        """Run them, all at once; each gives one text, also where it fails."""


class ToolBrain(Brain):
    def __init__(self, brain: Brain, toolbox: Toolbox) -> None:
        self._brain = brain
        self._toolbox = toolbox

    async def answer(self, question: Question) -> Chunks:
        theirs = {name for tool in question.tools if (name := _name(tool))}
        ours = [tool for tool in self._toolbox.declarations if _name(tool) not in theirs]
        asked = replace(question, tools=(*question.tools, *ours), context=question.context.copy())
        for _ in range(MAX_ROUNDS):
            answer, last = Answer(), list[ChatChunk]()
            async with aclosing(self._round(asked, answer, last)) as chunks:
                async for chunk in chunks:
                    yield chunk
            mine = [call for call in answer.tool_calls if call.name not in theirs and self._toolbox.has(call.name)]
            if not mine:
                for chunk in last:
                    yield chunk
                return
            if others := [call for call in answer.tool_calls if call not in mine]:
                yield _calling(others, answer)
                return
            outputs = await self._toolbox.outputs(mine, asked)
            _told(asked.context, answer, mine, outputs)
            asked = replace(asked, tool_choice=None if _forced(asked.tool_choice) else asked.tool_choice)
        raise BrokenError(f"the model calls tools without end ({MAX_ROUNDS} times)")

    async def _round(self, asked: Question, answer: Answer, last: list[ChatChunk]) -> Chunks:
        """Give what is said. A call is held back until it is whole: only then is it known whose it is."""
        async with aclosing(self._brain.answer(asked)) as chunks:
            async for chunk in chunks:
                answer.add(chunk)
                if chunk.delta.tool_calls or chunk.finish_reason or last:
                    last.append(chunk)
                else:
                    yield chunk


def _told(context: ChatContext, answer: Answer, calls: Sequence[ToolCall], outputs: Sequence[str]) -> None:
    context.messages.append(answer.message())
    for call, output in zip(calls, outputs, strict=True):
        context.add_tool_output(call.id, output)


def _forced(choice: object) -> bool:
    """Tell whether the model was made to call something: asked so again, it would never answer."""
    return choice == "required" or isinstance(choice, Mapping)


def _name(tool: JsonObject) -> str:
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else ""


def _calling(calls: Sequence[ToolCall], answer: Answer) -> ChatChunk:
    parts = tuple(ToolCallPart(place, *call) for place, call in enumerate(calls))
    return ChatChunk(delta=Delta(tool_calls=parts), finish_reason="tool_calls", usage=answer.usage)
