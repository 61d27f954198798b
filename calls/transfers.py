"""What a call does after a conversation has handed it to a human, or has tried to."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from calls.consults import Consults
from calls.document import HANGUP, NOTHING, Next, as_bytes
from calls.leaving import Again, again, handed_off, has_met
from calls.legs import Legs
from calls.live import LiveCall
from calls.masking import told
from media.platforms import PLATFORMS
from store.base import Store
from tasks import Tasks
from verbs import DocumentError, serialise
from verbs.base import JsonObject
from verbs.handoff import Outcome, disposition, result_body, voicemail


class Goes(Protocol):
    """The course of calls."""

    async def go_on(
        self, live: LiveCall, wanted: Sequence[JsonObject], *, beside: bool = False, back: Again | None = None
    ) -> Next:
        """Make the next document."""

    async def heed(self, live: LiveCall, wanted: Sequence[JsonObject], *, beside: bool = False) -> Next:
        """Make one that an application wants."""

    def leave(self, live: LiveCall) -> None:
        """Let the call go."""


class Transfers:
    """What comes next is the business of `course`."""

    def __init__(self, store: Store, legs: Legs, consults: Consults, course: Goes, *, tasks: Tasks) -> None:
        self._store = store
        self._consults = consults
        consults.ask = legs.ask
        self._legs = legs
        self._tasks = tasks
        self._go_on, self._heed, self._leave = course.go_on, course.heed, course.leave

    def answering(self, live: LiveCall, target: str, body: JsonObject) -> Coroutine[Any, Any, bytes] | None:
        """Give what answers a hook that is one of these; None for another."""
        if (nth := handed_off(target)) is not None and nth in live.llms:
            return self.hook(live, nth, body)
        wanted = self._consults.asked(target, body)
        return None if wanted is None else self._led(live, wanted)

    async def _led(self, live: LiveCall, wanted: Sequence[JsonObject]) -> bytes:
        """Lead the leg of a human who is to take somebody over."""
        next_ = await self._go_on(live, wanted)
        if not next_.returns:
            self._leave(live)
        return as_bytes(next_.document)

    async def hook(self, live: LiveCall, nth: int, body: JsonObject) -> bytes:
        """Answer what comes after the transfer of the n-th conversation, the same however often it is asked."""
        if nth not in live.transfers:
            live.transfers[nth] = self._tasks.start(self._after(live, nth, body))
        return await asyncio.shield(live.transfers[nth])

    async def _after(self, live: LiveCall, nth: int, body: JsonObject) -> bytes:
        call = PLATFORMS[live.settings.platform.kind].call
        if call.is_over(body):
            return NOTHING
        try:
            next_ = await self._transferred(live, nth, body)
        except Exception:
            live.log.exception("transfer_failed")
            del live.transfers[nth]
            beside = nth in live.beside
            next_ = await self._go_on(live, [] if beside else serialise(live.fallback), beside=beside)
        if not (next_.returns or nth in live.beside):
            self._leave(live)
        return as_bytes(next_.document)

    async def _transferred(self, live: LiveCall, nth: int, body: JsonObject) -> Next:
        handoff, beside = live.llms[nth].handoff or {}, nth in live.beside
        row = await self._store.by_row(live.row_id)
        end = row.legs[nth].end if row else None
        call = PLATFORMS[live.settings.platform.kind].call
        outcome: Outcome = "completed" if has_met(end) else call.transferred(body)
        disposed = disposition(handoff, outcome)
        live.log.info("transfer_ended", outcome=outcome, disposition=disposed)
        wanted = await self._legs.ask(live, handoff.get("actionHook"), {**body, **result_body(outcome, disposed)})
        try:
            if wanted:
                return await self._heed(live, wanted, beside=beside)
        except DocumentError as error:
            live.log.warning("hook_verbs_refused", complaint=told(error.complaints))
        remaining = list(live.remaining[nth]) or ([] if beside else [HANGUP])
        if outcome == "completed":
            return await self._go_on(live, remaining, beside=beside)
        if disposed != "return":
            then = voicemail(handoff) if disposed == "voicemail" else [HANGUP]
            return await self._go_on(live, then, beside=beside)
        back = again(live.again.get(nth), end, outcome)
        return await self._go_on(live, [live.llms[nth].to_wire(), *remaining], beside=beside, back=back)
