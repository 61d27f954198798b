"""Every call's hooks, by one configuration. What drains a call's outbox is in `hooks/draining.py`."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random
from weakref import WeakValueDictionary

from egress.guard import Egress
from egress.origins import Origin
from hooks.asked import Call
from hooks.call import CallHooks
from hooks.delivery import Delivery, Outcome
from hooks.draining import OutboxCourier
from hooks.endpoints import Endpoints
from hooks.envelope import FULL, Envelope
from hooks.filter import Wanted
from hooks.kept import Kept
from hooks.options import HookOptions, HookUrls
from hooks.redaction import Redactor
from hooks.sender import Sender
from hooks.tools.base import Tool
from hooks.transports.base import Transport
from hooks.working import Workshop
from store.memory import MemoryStore
from tasks import Tasks

__all__ = ["CallHooks", "Delivery", "Dispatcher", "HookOptions", "HookUrls", "Outcome"]


class Dispatcher:
    """Every call's hooks. `drain` it before the loop ends."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        options: HookOptions,
        *,
        clock: Callable[[], float],
        random: Random,
        secrets: Iterable[str] = (),
        observe: Callable[[Outcome], None],
        kept: Kept | None = None,
        endpoints: Endpoints | None = None,
        egress: Egress | None = None,
    ) -> None:
        """`transports` by URL scheme; `clock` in unix seconds; `secrets` are values that no event may carry.

        `kept` is where deliveries outlive this process; `endpoints` are those of all dispatchers. `egress`: where they
        may lead; by default to hosts of the internet.

        ValueError where a signing secret cannot sign.
        """
        self.egress = egress or Egress()
        self.sender = Sender(transports, options, clock=clock, random=random, observe=observe, egress=self.egress)
        self.tasks = Tasks()
        self.workshop = Workshop()
        self.kept: Kept = kept or MemoryStore()
        self.endpoints = endpoints or Endpoints()
        self.closed = False
        self._secrets = (*secrets, *options.secrets)
        # A courier lives as long as its call or one of its deliveries, and we as long as any courier: nobody has to
        # forget either.
        self._couriers: WeakValueDictionary[str, OutboxCourier] = WeakValueDictionary()

    def for_call(
        self,
        call: Call,
        *,
        urls: HookUrls,
        wanted: Wanted,
        secrets: Iterable[str] = (),
        tools: Mapping[str, Tool] | None = None,
        envelope: Envelope = FULL,
        numbered: int = 0,
        trusted: Collection[Origin] | None = None,
        signed_by: Sequence[str] | None = None,
    ) -> CallHooks:
        """Return the hooks of one `llm` verb. All of a call share its numbering: keep one while the call lives.

        `numbered`: up to where its hooks may be numbered by earlier processes (`Store.number_on`). `tools` may get
        more of them while it lives. `trusted`: where they may lead besides where the configuration does; it may grow.
        `signed_by`: the secrets that sign all of the call's from now on; None: as before, at first the options' own.
        """
        courier = self._courier(call.call_sid, signed_by)
        courier.outbox.number_from(numbered)
        if trusted is not None:
            courier.outbox.trusted = trusted
        redactor = Redactor((*self._secrets, *secrets))
        served = {} if tools is None else tools  # an empty one may be filled later
        return CallHooks(
            courier,
            call,
            urls=urls,
            wanted=wanted,
            redactor=redactor,
            tools=served,
            envelope=envelope,
        )

    def take_back(self, rows: Iterable[Delivery], *, signed_by: Sequence[str] | None = None) -> None:
        """Deliver what an earlier process has left, of each call in this order; `signed_by` as above."""
        for row in rows:
            self._courier(row.call_sid, signed_by).restore(row)

    def pending(self) -> int:
        """How many deliveries are neither delivered nor dead."""
        return sum(len(courier.outbox) for courier in self._couriers.values())

    def deliveries(self) -> list[Delivery]:
        """Return the pending ones of every call, then the newest dead ones."""
        return [row for courier in self._couriers.values() for row in courier.outbox] + list(self.sender.dead)

    async def drain(self, deadline_s: float) -> int:
        """Deliver what can be delivered until then, stop, and return how many are left. Nothing is sent after it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while busy := [courier for courier in self._couriers.values() if len(courier.outbox)]:
                    await busy[0].emptied()
        left = self.pending()
        self.closed = True
        for courier in list(self._couriers.values()):
            courier.stop()
        await self.tasks.cancel()
        return left

    def _courier(self, call_sid: str, signed_by: Sequence[str] | None) -> OutboxCourier:
        courier = self._couriers.get(call_sid)
        if courier is None:
            courier = self._couriers[call_sid] = OutboxCourier(self, call_sid)
            courier.outbox.reserve = partial(self.kept.reserve, call_sid)
        if signed_by is not None:
            courier.options = replace(courier.options, secrets=tuple(signed_by))
        return courier
