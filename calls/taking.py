"""A new call is taken: its document is made to fit, its row is written, and its course begins."""

from dataclasses import replace

from calls.course import Course
from calls.document import as_bytes
from calls.fitting import fitted
from calls.keeping import again, kept
from calls.live import LiveCall
from calls.opening import Opening
from store.base import CallRow, Store


class Taking:
    """Into the store first, which knows what other processes have taken."""

    def __init__(self, store: Store, course: Course) -> None:
        self._store = store
        self._course = course

    async def take(self, live: LiveCall, row: CallRow, wanted: Opening) -> bytes:
        """Give the document that leaves."""
        first, next_ = fitted(live, row, wanted)
        live.answer = as_bytes(next_.document)
        row = await self._store.create(replace(next_.row, document=kept(next_.document)))
        if row.id != live.row_id:  # another process was faster
            live.log.info("webhook_duplicate")
            await live.application.close()
            return again(row.document)
        if first.problem:
            live.log.warning(first.problem, **first.detail)
        self._course.begin(live, next_)
        return live.answer
