"""Where a call stands: what this process notes of it as it goes on.

In slots: with more than thirty names of its own an object shares them with no other, and takes 1.5 kB for them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from calls.admission import Refusal
from calls.document import NONE_BEFORE, Before
from calls.waiting import Waiting
from hooks.dispatcher import CallHooks
from media.effects import End
from media.tape import Tape
from verbs.base import JsonObject


class Held(NamedTuple):
    """What a call does instead of the conversation to which it is to come."""

    end: End
    verbs: list[JsonObject]


@dataclass(slots=True, eq=False)
class Standing:
    """All of it changes, and most of it seldom."""

    hooks: CallHooks = field(init=False)
    "The hooks of no llm verb. Set when the call is taken; kept while it lives, for all its hooks share one numbering."
    reaper: asyncio.TimerHandle | None = None
    "Ends the call if nobody else does. Set when the call is taken."

    waiting: Waiting = field(init=False)
    "What the call does by webhook when it has nothing more to do. Set when the call is taken."
    expected: bool = False
    "Whether that broke a moment ago."
    to_end: bool = False
    "Whether it is to be told to wait no more when its platform is back."

    counted_as: str = ""
    "Which caller it is when the next call comes, see `Guest`."
    refusal: Refusal | None = None
    "Why there was no room for it, where it was answered with `busy` verbs that ask something of us."

    written: "asyncio.Task[bool] | None" = None
    "The writing of its row, where its answer did not wait for that."

    superseded: Before = NONE_BEFORE
    "The conversations and hooks of documents that a redirect has replaced: nothing comes next after these."
    adopted: bool = False
    "Whether an earlier process has left it."
    numbered: int = 0
    "How many hooks the call had before this process took it over."
    left: bool = False
    "Whether the platform has no reason to come back: it can only still be told something, see `tellable`."
    apart: bool = False
    "Whether it has left by webhook: of such a call nothing but its statuses, if the platform tells any, is heard."
    statuses_to: str | None = None
    "Who is told its statuses, where a `redirect` has said that; None: who is by its route."
    consulting: int = 0
    "How many humans are called to take its caller over, or were a moment ago: what they do is still told."
    stopping: bool = False
    "Whether this server stops, and waits for no call that does not come back."

    gone: bool = False
    "Whether the platform has said that it is over: no model needs to be dialled any more."
    answered: bool = False
    "Whether somebody has taken it, as far as this process knows."
    tape: Tape | None = None
    "Set when a conversation of a call that is recorded begins."
    over: bool = False
    "Whether we have no part in it any more."
    answer: bytes = b""
    "The call's first document as it left. Its row keeps it without keys."

    held: Held | None = None
    "What it was commanded before its conversation, and nothing can tell it: done when the platform comes for that."
    telling: tuple[asyncio.Task[object], ...] = ()
    "What tells applications of what has no say any more."
    asides: Mapping[int, str] = field(default_factory=dict)
    "The hooks whose verbs do not take the document's place, by their names there."
    beside: frozenset[int] = frozenset()
    "The conversations that are held beside the document, with somebody else than the caller."
    messages: Mapping[int, str] = field(default_factory=dict)
    "The hooks that have a message of their own on a websocket."
