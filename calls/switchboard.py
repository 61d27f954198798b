"""All calls of this process: where a webhook, a media socket and the question what comes next find their call.

No network here: handlers of `api/` bring requests, `media/sockets.py` carries audio, `hooks/` asks applications.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from time import time

import structlog

from calls.document import HANGUP, Next, Place, as_bytes, new_call
from calls.ending import next_verbs
from calls.leg import ASKED_AFTER_S, Leg
from calls.legs import Legs, Observer
from calls.live import LiveCall
from calls.opening import MAX_COMPLAINT_CHARS, NOBODY, obstacle_to, opening
from calls.register import Register
from calls.tasks import Tasks
from config.routing import route_for
from config.settings import Settings
from hooks.dispatcher import Dispatcher
from media.effects import End
from media.ends import HUNG_UP, NO_SHOW, PLATFORM_ENDED, RESTART
from media.platforms.base import Call, CallStatus
from media.sockets import Line, Lines
from media.ticket import Ticket
from store.base import CallRow, Store
from verbs import DocumentError, parse
from verbs.base import JsonObject

log = structlog.get_logger("calls")

FORGET_AFTER_S = 600.0
"How long a call that is over stays at hand: retries of its webhooks come within ten minutes."
NOTHING = b"[]"
REAP_AFTER_S = 60.0
"How long after `max_call_s` a call is given up of which nothing was heard any more."
LAST_WORDS_S = 2.0
"For the last words of a conversation that is ended by force, and for its sockets to close."
HURRY_S = 0.5
OWNER = "self"
OVER = "completed"
"The status by which the platform says that a call is over."


class Switchboard:
    """Made inside the running loop."""

    def __init__(
        self, settings: Settings, store: Store, dispatcher: Dispatcher, lines: Lines, *, observer: Observer
    ) -> None:
        self.settings = settings
        self._dispatcher = dispatcher
        self.draining = False
        self._store = store
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._legs = Legs(store, lines, observer, ended=self._give_up_unasked)
        self._calls = Register(self._loop.call_later)
        self._tasks = Tasks(lambda: self.active)

    @property
    def active(self) -> int:
        return self._calls.active

    @property
    def full(self) -> bool:
        return self.active >= self.settings.server.max_calls

    def take_up(self, settings: Settings, dispatcher: Dispatcher) -> None:
        """Go by another configuration from now on; a call keeps the one with which it began."""
        self.settings, self._dispatcher = settings, dispatcher

    async def answer(self, call: Call, place: Place, *, reachable_by: str | None = None) -> bytes:
        """Give a new call's document.

        `reachable_by`: the platform is elsewhere and cannot reach `place`; this is the URL that it seems to know.
        The same webhook again gets the same bytes, and starts nothing.
        """
        settings, now = self.settings, self._loop.time()
        route = route_for(settings, call.attributes)
        row = new_call(call, platform=settings.platform.kind, route=route.name if route else "", at_s=time())
        if route is None:
            declined = await self._store.create(replace(row, document=as_bytes(NOBODY), state="completed"))
            log.warning("call_unrouted", call_sid=call.call_sid)
            return declined.document
        live = LiveCall(row, call, route, settings, place=place, dispatcher=self._dispatcher, now=now)
        crowd = self.active if self.draining or self.full else None
        first = opening(route, settings, call.attributes, crowd=crowd, reachable_by=reachable_by)
        next_ = live.next(row, first.verbs)
        row = await self._store.create(replace(next_.row, document=as_bytes(next_.document)))
        if row.id != live.row_id:
            log.info("webhook_duplicate", call_sid=call.call_sid)
            return row.document
        if first.problem:
            log.warning(first.problem, call_sid=live.sid, route=route.name, **first.detail)
        self._take(live, next_)
        return row.document

    async def media(self, ticket: Ticket) -> Line | None:
        """Give the line whose media socket this ticket opens, once; None for a ticket that opens nothing."""
        live = self._calls.by_row(ticket.row)
        if live is None or ticket.nth not in live.llms or self._loop.time() > live.ends_at:
            return None
        if not await self._store.claim_media(ticket.row, ticket.nth, owner=OWNER):
            return None
        await self._store.update(ticket.row, lambda row: replace(row, state="in_progress"))
        return self._leg(live, ticket.nth).line

    async def ended(self, ticket: Ticket, attributes: JsonObject) -> bytes:
        """Answer what a call does after its n-th conversation, the same however often it is asked."""
        row, live = await self._store.by_row(ticket.row), self._calls.by_row(ticket.row)
        if row is None or ticket.nth >= len(row.legs):
            return NOTHING
        if answered := row.legs[ticket.nth].ended_answer:
            return answered
        if live is None:
            return as_bytes([HANGUP])
        live.gone = live.gone or attributes.get("call_status") == OVER
        if ticket.nth not in live.answers:
            live.answers[ticket.nth] = self._tasks.start(self._after(live, ticket.nth, attributes))
        return await asyncio.shield(live.answers[ticket.nth])

    async def hook(self, ticket: Ticket, body: JsonObject) -> bytes:
        """Pass one of the platform's other hooks to its owner, and its verbs back."""
        row, live = await self._store.by_row(ticket.row), self._calls.by_row(ticket.row)
        if row is None or live is None or ticket.index >= len(row.hooks):
            return NOTHING
        verbs = await self._legs.ask(live, row.hooks[ticket.index], body)
        if not verbs:
            return NOTHING
        aside = ticket.index in live.asides
        try:
            next_ = await self._go_on(live, verbs, closed=not aside)
        except DocumentError as error:
            log.warning("hook_verbs_refused", call_sid=live.sid, complaint=str(error)[:MAX_COMPLAINT_CHARS])
            return NOTHING
        if not (next_.returns or aside):
            self._over(live)
        return as_bytes(next_.document)

    def status(self, status: CallStatus) -> None:
        """Take the platform's word on a call; one that it has ended is over. Of a child leg it is only passed on."""
        live = self._calls.by_sid(status.call_sid)
        told = live or self._calls.by_sid(status.attributes.get("parent_call_sid"))
        if told:
            told.hooks.report_status(status.attributes)
        if live and status.ended:
            live.gone = True
            self._tasks.start(self._end(live, PLATFORM_ENDED if status.terminated_by == "jambonz" else HUNG_UP))

    async def drain(self, deadline_s: float) -> None:
        """Take no new calls, let the live ones come to their end, and end those that have not by then."""
        self.draining = True
        await self._tasks.quiet(deadline_s)
        for leg in self._calls.legs():
            leg.line.finish(RESTART)
        await self._tasks.quiet(LAST_WORDS_S + ASKED_AFTER_S)

    async def hurry(self) -> None:
        """End every conversation within a second, whoever is still talking."""
        self.draining = True
        legs = self._calls.legs()
        for leg in legs:
            leg.line.finish(RESTART)
        with suppress(TimeoutError):
            async with asyncio.timeout(HURRY_S):
                await asyncio.gather(*(leg.kept() for leg in legs))
        for leg in legs:
            leg.hurry()

    async def close(self) -> None:
        for live in self._calls:
            live.reaper.cancel()
        await self._tasks.cancel()

    # A call begins

    def _take(self, live: LiveCall, next_: Next) -> None:
        self._calls.add(live)
        live.hooks = self._legs.plain_hooks(live)
        live.reaper = self._loop.call_later(live.route.max_call_s + REAP_AFTER_S, self._reap, live)
        self._observer.call_started()
        self._prepare(live, next_)
        if not next_.returns:
            self._over(live)

    def _prepare(self, live: LiveCall, next_: Next) -> None:
        """Keep the verb with its key, and dial its model where the caller will be with it at once."""
        live.asides |= next_.asides
        if next_.llm is None:
            return
        nth = len(next_.row.legs) - 1
        live.llms[nth] = next_.llm
        if next_.soon and not live.gone:
            self._leg(live, nth)

    def _leg(self, live: LiveCall, nth: int) -> Leg:
        """Give a leg, and let it begin if it has not."""
        if nth not in live.legs:
            live.legs[nth] = self._legs.make(live, nth)
            self._tasks.start(live.legs[nth].run())
        return live.legs[nth]

    # And goes on

    async def _after(self, live: LiveCall, nth: int, attributes: JsonObject) -> bytes:
        row = await self._row(live)
        leg = self._leg(live, nth)
        unseen = row.legs[nth].media_state == "unopened" and not live.gone
        leg.line.finish(NO_SHOW if unseen else HUNG_UP)
        wanted = await leg.action(attributes)
        ended = (await self._row(live)).legs[nth]
        try:
            next_ = await self._go_on(live, next_verbs(ended, wanted))
        except DocumentError as error:
            log.warning("action_hook_verbs_refused", call_sid=live.sid, complaint=str(error)[:MAX_COMPLAINT_CHARS])
            next_ = await self._go_on(live, next_verbs(ended, None))
        answer = as_bytes(next_.document)
        await self._store.update(live.row_id, lambda row: row.with_leg(nth, ended_answer=answer))
        del live.legs[nth]
        if live.gone or not next_.returns:
            self._over(live)
        return answer

    async def _go_on(self, live: LiveCall, wanted: Sequence[JsonObject], *, closed: bool = True) -> Next:
        """Make a later document of a call; of no verbs, none.

        :raises DocumentError: these verbs are no document
        """
        if not wanted:
            return Next(await self._row(live), [])
        verbs = parse(list(wanted), strict=False)
        if obstacle := obstacle_to(verbs, live.settings):
            log.warning("model_not_configured", call_sid=live.sid, route=live.route.name, message=obstacle)
            verbs = live.fallback
        made: list[Next] = []

        def change(row: CallRow) -> CallRow:
            made[:] = [live.next(row, verbs, closed=closed)]
            return made[0].row

        await self._store.update(live.row_id, change)
        self._prepare(live, made[0])
        return made[0]

    # And is over

    async def _end(self, live: LiveCall, end: End) -> None:
        """End a call's conversation, or the one that it was to come to, and then the call."""
        row = await self._row(live)
        nth = len(row.legs) - 1
        if nth >= 0 and row.legs[nth].end is None and row.legs[nth].ended_answer is None:
            self._leg(live, nth)
        for leg in live.legs.values():
            leg.line.finish(end)
        self._over(live)

    def _reap(self, live: LiveCall) -> None:
        """End a call of which nothing was heard any more."""
        live.gone = True
        self._tasks.start(self._end(live, NO_SHOW))

    def _give_up_unasked(self, live: LiveCall, nth: int) -> None:
        """Let go a call whose conversation has ended and of which the platform did not ask what comes next."""
        if nth not in live.answers and nth == max(live.llms):
            self._over(live)

    def _over(self, live: LiveCall) -> None:
        if live.over:
            return
        live.over = True
        live.reaper.cancel()
        # A call that goes on without us may still tell its status.
        self._calls.forget_after(FORGET_AFTER_S if live.gone else max(FORGET_AFTER_S, live.route.max_call_s), live)
        self._tasks.start(self._write_end(live))

    async def _write_end(self, live: LiveCall) -> None:
        for leg in list(live.legs.values()):
            await leg.kept()
        row = await self._row(live)
        end = next((leg.end for leg in reversed(row.legs) if leg.end), None)
        await self._store.update(live.row_id, lambda row: replace(row, state="completed", end=end))
        self._observer.call_ended(live.route.name, end.reason_code if end else "no_conversation")

    # Small things

    async def _row(self, live: LiveCall) -> CallRow:
        row = await self._store.by_row(live.row_id)
        assert row is not None  # noqa: S101  # a live call's row is never forgotten
        return row
