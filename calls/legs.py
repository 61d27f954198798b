"""Makes the legs: each `llm` verb of a call with its bridge, its line and its hooks."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import time
from typing import Protocol

import structlog

from calls import carrying
from calls.ending import kept
from calls.leg import Body, Leg
from calls.live import LiveCall
from hooks.dispatcher import CallHooks
from hooks.filter import EventFilter
from hooks.messages import action_body
from hooks.options import HookUrls
from hooks.replies import verbs_in
from media.bridge import Bridge
from media.effects import End
from media.platforms import PLATFORMS
from media.sockets import Lines, Patience
from store.base import Store, StoreError
from verbs.base import JsonObject
from verbs.llm import Llm

log = structlog.get_logger("calls")


class Observer(Protocol):
    """Where calls and tokens are counted."""

    def call_started(self) -> None: ...

    def call_ended(self, route: str, reason_code: str) -> None: ...

    def tokens(self, vendor: str, kind: str, count: int) -> None: ...


class Legs:
    """`ended` is called, some seconds after a conversation's end, with its call and its number."""

    def __init__(
        self,
        store: Store,
        lines: Lines,
        observer: Observer,
        *,
        ended: Callable[[LiveCall, int], None],
    ) -> None:
        self._store = store
        self._lines = lines
        self._observer = observer
        self._ended = ended
        self._loop = asyncio.get_running_loop()

    def make(self, live: LiveCall, nth: int) -> Leg:
        """Make the n-th leg of a call; it does nothing until it runs.

        :raises ModelError: there is no key for the model
        """
        llm, settings, now = live.llms[nth], live.settings, self._loop.time()
        vendor = settings.vendors[llm.vendor]
        llm = carrying.as_configured(llm, vendor)
        hooks = self._hooks(live, carrying.hook_urls(llm, settings.hooks.base_url), llm)
        model = carrying.make_model(llm, live.route)
        for warning in model.warnings:
            log.info("llm_options_translated", call_sid=live.sid, message=warning)
        left_s = max(0.0, live.ends_at - now)
        bridge = carrying.make_bridge(model, live.route, settings, vendor, now=now, left_s=left_s)
        patience = Patience(
            connect_timeout_s=vendor.connect_timeout_s,
            send_timeout_s=settings.server.send_timeout_s,
            heartbeat_s=settings.server.heartbeat_s,
        )
        line = self._lines.line(bridge, carrying.model_dial(llm, vendor), hooks, patience)
        return Leg(line, bridge, hooks, keep=partial(self._keep, live, nth, llm.vendor))

    def plain_hooks(self, live: LiveCall) -> CallHooks:
        """Give the hooks of a call that are no `llm` verb's: its status, and what other verbs ask."""
        status = carrying.absolute(live.route.status_hook, live.settings.hooks.base_url)
        return self._hooks(live, HookUrls(status=status), None)

    async def ask(self, live: LiveCall, target: str, body: JsonObject) -> list[JsonObject] | None:
        """Pass on one of the platform's other hooks; give the verbs that its owner answers, not yet validated."""
        url = carrying.absolute(target, live.settings.hooks.base_url)
        if url is None:
            return None
        verbs, complaint = verbs_in(await live.hooks.forward(url, body))
        if complaint:
            log.warning("hook_reply_ignored", call_sid=live.sid, complaint=complaint)
        return verbs

    def _hooks(self, live: LiveCall, urls: HookUrls, llm: Llm | None) -> CallHooks:
        return live.dispatcher.for_call(
            live.sid,
            caller=live.caller,
            called=live.called,
            urls=urls,
            wanted=carrying.event_filter(llm) if llm else EventFilter([], beta_names=False),
            secrets=carrying.own_secrets(llm) if llm else (),
        )

    async def _keep(self, live: LiveCall, nth: int, vendor: str, end: End, bridge: Bridge) -> Body:
        """Write a conversation's end into the row; give what makes the actionHook's body of it."""
        kept_end = kept(end, bridge.record, at_s=time())
        try:
            await self._store.update(live.row_id, lambda row: row.with_leg(nth, end=kept_end, media_state="closed"))
        except StoreError:
            log.exception("end_not_kept", call_sid=live.sid)
        for kind in ("input_tokens", "output_tokens"):
            count = kept_end.usage.get(kind)
            if isinstance(count, int) and count > 0:  # a vendor's numbers are a stranger's
                self._observer.tokens(vendor, kind, count)
        log.info("conversation_ended", call_sid=live.sid, route=live.route.name, reason_code=end.reason_code)
        self._loop.call_later(live.settings.server.orphan_grace_s, self._ended, live, nth)
        dialect = PLATFORMS[live.settings.platform.kind].call
        duration_s = bridge.record.duration_s(self._loop.time())

        def body(attributes: JsonObject) -> JsonObject:
            return action_body(
                dialect.hook_attributes(live.attributes | attributes),
                completion_reason=kept_end.completion_reason,
                reason_code=kept_end.reason_code,
                ended_by=kept_end.ended_by,
                duration_s=duration_s,
                transcript=kept_end.transcript,
                usage=kept_end.usage,
                error=kept_end.error,
            )

        return body
