"""The dispatchers of the configurations in use: a call's hooks go out as the one said with which it began."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby
from random import SystemRandom
from time import monotonic, time
from weakref import WeakSet

import structlog

from config import secret_values
from config.egress import egress_of
from config.settings import Settings, Shape
from hooks.dispatcher import Dispatcher, Outcome
from hooks.endpoints import BREAK_AFTER, Endpoints
from hooks.options import HookOptions
from hooks.transports.base import Transport
from store.base import Store
from store.deliveries import Delivery, Endpoint, shown
from store.summaries import Entry, entry

log = structlog.get_logger("hooks")

PAGE = 500
MAX_UNDER_WAY = 100
"Attempts at what an earlier process has left, beside those of live calls."
PAUSE_S = 0.05


class Dispatchers:
    """`clock` is Unix time that nothing sets back; `store` is where deliveries are kept."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        *,
        clock: Callable[[], float],
        observe: Callable[[Outcome], None],
        store: Store,
    ) -> None:
        self._transports = transports
        self._clock = clock
        self._observe = observe
        self._store = store
        self.endpoints = Endpoints(changed=self._endpoint_changed)
        # One lives as long as the switchboard, a call or a delivery needs it; reloads may come every minute.
        self._made: WeakSet[Dispatcher] = WeakSet()

    def make(self, settings: Settings) -> Dispatcher:
        """Make the dispatcher of a configuration that was just read."""
        made = Dispatcher(
            self._transports,
            hook_options(settings),
            clock=self._clock,
            random=SystemRandom(),
            secrets=secret_values(settings),
            observe=self._observe,
            kept=self._store,
            endpoints=self.endpoints,
            egress=egress_of(settings),
        )
        self._made.add(made)
        self._newest = made
        self._signed_by = {route.name: signing_secrets(route.hooks) for route in settings.routes}
        return made

    async def learn(self) -> None:
        """Take in what is known of endpoints, before anything is sent."""
        self.endpoints.learn(await self._store.endpoints())

    async def take_back(self, call_sid: str) -> None:
        """Send what an earlier process has left to send of one call."""
        after = (call_sid, -1)
        while rows := [row for row in await self._store.undelivered(after, limit=PAGE) if row.call_sid == call_sid]:
            await self._take_back(rows)
            after = (call_sid, rows[-1].seq)

    async def take_back_all(self, but: Collection[str]) -> None:
        """Send what an earlier process has left to send, but for these calls; not all at once."""
        after, count = ("", -1), 0
        while rows := await self._store.undelivered(after, limit=PAGE):
            after = (rows[-1].call_sid, rows[-1].seq)
            left = [row for row in rows if row.call_sid not in but]
            await self._take_back(left)
            count += len(left)
            while len(self._newest.tasks) > MAX_UNDER_WAY:
                await self._newest.tasks.quiet(PAUSE_S)
        if count:
            log.info("outbox.recovered", deliveries=count)

    async def take_replayed(self) -> None:
        """Send what somebody wants sent once more, also where the endpoint has said that it is gone."""
        rows = await self._store.replayed()
        for row in rows:
            self.endpoints.enable(row.url)
            log.info("outbox.replayed", kind=row.kind, call_sid=row.call_sid, seq=row.seq, url=row.endpoint)
        await self._take_back(rows)

    async def _take_back(self, rows: Iterable[Delivery]) -> None:
        """Send them signed as their calls' routes say now; of a call that nobody knows any more, as `hooks` says."""
        for call_sid, left in groupby(rows, key=lambda row: row.call_sid):
            call = await self._store.by_sid(call_sid)
            self._newest.take_back(left, signed_by=self._signed_by.get(call.route) if call else None)

    async def of_call(self, call_sid: str, *, limit: int) -> list[Delivery]:
        """Give a call's deliveries, the newest of them, in order."""
        kept = await self._store.deliveries_of(call_sid, limit=limit)
        found = {row.webhook_id: row for row in (*kept, *self._unkept()) if row.call_sid == call_sid}
        return sorted(found.values(), key=lambda row: row.seq)[-limit:]

    async def left(self, after: Entry | None = None, *, limit: int) -> list[Delivery]:
        """Give what is pending or dead, the oldest first, from behind `after`."""
        kept = await self._store.outbox(after, limit=limit)
        found = {row.webhook_id: row for row in (*kept, *self._unkept()) if after is None or entry(row) > after}
        return sorted(found.values(), key=entry)[:limit]

    async def replay(self, webhook_id: str) -> bool:
        """Let a dead one be sent again, from the start of its schedule; False where it is neither dead nor pending."""
        known = await self._store.replay(webhook_id)
        await self.take_replayed()
        return known or any(row.webhook_id == webhook_id for row in self._unkept())

    def _unkept(self) -> list[Delivery]:
        """Give what is pending in this process alone."""
        if self._store.durable:
            return []
        return [row for each in self._made for row in each.deliveries() if row.state == "pending"]

    def _endpoint_changed(self, endpoint: Endpoint) -> None:
        self._store.endpoint(endpoint)
        told = {"url": shown(endpoint.url), "failures": endpoint.failures}
        if endpoint.disabled_at is not None:
            log.error("hook.endpoint_disabled", **told, remedy="outbox replay of one of its deliveries enables it")
        elif endpoint.failures >= BREAK_AFTER:
            log.warning("hook.breaker_open", **told, until=endpoint.breaker_until)
        else:
            log.info("hook.endpoint_enabled", **told)

    def pending(self) -> int:
        return sum(each.pending() for each in self._made)

    async def drain(self, deadline_s: float) -> int:
        """Deliver what can be delivered until then, stop, and return how many are left."""
        return sum(await asyncio.gather(*(each.drain(deadline_s) for each in self._made)))


def hook_options(settings: Settings) -> HookOptions:
    hooks = settings.hooks
    return HookOptions(
        timeout_s=hooks.timeout_s,
        tool_timeout_s=hooks.tool_timeout_s,
        action_timeout_s=hooks.action_timeout_s,
        retry_s=hooks.retry_s,
        secrets=signing_secrets(hooks),
    )


def signing_secrets(hooks: Shape) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in hooks.secrets)


def steady_clock() -> Callable[[], float]:
    """Unix time that a correction of the system's clock does not move: a retry waits as long as it was told."""
    began = time() - monotonic()
    return lambda: began + monotonic()
