"""All calls of this process: where a webhook, a media socket and the question what comes next find their call.

No network here: handlers of `api/` bring requests, `media/sockets/` carries audio, `hooks/` asks applications.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from calls import stopping
from calls.adulting import Adulting
from calls.answering import Answering
from calls.applications import Asking, pass_on
from calls.arriving import Arrival, Arriving
from calls.changing import Changing
from calls.commands import Commands
from calls.consults import Consults
from calls.control import Control
from calls.course import Course
from calls.document import HANGUP, NOTHING, STATUSES, Place, Seat, as_bytes, statuses_to
from calls.keeping import again, configured
from calls.keys import Hide
from calls.legs import Observer
from calls.machine import Machine
from calls.midcall import Midcall
from calls.native_document import answer_of_lost, native_hook
from calls.obeying import Obeying
from calls.placing import Placing
from calls.records import Records
from calls.recovery import Recovery, TakeBack
from calls.register import Register
from calls.releasing import Releasing
from calls.remotely import Remotely, Wanted
from calls.reporting import Reporting
from calls.rest import first_document
from calls.states import write_answered
from calls.taking import Taking
from config.routing import route_for
from config.settings import Settings
from hooks.dispatcher import Dispatcher
from hooks.transports.app import AppTransport
from media.platforms import PLATFORMS
from media.platforms.base import Call, CallStatus
from media.remote import Remote
from media.sockets import Line, Lines
from media.ticket import Ticket
from store.base import Store
from tasks import Tasks
from verbs.base import JsonObject

log = structlog.get_logger("calls")


class Switchboard:
    """Made inside the running loop."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        dispatcher: Dispatcher,
        lines: Lines,
        transport: AppTransport,
        *,
        remote: Remote,
        observer: Observer,
        hide: Hide,
        owner: str = "this run",
        machine: Machine | None = None,
    ) -> None:
        """`transport`: by which hooks go over the sockets of applications.

        `owner` names this run of the server: calls of another one are orphans. `machine`: None for the real one.
        """
        self.settings = settings
        self.dispatcher = dispatcher
        self._owner = owner
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._releasing = Releasing()
        self._calls = Register(self._loop.call_later, self._releasing.forget)
        self._tasks = Tasks(lambda: self.active)
        self._answering = Answering(self._tasks)
        remotely = Remotely(remote)
        consults = self._consults = Consults(remotely, self._tasks, redirect=self._redirect)
        course = partial(Course, consults=consults, observer=observer, hide=hide)
        self._course = course(store, lines, self._calls, self._tasks, self._releasing)
        self._commands = Commands(store, self._calls, self._course, remotely)
        self.redirect = self._commands.order
        self.changing = Changing(self._calls)
        self.midcall = Midcall(self._calls, self._commands)
        self._course.legs.lend = self.midcall.lend
        self.records = Records(store, self._calls, self._course.legs.recorder, self._loop.time)
        self._asking = Asking(transport, Obeying(self._calls, self._commands, self._answering.made))
        self._taking = Taking(store, self._course, self._tasks)
        resting = self._course.resting
        self._adulting = Adulting(self._calls, resting, self._asking, self._answering, self._taking, owner=owner)
        self._arriving = Arriving(
            store,
            self._calls,
            self._taking,
            self._asking,
            self._tasks,
            consults=consults,
            machine=machine or Machine(),
            spending=self._course.legs.spending,
            observer=observer,
            owner=owner,
        )
        self._placing = Placing(self._calls, self._arriving, self._commands, remotely, consults)
        self.machine = self._placing.machine
        self._recovery = Recovery(store, self._course, self._tasks, self._asking, owner=owner)
        self._reporting = Reporting(
            store, self._calls, self._course, self._releasing, self._recovery, tasks=self._tasks
        )

    @property
    def active(self) -> int:
        return self._calls.active

    @property
    def full(self) -> bool:
        return self.active >= self.settings.server.max_calls

    @property
    def shortage(self) -> str | None:
        """What the machine lacks for one more call."""
        short = self._arriving.shortage()
        return short.message if short else None

    @property
    def draining(self) -> bool:
        return self._arriving.draining

    def take_up(self, settings: Settings, dispatcher: Dispatcher) -> None:
        """Go by another configuration from now on; a call keeps the one with which it began."""
        self.settings, self.dispatcher = settings, dispatcher

    async def recover(self, place: Place, take_back: TakeBack) -> set[str]:
        """Take over the calls that an earlier run has left; return their sids."""
        await self._course.legs.spending.learn()
        return await self._recovery.run(self.settings, place, self.dispatcher, take_back)

    async def recovered(self) -> None:
        """Wait until that is done."""
        await self._recovery.wait()

    async def answer(self, call: Call, seat: Seat, *, control: Control | None = None) -> bytes:
        """Give a new call's document.

        `control`: the control socket by which it asks.
        The same webhook again gets the same bytes, and starts nothing: nor does one that comes while the first is
        still waiting for its application.
        """
        if self._answering.is_making(call.call_sid):
            route = route_for(self.settings, call.attributes)
            log.info("webhook_duplicate", call_sid=call.call_sid, route=route.name if route else "")
        make = partial(self._arriving.answer, Arrival(call, seat, self.settings, self.dispatcher, control))
        return await self._answering.once(call.call_sid, make)

    async def adulting(self, call: Call, seat: Seat, *, control: Control | None = None) -> bytes:
        """Give the document of a leg that became a call of its own; nothing where nobody has one for it."""
        return await self._adulting.document(call, seat, control)

    async def media(self, ticket: Ticket) -> Line | None:
        """Give the line whose media socket this ticket opens, once; None for a ticket that opens nothing."""
        await self._recovery.wait()
        live = await self._course.resting.by_row(ticket.row)
        if live is None or ticket.nth not in live.llms or self._loop.time() > live.ends_at:
            return None
        if not await self._store.claim_media(ticket.row, ticket.nth, owner=self._owner):
            return None
        self._tasks.start(write_answered(live, self._store))
        line = self._course.leg(live, ticket.nth).line
        self._commands.meet(live, ticket.nth)
        return line if isinstance(line, Line) else None

    async def ended(self, ticket: Ticket, attributes: JsonObject) -> bytes:
        """Answer what a call does after its n-th conversation, the same however often it is asked."""
        await self._recovery.wait()
        row = await self._store.by_row(ticket.row)
        if row is None or ticket.nth >= len(row.legs):
            return NOTHING
        live = await self._course.resting.by_row(ticket.row)
        if (answered := row.legs[ticket.nth].ended_answer) and not (live and ticket.nth in live.answers):
            known = configured(live.route, row.attributes) if live and live.trusts_its_platform else ()
            return again(answered, known)
        if live is None:
            return as_bytes([HANGUP])
        if ticket.nth not in live.beside:
            live.gone = live.gone or PLATFORMS[live.settings.platform.kind].call.is_over(attributes)
        if ticket.nth not in live.answers:
            if live.held and not live.gone:  # its media socket did not open
                self._course.leg(live, ticket.nth)
                self._commands.meet(live, ticket.nth)
            live.answers[ticket.nth] = self._tasks.start(self._course.after(live, ticket.nth, attributes))
        return await asyncio.shield(live.answers[ticket.nth])

    async def hook(self, ticket: Ticket, body: JsonObject) -> bytes:
        """Pass one of the platform's other hooks to its owner, and its verbs back."""
        await self._recovery.wait()
        row = await self._store.by_row(ticket.row)
        if row is None or ticket.index >= len(row.hooks):
            return NOTHING
        live = await self._course.resting.by_row(ticket.row)
        if live is None or ((asked := native_hook(row.hooks[ticket.index])) and asked.nth not in live.natives):
            return answer_of_lost(row, row.hooks[ticket.index], body)
        live.statuses_to = statuses_to(row.hooks, ticket.index) or live.statuses_to
        if row.hooks[ticket.index].startswith(STATUSES):
            self._reporting.hooked(live, body)
            return NOTHING
        own = body.get("call_sid", live.sid) == live.sid  # a `confirmHook` tells of the leg that is asked
        ends = own and not live.over and PLATFORMS[live.settings.platform.kind].call.is_over(body)
        if ends and native_hook(row.hooks[ticket.index]) is None:
            live.gone = True
            await self._course.hook(live, ticket.index, row.hooks[ticket.index], body)
            self._course.hung_up(live)
            return NOTHING
        if ticket.index in live.redirects:
            return await self._commands.redirected(live, ticket.index)
        return await self._commands.asked(live, ticket.index, row.hooks[ticket.index], body)

    async def _redirect(self, call_sid: str, wanted: Sequence[JsonObject]) -> None:
        await self._commands.redirect(call_sid, wanted)

    async def place(self, wanted: Wanted, place: Place) -> str:
        """Place a call, and give its sid.

        :raises ControlError: it cannot be placed
        :raises RemoteError: the platform has not placed it
        """
        return await self._placing.place(wanted, self.settings, place)

    async def first_document(self, call_sid: str) -> bytes | None:
        """Give what a call was answered with; None for a call that we do not know."""
        if (known := self._calls.known(call_sid)) and known.answer:
            return known.answer
        row = await self._store.by_sid(call_sid)
        return first_document(known, row) if row else None

    async def resume(self, call_sid: str) -> bool:
        """Let a call whose conversation a restart has cut begin it anew; tell whether there was one."""
        live = self._calls.by_sid(call_sid)
        return live is not None and await self._recovery.resume(live, self._commands.redirect)

    def attach(self, call_sid: str, control: Control) -> None:
        """Let this be the call's control socket, if the call is here."""
        if live := self._calls.by_sid(call_sid):
            live.attach(control)

    def detach(self, call_sid: str, control: Control, *, for_good: bool) -> None:
        """Take note that a call's control socket is gone; `for_good` where the platform says that it has done with it.

        A call of which nothing else leads back to us is over then, or when the platform does not come back in time.
        """
        live = self._calls.by_sid(call_sid)
        if live is None or live.control is not control:
            return
        live.control = None
        if for_good or self.draining:
            self._loop.call_soon(self._course.give_up_uncontrolled, live)
        else:
            self._course.expect(live)

    async def hang_up(self, call_sid: str) -> None:
        """End a call.

        :raises ControlError: the call cannot be told
        """
        await self._commands.hang_up(call_sid, self.settings)

    def pass_on(self, call_sid: str, message: str, body: JsonObject) -> None:
        """Pass on what the platform tells of a call, unasked, by a message of its control socket."""
        if live := self._calls.by_sid(call_sid):
            pass_on(live, message, body)

    def status(self, status: CallStatus, *, by_socket_of: str = "") -> None:
        """Take the platform's word on a call, that may end it, or on its child leg; a control socket's on its own."""
        self._consults.status(status)
        self._reporting.status(status, of=by_socket_of)

    async def drain(self, deadline_s: float) -> None:
        """Take no new calls, let the live ones come to their end, and end those that have not by then."""
        self._arriving.draining = True
        await stopping.drain(self._calls, self._course, self._tasks, deadline_s)

    async def hurry(self) -> None:
        """End every conversation within a second, whoever is still talking."""
        self._arriving.draining = True
        await stopping.hurry(self._calls)

    async def close(self) -> None:
        for live in self._calls:
            if live.reaper:
                live.reaper.cancel()
        await self._tasks.cancel()
        await self._course.legs.recorder.close()
        await self._releasing.close(self._calls.applications)
