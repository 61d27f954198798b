"""A leg of a call that became a call of its own, as jambonz has them: the other side of a `dial` that goes on alone.

jambonz 0.9.8 tells of it, has verbs for it already, and does nothing with what it is answered
(lib/utils/place-outdial.js `doAdulting`). Its application hears of it all the same, and what it wants is given back.
"""

import asyncio
from dataclasses import replace
from functools import partial
from time import time

from calls.answering import Answering
from calls.applications import Asking, call_of
from calls.control import Control
from calls.document import NOTHING, Seat, new_call
from calls.live import LiveCall
from calls.opening import opening
from calls.register import Register
from calls.resting import Resting
from calls.taking import Taking
from hooks.transports.base import HookFailure
from media.platforms import PLATFORMS
from media.platforms.base import Call
from verbs.base import JsonObject


class Adulting:
    """It is of its parent's route, and has an application of its own.

    It counts as a call, and is never refused: the platform has it already, and nothing is gained by asking nobody.
    """

    def __init__(
        self,
        calls: Register,
        resting: Resting,
        asking: Asking,
        answering: Answering,
        taking: Taking,
        *,
        owner: str,
    ) -> None:
        self._calls = calls
        self._resting = resting
        self._asking = asking
        self._answering = answering
        self._taking = taking
        self._owner = owner

    async def document(self, call: Call, seat: Seat, control: Control | None) -> bytes:
        """Give its document, made once; nothing where nobody has one for it."""
        return await self._answering.once(call.call_sid, partial(self._document, call, seat, control))

    async def _document(self, call: Call, seat: Seat, control: Control | None) -> bytes:
        if known := await self._resting.by_sid(call.call_sid):
            return known.answer
        parent = self._calls.known(call.parent_sid)
        if parent is None:
            return NOTHING
        told = call_of(call, parent.route)
        application = self._asking.grown(parent.route, parent.settings, told, parent.dispatcher)
        if application is None:
            return NOTHING
        row = new_call(call, platform=parent.settings.platform.kind, route=parent.route.name, at_s=time())
        row = replace(row, owner=self._owner, grown=True)
        live = LiveCall(
            row,
            told,
            parent.route,
            parent.settings,
            application=application,
            seat=seat,
            dispatcher=parent.dispatcher,
            now=asyncio.get_running_loop().time(),
            control=control,
        )
        try:
            if wanted := await _wanted(live, call):
                strict = application.written_here
                first = opening(wanted, live.route, live.settings, call.attributes, strict=strict)
                return await self._taking.take(live, row, first)
        except BaseException:
            await application.close()
            raise
        await application.close()
        return NOTHING


async def _wanted(live: LiveCall, call: Call) -> list[JsonObject]:
    """Ask its application, in the platform's time; nothing where that has nothing to say."""
    dialect = PLATFORMS[live.settings.platform.kind].control
    try:
        async with asyncio.timeout(dialect.patience_s if dialect and live.control else None):
            return await live.application.answer(dict(call.body))
    except (HookFailure, TimeoutError) as failure:
        live.log.info("adulting_unanswered", message=str(failure) or "no verbs in the platform's time")
        return []
