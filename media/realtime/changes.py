"""What was changed of a verb's options while the conversation went on, for as long as the model may refuse it. Pure.

Every model of a call is told the same changes in the same order, so that a change has one number for all of them.
"""

from collections.abc import Callable
from typing import NamedTuple

from media.realtime.dialect import JsonObject, Path
from media.realtime.updating import unsaid

MOST_OPEN = 16
"Changes that can be undone, the newest: a model has answered the others long ago."
Merge = Callable[[JsonObject, JsonObject], JsonObject]


class Change(NamedTuple):
    """Settings of the session, in a verb's words, or functions that are offered besides."""

    session: JsonObject | None = None
    tools: tuple[JsonObject, ...] = ()
    without: tuple[Path, ...] = ()
    "Settings that a new session is not told any more, by their places of today."


class Changes:
    """Of one model's session, and those after it."""

    def __init__(self, options: JsonObject, merge: Merge) -> None:
        """`merge` gives `options` with a change of the session's settings."""
        self._settled = options
        self._settled_tools: tuple[JsonObject, ...] = ()
        self._merge = merge
        self._open: dict[int, Change] = {}
        self._made = 0

    @property
    def options(self) -> JsonObject:
        options = self._settled
        for change in self._open.values():
            options = self._with(options, change)
        return options

    @property
    def tools(self) -> list[JsonObject]:
        """The functions that were offered besides."""
        return [*self._settled_tools, *(tool for change in self._open.values() for tool in change.tools)]

    @property
    def newest(self) -> int:
        """The number of the newest change; 0: there was none."""
        return self._made

    def make(self, change: Change) -> int:
        """Give the change's number."""
        self._made += 1
        self._open[self._made] = change
        if len(self._open) > MOST_OPEN:
            self._settle()
        return self._made

    def unmake(self) -> None:
        """The newest was none: the next one has its number."""
        del self._open[self._made]
        self._made -= 1

    def undo(self, nth: int) -> None:
        self._open.pop(nth, None)

    def withdraw_tools(self) -> bool:
        """Offer nothing besides any more; False where nothing was."""
        offered = bool(self.tools)
        self._settled_tools = ()
        self._open = {nth: change._replace(tools=()) for nth, change in self._open.items()}
        return offered

    def _settle(self) -> None:
        """Let the oldest be for good."""
        oldest = self._open.pop(min(self._open))
        self._settled_tools += oldest.tools
        self._settled = self._with(self._settled, oldest)

    def _with(self, options: JsonObject, change: Change) -> JsonObject:
        if change.session is None:
            return options
        return unsaid(self._merge(options, change.session), change.without)
