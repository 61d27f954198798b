"""A new call: whether there is room for it, what it is answered with, and that it is one of ours from then on."""

import asyncio
from dataclasses import dataclass, field, replace
from time import monotonic, time

import structlog

from calls.admission import Admission, Guest, Limits, Refusal
from calls.answering import asked
from calls.applications import Asking, call_of, status_hook
from calls.consults import Consults
from calls.control import Control
from calls.document import Seat, as_bytes, extend, filled, new_call
from calls.ending import turned_away
from calls.keeping import kept, withheld
from calls.legs import Observer
from calls.live import LiveCall
from calls.machine import Machine
from calls.opening import NOBODY, Opening, without_asking
from calls.outbound import placed_call
from calls.register import Register
from calls.rest import first_document
from calls.spending import Spending
from calls.taking import Taking
from config.numbers import user_of
from config.routing import route_for
from config.settings import Route, Settings
from hooks.applications.base import Application
from hooks.asked import Call as Told
from hooks.dispatcher import Dispatcher
from media.platforms.base import Call
from store.base import CallRow, Store, repeats
from tasks import Tasks

log = structlog.get_logger("calls")

DRAINING = Refusal("draining", "the server is shutting down; live calls go on, new ones go elsewhere")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that has come, and what it is answered by."""

    call: Call
    seat: Seat
    settings: Settings
    dispatcher: Dispatcher
    control: Control | None = None
    "The control socket by which it asks."
    came_at_s: float = field(default_factory=monotonic)
    "The loop's own clock stands still while it is at work."


class Arriving:
    """Make it inside the running loop. `owner` names this run of the server."""

    def __init__(
        self,
        store: Store,
        calls: Register,
        taking: Taking,
        asking: Asking,
        tasks: Tasks,
        *,
        consults: Consults,
        machine: Machine,
        spending: Spending,
        observer: Observer,
        owner: str,
    ) -> None:
        self._store = store
        self._calls = calls
        self._taking = taking
        self._asking = asking
        self._consults = consults
        self._tasks = tasks
        self._machine = machine
        self._spending = spending
        self._observer = observer
        self._owner = owner
        self._admission = Admission()
        self._turned_away: dict[str, bytes] = {}
        "By their sids, what those were answered whose rows are not written yet."
        self._now = asyncio.get_running_loop().time
        self.draining = False

    def shortage(self) -> Refusal | None:
        """Say what the machine lacks for one more call."""
        now = self._now()
        return self._admission.shortage(self._machine.means(now), now=now)

    def refusal_of_ours(self, route: Route | None, settings: Settings) -> Refusal | None:
        """Say why no call can be placed now; one that can is counted among those of this second."""
        refusal = self._refusal(Guest(route.name if route else ""), route, settings)
        if refusal is None:
            self._admission.begun(self._now())
        return refusal

    async def answer(self, arrival: Arrival) -> bytes:
        """Make a call's document, once: whoever asks again gets the same."""
        call, settings = arrival.call, arrival.settings
        placed = placed_call(call.attributes, arrival.seat.place.secret, now_s=time())
        route = route_for(settings, call.attributes, named=placed.route if placed else "")
        row = new_call(call, platform=settings.platform.kind, route=route.name if route else "", at_s=time())
        row = replace(row, owner=self._owner)
        if call.call_sid in self._turned_away:
            return self._turned_away[call.call_sid]
        if route is None:
            return await self._declined(row, call)
        guest, known = guest_of(call, route), self._calls.known(call.call_sid)
        # What is in memory is enough to refuse a call; whether it was told before, its row finds out.
        wanted = known or (placed and placed.consult)  # nobody is gained by turning away who is to take a caller over
        refusal = None if wanted else self._refusal(guest, route, settings, announced=placed is not None)
        if isinstance(known, LiveCall) and known.written and not known.written.done():
            log.info("webhook_duplicate", call_sid=row.call_sid, route=row.route)
            return known.answer
        if known:
            return await self._earlier(row) or await self._take(arrival, row, route)
        if refusal:
            answer = self._turn_away(arrival, row, route, refusal)
            answer = answer or await self._earlier(row) or await self._take(arrival, row, route, refusal)
            self._observer.measure("refusal", monotonic() - arrival.came_at_s)
            return answer
        if placed is None:
            self._admission.begun(self._now())
        with self._admission.coming(guest):
            return await self._earlier(row) or await self._take(arrival, row, route)

    async def _earlier(self, row: CallRow) -> bytes | None:
        """Give what a call was answered before; None where it is told for the first time."""
        earlier = await self._store.by_sid(row.call_sid)
        if earlier is None or not repeats(row, earlier):
            return None
        log.info("webhook_duplicate", call_sid=row.call_sid, route=earlier.route)
        return first_document(self._calls.at_hand(earlier.id), earlier)

    async def _declined(self, row: CallRow, call: Call) -> bytes:
        """Answer a call whose number no route matches."""
        if (answer := await self._earlier(row)) is not None:
            return answer
        declined = await self._store.create(replace(row, document=as_bytes(NOBODY), state="completed"))
        log.warning("call_unrouted", call_sid=call.call_sid, called=call.called, caller=call.caller)
        return declined.document

    def _refusal(
        self, guest: Guest, route: Route | None, settings: Settings, *, announced: bool = False
    ) -> Refusal | None:
        if self.draining:
            return DRAINING
        now = self._now()
        here = [live.guest for live in self._calls.going_on]
        limits, means = limits_of(route, settings), self._machine.means(now)
        limits = limits._replace(spent=route is not None and self._spending.exhausted(route))
        return self._admission.refusal(guest, here, limits, means, now=now, announced=announced)

    def _turn_away(self, arrival: Arrival, row: CallRow, route: Route, refusal: Refusal) -> bytes | None:
        """Answer a call with `busy` verbs that end it, and do not wait for its row; nothing else is remembered of it.

        Except where its statuses are to be told. None where its verbs ask something of us: that needs the row.
        """
        opening = Opening(filled(route.busy, row.attributes), "call_refused_busy", refusal._asdict())
        next_ = extend(row, opening.verbs, route, arrival.seat.place, fallback=())
        if next_.returns:
            return None
        if status_hook(route):
            return self._taking.take_unwritten(self._live(arrival, row, route, refusal), row, opening)
        end = turned_away(*refusal, at_s=row.created_at_s)
        row = replace(next_.row, document=kept(next_.document), state="completed", end=end)
        answer = as_bytes(next_.document if arrival.seat.authenticated else withheld(next_.document))
        self._turned_away[row.call_sid] = answer
        self._tasks.start(self._write_down(row, refusal))
        return answer

    async def _write_down(self, row: CallRow, refusal: Refusal) -> None:
        try:
            kept = await self._store.create(row)
        finally:
            del self._turned_away[row.call_sid]
        if kept.id != row.id:
            log.info("webhook_duplicate", call_sid=row.call_sid, route=kept.route)
            return
        log.warning("call_refused_busy", call_sid=row.call_sid, route=row.route, **refusal._asdict())
        self._observer.call_refused(row.route, refusal.reason)

    def _live(self, arrival: Arrival, row: CallRow, route: Route, refusal: Refusal | None) -> LiveCall:
        told = call_of(arrival.call, route)
        live = LiveCall(
            row,
            told,
            route,
            arrival.settings,
            application=self._application(arrival, route, told),
            seat=arrival.seat,
            dispatcher=arrival.dispatcher,
            now=self._now(),
            control=arrival.control,
        )
        live.counted_as, live.refusal = guest_of(arrival.call, route).caller, refusal
        return live

    def _application(self, arrival: Arrival, route: Route, told: Told) -> Application:
        placed = placed_call(arrival.call.attributes, arrival.seat.place.secret, now_s=time())
        if placed and placed.consult:
            return self._consults.application(placed.consult, told.call_sid)
        return self._asking.application(route, arrival.settings, told, arrival.dispatcher)

    async def _take(self, arrival: Arrival, row: CallRow, route: Route, refusal: Refusal | None = None) -> bytes:
        live = self._live(arrival, row, route, refusal)
        try:
            attributes, reachable_by = arrival.call.attributes, arrival.seat.reachable_by
            early = without_asking(route, attributes, refusal=refusal, reachable_by=reachable_by)
            return await self._taking.take(live, row, early or await asked(live, arrival.call))
        except BaseException:
            await live.application.close()
            raise


def guest_of(call: Call, route: Route) -> Guest:
    """Give what is counted of a call. Callers without a number of their own are not one and the same."""
    known = call.direction != "outbound" and any(char.isdigit() for char in call.caller)
    return Guest(route.name, user_of(call.caller) if known else "")


def limits_of(route: Route | None, settings: Settings) -> Limits:
    server = settings.server
    return Limits(
        server.max_calls, route.max_calls if route else None, server.max_calls_per_caller, server.max_calls_per_s
    )
