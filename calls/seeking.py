"""Humans who are sought for a caller: the tool by which a model wants one, and what is known of each who is called."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from calls.consult import Consult
from calls.leg import Talk
from calls.live import LiveCall
from hooks.asked import Asked
from hooks.courier import Answer, Courier
from verbs.base import JsonObject
from verbs.llm import Llm

NOT_ACCEPTED = frozenset({"no-answer", "busy", "declined", "error"})
"Outcomes after which another may be called."


@dataclass(eq=False, slots=True)
class Open:
    """One of those who are called for a caller, as long as something may come of it, or late."""

    live: LiveCall
    nth: int
    line: Talk
    "That of the conversation with the agent."
    consult: Consult
    place: int = 0
    "Which of those who may be called."
    done: bool = False
    "Whether what follows from its outcome is under way."
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    sid: str = ""
    "Of the human's call, as soon as it is known."
    over: bool = False
    "Whether that call is."

    @property
    def handoff(self) -> JsonObject:
        return self.live.llms[self.nth].handoff or {}

    @property
    def has_next(self) -> bool:
        """Whether there is another who may be called, and a caller for them."""
        waits = self.consult.outcome in NOT_ACCEPTED and not self.line.over.is_set()
        return waits and self.place + 1 < len(self.handoff["target"])


@dataclass(frozen=True, slots=True)
class Handing:
    """The tool by which a model calls a human; verbs.leaving declares it."""

    seek: Callable[[LiveCall, int, JsonObject, Answer], None]
    live: LiveCall
    llm: Llm
    declaration: JsonObject | None = None
    confirm: bool = False
    target: str = "a human"

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        nth = max(nth for nth, llm in self.live.llms.items() if llm is self.llm)
        said = partial(courier.soon, answer)
        self.seek(self.live, nth, asked.arguments, said)
