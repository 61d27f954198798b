"""Takes over the calls that an earlier run of the server has left. None is forgotten, and each gets one end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import time

import structlog

from calls.applications import Asking
from calls.course import Course
from calls.document import Place
from calls.live import LiveCall
from calls.orphans import leads_straight_to_it, revived
from config.settings import Settings
from hooks.dispatcher import Dispatcher
from media.ends import RESTART
from store.base import CallRow, Store
from tasks import Tasks
from verbs.base import JsonObject

log = structlog.get_logger("calls")

Redirect = Callable[[str, Sequence[JsonObject]], Awaitable[None]]
"Lets a call do this instead of what it does."
TakeBack = Callable[[str], Awaitable[None]]
"Sends what was left to send of a call."


class Recovery:
    """`owner` names this run of the server: calls of another one are orphans. Who asks for a call meanwhile waits."""

    def __init__(self, store: Store, course: Course, tasks: Tasks, asking: Asking, *, owner: str) -> None:
        self._store = store
        self._course = course
        self._tasks = tasks
        self._asking = asking
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._done.set()

    @property
    def done(self) -> bool:
        return self._done.is_set()

    async def wait(self) -> None:
        await self._done.wait()

    async def then(self, deed: Callable[[], None]) -> None:
        await self._done.wait()
        deed()

    async def run(self, settings: Settings, place: Place, dispatcher: Dispatcher, take_back: TakeBack) -> set[str]:
        """Take over all of them; return their sids."""
        self._done.clear()
        try:
            rows = await self._store.orphans(self._owner)
            await asyncio.gather(*(self._adopt(row, settings, place, dispatcher, take_back) for row in rows))
        finally:
            self._done.set()
        return {row.call_sid for row in rows}

    async def _adopt(
        self, row: CallRow, settings: Settings, place: Place, dispatcher: Dispatcher, take_back: TakeBack
    ) -> None:
        """Take over a call. A conversation that was under way is lost, its end is not.

        The end is told when the platform comes back, or after `orphan_grace_s`. A call that was elsewhere, before its
        conversation or after it, was not disturbed, nor was a conversation that the platform carries out itself.
        """
        try:
            live = revived(row, settings, place, dispatcher, self._asking, now=self._loop.time(), unix_s=time())
            live.adopted = True
            live.application.resume(dict(live.attributes))
            live.numbered = await self._store.number_on(row.call_sid)
            await take_back(row.call_sid)
            await self._store.update(row.id, lambda row: replace(row, owner=self._owner))
            self._course.take(live)
            live.waiting.begin(ahead=row.waits)
            if live.by_socket:
                self._course.expect(live)
            broken = [nth for nth in live.llms if row.legs[nth].media_state != "unopened" or row.legs[nth].end]
            for nth in broken:
                legs = self._course.legs
                live.legs[nth] = legs.told(live) if row.legs[nth].end else await legs.lost(live, nth)
                self._tasks.start(live.legs[nth].run())
        except Exception:  # one row that cannot be read is no reason not to serve the others
            log.exception("call_not_recovered", call_sid=row.call_sid)
            return
        live.log.warning("call_orphaned", state=row.state)
        # Who was told what comes after a conversation is on the way through it.
        cut = broken and broken[-1] == len(row.legs) - 1 and row.legs[-1].ended_answer is None
        due = cut or leads_straight_to_it(row)
        self._loop.call_later(settings.server.orphan_grace_s, self._give_up, live, frozenset(broken), bool(due))

    def _give_up(self, live: LiveCall, broken: frozenset[int], due: bool) -> None:  # noqa: FBT001  # of a timer
        """Let go a call that was due to come back, unless the platform has done so for more than an end."""
        for leg in [live.legs[nth] for nth in broken if nth in live.legs]:
            leg.finish(RESTART)
        if due and not (live.over or live.answers or live.control or live.natives or set(live.legs) - broken):
            self._tasks.start(self._course.end(live, RESTART))

    async def resume(self, live: LiveCall, redirect: Redirect) -> bool:
        """Begin a conversation anew that the restart has cut, if nothing has come after it; tell whether there was one.

        :raises DocumentError: its verbs, as they were kept, are no document
        :raises ControlError: the call cannot be told
        """
        row = await self._store.by_row(live.row_id)
        nth = max(live.llms, default=None)
        if row is None or nth is None or not live.adopted or live.over or live.answers:
            return False
        end = row.legs[nth].end
        if row.legs[nth].media_state == "unopened" or (end and end.reason_code != RESTART.reason_code):
            return False
        await redirect(live.sid, [live.llms[nth].to_wire(), *live.remaining[nth]])
        return True
