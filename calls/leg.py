"""One `llm` verb while it is carried out: its line, its one end, and what its actionHook answers."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hooks.call import CallHooks
from media.bridge import Bridge
from media.effects import End
from media.sockets import Line
from verbs.base import JsonObject

log = structlog.get_logger("calls")

ASKED_AFTER_S = 2.0
"How long after its end the platform may take to ask what comes next; then the actionHook goes out unasked."
INTERNAL = End("server error", "internal_error", "server", {"message": "internal error"})
Body = Callable[[JsonObject], JsonObject]
"Makes the actionHook's body from what the platform says of the call now; from nothing, what it said first."


class Leg:
    """`run` is one task for the verb's whole life; any exception in it ends this verb and nothing else."""

    def __init__(
        self,
        line: Line,
        bridge: Bridge,
        hooks: CallHooks,
        *,
        keep: Callable[[End, Bridge], Awaitable[Body]],
    ) -> None:
        """`keep` writes the end into the row, and gives what makes the actionHook's body."""
        self.line = line
        self._hooks = hooks
        self._bridge = bridge
        self._keep = keep
        self._ended: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self._asked = asyncio.Event()
        self._action: asyncio.Task[list[JsonObject] | None] | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_line())
            await self.line.over.wait()
            self._ended.set_result(await self._keep(self.line.end or INTERNAL, self._bridge))
        try:
            await asyncio.wait_for(self._asked.wait(), ASKED_AFTER_S)
        except TimeoutError:
            await self.action({})

    async def _run_line(self) -> None:
        try:
            await self.line.run()
        except Exception:
            log.exception("call_failed")
            self.line.end = None
        finally:
            self.line.over.set()

    async def kept(self) -> None:
        """Wait until the end is in the row."""
        await asyncio.shield(self._ended)

    async def action(self, attributes: JsonObject) -> list[JsonObject] | None:
        """Ask the actionHook, once however often this is called; give the verbs that it answers.

        `attributes` is what the platform says of the call now, if it was the platform that asked.
        """
        body = await asyncio.shield(self._ended)
        self._asked.set()
        if self._action is None:
            self._action = asyncio.create_task(self._hooks.ask_action(body(attributes)))
        return await asyncio.shield(self._action)

    def hurry(self) -> None:
        """Let the actionHook go out now if it is still to come."""
        if self._ended.done() and not self._asked.is_set():
            self._asked.set()
            self._action = asyncio.create_task(self._hooks.ask_action(self._ended.result()({})))
