"""Drains one call's outbox. The only place of this room with tasks of calls; no network library here.

Every input of a call's outbox (something put, an attempt's end, a write's end, a timer) ends in the same step: start
what is due and set one timer for what is due next. So there is no loop to keep alive, nothing to wake up, and nothing
runs for a call that has nothing to send.

Where deliveries are kept on disk, a report or an end is sent when it is written, and the next of its lane when what
became of it is written. A tool call is not kept: nobody waits for its answer after a restart.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import structlog

from hooks.courier import Answer, Done, Heard
from hooks.delivery import Delivery, Kind, Outcome, Result, after_failure, after_success, is_delivered
from hooks.endpoints import Endpoints
from hooks.kept import Kept, remember
from hooks.messages import dropped_body
from hooks.outbox import Outbox
from hooks.redaction import PLAIN
from hooks.sender import Sender, fields
from hooks.transports.base import HookFailure
from hooks.working import Workshop
from tasks import Tasks
from verbs.base import JsonObject

log = structlog.get_logger(__name__)

PREPARED_S = 2.0
"How long after a crash an end that was prepared is still not sent: it would have been asked for by then."


class Shared(Protocol):
    """What the couriers of a dispatcher share: `hooks.dispatcher.Dispatcher`."""

    sender: Sender
    tasks: Tasks
    workshop: Workshop
    kept: Kept
    endpoints: Endpoints
    closed: bool


class Reply:
    """`hooks.courier.Reply` as a future that the deadline resolves."""

    def __init__(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._future: asyncio.Future[list[JsonObject] | None] = loop.create_future()
        loop.call_later(timeout_s, self.give, None)

    @property
    def given(self) -> bool:
        return self._future.done()

    def give(self, verbs: list[JsonObject] | None) -> None:
        if not self._future.done():
            self._future.set_result(verbs)

    async def wait(self) -> list[JsonObject] | None:
        return await asyncio.shield(self._future)  # whoever waits may leave; the answer is for all who ask


class OutboxCourier:
    """`hooks.courier.Courier`: one call's outbox, and what sets it going."""

    def __init__(self, shared: Shared, call_sid: str) -> None:
        self._sender = sender = shared.sender
        self.options = sender.options
        self.now = sender.clock
        self.outbox = Outbox(
            call_sid,
            retry_s=sender.options.retry_s,
            marker=lambda count: PLAIN.encode(dropped_body(count, call_sid=call_sid)),
            endpoints=shared.endpoints,
            attempt_s=sender.options.timeout_s,
            durable=shared.kept.durable,
        )
        self._shared, self._kept = shared, shared.kept
        self._on_disk: set[str] = set()
        self._prepared: dict[str, Delivery] = {}
        self._heard: dict[str, Heard] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None  # made when somebody waits

    @staticmethod
    def soon(answer: Answer, output: str) -> None:
        asyncio.get_running_loop().call_soon(answer, output)

    @staticmethod
    def reply(timeout_s: float) -> Reply:
        return Reply(timeout_s)

    def post(
        self,
        kind: Kind,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        droppable: bool = False,
        heard: Heard | None = None,
    ) -> None:
        """Take in a message and return at once."""
        kept = self._kept.durable and not droppable and kind != "tool"
        row = self._put(kind, url, body, headers=headers, droppable=droppable, held=kept)
        if heard:
            self._heard[row.webhook_id] = heard
        if kept:
            self._keep(row, then=partial(self._release, row))
        if row.state == "dead":
            self._sender.note(Outcome(row, took_s=0.0))
        self._go_on()

    def prepare(self, kind: Kind, url: str, body: bytes) -> str:
        """Take in what will be sent by send_prepared(), or after a crash. Return its id."""
        row = self._put(kind, url, body, held=True)
        self._prepared[row.webhook_id] = row
        if self._kept.durable:
            self._keep(row._replace(next_at=row.next_at + PREPARED_S))
        return row.webhook_id

    def send_prepared(self, webhook_id: str, body: bytes, heard: Heard) -> None:
        row = self._prepared.pop(webhook_id)._replace(body=body)
        self._heard[webhook_id] = heard
        if self._kept.durable:
            self._kept.rewrite(row, partial(self._release, row))
        else:
            self.outbox.release(row)
        self._go_on()

    def restore(self, row: Delivery) -> None:
        """Take back what an earlier process has left."""
        self._on_disk.add(row.webhook_id)
        self.outbox.restore(row)
        self._go_on()

    def work(self, function: Callable[[], Any], done: Done, *, threaded: bool) -> None:
        """Call a function beside the calls and return at once; `done` is told what it returned, or how it failed."""
        if self._shared.closed:
            asyncio.get_running_loop().call_soon(done, None, HookFailure("the server is stopping"))
        else:
            self._shared.tasks.start(self._work(function, done, threaded=threaded))

    async def ask(self, kind: Kind, url: str, body: bytes, *, quietly: bool = False) -> Result:
        """Try once, for somebody who waits; nothing is kept for later. `quietly`: who waits tells of a failure."""
        began = self.now()
        tried = self.outbox.number(kind, url, body, webhook_id=self._sender.new_id(), now=began)._replace(attempts=1)
        result = await self._sender.send(tried, self.options.secrets, timeout_s=self.options.deadline_s(kind))
        if is_delivered(result):
            after = after_success(tried, result, now=self.now())
        else:
            after = after_failure(tried, result, retry_s=(), now=self.now(), jitter=1.0)
            if not quietly:
                log.warning("hook.forward_failed", **fields(tried), error=after.last_error)
        self._sender.observe(Outcome(after, self.now() - began))
        return result

    async def delivered(self, deadline_s: float) -> None:
        """Wait until nothing of this call is pending, or until the deadline."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.emptied(), deadline_s)

    async def emptied(self) -> None:
        """Wait until nothing of this call is pending. Whatever was put in and how, each turn yields to the loop."""
        while len(self.outbox):
            self._empty = self._empty or asyncio.Event()
            self._empty.clear()
            await self._empty.wait()

    def stop(self) -> None:
        """Send nothing more; whoever waits for an answer hears that there will be none."""
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._heard = self._heard, {}
        for heard in waiting.values():
            asyncio.get_running_loop().call_soon(heard, HookFailure("the server is stopping"), None)

    # Taking in

    def _put(
        self,
        kind: Kind,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        droppable: bool = False,
        held: bool,
    ) -> Delivery:
        lacked_nothing = not self.outbox.dropped
        row = self.outbox.put(
            kind,
            url,
            body,
            webhook_id=self._sender.new_id(),
            now=self.now(),
            headers=headers,
            droppable=droppable,
            held=held,
        )
        if lacked_nothing and self.outbox.dropped:
            log.warning("hook.backlog", **fields(row), pending=len(self.outbox))
        return row

    def _keep(self, row: Delivery, then: Callable[[], None] | None = None) -> None:
        self._on_disk.add(row.webhook_id)
        self._kept.keep(row, then)

    def _release(self, row: Delivery) -> None:
        self.outbox.release(row)
        self._pump()

    async def _work(self, function: Callable[[], Any], done: Done, *, threaded: bool) -> None:
        within_s = self.options.attempt_timeout_s("tool")
        done(*await self._shared.workshop.finished(function, threaded=threaded, timeout_s=within_s))

    # Sending

    def _go_on(self) -> None:
        if self._shared.closed:
            self.stop()
        else:
            self._pump()

    def _pump(self) -> None:
        """Start what is due; wake up when something will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._shared.closed:
            return
        if self.outbox:
            self._start_due()
        if self._empty and not self.outbox:
            self._empty.set()

    def _start_due(self) -> None:
        now = self.now()
        for dead in self.outbox.bury():
            self._record(dead)
            self._sender.note(Outcome(dead, took_s=0.0))
        while (row := self.outbox.due(now)) is not None:
            self._shared.tasks.start(self._attempt(row))
        if (at := self.outbox.next_due()) is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._pump)

    async def _attempt(self, row: Delivery) -> None:
        began, timeout_s = self.now(), self.options.attempt_timeout_s(row.kind)
        whole = row if row.body is not None else row._replace(body=await self._kept.body(row.webhook_id))
        result = await self._sender.send(whole, self.options.secrets, timeout_s=timeout_s)
        try:
            self._settle(row, result, took_s=self.now() - began)
        except Exception:
            log.exception("hook.crashed", **fields(row))
        finally:
            self._pump()

    def _settle(self, row: Delivery, result: Result, *, took_s: float) -> None:
        now = self.now()
        if is_delivered(result):
            after, *others = [self.outbox.succeeded(row, result, now=now)]
        else:
            after, *others = self.outbox.failed(row, result, now=now, jitter=self._sender.jitter())
        self._record(after, resting=True)
        for other in others:
            self._record(other)
        late = now - row.created_at > self.options.deadline_s(row.kind)
        try:
            self._tell(after, result)
        finally:
            for outcome in [Outcome(after, took_s, late), *(Outcome(other, took_s=0.0) for other in others)]:
                self._sender.note(outcome)

    def _record(self, row: Delivery, *, resting: bool = False) -> None:
        """Write what became of a delivery; let its lane rest until then, if it is kept on disk."""
        if row.webhook_id not in self._on_disk:
            remember(self._kept, row)
            return
        if row.state != "pending":
            self._on_disk.discard(row.webhook_id)
        if resting:
            self.outbox.unsettled(row)
        self._kept.settle(row, partial(self._settled, row) if resting else None)

    def _settled(self, row: Delivery) -> None:
        self.outbox.settled(row)
        self._pump()

    def _tell(self, after: Delivery, result: Result) -> None:
        over = after.state != "pending"
        heard = self._heard.pop(after.webhook_id, None) if over else self._heard.get(after.webhook_id)
        if heard is not None:
            heard(result, None if over else after.next_at)
