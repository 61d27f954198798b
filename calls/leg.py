"""One `llm` verb while it is carried out: its line, its one end, and what its actionHook answers."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from structlog.typing import FilteringBoundLogger

from hooks.call import CallHooks
from hooks.mcp.servers import Servers
from media.changing import Change, by_event
from media.effects import Answer, End, Outcome
from media.realtime.updating import AwayError, UpdateRefusedError
from media.record import Record
from media.requests import Request, ended
from media.settings import Delta, properties_in
from once import Once
from tasks import Tasks
from verbs.base import JsonObject
from verbs.offering import names_of

ASKED_AFTER_S = 2.0
"How long after its end the platform may take to ask what comes next; then the actionHook goes out unasked."
INTERNAL = End("server error", "internal_error", "server", {"message": "internal error"})
Body = Callable[[JsonObject], JsonObject]
"Makes the actionHook's body from what the platform says of the call as it asks; from nothing, what it said last."


class Talk(Protocol):
    """A conversation under way: `media.sockets.Line`."""

    over: Once
    end: End | None

    async def run(self) -> None: ...
    def finish(self, end: End) -> None: ...
    def tool_answered(self, call_id: str, output: str) -> None: ...


class EndLostError(Exception):
    """A conversation has ended, and its end could not be told to those who wait for it."""


class Leg:
    """`run` is one task for the verb's whole life; any exception in it ends this verb and nothing else."""

    def __init__(
        self,
        line: Talk,
        record: Record,
        hooks: CallHooks,
        *,
        update: Callable[[JsonObject | Change], None],
        ask: Callable[[Request, Answer], None],
        keep: Callable[[End, Record], Awaitable[Body]],
        closed: Callable[[], None],
        tasks: Tasks,
        log: FilteringBoundLogger,
        servers: Servers | None = None,
    ) -> None:
        """`update` changes the conversation, or raises UpdateRefusedError; `ask` passes a request on to it.

        `keep` writes the end into the row, and gives what makes the actionHook's body; `closed` comes after it.
        `servers`: those whose tools the model is offered besides.
        """
        self.line = line
        self.record = record
        self._hooks = hooks
        self._update = update
        self._pass_on = ask
        self._waiting: set[asyncio.Future[Outcome]] = set()
        self._keep = keep
        self._closed = closed
        self._tasks = tasks
        self._servers = servers
        self.log = log
        self._ended: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self._asked = Once()
        self._done = Once()
        self._action: asyncio.Task[list[JsonObject] | None] | None = None

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            self._done.set()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_end())
                if self._servers:
                    self._tasks.start(self._servers.run())
                await self._run_line()  # no task of its own: so the model is dialled before the webhook is answered
        finally:
            self._answer_all()
            self._closed()
            if self._servers:
                self._servers.close()
            if not self._ended.done():
                self._ended.set_exception(EndLostError("the end of a conversation is lost; the log says why"))
                self._ended.exception()  # seen: that nobody waits for it is no fault
        if not await self._asked.wait(ASKED_AFTER_S):
            await self.action({})

    async def _keep_end(self) -> None:
        await self.line.over.wait()
        self._answer_all()
        self._ended.set_result(await self._keep(self.line.end or INTERNAL, self.record))

    async def _run_line(self) -> None:
        try:
            await self.line.run()
        except Exception:
            self.log.exception("call_failed")
            self.line.end = None
        finally:
            self.line.over.set()

    @property
    def is_told(self) -> bool:
        """Whether it is over, and the actionHook knows, or was given up."""
        return self._done.is_set() and (self._action is None or has_result(self._action))

    @property
    def wanted(self) -> list[JsonObject] | None:
        """What the actionHook of a leg that is told wants."""
        return self._action.result() if self._action else None

    def recall(self, wanted: list[JsonObject] | None) -> None:
        """Be a leg that is told, and whose actionHook wanted this."""
        self.line.over.set()
        self._ended.set_result(dict)
        self._asked.set()
        self._done.set()
        self._action = self._tasks.start(_given(wanted))

    def finish(self, end: End) -> None:
        """End the conversation, unless it has ended."""
        self.line.finish(end)

    async def kept(self) -> None:
        """Wait until the end is in the row, or lost."""
        await asyncio.wait({self._ended})

    def update(self, event: JsonObject) -> str | None:
        """Change the conversation as its application wants it; say why not, where that cannot be."""
        try:
            self._update(by_event(event))
        except UpdateRefusedError as error:
            return str(error)
        match event:
            case {"type": "session.update", "session": {"tools": list(tools)}} if self._servers:
                self._servers.give_way(names_of(tools))
            case _:
                pass
        return None

    async def change(self, delta: Delta, *, deep: bool, recycle: bool, patience_s: float) -> Outcome:
        """Change settings as an operator wants, and wait until the model has agreed to them, or not.

        :raises UpdateRefusedError: that cannot be, and why
        :raises TimeoutError: it has not said in time
        """
        answered = self._awaited()
        try:
            self._update(Change(delta, partial(_answer, answered), deep, recycle))
            outcome = await asyncio.wait_for(answered, patience_s)
        finally:
            answered.cancel()
        if outcome.how == "over":
            raise AwayError("the conversation ended before the model had said whether it takes this")
        if self._servers and outcome.how == "done":
            self._servers.give_way(names_of(properties_in(delta).get("tools", delta.flat.get("tools"))))
        return outcome

    def ask(self, request: Request) -> asyncio.Future[Outcome]:
        """Ask something of the conversation; it is answered when that has ended, at the latest."""
        answered = self._awaited()
        if self.line.over.is_set():
            self._answer_all()
        else:
            self._pass_on(request, partial(_answer, answered))
        return answered

    def _awaited(self) -> asyncio.Future[Outcome]:
        """Make what somebody waits for, at the longest until the conversation is over."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.add(answered)
        answered.add_done_callback(self._waiting.discard)
        return answered

    def _answer_all(self) -> None:
        """Let nobody wait for a conversation that is over."""
        for waiting in list(self._waiting):
            _answer(waiting, ended(self.line.end or INTERNAL))

    async def told(self) -> None:
        """Wait until the actionHook knows of the end, or cannot be told."""
        await self._done.wait()
        if self._action is not None:
            await asyncio.wait({self._action})

    async def action(self, attributes: JsonObject) -> list[JsonObject] | None:
        """Ask the actionHook, once however often this is called; give the verbs that it answers.

        `attributes` is what the platform says of the call now, if it was the platform that asked.

        :raises EndLostError: there is no end to tell
        """
        return await asyncio.shield(self._ask(await asyncio.shield(self._ended), attributes))

    def hurry(self) -> None:
        """Let the actionHook go out now if it is still to come."""
        if self._ended.done() and not self._ended.exception():
            self._ask(self._ended.result(), {})

    def _ask(self, body: Body, attributes: JsonObject) -> "asyncio.Task[list[JsonObject] | None]":
        self._asked.set()
        if self._action is None:
            self._action = self._tasks.start(self._hooks.ask_action(body(attributes)))
        return self._action


def _answer(waiting: asyncio.Future[Outcome], outcome: Outcome) -> None:
    """Answer who waits, if they still do."""
    if not waiting.done():
        waiting.set_result(outcome)


def has_result(task: "asyncio.Task[Any]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _given(wanted: list[JsonObject] | None) -> list[JsonObject] | None:
    return wanted
