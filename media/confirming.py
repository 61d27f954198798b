"""Tools that do something which cannot be taken back: the caller is asked before one is run.

    asked for the first time ─▶ the model is told to ask the caller
    asked for again, with the same arguments, the caller having heard something since, and answered ─▶ run, once

That the caller said yes is the model's to understand. That they were asked at all, and answered, is not: a model which
is talked into a call, or calls twice in one breath, gets nothing done.
"""

from collections.abc import Callable, Collection
from typing import Any

JsonObject = dict[str, Any]

UNCONFIRMED = (
    "not done yet, for it must be confirmed: tell the caller what exactly you are about to do, and ask whether you "
    "shall; only when they have agreed call {name} again with the same arguments"
)


class Confirming:
    """See the theory above. Times are monotonic seconds."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._asked: dict[str, tuple[JsonObject, float]] = {}

    def objection(self, name: str, arguments: JsonObject, now: float, answered: Callable[[float], bool]) -> str | None:
        """Say, in words for the model, why this call does not run yet; None where it does.

        `answered` says whether the caller has answered something that the agent has begun to say since a time.
        """
        if name not in self._names:
            return None
        asked, asked_at = self._asked.pop(name, (None, now))
        if asked == arguments and answered(asked_at):
            return None
        self._asked[name] = (arguments, now)
        return UNCONFIRMED.format(name=name)
