"""A new call is taken: its document is made to fit, its row is written, and its course begins."""

from dataclasses import replace

from calls.course import Course
from calls.document import Next, as_bytes
from calls.fitting import fitted
from calls.keeping import again, kept
from calls.live import LiveCall
from calls.opening import Opening
from store.base import CallRow, Store
from tasks import Tasks


class Taking:
    """Into the store first, which knows what other processes have taken."""

    def __init__(self, store: Store, course: Course, tasks: Tasks) -> None:
        self._store = store
        self._course = course
        self._tasks = tasks

    async def take(self, live: LiveCall, row: CallRow, wanted: Opening) -> bytes:
        """Give the document that leaves."""
        first, next_ = fitted(live, row, wanted)
        live.answer = as_bytes(next_.document)
        row = await self._store.create(_whole(next_))
        if row.id != live.row_id:  # another process was faster
            live.log.info("webhook_duplicate")
            await live.application.close()
            return again(row.document)
        if first.problem:
            live.log.warning(first.problem, **first.detail)
        self._course.begin(live, next_)
        return live.answer

    def take_unwritten(self, live: LiveCall, row: CallRow, wanted: Opening) -> bytes:
        """Give the document that leaves of a call with no reason to come back; its row is written meanwhile."""
        first, next_ = fitted(live, row, wanted)
        live.answer = as_bytes(next_.document)
        live.written = self._tasks.start(self._write(live, _whole(next_)))
        live.log.warning(first.problem, **first.detail)
        self._course.begin(live, next_)
        return live.answer

    async def _write(self, live: LiveCall, row: CallRow) -> bool:
        """Tell whether that is the call's row; if not, it was told before, and this is no call."""
        try:
            mine = (await self._store.create(row)).id == row.id
        except Exception:
            live.log.exception("call_not_written")
            mine = False
        else:
            if not mine:
                live.log.info("webhook_duplicate")
        if not mine:
            live.gone = True
            self._course.leave(live)
        return mine


def _whole(next_: Next) -> CallRow:
    return replace(next_.row, document=kept(next_.document))
