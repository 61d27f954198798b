"""A route's `agents`: who talks on its calls, one after the other, and who hands the caller over to whom."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from config.fields import MaybeText, OneOrMore, Text, wanted
from config.manners import Strict
from verbs.base import did_you_mean, shown

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_MOST_CHARS = 64


def _agent_name(text: str) -> str:
    if not (0 < len(text) <= _MOST_CHARS and set(text) <= _LETTERS):
        raise wanted("1 to 64 of letters, digits, _ and -, for the model calls them by it")
    return text


def _some(text: str) -> str:
    if not text.strip():
        raise wanted("what this agent is to do, in words")
    return text


class Agent(Strict):
    name: Annotated[Text, AfterValidator(_agent_name)]
    description: MaybeText = None
    "What the others are told of it, to know when to hand over."
    instructions: Annotated[Text, AfterValidator(_some)] = Field(repr=False)
    "In place of the verb's own."
    tools: Annotated[tuple[Text, ...] | None, OneOrMore] = None
    "Which of the tools it may call; None: all that the verb and the route have."
    hands_over_to: Annotated[tuple[Text, ...] | None, OneOrMore] = None
    "None: to each of the others."
    voice: MaybeText = None
    "None: the verb's own, or that of whoever spoke before."
    model: MaybeText = None
    "None: the verb's own. One of the verb's vendor, whose name may stand before it."


def faults(agents: Sequence[Agent]) -> list[tuple[int, str, str]]:
    """Say what is wrong with them together: (which, at which key, what)."""
    names = [agent.name for agent in agents]
    found: list[tuple[int, str, str]] = []
    for index, agent in enumerate(agents):
        if agent.name in names[:index]:
            found.append((index, "name", f"there is an agent {agent.name} already, above"))
        for name in agent.hands_over_to or ():
            if name == agent.name:
                found.append((index, "hands_over_to", f"{name} is this agent itself"))
            elif name not in names:
                near = did_you_mean(name, names)
                found.append((index, "hands_over_to", f"there is no agent {shown(name)}{near}"))
    if len(agents) == 1:
        found.append((0, "name", "one agent has nobody to hand over to: add another, or write it into the verb"))
    return found
