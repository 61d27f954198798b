"""Makes the legs: each `llm` verb of a call with its bridge, its line and its hooks."""

import asyncio
from collections import ChainMap
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import time
from typing import Literal, Protocol

from calls import carrying
from calls.applications import address, status_hook
from calls.candidates import candidates, dial_of
from calls.consults import Consults
from calls.dispatchers import signing_secrets
from calls.ending import kept
from calls.handover import Handover, begin
from calls.handover import handover as handover_of
from calls.keys import Hide
from calls.leg import Body, Leg, Talk
from calls.live import LiveCall
from calls.lost import LostLine, LostRecord, already_kept, nobody, refuse, unknown
from calls.masking import own_secrets
from calls.recorder import Recorder
from calls.spending import Spending
from cost.meter import cost_of, paid
from hooks.dispatcher import CallHooks
from hooks.filter import NOTHING
from hooks.mcp.servers import Servers
from hooks.options import HookUrls
from hooks.replies import verbs_in
from media.effects import End
from media.platforms import PLATFORMS
from media.realtime.base import Realtime
from media.record import Record
from media.sockets import Lines, Patience
from store.base import Store
from store.deliveries import Note
from tasks import Tasks
from verbs.agents import HANDOVER_TOOL
from verbs.base import JsonObject
from verbs.llm import Llm

__all__ = ["Hide", "Legs", "Noted", "Observer"]


class Observer(Protocol):
    """Where calls and tokens are counted."""

    def call_started(self) -> None: ...

    def call_ended(self, route: str, reason_code: str) -> None: ...

    def call_refused(self, route: str, reason: str) -> None:
        """Count a call that ended as it came."""
        ...

    def measure(self, name: str, seconds: float) -> None: ...

    def billed(self, route: str, bill: JsonObject) -> None:
        """Count what a response or a transcription has used."""
        ...


Noted = Literal["line", "tool", "turn", "usage", "barge_in"]


