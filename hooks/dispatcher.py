"""Drains the outboxes through the transports. The only place of this room with tasks; no network library here.

Every input of a call's outbox (something put, an attempt's end, a timer) ends in the same step: start what is due
and set one timer for what is due next. So there is no loop to keep alive, nothing to wake up, and nothing runs
for a call that has nothing to send.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any
from weakref import WeakValueDictionary

import structlog

from hooks.asked import Call
from hooks.call import CallHooks
from hooks.courier import Answer, Done, Heard
from hooks.delivery import Delivery, Kind, Outcome, Result, after_failure, after_success, is_delivered
from hooks.envelope import FULL, Envelope
from hooks.filter import Wanted
from hooks.messages import dropped_body
from hooks.options import HookOptions, HookUrls
from hooks.outbox import Outbox
from hooks.redaction import PLAIN, Redactor
from hooks.sender import Sender, fields
from hooks.tools.base import Tool
from hooks.transports.base import HookFailure, Transport
from hooks.working import Workshop
from tasks import Tasks
from verbs.base import JsonObject

__all__ = ["CallHooks", "Delivery", "Dispatcher", "HookOptions", "HookUrls", "Outcome"]

log = structlog.get_logger(__name__)


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
    ) -> None:
        """`transports` by URL scheme; `clock` in unix seconds; `secrets` are values that no event may carry.

        ValueError where a signing secret cannot sign.
        """
        self.sender = Sender(transports, options, clock=clock, random=random, observe=observe)
        self.tasks = Tasks()
        self.workshop = Workshop()
        self.closed = False
        self._secrets = (*secrets, *options.secrets)
        # A courier lives as long as its call or one of its deliveries, and we as long as any courier: nobody has to
        # forget either.
        self._couriers: WeakValueDictionary[str, _Courier] = WeakValueDictionary()

    def for_call(
        self,
        call: Call,
        *,
        urls: HookUrls,
        wanted: Wanted,
        secrets: Iterable[str] = (),
        tools: Mapping[str, Tool] | None = None,
        envelope: Envelope = FULL,
    ) -> CallHooks:
        """Return the hooks of one `llm` verb. All of a call share its numbering: keep one while the call lives."""
        courier = self._couriers.get(call.call_sid)
        if courier is None:
            courier = self._couriers[call.call_sid] = _Courier(self, call.call_sid)
        redactor = Redactor((*self._secrets, *secrets))
        return CallHooks(
            courier, call, urls=urls, wanted=wanted, redactor=redactor, tools=tools or {}, envelope=envelope
        )

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
                    await busy[0].idle.wait()
        left = self.pending()
        self.closed = True
        for courier in list(self._couriers.values()):
            courier.stop()
        await self.tasks.cancel()
        return left


class _Reply:
    """`hooks.call.Reply` as a future that the deadline resolves."""

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


class _Courier:
    """One call's outbox, and what sets it going."""

    def __init__(self, dispatcher: Dispatcher, call_sid: str) -> None:
        sender = dispatcher.sender
        self.idle = asyncio.Event()
        self.outbox = Outbox(
            call_sid,
            retry_s=sender.options.retry_s,
            marker=lambda count: PLAIN.encode(dropped_body(count, call_sid=call_sid)),
        )
        self.options = sender.options
        self.now = sender.clock
        self._dispatcher = dispatcher
        self._sender = sender
        self._heard: dict[str, Heard] = {}
        self._timer: asyncio.TimerHandle | None = None

    @staticmethod
    def soon(answer: Answer, output: str) -> None:
        asyncio.get_running_loop().call_soon(answer, output)

    @staticmethod
    def reply(timeout_s: float) -> _Reply:
        return _Reply(timeout_s)

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
        webhook_id = self._sender.new_id()
        lacked_nothing = not self.outbox.dropped
        row = self.outbox.put(
            kind, url, body, webhook_id=webhook_id, now=self.now(), headers=headers, droppable=droppable
        )
        if lacked_nothing and self.outbox.dropped:
            log.warning("hook.backlog", **fields(row), pending=len(self.outbox))
        if heard is not None:
            self._heard[webhook_id] = heard
        if row.state == "dead":
            self._sender.note(Outcome(row, took_s=0.0))
        if self._dispatcher.closed:
            self.stop()
        else:
            self._pump()

    def work(self, function: Callable[[], Any], done: Done, *, threaded: bool) -> None:
        """Call a function beside the calls and return at once; `done` is told what it returned, or how it failed."""
        if self._dispatcher.closed:
            asyncio.get_running_loop().call_soon(done, None, HookFailure("the server is stopping"))
        else:
            self._dispatcher.tasks.start(self._work(function, done, threaded=threaded))

    async def ask(self, kind: Kind, url: str, body: bytes) -> Result:
        """Try once, for somebody who waits; nothing is kept for later."""
        began = self.now()
        row = self.outbox.number(kind, url, body, webhook_id=self._sender.new_id(), now=began)
        tried = replace(row, attempts=1)
        result = await self._sender.send(tried, timeout_s=self.options.deadline_s(kind))
        if is_delivered(result):
            after = after_success(tried)
        else:
            after = after_failure(tried, result, retry_s=(), now=self.now(), jitter=1.0)
            log.warning("hook.forward_failed", **fields(row), error=after.last_error)
        self._sender.observe(Outcome(after, self.now() - began))
        return result

    async def delivered(self, deadline_s: float) -> None:
        """Wait until nothing of this call is pending, or until the deadline."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while len(self.outbox):
                    await self.idle.wait()

    def stop(self) -> None:
        """Send nothing more; whoever waits for an answer hears that there will be none."""
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._heard = self._heard, {}
        for heard in waiting.values():
            asyncio.get_running_loop().call_soon(heard, HookFailure("the server is stopping"), None)

    async def _work(self, function: Callable[[], Any], done: Done, *, threaded: bool) -> None:
        timeout_s = self.options.attempt_timeout_s("tool")
        done(*await self._dispatcher.workshop.finished(function, threaded=threaded, timeout_s=timeout_s))

    def _pump(self) -> None:
        """Start what is due; wake up when something will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._dispatcher.closed:
            return
        now = self.now()
        while (row := self.outbox.due(now)) is not None:
            self._dispatcher.tasks.start(self._attempt(row))
        if (at := self.outbox.next_due()) is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._pump)
        if len(self.outbox):
            self.idle.clear()
        else:
            self.idle.set()

    async def _attempt(self, row: Delivery) -> None:
        began = self.now()
        result = await self._sender.send(row, timeout_s=self.options.attempt_timeout_s(row.kind))
        try:
            self._settle(row, result, took_s=self.now() - began)
        except Exception:
            log.exception("hook.crashed", **fields(row))
        finally:
            self._pump()

    def _settle(self, row: Delivery, result: Result, *, took_s: float) -> None:
        now = self.now()
        if is_delivered(result):
            after, *others = [self.outbox.succeeded(row)]
        else:
            after, *others = self.outbox.failed(row, result, now=now, jitter=self._sender.jitter())
        late = now - row.created_at > self.options.deadline_s(row.kind)
        try:
            self._tell(after, result)
        finally:
            for outcome in [Outcome(after, took_s, late), *(Outcome(other, took_s=0.0) for other in others)]:
                self._sender.note(outcome)

    def _tell(self, after: Delivery, result: Result) -> None:
        if after.webhook_id not in self._heard:
            return
        if after.state == "pending":
            self._heard[after.webhook_id](result, after.next_at)
        else:
            self._heard.pop(after.webhook_id)(result, None)
