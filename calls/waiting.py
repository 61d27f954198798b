"""A call by webhook that has nothing more to do, while its application may still command it.

jambonz keeps the call of an application with a socket (lib/session/call-session.js, `_awaitCommandsOrHangup`), and
hangs up one by webhook when its verbs run out. So the documents of the latter end in a `redirect` to a hook of ours.
Its answer is held back for what the application says, and else is the same question again. The caller hears nothing
meanwhile, as there; the verb needs no answered call, and leaves alone what runs in its background
(lib/tasks/redirect.js).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from calls.document import HANGUP, Next
from once import Once
from verbs.base import JsonObject

WAIT = "hookswitch:wait"
"A hook of a document that is our own to answer: its call has nothing more to do."
HELD_S = 2.0
"""The platform gives a hook ten seconds (JAMBONES_HTTP_TIMEOUT), but meanwhile its other hooks stand behind this one:
one connection leads here from a call, or ten from all of them (HTTP_POOL; lib/utils/http-requestor.js)."""
ASKED_AGAIN_S = 15.0
"How long after it was told to ask again a platform is given up: it asks within milliseconds, or its call is over."


def asking(hook: str) -> JsonObject:
    """Give the verb that asks."""
    return {"verb": "redirect", "actionHook": hook}


def leads_to_it(next_: Next) -> bool:
    """Tell whether a call that hears this document to its end waits then."""
    return WAIT in next_.row.hooks[next_.before.hooks :]


class Waiting:
    """What one call does after all that it has to do."""

    def __init__(self) -> None:
        self.ahead = False
        "Whether the call comes to its wait by itself."
        self.reached = False
        "Whether it has come to it."
        self._wanted: list[JsonObject] = []
        self._news: Once | None = None
        "Made when somebody waits."
        self._unasked: asyncio.TimerHandle | None = None

    def begin(self, *, ahead: bool) -> None:
        """Another document leaves. What was queued stays: the answer that made it may have crossed with that."""
        self.ahead, self.reached = ahead, False
        self._asked()

    def add(self, verbs: Sequence[JsonObject]) -> None:
        self._wanted += verbs
        self._tell()

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """Do nothing of what was queued, unless what shall take its place fails."""
        queued = self._take()
        try:
            yield
        except BaseException:
            self._wanted[:0] = queued
            if queued:
                self._tell()
            raise

    def end(self) -> None:
        """Let the call be hung up after what it has to do."""
        self.add([HANGUP])

    async def wanted(self) -> list[JsonObject]:
        """Give what the call does now; nothing, some seconds later, where nobody has said it."""
        self.reached = True
        self._asked()
        if not self._wanted:
            self._news = self._news or Once()
            await self._news.wait(HELD_S)
        return self._take()

    def ask_again(self, given_up: Callable[[], None]) -> None:
        """Take note that the platform was told to; `given_up` is called if it does not.

        Who asked twice, and was answered with something to do once, is doing that.
        """
        self._asked()
        if self.reached:
            self._unasked = asyncio.get_running_loop().call_later(ASKED_AGAIN_S, given_up)

    def _asked(self) -> None:
        if self._unasked:
            self._unasked.cancel()

    def _take(self) -> list[JsonObject]:
        taken, self._wanted = self._wanted, []
        return taken

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news:
            news.set()
