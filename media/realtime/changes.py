"""What was changed of a verb's options while the conversation went on, for as long as the model may refuse it. Pure.

Every model of a call is told the same changes in the same order, so that a change has one number for all of them. What
the model has agreed to is folded into one base: so the next change costs the same, however many there were.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from media.realtime.dialect import JsonObject, Path
from media.realtime.settable import Besides
from media.realtime.updating import unsaid

Merge = Callable[[JsonObject, JsonObject], JsonObject]


class Change(NamedTuple):
    """Settings of the session, in a verb's words, or functions that are offered besides."""

    session: JsonObject | None = None
    tools: tuple[JsonObject, ...] = ()
    without: tuple[Path, ...] = ()
    "Settings that a new session is not told any more, by their places of today."
    besides: Besides = None


class Changes:
    """Of one model's session, and those after it."""

    def __init__(self, options: JsonObject, merge: Merge, besides: Sequence[JsonObject] = ()) -> None:
        """`merge` gives `options` with a change of the session's settings, and leaves both as they are.

        `besides`: what is offered besides those.
        """
        self.options = self._settled = self._before = options
        "With all changes."
        self._settled_tools: tuple[JsonObject, ...] = ()
        self._settled_besides = besides
        self._merge = merge
        self._open: dict[int, Change] = {}
        self._made = 0

    @property
    def tools(self) -> list[JsonObject]:
        """The functions that are offered besides, those that became known later at the end."""
        told = [change.besides for change in self._open.values() if change.besides is not None]
        return [*(told[-1] if told else self._settled_besides), *self._late_tools]

    @property
    def _late_tools(self) -> list[JsonObject]:
        return [*self._settled_tools, *(tool for change in self._open.values() for tool in change.tools)]

    @property
    def newest(self) -> int:
        """The number of the newest change; 0: there was none."""
        return self._made

    @property
    def newest_open(self) -> int:
        """The number of the newest that may still be refused; 0: none may."""
        return max(self._open, default=0)

    def make(self, change: Change) -> int:
        """Give the change's number."""
        self._made += 1
        self._open[self._made] = change
        self._before, self.options = self.options, self._with(self.options, change)
        return self._made

    def unmake(self) -> None:
        """The newest was none: the next one has its number."""
        del self._open[self._made]
        self._made -= 1
        self.options = self._before

    def undo(self, nth: int) -> None:
        """Go on as if that change had not been made."""
        if self._open.pop(nth, None) is not None:
            self.options = self._settled
            for change in self._open.values():
                self.options = self._with(self.options, change)

    def settle(self, waiting: Collection[int]) -> None:
        """Let the oldest be for good, up to the first of those that the model has not answered."""
        while self._open and (oldest := min(self._open)) not in waiting:
            change = self._open.pop(oldest)
            self._settled_tools += change.tools
            self._settled_besides = self._settled_besides if change.besides is None else change.besides
            self._settled = self._with(self._settled, change) if self._open else self.options

    def withdraw_tools(self) -> bool:
        """Offer nothing besides any more; False where nothing was."""
        offered = bool(self._late_tools)
        self._settled_tools = ()
        self._open = {nth: change._replace(tools=()) for nth, change in self._open.items()}
        return offered

    def _with(self, options: JsonObject, change: Change) -> JsonObject:
        if change.session is None:
            return options
        return unsaid(self._merge(options, change.session), change.without)
