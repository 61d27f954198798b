"""A conversation as a chat model reads it, and how much of it fits.

Sizes are estimated, a token for four characters, as Tavus' documentation reckons; a picture counts for what OpenAI
takes for one of high detail.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from verbs.base import JsonObject

Role = Literal["system", "developer", "user", "assistant", "tool"]
CHARS_PER_TOKEN = 4
PICTURE_TOKENS = 765
MESSAGE_TOKENS = 4
"For what stands around each message."
BESIDE_TEXT = ("image_url", "input_audio", "file")
SYSTEM = frozenset({"system", "developer"})


class Limits(NamedTuple):
    """How long a context may be, in tokens; the figures are those of Tavus' models."""

    soft_tokens: int = 25_000
    "From here on models are slow; it is told."
    hard_tokens: int = 32_000
    "No context is longer: the oldest turns are left out."


@dataclass(slots=True)
class ChatContext:
    """The messages, in OpenAI's form, in order."""

    messages: list[JsonObject] = field(default_factory=list)

    def add_message(self, role: Role, content: str | list[JsonObject], **more: Any) -> JsonObject:
        """Add a message. `content` is a text or a list of parts, such as a picture: see `picture`."""
        self.messages.append({"role": role, "content": content, **more})
        return self.messages[-1]

    def add_tool_output(self, call_id: str, output: str) -> JsonObject:
        return self.add_message("tool", output, tool_call_id=call_id)

    def copy(self) -> Self:
        return type(self)([dict(message) for message in self.messages])

    @property
    def tokens(self) -> int:
        """About how many tokens it has."""
        return sum(map(tokens_of, self.messages))

    def fitting(self, most_tokens: int) -> "ChatContext":
        """Leave out the oldest turns until it fits. What is never left out: instructions, and the last turn.

        A turn begins with a word of the user, so an answer goes with its question, and a tool's output with its call.
        """
        over = self.tokens - most_tokens
        if over <= 0:
            return self
        standing = [message for message in self.messages if message.get("role") in SYSTEM]
        turns = list(_turns(message for message in self.messages if message.get("role") not in SYSTEM))
        while over > 0 and len(turns) > 1:
            over -= sum(map(tokens_of, turns.pop(0)))
        kept = {id(message) for message in (*standing, *(message for turn in turns for message in turn))}
        return ChatContext([message for message in self.messages if id(message) in kept])


def picture(url: str, detail: Literal["auto", "low", "high"] = "auto") -> JsonObject:
    """Make a part of a message of a picture: a URL, or `data:image/…;base64,…`."""
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}


def tokens_of(message: JsonObject) -> int:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    pictures = sum(isinstance(part, dict) and part.get("type") in BESIDE_TEXT for part in parts)
    chars = len(text_of(message))
    if calls := message.get("tool_calls"):
        chars += len(json.dumps(calls, ensure_ascii=False))
    return MESSAGE_TOKENS + pictures * PICTURE_TOKENS + -(-chars // CHARS_PER_TOKEN)


def text_of(message: JsonObject) -> str:
    """Give what a message says in words."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return content if isinstance(content, str) else ""


def _turns(messages: Iterable[JsonObject]) -> Iterator[list[JsonObject]]:
    turn: list[JsonObject] = []
    for message in messages:
        if message.get("role") == "user" and turn:
            yield turn
            turn = []
        turn.append(message)
    if turn:
        yield turn
