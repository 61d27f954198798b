"""A brain that prepares the question: it remembers the conversation, looks things up, and rewrites what was asked.

The third of Vapi's example servers (/openai-advanced) does so: it lets a model expand the last prompt, and asks with
that. Here the rewriting is a template, a function, a URL, or a model; see `Preparation`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from brains.base import Brain, Chunks, Question
from brains.chunks import Answer
from brains.context import SYSTEM, ChatContext, text_of
from brains.templates import filled
from verbs.base import JsonObject

Ask = Callable[[str, Question], Awaitable[str]]
"Asks a function or a URL about the prompt, and gives what it says; empty where it has nothing to say, or fails."
LOOKED_UP = "What was looked up for the next answer:\n{text}"
MAX_CONVERSATIONS = 1_000
MAX_KEPT = 200
"Messages of one conversation."


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is done with a question before it is asked."""

    template: str = ""
    "In place of what the user said; `{{prompt}}` stands for that, `{{call.id}}` and the like for what the asker told."
    instructions: str = ""
    "How a model is to rewrite it, in a question of its own."
    rewrite: Ask | None = None
    lookup: Ask | None = None


@dataclass(slots=True)
class Memory:
    """The conversations that were had, for askers who send no more than the newest words."""

    _kept: OrderedDict[str, list[JsonObject]] = field(default_factory=OrderedDict)

    def whole(self, question: Question) -> ChatContext:
        """Put before a question what was said earlier, unless the asker has sent that along."""
        kept = self._kept.get(question.conversation) or []
        standing = [message for message in question.context.messages if message.get("role") in SYSTEM]
        said = [message for message in question.context.messages if message.get("role") not in SYSTEM]
        if not kept or not question.conversation or _same(kept[:1], said[:1]):
            return question.context
        return ChatContext([*standing, *kept, *said])

    def keep(self, question: Question, context: ChatContext, answer: Answer) -> None:
        if not question.conversation:
            return
        said = [message for message in context.messages if message.get("role") not in SYSTEM]
        self._kept[question.conversation] = [*said, answer.message()][-MAX_KEPT:]
        self._kept.move_to_end(question.conversation)
        while len(self._kept) > MAX_CONVERSATIONS:
            self._kept.popitem(last=False)


class AdvancedBrain(Brain):
    def __init__(self, brain: Brain, preparation: Preparation) -> None:
        self._brain = brain
        self._preparation = preparation
        self._memory = Memory()

    async def answer(self, question: Question) -> Chunks:
        context, answer = self._memory.whole(question), Answer()
        prepared = await self._prepared(replace(question, context=context))
        async with aclosing(self._brain.answer(prepared)) as chunks:
            async for chunk in chunks:
                answer.add(chunk)
                yield chunk
        self._memory.keep(question, context, answer)

    async def _prepared(self, question: Question) -> Question:
        messages = list(question.context.messages)
        place = _asking(messages)
        if place is None:
            return question
        prompt = text_of(messages[place])
        preparation = self._preparation
        looked_up = await preparation.lookup(prompt, question) if preparation.lookup else ""
        rewritten = await self._rewritten(prompt, question)
        messages[place] = {**messages[place], "content": rewritten} if rewritten else messages[place]
        if looked_up:
            messages.insert(place, {"role": "system", "content": LOOKED_UP.format(text=looked_up)})
        return replace(question, context=ChatContext(messages))

    async def _rewritten(self, prompt: str, question: Question) -> str:
        preparation = self._preparation
        if preparation.rewrite:
            return await preparation.rewrite(prompt, question)
        if preparation.instructions:
            return await self._by_the_model(prompt)
        values: Mapping[str, Any] = {**question.facts, "prompt": prompt}
        return filled(preparation.template, values) if preparation.template else ""

    async def _by_the_model(self, prompt: str) -> str:
        context, answer = ChatContext(), Answer()
        context.add_message("system", self._preparation.instructions)
        context.add_message("user", prompt)
        async with aclosing(self._brain.answer(Question(context))) as chunks:
            async for chunk in chunks:
                answer.add(chunk)
        return answer.content.strip()


def _asking(messages: list[JsonObject]) -> int | None:
    """Find the user's words that are to be answered; None where the last word is another's, as a tool's output."""
    last = next((place for place in reversed(range(len(messages))) if messages[place].get("role") not in SYSTEM), None)
    asks = last is not None and messages[last].get("role") == "user" and isinstance(messages[last].get("content"), str)
    return last if asks else None


def _same(one: list[JsonObject], other: list[JsonObject]) -> bool:
    return [(message.get("role"), text_of(message)) for message in one] == [
        (message.get("role"), text_of(message)) for message in other
    ]
