"""Tools that do something which cannot be taken back: the caller is asked before one is run.

    asked for the first time ─▶ the model is told to ask the caller
    asked for again, with the same arguments, the caller having heard something since, and answered ─▶ run, once
    another one asked for when they have answered ─▶ what they were asked before must be asked anew

Calls of one tool that are made together are asked about together: "yes, both" is an answer to each.

That the caller said yes is the model's to understand. That they were asked at all, and answered, is not: a model which
is talked into a call, or calls twice in one breath, gets nothing done.
"""

import json
from collections.abc import Callable, Collection
from typing import Any

JsonObject = dict[str, Any]

MAX_ASKED = 8
"Calls of one tool that the caller is asked about together."
UNCONFIRMED = (
    "not done yet, for it must be confirmed: tell the caller what exactly you are about to do, and ask whether you "
    "shall; only when they have agreed call {name} again with the same arguments"
)


class Confirming:
    """See the theory above. Times are monotonic seconds."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._asked: dict[str, dict[str, float]] = {}
        "When, by the tool's name and the arguments."

    def objection(self, name: str, arguments: JsonObject, now: float, answered: Callable[[float], bool]) -> str | None:
        """Say, in words for the model, why this call does not run yet; None where it does.

        `answered` says whether the caller has answered something that the agent has begun to say since a time.
        """
        if name not in self._names:
            return None
        asked = self._asked.setdefault(name, {})
        call = json.dumps(arguments, sort_keys=True)
        asked_at = asked.pop(call, None)
        if asked_at is not None and answered(asked_at):
            return None
        unanswered = [(other, at) for other, at in asked.items() if not answered(at)]
        self._asked[name] = dict([*unanswered, (call, now)][-MAX_ASKED:])
        return UNCONFIRMED.format(name=name)
