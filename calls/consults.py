"""The humans who are called to take callers over: each of them a call of its own, placed by the platform's REST API.

    the model calls the tool ──▶ POST …/Calls ──▶ their call comes back as any other ──▶ briefing, key ──▶ conference
                                        ▲                                                 │
                                        └── the next of those who may be called ◀─────────┤ not accepted
    the caller, with the agent meanwhile ◀── the tool's output: why not ◀── nobody ◀──────┤
    the conversation's end, and the conference ◀── accepted ──────────────────────────────┘

What decides of each is in `consult.py`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from time import time
from typing import Any

from calls.consult import HANGUP, HOOK, Consult
from calls.control import ControlError
from calls.leaving import FAILED, ROOM
from calls.live import LiveCall
from calls.outbound import Placed, placed_call
from calls.remotely import Remotely, Wanted
from calls.seeking import Handing, Open
from hooks.applications.document import Document
from hooks.courier import Answer
from hooks.replies import error_output
from hooks.tools import Tool
from media.ends import HANDOFF
from media.platforms import PLATFORMS
from media.platforms.base import CallStatus, Stage
from media.remote import RemoteError
from once import Once
from tasks import Tasks
from verbs import DocumentError
from verbs.base import JsonObject
from verbs.briefing import rings_s
from verbs.handoff import disposition, is_warm, result_body, transfer_name
from verbs.llm import Llm

KEPT_S = 60.0
"How long what comes late from the leg of a human who was not needed any more is still known."
MISSED_AFTER_S = 3.0
"A caller who is not with a human so long after these have left is led on."
BUSY = "a human is being called already; you are told how that goes"
IMPOSSIBLE = "nobody can be called from here; tell the caller so, and go on"
NOT_CALLED = "the call could not be placed"

Tell = Callable[[LiveCall, object, JsonObject], Coroutine[Any, Any, list[JsonObject] | None]]
Redirect = Callable[[str, Sequence[JsonObject]], Awaitable[None]]


class Consults:
    """Make it inside the loop. `ask` asks a hook of a call, `redirect` leads a call on."""

    ask: Tell

    def __init__(self, remotely: Remotely, tasks: Tasks, *, redirect: Redirect) -> None:
        self._remotely = remotely
        self._tasks = tasks
        self._redirect = redirect
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, Open] = {}

    def tools(self, live: LiveCall, llm: Llm | None) -> dict[str, Tool]:
        """Give the tool of a verb whose transfers are warm."""
        if llm is None or llm.handoff is None or not is_warm(llm.handoff):
            return {}
        return {transfer_name(llm.handoff): Handing(self.begin, live, llm)}

    def begin(self, live: LiveCall, nth: int, arguments: JsonObject, answer: Answer) -> None:
        """Call a human; `answer` gets the one output, unless they take the caller over."""
        if any(each.live is live and not each.done for each in self._open.values()):
            answer(error_output(BUSY))
            return
        if not self._remotely.possible(live.settings):
            live.log.warning("handoff_impossible", remedy="a warm transfer calls by REST: set platform.api")
            answer(error_output(IMPOSSIBLE))
            return
        briefing = str(arguments.get("briefing") or arguments.get("reason") or "")
        self._tasks.start(self._run(self._opened(live, nth, briefing), briefing, answer))

    def _opened(self, live: LiveCall, nth: int, briefing: str, place: int = 0) -> Open:
        consult = Consult(live.llms[nth].handoff or {}, briefing, token=token_hex(8), now=self._loop.time())
        one = self._open[consult.token] = Open(live, nth, live.legs[nth].line, consult, place)
        live.consulting += 1
        return one

    async def _run(self, one: Open, briefing: str, answer: Answer) -> None:
        await self._try(one)
        while one.has_next:
            self._give_up(one)
            one = self._opened(one.live, one.nth, briefing, one.place + 1)
            await self._try(one)
        await self._settle(one, answer)

    async def _try(self, one: Open) -> None:
        """Call one of those who may be called, and wait for what comes of it."""
        consult, ended = one.consult, one.line.over
        one.live.log.info("handoff_calling", target=one.place)
        try:
            await self._place(one)
            while consult.outcome is None and not ended.is_set():
                one.changed.clear()
                await _either(one.changed, ended, consult.due - self._loop.time())
                consult.tick(self._loop.time())
            end = one.line.end
            consult.abandoned(by_caller=end is None or end.ended_by == "caller")
        except Exception:
            one.live.log.exception("handoff_failed")
            consult.failed(NOT_CALLED)
        one.live.log.info("handoff_ended", outcome=consult.outcome, message=consult.told, to_call_sid=one.sid)

    async def _place(self, one: Open) -> None:
        live, handoff = one.live, one.handoff
        wanted = Wanted(
            to=handoff["target"][one.place],
            caller=str(handoff.get("callerId") or live.call.called or live.call.caller),
            route=live.route.name,
            amd=handoff.get("amd"),
            consult=one.consult.token,
            rings_s=rings_s(handoff),
        )
        try:
            one.sid = one.sid or await self._remotely.place(wanted, live.settings, live.seat.place)
        except (ControlError, RemoteError) as error:
            live.log.warning("handoff_not_placed", message=str(error))
            one.consult.failed(NOT_CALLED)
            one.over = True

    async def _settle(self, one: Open, answer: Answer) -> None:
        live, consult, handoff = one.live, one.consult, one.handoff
        outcome = consult.outcome or "error"
        if outcome == "completed":
            one.done = True
            self._loop.call_later(live.route.max_call_s, self._forget, one)
            await self._hand_over(one)
            return
        self._give_up(one)
        disposed = disposition(handoff, outcome)
        attributes = PLATFORMS[live.settings.platform.kind].call.hook_attributes(live.attributes)
        told = {**attributes, **result_body(outcome, disposed), "dial_call_sid": one.sid or None}
        wanted = await self.ask(live, handoff.get("actionHook"), told)
        if one.line.over.is_set():
            return
        if wanted:
            live.instead[one.nth] = wanted
        if wanted or disposed != "return":
            one.line.finish(replace(HANDOFF, told={FAILED: outcome}))
        else:
            answer(json.dumps({"transferred": False, "reason": outcome, "message": _message(consult.told)}))

    def _give_up(self, one: Open) -> None:
        one.done = True
        self._loop.call_later(KEPT_S, self._forget, one)
        self._tasks.start(self._hang_up(one))

    def _forget(self, one: Open) -> None:
        del self._open[one.consult.token]
        one.live.consulting -= 1

    async def _hand_over(self, one: Open) -> None:
        """Send the caller to the human; who has come to nobody, for the caller has left just then, is let go."""
        one.line.finish(replace(HANDOFF, told={ROOM: one.consult.room}))
        await one.line.over.wait()
        if one.line.end is None or one.line.end.told.get(ROOM) != one.consult.room:
            await self._hang_up(one)

    async def _hang_up(self, one: Open) -> None:
        if one.sid and not one.over:
            with suppress(ControlError, RemoteError):  # it is gone already, or will end by itself
                await self._remotely.hang_up(one.sid, one.live.settings)

    # The human's leg

    def application(self, token: str, call_sid: str) -> Document:
        """Give the application of a human's call, which has come."""
        one = self._open.get(token)
        if one is None:
            return Document([HANGUP], base_url=None)
        one.sid = call_sid
        return Document(one.consult.answered(self._loop.time()), base_url=one.live.settings.hooks.base_url)

    def asked(self, target: str, body: JsonObject) -> list[JsonObject] | None:
        """Answer a hook of a human's call; None for another hook."""
        token = target.removeprefix(HOOK)
        if token == target:
            return None
        one = self._open.get(token)
        if one is None:
            return [HANGUP]
        wanted = one.consult.asked(body.get("digits"))
        one.changed.set()
        return wanted

    def machine(self, placed: Placed, body: JsonObject) -> None:
        """Take what answering machine detection says of a human's call; its hook is told, and has no say."""
        one = self._open.get(placed.consult)
        dialect = self._remotely.dialect(one.live.settings) if one else None
        if one is None or dialect is None:
            return
        self._tasks.start(self.ask(one.live, placed.amd_hook, body))
        found = dialect.is_machine(body)
        if found is not None:
            one.consult.detected(machine=found)
            one.changed.set()

    def status(self, status: CallStatus) -> None:
        """Take what the platform tells of a call: it may be a human's, who does not answer, or has left.

        Or a caller's who has left before they came to the human.
        """
        if status.stage is Stage.OVER:
            for one in self._open.values():
                if one.live.sid == status.call_sid and one.consult.outcome == "completed":
                    self._tasks.start(self._hang_up(one))
        if named := self._named(status):
            self._hear(named, status)

    def _hear(self, one: Open, status: CallStatus) -> None:
        one.sid = status.call_sid
        if url := one.live.application.address(one.handoff.get("eventHook")):
            told = {"call_sid": one.live.sid, "dial_call_sid": one.sid, "call_status": status.status}
            one.live.hooks.tell(url, {"event": "transfer-status", **told})
        dialect = self._remotely.dialect(one.live.settings)
        if status.stage is Stage.OVER and dialect:
            one.over = True
            one.consult.left(dialect.unanswered(status.attributes))
            one.changed.set()
            if one.consult.outcome == "completed":
                self._loop.call_later(one.live.settings.hooks.action_timeout_s + MISSED_AFTER_S, self._missed, one)

    def _named(self, status: CallStatus) -> Open | None:
        """A status may come before the API has told the call's sid: then its tag tells whose it is."""
        if not self._open:
            return None
        opened = list(self._open.values())
        by_sid = next((one for one in opened if one.sid == status.call_sid), None)
        placed = placed_call(status.attributes, opened[0].live.seat.place.secret, now_s=time())
        return by_sid or (self._open.get(placed.consult) if placed else None)

    def _missed(self, one: Open) -> None:
        """Lead a caller on whose human has left before they came: they would wait in the conference alone."""
        live = one.live
        if not (one.nth in live.transfers or live.gone or live.over):
            live.log.warning("handoff_missed")
            self._tasks.start(self._lead_on(one))

    async def _lead_on(self, one: Open) -> None:
        try:
            await self._redirect(one.live.sid, list(one.live.remaining[one.nth]) or [HANGUP])
        except (ControlError, RemoteError, DocumentError) as error:
            one.live.log.warning("handoff_missed", message=str(error))


def _message(why: str) -> str:
    return f"Nobody takes over: {why}. The caller is still with you: tell them, and go on helping them."


async def _either(one: asyncio.Event, other: Once, timeout_s: float) -> None:
    """Wait for one of two events, or so long."""
    waits = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, timeout=max(0.0, timeout_s), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
