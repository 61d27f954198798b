"""What is done to a call from outside its course: it is redirected, or hung up."""

from collections.abc import Sequence

from calls.control import CallUnknownError, CallUnreachableError, Control, DocumentTooLongError
from calls.course import Course
from calls.document import HANGUP, Before, as_bytes
from calls.fitting import max_document_bytes
from calls.live import LiveCall
from calls.register import Register
from media.effects import End
from media.ends import OPERATOR_HUNG_UP, REDIRECTED
from store.base import CallRow, Store
from verbs import Complaint, DocumentError, parse
from verbs.base import JsonObject


class Commands:
    """By the call's control socket where it has one; else by the conversation that is going on."""

    def __init__(self, store: Store, calls: Register, course: Course) -> None:
        self._store = store
        self._calls = calls
        self._course = course

    async def redirect(self, call_sid: str, wanted: Sequence[JsonObject]) -> None:
        """Let a call do this instead of what it does.

        The platform stops the running verb, which asks its hook what comes next; the answer must be nothing, for it
        would replace these verbs (jambonz-feature-server lib/tasks/task.js performAction).

        :raises DocumentError: these verbs are no document
        :raises ControlError: the call cannot be told
        """
        live = self._live(call_sid)
        if not wanted:
            raise DocumentError([Complaint((), "must hold at least one verb")])
        verbs = parse(list(wanted), strict=False)
        if live.control is None:
            await self._end_conversation(live, REDIRECTED, wanted)
            return
        trial = live.next(await self._row(live), verbs)
        if (size_bytes := len(as_bytes(trial.document))) > (max_bytes := max_document_bytes(live)):
            raise DocumentTooLongError(size_bytes, max_bytes)
        next_ = await self._course.heed(live, wanted)
        control = self._control(live)
        live.superseded, live.left = next_.before, not next_.returns
        control.redirect(as_bytes(next_.document))
        live.log.info("call_redirected", verbs=[verb["verb"] for verb in next_.document])
        self._finish_superseded(live, next_.row, REDIRECTED)

    async def hang_up(self, call_sid: str) -> None:
        """End a call.

        :raises ControlError: the call cannot be told
        """
        live = self._live(call_sid)
        if live.control is None:
            await self._end_conversation(live, OPERATOR_HUNG_UP, [HANGUP])
            return
        row = await self._row(live)
        control = self._control(live)
        live.superseded = Before(len(row.legs), len(row.hooks))
        control.hang_up()
        live.log.info("call_hung_up")
        self._finish_superseded(live, row, OPERATOR_HUNG_UP)

    async def _end_conversation(self, live: LiveCall, end: End, wanted: Sequence[JsonObject]) -> None:
        """End the conversation; the platform then asks what comes next."""
        row = await self._row(live)
        nth = len(row.legs) - 1
        talking = nth in live.legs and row.legs[nth].media_state == "open" and row.legs[nth].end is None
        if not talking:
            raise CallUnreachableError
        live.instead[nth] = list(wanted)
        live.log.info("call_redirected" if end is REDIRECTED else "call_hung_up")
        live.legs[nth].line.finish(end)

    def _finish_superseded(self, live: LiveCall, row: CallRow, end: End) -> None:
        """End what the call was to hear, that it was hearing, and that it would have come to."""
        for nth, leg in enumerate(row.legs[: live.superseded.llms]):
            if leg.end is None and leg.ended_answer is None:
                self._course.finish(live, nth, end)

    def _live(self, call_sid: str) -> LiveCall:
        live = self._calls.by_sid(call_sid)
        if live is None or live.over or live.gone:
            raise CallUnknownError
        return live

    def _control(self, live: LiveCall) -> Control:
        if live.control is None:  # it was there a moment ago
            raise CallUnreachableError
        return live.control

    async def _row(self, live: LiveCall) -> CallRow:
        row = await self._store.by_row(live.row_id)
        assert row is not None  # noqa: S101  # a live call's row is never forgotten
        return row
