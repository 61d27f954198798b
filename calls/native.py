"""One `llm` verb that the platform carries out itself: its events, its tools, and its one end."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from structlog.typing import FilteringBoundLogger

from calls.document import Native
from calls.leg import ASKED_AFTER_S, Body, has_result
from calls.native_record import billed_by, keep_event
from cost.meter import Meter
from hooks.call import CallHooks
from hooks.replies import error_output, tells_error
from media.arguments import RefusalError
from media.effects import End
from media.native import LlmDialect, ToolAsked, ToolOutput
from media.realtime.base import ToolCalled
from media.record import Record
from media.tooling import Tooling
from tasks import Tasks
from verbs.base import JsonObject
from verbs.native import declared

ANY_TOOL = "*"
"Stands for each tool of a verb whose vendor is told of them in words of its own."
MAX_WAIT_S = 9.5
"The platform hangs up on a tool after ten seconds (feature-server lib/config.js: JAMBONES_HTTP_TIMEOUT)."
UNTYPED = "llm_event"
"What jambonz calls the events of a vendor whose events have no type (lib/tasks/llm/llms/google_s2s.js)."
Keep = Callable[[End, Record], Awaitable[Body]]


class NativeLeg:
    """One such verb. It has begun; nothing here waits for a network but what its hooks wait for."""

    def __init__(
        self,
        native: Native,
        hooks: CallHooks,
        dialect: LlmDialect,
        *,
        keep: Keep,
        closed: Callable[[], None],
        tasks: Tasks,
        log: FilteringBoundLogger,
        timeout_s: float,
        meter: Meter,
    ) -> None:
        """`keep` writes the end into the row, and gives what makes the actionHook's body; `closed` comes after it."""
        self.returns = native.returns
        self._vendor = native.llm.vendor
        self._hooks = hooks
        self._dialect = dialect
        self._keep = keep
        self._closed = closed
        self._tasks = tasks
        self.log = log
        self._timeout_s = min(timeout_s, MAX_WAIT_S)
        self._loop = asyncio.get_running_loop()
        schemas = declared(native.llm)
        self._lists_tools = schemas is not None
        self._tooling = Tooling({ANY_TOOL: {}} if schemas is None else schemas, ())
        self.record = Record(now=self._loop.time(), meter=meter)
        self._model, self._transcriber = billed_by(native.llm)
        self._asked = asyncio.Event()
        self._told = asyncio.Event()
        self._end: End | None = None
        self._action: asyncio.Task[list[JsonObject] | None] | None = None

    def event(self, event: JsonObject) -> None:
        name = event.get("type")
        keep_event(self.record, event, self._loop.time(), model=self._model, transcriber=self._transcriber)
        self._hooks.report(name if isinstance(name, str) else UNTYPED, event)

    async def tool(self, body: JsonObject) -> JsonObject:
        """Answer a tool's call, whatever becomes of it: anything but an answer ends the conversation."""
        asked = self._dialect.tool_calls(body)
        outputs = await asyncio.gather(*(self._output(call) for call in asked))
        return self._dialect.tool_reply(self._vendor, list(zip(asked, outputs, strict=True)))

    async def _output(self, asked: ToolAsked) -> ToolOutput:
        known = asked.name if self._lists_tools else ANY_TOOL
        try:
            call = ToolCalled("", asked.call_id, known, asked.arguments)
            arguments = self._tooling.begin(call, self._loop.time())
        except RefusalError as refusal:
            return ToolOutput(error_output(str(refusal)), failed=True)
        try:
            text = await self._answer(asked, arguments)
            return ToolOutput(text, failed=tells_error(text))
        except TimeoutError:
            self.log.warning("tool_late", tool=asked.name, timeout_s=self._timeout_s)
            return ToolOutput(error_output("the tool did not answer in time"), failed=True)
        except Exception:
            self.log.exception("tool_failed", tool=asked.name)
            return ToolOutput(error_output("the tool failed"), failed=True)
        finally:
            self._tooling.ended(asked.call_id)

    async def _answer(self, asked: ToolAsked, arguments: JsonObject) -> str:
        answered: asyncio.Future[str] = self._loop.create_future()
        self._hooks.call_tool(asked.call_id, asked.name, arguments, partial(_settle, answered))
        return await asyncio.wait_for(answered, self._timeout_s)

    def finish(self, end: End) -> None:
        """The call is over, and how. The platform may still say how this conversation was, and has a moment for it."""
        if self._end is None:
            self._end = end
            self._tasks.start(self._unless_asked(end))

    async def _unless_asked(self, end: End) -> None:
        try:
            await asyncio.wait_for(self._asked.wait(), ASKED_AFTER_S)
        except TimeoutError:
            await self.action({}, end)

    async def action(self, attributes: JsonObject, end: End) -> list[JsonObject] | None:
        """Tell the actionHook how the verb ended, once however often this is called; give the verbs that it answers.

        The platform calls it normal when it was told to go on with something else, and we know by whom.
        """
        if self._end and not (end.abnormal or self._end.abnormal):
            end = self._end
        return await asyncio.shield(self._tell(attributes, end))

    @property
    def is_told(self) -> bool:
        """Whether the actionHook knows of the end, or was given up."""
        return self._action is not None and has_result(self._action)

    def hurry(self) -> None:
        """Let the actionHook go out now if it is still to come."""
        if self._end:
            self._tell({}, self._end)

    async def kept(self) -> None:
        """Wait until the end is in the row, or lost."""
        await self._told.wait()

    async def told(self) -> None:
        """Wait until the actionHook knows of the end, or cannot be told."""
        await self._asked.wait()
        if self._action is not None:
            await asyncio.wait({self._action})

    def _tell(self, attributes: JsonObject, end: End) -> "asyncio.Task[list[JsonObject] | None]":
        self._asked.set()
        if self._action is None:
            self._action = self._tasks.start(self._ask(attributes, end))
        return self._action

    async def _ask(self, attributes: JsonObject, end: End) -> list[JsonObject] | None:
        try:
            body = await self._keep(end, self.record)
        finally:
            self._told.set()
            self._closed()
        return await self._hooks.ask_action(body(attributes))


def _settle(answered: "asyncio.Future[str]", output: str) -> None:
    if not answered.done():
        answered.set_result(output)
