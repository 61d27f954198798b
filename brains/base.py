"""What a brain is: something that answers a conversation, piece by piece.

    context = ChatContext()
    context.add_message("user", "Hello, this is a test message!")
    async with brain.chat(context) as stream:
        async for chunk in stream:
            print(chunk.delta.content)

The answer ends with the stream. Who leaves the block, or is cancelled in it, closes whatever is open to the model.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from brains.chunks import ChatChunk
from brains.context import ChatContext
from verbs.base import JsonObject

Chunks = AsyncGenerator[ChatChunk, None]


@dataclass(frozen=True, slots=True)
class Question:
    """What a brain is asked."""

    context: ChatContext
    tools: Sequence[JsonObject] = ()
    "Functions that the model may call, as chat models know them: `{type: function, function: {name, …}}`."
    tool_choice: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    "Further parameters of the request by their names: `temperature`, `max_tokens`, …"
    stream: bool = True
    "Whether the answer may come in pieces."
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    "What is known of the call in which it is asked; no model is told it."
    conversation: str = ""
    "Which conversation it belongs to; empty where nobody said."


class Brain(ABC):
    """Answers questions. One of them serves many conversations at once: nothing of one is kept in it."""

    def chat(
        self,
        context: ChatContext,
        *,
        tools: Sequence[JsonObject] = (),
        tool_choice: Any = None,
        **settings: Any,
    ) -> aclosing[Chunks]:
        """Ask; the stream raises `brains.errors.BrainError` where the answer fails."""
        return self.asked(Question(context, tools, tool_choice, settings))

    def asked(self, question: Question) -> aclosing[Chunks]:
        return aclosing(self.answer(question))

    @abstractmethod
    def answer(self, question: Question) -> Chunks:
        """Yield the pieces of the answer; the last one has a `finish_reason`, or `usage` after it."""
