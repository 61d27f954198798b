"""The course of one call: from document to document, through its conversations, to its one end."""

import asyncio
from collections.abc import Sequence
from functools import partial

from calls.asides import aside, heard
from calls.consults import Consults
from calls.control import RECONNECT_S
from calls.document import HANGUP, NOTHING, OURS, Next, as_bytes
from calls.ending import next_verbs
from calls.keeping import kept
from calls.leaving import Again, leaving_verbs
from calls.leg import Leg
from calls.legs import Hide, Legs, Observer
from calls.live import LiveCall
from calls.masking import told
from calls.native_document import native_hook
from calls.natives import Natives
from calls.opening import obstacle_to
from calls.register import FORGET_AFTER_S, Register
from calls.releasing import Releasing
from calls.resting import Resting
from calls.states import row_of, write_end
from calls.transfers import Transfers
from calls.waiting import WAIT, Waiting, asking, leads_to_it
from media.effects import End
from media.ends import HUNG_UP, NO_SHOW
from media.sockets import Lines
from store.base import CallRow, Store
from tasks import Tasks
from verbs import DocumentError, parse, serialise
from verbs.base import JsonObject

REAP_AFTER_S = 60.0
"How long after `max_call_s` a call is given up of which nothing was heard any more."


class Course:
    """What happens to the calls of the register."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        calls: Register,
        tasks: Tasks,
        releasing: Releasing,
        *,
        consults: Consults,
        observer: Observer,
        hide: Hide,
    ) -> None:
        self._store = store
        self._calls = calls
        self._tasks = tasks
        self._releasing = releasing
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self.legs = Legs(store, lines, observer, consults, tasks=tasks, hide=hide, ended=self._give_up_unasked)
        self.resting = Resting(store, calls, self.legs, tasks, later=self._loop.call_later, clock=self._loop.time)
        self._natives = Natives(self.legs, tasks=tasks, hide=hide, heed=self.heed, leave=self.leave)
        self._transfers = Transfers(store, self.legs, consults, self, tasks=tasks)

    def begin(self, live: LiveCall, next_: Next) -> None:
        self.take(live)
        live.waiting.begin(ahead=leads_to_it(next_))
        self._prepare(live, next_)
        if not next_.returns:
            self.leave(live)

    def take(self, live: LiveCall) -> None:
        """Have a part in a call from now on."""
        self._calls.add(live)
        live.waiting = Waiting()
        live.hooks = self.legs.plain_hooks(live)
        live.application.taken()
        live.reaper = self._loop.call_at(max(live.ends_at, self._loop.time()) + REAP_AFTER_S, self._reap, live)
        self._observer.call_started()

    def leg(self, live: LiveCall, nth: int) -> Leg:
        """Give a leg, and let it begin if it has not."""
        if nth not in live.legs:
            live.legs[nth] = self.legs.make(live, nth)
            self._tasks.start(live.legs[nth].run())
        return live.legs[nth]

    async def after(self, live: LiveCall, nth: int, attributes: JsonObject) -> bytes:
        """Answer what a call does after its n-th conversation.

        What fails here is not kept: the call goes on with its fallback, and who asks again may be luckier.
        """
        try:
            next_ = await self._after(live, nth, attributes)
            await self._store.update(live.row_id, lambda row: row.with_leg(nth, ended_answer=kept(next_.document)))
            del live.legs[nth]
        except Exception:
            live.log.exception("call_ended_failed")
            del live.answers[nth]
            beside = nth in live.beside
            next_ = await self.go_on(live, [] if beside else serialise(live.fallback), beside=beside)
        if nth not in live.beside:
            if live.gone:
                self._over(live)
            elif not next_.returns:
                self.leave(live)
        return as_bytes(next_.document)

    async def hook(self, live: LiveCall, index: int, target: str, body: JsonObject) -> bytes:
        """Answer another hook of the call with what its owner wants; nothing where that is no document."""
        if (asked := native_hook(target)) and asked.nth in live.natives:
            return await self._natives.hook(live, asked, body)
        if index < live.superseded.hooks:
            self.tell(live, target, body)
            return NOTHING
        if target == WAIT:
            return NOTHING if live.gone else await self._wait(live, index)
        if answering := self._transfers.answering(live, target, body):
            return await answering
        hook: object = {"url": target, "message": live.messages[index]} if index in live.messages else target
        wanted = await self.legs.ask(live, hook, body)
        if not wanted or live.gone or index < live.superseded.hooks:
            return NOTHING
        return await self._instead(live, wanted, beside=aside(live.asides.get(index), body))

    async def _wait(self, live: LiveCall, index: int) -> bytes:
        """Answer a call that has nothing more to do: what its application says in time, or to ask again."""
        wanted = await live.waiting.wanted()
        if live.gone or live.over or index < live.superseded.hooks:
            return NOTHING
        if not wanted and live.application.commanding:
            live.waiting.ask_again(partial(self.hung_up, live))
            return as_bytes([asking(live.hook_url(index))])
        return await self._instead(live, wanted or [HANGUP])

    async def _instead(self, live: LiveCall, wanted: Sequence[JsonObject], *, beside: str | None = None) -> bytes:
        """Answer a hook with what its owner wants; nothing where that is no document.

        `beside`: the hook's name, where its verbs do not take the place of the call's document.
        """
        try:
            if beside:
                wanted = heard(beside, wanted, native=live.route.native, log=live.log)
            next_ = await self.heed(live, wanted, beside=bool(beside))
        except DocumentError as error:
            live.log.warning("hook_verbs_refused", complaint=told(error.complaints))
            return NOTHING
        if not (next_.returns or beside):
            self.leave(live)
        return as_bytes(next_.document)

    def tell(self, live: LiveCall, target: str, body: JsonObject) -> None:
        """Tell somebody else's hook something, and do nothing of what it answers."""
        if not target.startswith(OURS):
            live.telling += (self._tasks.start(self.legs.ask(live, target, body)),)

    def finish(self, live: LiveCall, nth: int, end: End) -> None:
        """End a conversation, going on or to come."""
        if nth in live.llms:
            self.leg(live, nth).finish(end)
        elif nth in live.native_legs:
            live.native_legs[nth].finish(end)

    async def end(self, live: LiveCall, end: End) -> None:
        """End a call's conversation, or the one that it was to come to, and then the call."""
        if not await live.has_row():
            self._over(live)
            return
        row = await row_of(live, self._store)
        nth = len(row.legs) - 1
        if nth in live.llms and row.legs[nth].end is None and row.legs[nth].ended_answer is None:
            self.leg(live, nth)
        for leg in live.all_legs:
            leg.finish(end)
        self._over(live)

    def hung_up(self, live: LiveCall) -> None:
        """Take note that the caller is gone, of whom nobody has told it: no status hook, or not yet."""
        live.gone = True
        self._tasks.start(self.end(live, HUNG_UP))

    # It goes on

    async def _after(self, live: LiveCall, nth: int, attributes: JsonObject) -> Next:
        row = await row_of(live, self._store)
        leg, beside = self.leg(live, nth), nth in live.beside
        unseen = row.legs[nth].media_state == "unopened" and not live.gone
        leg.line.finish(NO_SHOW if unseen else HUNG_UP)
        if nth < live.superseded.llms or nth in live.instead:
            live.telling += (self._tasks.start(leg.action(attributes)),)  # not waited for: it has no say
            wanted = live.instead.get(nth)
            return await self.heed(live, wanted, beside=beside) if wanted else Next(row, [], returns=True)
        wanted = await leg.action(attributes)
        row = await row_of(live, self._store)
        if nth < live.superseded.llms:
            return Next(row, [], returns=True)
        end, remaining = row.legs[nth].end, live.remaining[nth]
        try:
            if wanted:
                return await self.heed(live, wanted, beside=beside)
        except DocumentError as error:
            live.log.warning("action_hook_verbs_refused", complaint=told(error.complaints))
        left = leaving_verbs(live.llms[nth], end, nth)
        then = left or next_verbs(end, remaining=remaining, fallback=serialise(live.fallback), beside=beside)
        return await self.go_on(live, then, beside=beside)

    async def heed(self, live: LiveCall, wanted: Sequence[JsonObject], *, beside: bool = False) -> Next:
        """Go on with what an application wants. What the platform may not know is told, and leaves all the same.

        :raises DocumentError: these verbs are no document
        """
        next_ = await self.go_on(live, wanted, beside=beside)
        live.tell_unknown(wanted)
        return next_

    async def go_on(
        self, live: LiveCall, wanted: Sequence[JsonObject], *, beside: bool = False, back: Again | None = None
    ) -> Next:
        """Make a later document of a call; of no verbs, none. `back`: what an `llm` among them goes on from.

        :raises DocumentError: these verbs are no document
        """
        if not wanted:
            return Next(await row_of(live, self._store), [])
        verbs = parse(list(wanted), strict=False, native=live.route.native)
        if obstacle := obstacle_to(verbs, live.route, live.settings):
            live.log.warning("model_not_configured", message=obstacle)
            if beside:
                return Next(await row_of(live, self._store), [])
            verbs = live.fallback
        made: list[Next] = []

        def change(row: CallRow) -> CallRow:
            made[:] = [live.next(row, verbs, beside=beside)]
            return made[0].row

        await self._store.update(live.row_id, change)
        if not beside:
            live.waiting.begin(ahead=leads_to_it(made[0]))
        self._prepare(live, made[0], back)
        return made[0]

    def _prepare(self, live: LiveCall, next_: Next, back: Again | None = None) -> None:
        """Keep the verb with its key, and dial its model where the caller will be with it at once."""
        live.asides = {**live.asides, **next_.asides}
        if next_.beside:
            live.beside |= set(range(next_.before.llms, len(next_.row.legs)))
        self._natives.prepare(live, next_)
        live.messages = {**live.messages, **next_.messages}
        if next_.llm is None:
            return
        nth = len(next_.row.legs) - 1
        live.llms[nth], live.remaining[nth] = next_.llm, next_.remaining
        if back:
            live.again[nth] = back
        if next_.soon and not live.gone:
            self.leg(live, nth)

    # And is over

    def _reap(self, live: LiveCall) -> None:
        """End a call of which nothing was heard any more."""
        live.wait_no_more()
        live.gone = True
        self._tasks.start(self.end(live, NO_SHOW))

    def _give_up_unasked(self, live: LiveCall, nth: int) -> None:
        """Let go a call whose conversation has ended and of which the platform did not ask what comes next."""
        if nth not in live.answers and nth not in live.beside and nth == max((*live.llms, *live.natives)):
            self.leave(live)

    def leave(self, live: LiveCall) -> None:
        """Have no more part in a call that does not come back to us, unless we can still tell it something."""
        live.left, live.apart = True, not (live.control or live.expected)
        if not live.tellable:
            self._over(live)

    def expect(self, live: LiveCall) -> None:
        """Wait a while for the platform to come back with another control socket."""
        live.expected = True
        self._loop.call_later(RECONNECT_S, self.give_up_uncontrolled, live)

    def give_up_uncontrolled(self, live: LiveCall) -> None:
        """Let go a call that does not come back to us and to which no control socket leads any more."""
        if live.control is None:
            live.expected = False
            if live.left:
                self._over(live)

    def _over(self, live: LiveCall) -> None:
        if live.over:
            return
        live.over = True
        if live.reaper:
            live.reaper.cancel()
        # A call that goes on without us may still tell its status.
        self._calls.forget_after(FORGET_AFTER_S if live.gone else max(FORGET_AFTER_S, live.route.max_call_s), live)
        self._tasks.start(write_end(live, self._store, self._observer.call_ended))
        self._releasing.look(live)
        self.resting.soon(live)
