"""A brain without a model: it answers by rules, and says that it does. Needs no key and no network.

It is what `basic` is made of, and a stand-in where nobody has said which model to ask.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from brains.base import Brain, Chunks, Question
from brains.chunks import ChatChunk, Delta, Usage
from brains.context import ChatContext, text_of
from verbs.base import JsonObject

GREETING = "Hello. I answer by rules, not by a language model. What can I do for you?"
GOODBYE = "Goodbye."
UNHEARD = "I did not hear anything. Could you say it again?"
ECHO = "You said: {said}"
_HELLO = re.compile(r"(?i)^\W*(hello|hi|hey|good (morning|afternoon|evening))\b\W*$")
_BYE = re.compile(r"(?i)\b(bye|goodbye|hang up)\b")
_PIECE = re.compile(r"\S+\s*")


class Rule(NamedTuple):
    """`when` is looked for in what the user says; `say` may take it up, as `{said}`."""

    when: str
    say: str

    def fits(self, said: str) -> bool:
        """Compare words, whatever their case and what stands between them."""
        return f" {_plain(self.when)} " in f" {_plain(said)} "


class RuleBrain(Brain):
    def __init__(self, rules: Sequence[Rule] = (), otherwise: str = ECHO) -> None:
        self._rules = tuple(rules)
        self._otherwise = otherwise

    async def answer(self, question: Question) -> Chunks:
        words = self.words(question.context)
        used = Usage(question.context.tokens, len(_PIECE.findall(words)))
        if not question.stream:
            yield ChatChunk(delta=Delta("assistant", words), finish_reason="stop", usage=used)
            return
        yield ChatChunk(delta=Delta("assistant"))
        for piece in _PIECE.findall(words):
            yield ChatChunk(delta=Delta(content=piece))
        yield ChatChunk(finish_reason="stop", usage=used)

    def words(self, context: ChatContext) -> str:
        last = _last_of_the_user(context.messages)
        if last is None:
            return GREETING
        said = " ".join(text_of(last).split())
        if not said:
            return UNHEARD
        for rule in self._rules:
            if rule.fits(said):
                return rule.say.replace("{said}", said)
        if _HELLO.match(said):
            return GREETING
        return GOODBYE if _BYE.search(said) else self._otherwise.replace("{said}", said)


def _last_of_the_user(messages: Sequence[JsonObject]) -> JsonObject | None:
    return next((message for message in reversed(messages) if message.get("role") == "user"), None)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
