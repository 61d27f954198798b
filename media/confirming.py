"""Tools that do something which cannot be taken back: the caller is asked before one is run.

    asked for the first time ─▶ the model is told to ask the caller
    asked for again, with the same arguments, the caller having spoken meanwhile ─▶ run, once

That the caller said yes is the model's to understand. That they were asked at all, and answered, is not: a model which
is talked into a call, or calls twice in one breath, gets nothing done.
"""

from collections.abc import Collection
from typing import Any

JsonObject = dict[str, Any]

UNCONFIRMED = (
    "not done yet, for it must be confirmed: tell the caller what exactly you are about to do, and ask whether you "
    "shall; only when they have agreed call {name} again with the same arguments"
)


class Confirming:
    """See the theory above. `turns` is how often the caller has spoken so far."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._asked: dict[str, tuple[JsonObject, int]] = {}

    def objection(self, name: str, arguments: JsonObject, turns: int) -> str | None:
        """Say, in words for the model, why this call does not run yet; None where it does."""
        if name not in self._names:
            return None
        asked, turns_then = self._asked.pop(name, ({}, turns))
        if asked == arguments and turns > turns_then:
            return None
        self._asked[name] = (arguments, turns)
        return UNCONFIRMED.format(name=name)
