"""What the platform tells of calls: it goes on to whoever wants to know, and may be a call's end."""

from functools import partial

from calls.applications import address
from calls.course import Course
from calls.live import LiveCall
from calls.recovery import Recovery
from calls.register import Register
from calls.releasing import Releasing
from calls.rest import Rest
from calls.states import write_answered
from media.ends import HUNG_UP, PLATFORM_ENDED
from media.platforms import PLATFORMS
from media.platforms.base import CallStatus, PlatformError, Stage
from store.base import Store
from tasks import Tasks
from verbs.base import JsonObject


class Reporting:
    """Statuses, in the platform's order."""

    def __init__(
        self,
        store: Store,
        calls: Register,
        course: Course,
        releasing: Releasing,
        recovery: Recovery,
        *,
        tasks: Tasks,
    ) -> None:
        self._store = store
        self._calls = calls
        self._course = course
        self._releasing = releasing
        self._recovery = recovery
        self._tasks = tasks

    def status(self, status: CallStatus, *, of: str = "") -> None:
        """Take the platform's word on a call, that may end it, or on its child leg.

        `of`: the sid of the only call of which this can be news; empty, where it can be of any.
        """
        if not self._recovery.done:
            self._tasks.start(self._recovery.then(partial(self.status, status, of=of)))
            return
        live = self._calls.known(status.call_sid)
        told = live or self._calls.known(status.parent_sid)
        if told is None or of not in {"", told.sid}:
            return
        if isinstance(told, Rest):
            self._tasks.start(self._course.resting.then(told, partial(self.status, status, of=of)))
            return
        if fault := told.statuses.fault(status):
            told.log.info("status.out_of_order", why=fault, leg_sid=status.call_sid, status=status.status)
            return
        _tell(told, status.attributes)
        if live is not told:
            return
        live = told
        live.learn(status.attributes)
        if status.stage is Stage.ANSWERED:
            self._tasks.start(write_answered(live, self._store))
        if status.stage is Stage.OVER:
            live.gone = True
            self._releasing.look(live)
            self._tasks.start(self._course.end(live, PLATFORM_ENDED if status.by_platform else HUNG_UP))

    def hooked(self, live: LiveCall, body: JsonObject) -> None:
        """Take a status that came by the hook of one of the call's own documents."""
        try:
            status = PLATFORMS[live.settings.platform.kind].call.reported(body)
        except PlatformError as error:
            live.log.warning("status.unreadable", message=str(error))
            return
        self.status(status, of=live.sid)


def _tell(live: LiveCall, body: JsonObject) -> None:
    if live.statuses_to is None:
        live.hooks.report_status(body)
    elif url := address(live, live.statuses_to):
        live.hooks.tell(url, body)
