"""What tests of brains share: to ask one, and brains that follow a script."""

import asyncio
from collections.abc import Sequence
from typing import Any

from brains.base import Brain, Chunks, Question
from brains.chunks import Answer, ChatChunk
from brains.context import ChatContext
from brains.errors import BrainError

JsonObject = dict[str, Any]


class Scripted(Brain):
    """Answers with chunks, and fails where an error stands among them; one script for each question."""

    def __init__(self, *scripts: Sequence[ChatChunk | BrainError]) -> None:
        self._scripts = list(scripts)
        self.asked_for: list[Question] = []
        self.closed = 0

    async def answer(self, question: Question) -> Chunks:
        self.asked_for.append(question)
        script = self._scripts.pop(0) if self._scripts[1:] else self._scripts[0]
        try:
            for part in script:
                if isinstance(part, BrainError):
                    raise part
                yield part
        finally:
            self.closed += 1


def context(*words: str) -> ChatContext:
    """Make a conversation: the user speaks first, and then in turns."""
    made = ChatContext()
    for place, word in enumerate(words):
        made.add_message("assistant" if place % 2 else "user", word)
    return made


def asked(brain: Brain, question: Question) -> list[ChatChunk]:
    async def ask() -> list[ChatChunk]:
        async with brain.asked(question) as chunks:
            return [chunk async for chunk in chunks]

    return asyncio.run(ask())


def answered(brain: Brain, *words: str, **more: Any) -> Answer:
    answer = Answer()
    for chunk in asked(brain, Question(context(*words), **more)):
        answer.add(chunk)
    return answer
