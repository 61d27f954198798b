"""Several brains in order: the next is asked where one fails before it has said anything."""

from collections.abc import Callable, Sequence
from contextlib import aclosing

from brains.base import Brain, Chunks, Question
from brains.chunks import ChatChunk
from brains.errors import BrainError

Told = Callable[[str, BrainError], None]
"Hears which brain has failed, and how, when another is asked for it."


class FallbackBrain(Brain):
    """`brains` by their names, the first preferred. Every question begins with that one."""

    def __init__(self, brains: Sequence[tuple[str, Brain]], told: Told = lambda _name, _error: None) -> None:
        self._brains = tuple(brains)
        self._told = told

    async def answer(self, question: Question) -> Chunks:
        held, rest = await self._begun(question)
        async with aclosing(rest) as chunks:
            for chunk in held:
                yield chunk
            async for chunk in chunks:
                yield chunk

    async def _begun(self, question: Question) -> tuple[list[ChatChunk], Chunks]:
        """Give the beginning of an answer, up to its first word, and the rest of it."""
        *first, (_, last) = self._brains
        for name, brain in first:
            chunks = brain.answer(question)
            try:
                return await _until_heard(chunks), chunks
            except BrainError as error:
                if not error.elsewhere:
                    raise
                self._told(name, error)
        return [], last.answer(question)


async def _until_heard(chunks: Chunks) -> list[ChatChunk]:
    held: list[ChatChunk] = []
    async for chunk in chunks:
        held.append(chunk)
        if not chunk.silent:
            break
    return held
