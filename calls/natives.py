"""What the platform asks of the `llm` verbs that it carries out itself, and what it is answered."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from calls.applications import address
from calls.carrying import hook_urls
from calls.document import NOTHING, Native, Next, as_bytes
from calls.keys import Hide
from calls.legs import Legs, Noted
from calls.live import LiveCall
from calls.masking import own_secrets, told
from calls.native import NativeLeg
from calls.native_document import TAKEN, NativeHook, as_answer
from media.platforms import PLATFORMS
from tasks import Tasks
from verbs import DocumentError, serialise
from verbs.base import JsonObject

NO_SECRETS_SET = "set platform.webhook_secrets (JAMBONZ_WEBHOOK_SECRET) or platform.basic_auth"


class Heed(Protocol):
    async def __call__(self, live: LiveCall, wanted: Sequence[JsonObject], *, beside: bool = False) -> Next: ...


class Natives:
    """`heed` goes on with what an application wants; `leave` lets a call go in which we have no part any more."""

    def __init__(self, legs: Legs, *, tasks: Tasks, hide: Hide, heed: Heed, leave: Callable[[LiveCall], None]) -> None:
        self._legs = legs
        self._tasks = tasks
        self._hide = hide
        self._heed = heed
        self._leave = leave

    def prepare(self, live: LiveCall, next_: Next) -> None:
        """Take in the verbs of a document; the first of them begins now, the others with what they ask first."""
        if next_.withheld:
            event = "native_key_withheld" if next_.natives else "key_withheld"
            live.log.warning(event, message="the webhook was not authenticated", remedy=NO_SECRETS_SET)
        first = len(next_.row.legs) - len(next_.natives)
        live.natives |= dict(enumerate(next_.natives, first))
        if next_.natives:
            self.leg(live, first)

    def leg(self, live: LiveCall, nth: int) -> NativeLeg:
        if nth not in live.native_legs:
            live.native_legs[nth] = self._make(live, nth, live.natives[nth])
        return live.native_legs[nth]

    async def hook(self, live: LiveCall, asked: NativeHook, body: JsonObject) -> bytes:
        """Answer what the platform asks of one of these verbs."""
        leg = self.leg(live, asked.nth)
        if asked.kind == "event":
            leg.event(body)
            return TAKEN
        if asked.kind == "tool":
            return as_answer(await leg.tool(body))
        if asked.nth not in live.answers:
            live.answers[asked.nth] = self._tasks.start(self._after(live, asked.nth, body))
        return await asyncio.shield(live.answers[asked.nth])

    def _make(self, live: LiveCall, nth: int, native: Native) -> NativeLeg:
        hooks = self._legs.hooks(live, hook_urls(native.llm, partial(address, live)), native.llm)
        leg = NativeLeg(
            native,
            hooks,
            PLATFORMS[live.settings.platform.kind].llm,
            keep=partial(self._legs.keep, live, nth, hooks),
            closed=live.keys.begin(self._hide, own_secrets(native.llm)),
            tasks=self._tasks,
            log=live.log,
            timeout_s=live.settings.hooks.tool_timeout_s,
            meter=self._legs.spending.meter(live),
        )
        leg.record.noted = partial(self._note, live, nth)
        return leg

    def _note(self, live: LiveCall, nth: int, kind: Noted, key: str, value: JsonObject) -> None:
        """Write down what is used; what is said is told by the platform, and may be said otherwise."""
        if kind == "usage":
            self._legs.note(live, nth, kind, key, value)

    async def _after(self, live: LiveCall, nth: int, attributes: JsonObject) -> bytes:
        """Answer what the call does after a conversation: nothing where its document goes on by itself."""
        platform, leg = PLATFORMS[live.settings.platform.kind], self.leg(live, nth)
        beside = nth in live.beside
        live.gone = live.gone or (platform.call.is_over(attributes) and not beside)
        end = platform.llm.ended(attributes)
        if nth < live.superseded.llms:
            self._tasks.start(leg.action(attributes, end))  # told, and not waited for: it has no say
            return NOTHING
        fallback = serialise(live.fallback) if end.abnormal and not beside else []
        try:
            wanted = await leg.action(attributes, end)
            next_ = await self._next(live, nth, wanted or fallback, fallback)
        except Exception:
            live.log.exception("action_hook_failed")
            next_ = await self._heed(live, fallback, beside=beside)
        if live.gone or not (beside or next_.returns or (leg.returns and not next_.document)):
            self._leave(live)
        return NOTHING if live.gone else as_bytes(next_.document)

    async def _next(
        self, live: LiveCall, nth: int, wanted: Sequence[JsonObject], fallback: Sequence[JsonObject]
    ) -> Next:
        if live.gone or nth < live.superseded.llms:
            wanted = fallback = ()
        try:
            return await self._heed(live, wanted, beside=nth in live.beside)
        except DocumentError as error:
            live.log.warning("action_hook_verbs_refused", complaint=told(error.complaints))
            return await self._heed(live, fallback, beside=nth in live.beside)
