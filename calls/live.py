"""What this process knows of a call beyond its row."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import structlog
from structlog.typing import FilteringBoundLogger

from calls import native_document
from calls.admission import Guest
from calls.agents import Roster
from calls.control import Control
from calls.document import HANGUP, Native, Next, Seat, as_bytes, extend, filled
from calls.journal import Journal
from calls.keeping import withheld
from calls.keys import Keys
from calls.leaving import Again
from calls.leg import Leg
from calls.masking import told, without_secrets
from calls.native import NativeLeg
from calls.standing import Standing
from calls.statuses import Statuses
from calls.waiting import WAIT, asking, leads_to_it
from config.settings import Route, Settings
from cost.budget import CallPurse
from hooks.applications.base import Application
from hooks.asked import Call
from hooks.dispatcher import Dispatcher
from media.confidential import Confidential
from store.base import CallRow
from verbs import lint, parse
from verbs.base import JsonObject, Verb
from verbs.llm import Llm
from verbs.origin import from_origin
from verbs.rewrite import TERMINAL


class LiveCall(Standing):
    """A call keeps the configuration that it began with. Its keys are here and nowhere else."""

    control: Control | None
    "The call's control socket, while there is one."
    by_socket: bool
    "Whether its platform asks by control sockets, and comes back by itself when one breaks."

    def __init__(
        self,
        row: CallRow,
        call: Call,
        route: Route,
        settings: Settings,
        *,
        application: Application,
        seat: Seat,
        dispatcher: Dispatcher,
        now: float,
        control: Control | None = None,
    ) -> None:
        """`now`: monotonic seconds."""
        super().__init__()
        self.row_id, self.sid = row.id, row.call_sid
        self.call = call
        self.attributes = row.attributes
        "What the platform last said of the call."
        self.route = route
        self.settings = settings
        self.application = application
        self.dispatcher = dispatcher
        self.log: FilteringBoundLogger = structlog.get_logger("calls").bind(call_sid=self.sid, route=route.name)
        self.fallback = filled(route.fallback, call.attributes)
        self.ends_at = now + route.max_call_s
        self.purse = CallPurse(route.budget.per_call, route.budget.wind_down_at)
        self.statuses = Statuses()
        self.journal = Journal()
        self.journal.add("state", {"state": row.state})
        self.llms: dict[int, Llm] = {}
        "The n-th llm verb as it was written, with the key that it brought."
        self.remaining: dict[int, Sequence[JsonObject]] = {}
        "The verbs that stand behind the n-th llm, with their keys."
        self.legs: dict[int, Leg] = {}
        self.again: dict[int, Again] = {}
        "What the n-th conversation goes on from, where it is a verb's second one."
        self.confidential = Confidential()
        "What was typed for its models and their tools alone."
        self.transfers: dict[int, asyncio.Task[bytes]] = {}
        "What the call does after the n-th conversation's transfer: decided once, told as often as it is asked."
        self.answers: dict[int, asyncio.Task[bytes]] = {}
        "What is answered to who asks what comes after the n-th llm: asked once, told as often as it is asked."
        self.natives: dict[int, Native] = {}
        "The n-th llm verb, where the platform carries it out; then it is not among `llms`."
        self.native_legs: dict[int, NativeLeg] = {}
        "Those of them that have begun."
        self.attach(control)
        self.instead: dict[int, list[JsonObject]] = {}
        "What the call does after the n-th conversation, whatever its application wants."
        self.redirects: dict[int, list[JsonObject] | bytes] = {}
        "By the hook that asks for it, what the call is to do by our wish; once asked for, the document."
        self.seat = seat

    @property
    def trusts_its_platform(self) -> bool:
        """Whether who asks for its documents has shown a secret of the platform's."""
        return self.seat.authenticated

    @cached_property
    def keys(self) -> Keys:
        """Those that came for its models after its verbs."""
        return Keys()

    @cached_property
    def roster(self) -> Roster | None:
        """Its agents, where it has several."""
        return Roster(self.route.agents, most=self.route.max_handovers) if self.route.agents else None

    @property
    def guest(self) -> Guest:
        return Guest(self.route.name, self.counted_as)

    @property
    def all_legs(self) -> list[Leg | NativeLeg]:
        return [*self.legs.values(), *self.native_legs.values()]

    def wait_no_more(self) -> None:
        """Let the call end when it has nothing more to do."""
        if self.control:
            self.control.redirect(as_bytes([HANGUP]), queue=True)
        else:
            self.waiting.end()
            self.to_end = True

    @property
    def tellable(self) -> bool:
        """Whether a call that does not come back to us can be told something: by its socket, or by the REST API."""
        if self.control or self.expected:
            return True
        return not (self.gone or self.stopping or self.settings.platform.api is None)

    @property
    def active(self) -> bool:
        """Whether it is known to be going on: of one that is apart, only where its end will be told.

        A server that stops leaves to the next one what it does not bridge itself and what finds the way there: the
        platform of a control socket comes back by itself, one whose call waits asks again in a moment, and a call that
        an earlier process has left is no other case.
        """
        if self.stopping and (self.by_socket or self.adopted or self.waiting.reached) and not self.legs:
            return False
        return not self.over and (not self.apart or self.statuses.heard)

    async def has_row(self) -> bool:
        """Tell, as soon as that is known, whether the call has a row: one that was told before has another one."""
        return self.written is None or await asyncio.shield(self.written)

    def attach(self, control: Control | None) -> None:
        """Let this be the call's control socket."""
        self.control, self.by_socket, self.expected = control, control is not None, False
        if control and self.to_end:
            self.to_end = False
            control.redirect(as_bytes([HANGUP]), queue=True)

    @property
    def talking(self) -> int | None:
        """The number of the conversation that goes on."""
        nth = max(self.llms, default=None)
        return nth if nth is not None and nth in self.legs and not self.legs[nth].line.over.is_set() else None

    def undecided(self, nth: int) -> bool:
        """Whether the call has this conversation before it or goes through it, and nothing is said yet of after it."""
        return nth in self.llms.keys() - self.answers.keys() - self.beside and nth >= self.superseded.llms

    def verb(self, nth: int) -> Llm:
        """Give the n-th llm verb, whoever carries it out."""
        return self.natives[nth].llm if nth in self.natives else self.llms[nth]

    def next(self, row: CallRow, verbs: Sequence[Verb], *, beside: bool = False) -> Next:
        """Make a document of the call, the first or a later one.

        It ends in an explicit last verb, unless the call then waits for its application's commands; a conversation's
        never does. The platform waits of itself where it has a socket, and where it has none asks us. `beside`: it is
        run beside the call's own document, and the call goes on after it.
        """
        closed = not beside
        if closed and self.application.commanding and not any(isinstance(verb, Llm) for verb in verbs):
            closed = not (self.control or self.expected)
            if not self.by_socket and verbs[-1].verb not in TERMINAL:
                verbs = [*verbs, *parse([asking(WAIT)])]
        row = replace(row, trusted=tuple(sorted(self.application.trusted)), by_socket=self.by_socket)
        next_ = self._extended(row, verbs, closed=closed, beside=beside)
        row = next_.row if beside else replace(next_.row, waits=leads_to_it(next_))
        next_ = replace(next_, row=row)
        document = from_origin(next_.document, self.application.origin)
        if self.trusts_its_platform:
            return replace(next_, document=document)
        bare = withheld(document)
        return replace(next_, document=bare, withheld=next_.withheld or bare != document)

    def _extended(self, row: CallRow, verbs: Sequence[Verb], *, closed: bool, beside: bool) -> Next:
        if self.route.native:
            return native_document.extend(
                row,
                verbs,
                self.route,
                self.settings,
                self.seat,
                closed=closed,
                beside=beside,
                by_socket=self.by_socket,
            )
        return extend(
            row,
            verbs,
            self.route,
            self.seat.place,
            fallback=self.fallback,
            closed=closed,
            beside=beside,
            by_socket=self.by_socket,
        )

    def tell_unknown(self, wanted: Sequence[JsonObject]) -> None:
        """Tell in the log what the platform may not know of verbs that leave all the same."""
        version = self.settings.platform.version
        if complaints := lint(list(wanted), version=version, native=self.route.native):
            self.log.warning("hook_verbs_unknown", version=version, complaint=told(complaints))

    def hook_url(self, index: int) -> str:
        return self.seat.place.hook(self.row_id, index)

    def learn(self, attributes: JsonObject) -> None:
        """Take in what the platform says of the call now."""
        self.attributes = self.attributes | without_secrets(attributes)
