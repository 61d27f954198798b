"""The end of a call's application: it is let go when the call is over and all that was for it has been told."""

from collections.abc import Iterable
from contextlib import suppress

from calls.leg import EndLostError
from calls.live import LiveCall
from calls.rest import Rest
from hooks.applications.base import Application
from tasks import Tasks

TOLD_WITHIN_S = 30.0
"How long an application may take to hear the rest; what is left then has nowhere to go."


class Releasing:
    """Its tasks are no work that a stopping server waits for: `close` lets go of everything at once."""

    def __init__(self) -> None:
        self._tasks = Tasks()
        self._released: set[bytes] = set()

    def look(self, live: LiveCall) -> None:
        """Let a call's application go if nothing comes of the call any more."""
        if live.over and live.gone and live.row_id not in self._released:
            self._released.add(live.row_id)
            self._tasks.start(self._release(live))

    def forget(self, call: LiveCall | Rest) -> None:
        """Let a call's application go in any case."""
        if call.row_id not in self._released:
            self._tasks.start(call.application.close() if isinstance(call, Rest) else self._release(call))
        self._released.discard(call.row_id)

    async def close(self, applications: Iterable[Application]) -> None:
        await self._tasks.cancel()
        for application in applications:
            await application.close()

    async def _release(self, live: LiveCall) -> None:
        for leg in live.all_legs:
            await leg.told()
        for telling in live.telling:
            with suppress(EndLostError):
                await telling
        await live.hooks.close(TOLD_WITHIN_S)
        await live.application.close()
