"""A verb that is being carried out: what happens to it, what it does about it, and what its actionHook is told."""

from dataclasses import dataclass
from typing import Any

from sim.platform.bodies import Identity, JsonObject, Progress
from sim.platform.effects import Effect


@dataclass(frozen=True, slots=True)
class Leg:
    """What a verb may know of its call."""

    identity: Identity
    progress: Progress
    base_url: str
    "What a path is resolved against; of the call_hook."
    auth: tuple[str, str] | None = None
    "The credentials of the call_hook."


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask or tell the application something of this verb; an answer comes back to it (`answered`) under `ref`."""

    kind: str
    hook: Any
    body: JsonObject
    ref: str = ""


Step = Effect | Ask


class Task:
    """Of any length, until `over`; a subclass says what it does. Times are seconds, monotonic."""

    tells_its_end = False
    "Whether the actionHook is told even of a call that is gone."
    hook_may_fail = False
    "Whether the call goes on after an actionHook that failed."

    def __init__(self, verb: JsonObject, leg: Leg) -> None:
        self.verb, self.leg = verb, leg
        self.due_s: float | None = None
        self.over = False
        self.result: JsonObject | None = None
        "What the actionHook is told, beside the call itself; None: it is not asked."
        self.obeys_reply = True
        "False: what the actionHook answers is not read."

    def start(self, now: float) -> list[Step]:  # noqa: ARG002
        return []

    def advance(self, now: float) -> list[Step]:  # noqa: ARG002  # the time it asked for has come
        return []

    def pressed(self, key: str, now: float) -> list[Step] | None:  # noqa: ARG002  # None: not for this verb
        return None

    def opened(self, now: float) -> list[Step]:  # noqa: ARG002  # its media socket, or that to its model
        return []

    def closed(self, why: str, now: float) -> list[Step]:  # noqa: ARG002  # or it could not be opened at all
        return []

    def said(self, event: JsonObject, now: float) -> list[Step]:  # noqa: ARG002  # by its model
        return []

    def answered(self, ref: str, reply: Any, now: float) -> list[Step]:  # noqa: ARG002
        """Take the JSON value that answers an Ask, or a Failed."""
        return []

    def kill(self, now: float, *, gone: bool) -> list[Step]:  # noqa: ARG002  # gone: the call is over; else: replaced
        self.finish(None)
        return []

    def finish(self, result: JsonObject | None) -> None:
        self.over, self.due_s, self.result = True, None, result
