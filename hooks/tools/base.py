"""What a tool is: how the model knows it, and what happens when the model calls it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from hooks.asked import Asked
from hooks.courier import Answer, Courier
from verbs.base import JsonObject, did_you_mean, shown
from verbs.tools import ToolError

CONFIRM = "confirm"
"A key of every kind of tool."


class Tool(Protocol):
    @property
    def declaration(self) -> JsonObject | None:
        """Say how the model knows it (OpenAI: a function tool); None where the verb has to declare it."""

    @property
    def confirm(self) -> bool:
        """Say whether it is run only after the caller was asked."""

    @property
    def target(self) -> str:
        """Name what serves it, for people."""

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        """Set it going and return at once; `answer` gets the one output, never from inside this call."""


class Read(Protocol):
    """Makes a tool of what a route says of it.

    :raises ToolError: that is no tool
    """

    def __call__(self, name: str, entry: JsonObject, *, folder: Path, base_url: str | None) -> Tool: ...


def only(entry: JsonObject, known: Iterable[str]) -> None:
    """Let an entry have no other keys than these.

    :raises ToolError: it has
    """
    for key in entry:
        if key not in known:
            raise ToolError(f"unknown key {shown(key)}{did_you_mean(key, known)}", key)


def wants_confirmation(entry: JsonObject) -> bool:
    """Read an entry's `confirm`.

    :raises ToolError: it is neither true nor false
    """
    value = entry.get(CONFIRM) or False
    if not isinstance(value, bool):
        raise ToolError(f"must be true or false, not {shown(value)}", CONFIRM)
    return value