class Legs:
    """`ended` is called, some seconds after a conversation's end, with its call and its number."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        observer: Observer,
        consults: Consults,
        *,
        tasks: Tasks,
        hide: Hide,
        ended: Callable[[LiveCall, int], None],
    ) -> None:
        self._store = store
        self._lines = lines
        self._observer = observer
        self._consults = consults
        self._tasks = tasks
        self._hide = hide
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.recorder = Recorder()
        self.spending = Spending(store, observer)
        self.lend: Callable[[LiveCall], None] = lambda _: None
        "Told of each call that is taken: its application's functions may steer it."

    def make(self, live: LiveCall, nth: int) -> Leg:
        """Make the n-th leg of a call; it does nothing until it runs.

        :raises ModelError: the verb cannot be carried out, which was looked at before its document left
        """
        llm, settings, now = live.llms[nth], live.settings, self._loop.time()
        vendor = settings.vendors[llm.vendor]
        handover = handover_of(live, llm)
        spoken, besides = (handover.spoken(), handover.besides()) if handover else (llm, ())
        found = candidates(live, spoken, besides)
        models = [each.model for each in found]
        left_s = max(0.0, live.ends_at - now)
        bridge = carrying.make_bridge(
            models,
            llm,
            live.route,
            settings,
            vendor,
            now=now,
            left_s=left_s,
            unix_s=time() - now,
            call_sid=live.sid,
            again=live.again.get(nth),
            confidential=live.confidential,
            meter=self.spending.meter(live),
            tape=self.recorder.tape(live),
        )
        patience = Patience(
            connect_timeout_s=vendor.connect_timeout_s,
            send_timeout_s=settings.server.send_timeout_s,
            heartbeat_s=settings.server.heartbeat_s,
        )
        servers = self._servers(live, llm, models[0])
        hooks = self.hooks(live, carrying.hook_urls(llm, partial(address, live)), llm, servers, handover)
        bridge.record.noted = partial(self.note, live, nth)
        bridge.changing.dial_of = partial(dial_of, live, found)
        line = self._lines.line(bridge, [each.dial for each in found], hooks, patience, call_sid=live.sid)
        if servers:
            servers.offer = partial(line.tell, bridge.declare)
        update, ask = partial(line.tell, bridge.update), partial(line.tell, bridge.ask)
        if handover:
            handover.report, handover.change = hooks.report, update
            begin(handover, live, bridge, models[0])
        return self._leg(
            live, nth, line, bridge.record, hooks, update=update, ask=ask, servers=servers, handover=handover
        )

    async def lost(self, live: LiveCall, nth: int) -> Leg:
        """Make the n-th leg of a call anew that an earlier process has left: nothing is to come but its end."""
        notes = await self._store.notes(live.row_id, nth)
        lost = unknown(notes)
        for note in lost:
            live.log.warning("tool_outcome_unknown", tool=note.value["name"])
            self._store.note(note)
        llm, record = live.llms[nth], LostRecord([*notes, *lost])
        live.purse.pay(paid(record.bills))
        hooks = self.hooks(live, carrying.hook_urls(llm, partial(address, live)), llm)
        return self._leg(live, nth, LostLine(), record, hooks, update=refuse, ask=nobody)

    def recalled(self, live: LiveCall, wanted: list[JsonObject] | None) -> Leg:
        """Make a leg anew whose end was told, and whose actionHook wanted this."""
        leg = self.told(live)
        leg.recall(wanted)
        return leg

    def told(self, live: LiveCall) -> Leg:
        """Make a leg whose end an earlier process has written down: it is told without us."""
        return Leg(
            LostLine(),
            LostRecord(()),
            self.hooks(live, HookUrls(), None),
            update=refuse,
            ask=nobody,
            keep=already_kept,
            closed=lambda: None,
            tasks=self._tasks,
            log=live.log,
        )

    def _leg(
        self,
        live: LiveCall,
        nth: int,
        line: Talk,
        record: Record,
        hooks: CallHooks,
        *,
        update: Callable[..., None],
        ask: Callable[..., None],
        servers: Servers | None = None,
        handover: Handover | None = None,
    ) -> Leg:
        return Leg(
            line,
            record,
            hooks,
            update=update,
            ask=ask,
            keep=partial(self.keep, live, nth, hooks),
            closed=partial(_closed, live.keys.begin(self._hide, own_secrets(live.llms[nth])), handover),
            tasks=self._tasks,
            log=live.log,
            servers=servers,
        )

    def note(self, live: LiveCall, nth: int, kind: Noted, key: str, value: JsonObject) -> None:
        """Write down what is final in a conversation, and let those see it who look on."""
        live.journal.said(nth, kind, key, value)
        if kind == "usage":
            self.spending.billed(live, value)
        if kind != "barge_in":
            self._store.note(Note(live.row_id, nth, kind, key, value))

    @staticmethod
    def _servers(live: LiveCall, llm: Llm, model: Realtime) -> Servers | None:
        """Give the servers of tools that a verb names; they have no say in what `model` was told of already."""
        if not llm.mcp_servers:
            return None
        taken = {*carrying.route_tools(live.route, live.settings), *model.tools}
        egress = live.dispatcher.egress
        reach = partial(egress.reach, besides=live.application.trusted)
        return Servers(llm.mcp_servers, taken=taken, reach=reach, log=live.log)

    def plain_hooks(self, live: LiveCall) -> CallHooks:
        """Give the hooks of a call that are no `llm` verb's: its status, and what other verbs ask."""
        self.lend(live)
        return self.hooks(live, HookUrls(status=live.application.address(status_hook(live.route))), None)

    async def ask(self, live: LiveCall, target: object, body: JsonObject) -> list[JsonObject] | None:
        """Pass on one of the platform's other hooks; give the verbs that its owner answers, not yet validated."""
        url = address(live, target)
        if url is None:
            return None
        verbs, complaint = verbs_in(await live.hooks.forward(url, body))
        if complaint:
            live.log.warning("hook_reply_ignored", complaint=complaint)
        return verbs

    def hooks(
        self,
        live: LiveCall,
        urls: HookUrls,
        llm: Llm | None,
        servers: Servers | None = None,
        handover: Handover | None = None,
    ) -> CallHooks:
        of_route = dict(carrying.route_tools(live.route, live.settings)) if llm else {}
        of_route |= self._consults.tools(live, llm)
        of_route |= {HANDOVER_TOOL: handover} if handover else {}
        made = live.dispatcher.for_call(
            live.call,
            urls=urls,
            wanted=carrying.event_filter(llm, live.route) if llm else NOTHING,
            secrets=own_secrets(llm) if llm else (),
            tools=ChainMap(of_route, servers.tools) if servers else of_route,
            envelope=carrying.envelope(live.route),
            numbered=live.numbered,
            trusted=live.application.trusted,
            signed_by=signing_secrets(live.route.hooks),
        )
        live.keys.kept_from(made.redactor)
        return made

    async def keep(self, live: LiveCall, nth: int, hooks: CallHooks, end: End, record: Record) -> Body:
        """Write a conversation's end into the row; give what makes the actionHook's body of it."""
        end = replace(end, error=live.keys.shown(end.error))
        duration_s, llm = record.duration_s(self._loop.time()), live.verb(nth)
        kept_end = kept(end, record, at_s=time(), duration_s=duration_s)
        dialect = PLATFORMS[live.settings.platform.kind].call

        def body(attributes: JsonObject) -> JsonObject:
            return carrying.envelope(live.route).action_body(
                dialect.hook_attributes(live.attributes | attributes),
                completion_reason=kept_end.completion_reason,
                reason_code=kept_end.reason_code,
                ended_by=kept_end.ended_by,
                duration_s=duration_s,
                transcript=kept_end.transcript,
                usage=kept_end.usage,
                cost=cost_of(kept_end.bills),
                error=kept_end.error,
                verb_id=llm.id,
            )

        try:
            hooks.prepare_end(body({}))  # written together with what it reports
            await self._store.update(live.row_id, lambda row: row.with_leg(nth, end=kept_end, media_state="closed"))
        except Exception:  # whatever a store raises: the end is told all the same
            live.log.exception("end_not_kept")
        told = {"reason_code": end.reason_code, "ended_by": end.ended_by}
        if end.abnormal:
            live.log.warning("conversation_ended", **told, error=end.error)
        else:
            live.log.info("conversation_ended", **told)
        self._loop.call_later(live.settings.server.orphan_grace_s, self._ended, live, nth)
        return body


def _closed(shown: Callable[[], None], handover: Handover | None) -> None:
    """Let the log show the conversation's keys again, and let go what knows the conversation itself."""
    shown()
    if handover:
        handover.over()
