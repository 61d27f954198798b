"""One verb's servers: connected to as its model is dialled, and closed at its end.

All are asked at once for their tools. Those that have answered within two seconds are offered together, in the verb's
order, and the model's session waits for that; one that is later is offered when it comes. A server that fails is told
of, and costs the call its tools alone.
"""

import asyncio
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from importlib import import_module
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger

from egress.guard import Reach
from hooks.mcp.line import Connection, Line
from hooks.mcp.offers import Ask, Listed, McpError, Offers
from hooks.mcp.server import INSTALL, McpServer, installed, read
from hooks.tools.base import Tool
from verbs.base import JsonObject
from verbs.tools import ToolError

DOOR = "hooks.mcp.connection"
LISTED_WITHIN_S = 2.0
"How long the first words may wait for tools."
GIVEN_UP_AFTER_S = 15.0
MAX_SERVERS = 8
CLOSED_WITHIN_S = 2.0

Offer = Callable[[list[JsonObject]], None]
"Is told what functions there are, besides those told before."


Connect = Callable[[McpServer], AbstractAsyncContextManager[Connection]]


class Came(NamedTuple):
    """A server that has told of its tools."""

    server: McpServer
    tools: list[Listed]
    ask: Ask


class Servers:
    """`run` lasts until `close`; no failure of a server is raised from it."""

    def __init__(
        self,
        entries: Sequence[JsonObject],
        *,
        taken: Collection[str],
        reach: Callable[[str], Reach],
        log: FilteringBoundLogger,
    ) -> None:
        """`entries`: the verb's `mcpServers`; `taken`: names that no tool of theirs can have; `reach`: see egress."""
        self._entries = entries
        self._log = log
        self._reach = reach
        self._offers = Offers(taken)
        self.offer: Offer = lambda _: None
        "To be set by whoever has the model."
        self._closing = asyncio.Event()
        self._limits: set[asyncio.Timeout] = set()
        self._lines: list[Line] = []

    @property
    def tools(self) -> dict[str, Tool]:
        """What was offered, by the names under which the model knows it; there will be more."""
        return self._offers.tools

    def give_way(self, names: Collection[str]) -> None:
        """Leave these tools to the application, which declares them itself now; see `Offers.give_way`."""
        self._offers.give_way(names)

    def close(self) -> None:
        """Leave the servers; nobody has to wait for that."""
        self._closing.set()
        for line in self._lines:
            line.left.set()
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time() + CLOSED_WITHIN_S)

    async def run(self) -> None:
        """Offer the servers' tools as they come; the first time whether there are any or not."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            coming: list[asyncio.Future[Came | None]] = []
            for server in self._servers():
                coming.append(loop.create_future())
                group.create_task(self._stay(server, coming[-1]))
            if coming:
                await asyncio.wait(coming, timeout=LISTED_WITHIN_S)
            late = [came for came in coming if not came.done()]
            self.offer([tool for came in coming if came.done() for tool in self._taken(came.result())])
            for next_came in asyncio.as_completed(late):
                if tools := self._taken(await next_came):
                    self.offer(tools)

    def _servers(self) -> list[McpServer]:
        if not installed():
            self._log.warning("mcp_not_installed", message=INSTALL)
            return []
        found = []
        if left_out := len(self._entries[MAX_SERVERS:]):
            self._log.warning("mcp_servers_left_out", left_out=left_out, reason=f"only {MAX_SERVERS} are asked")
        for nth, entry in enumerate(self._entries[:MAX_SERVERS]):
            try:
                server = read(entry)
            except ToolError as error:
                self._log.warning("mcp_failed", server=f"mcpServers[{nth}]", reason=str(error))
            else:
                found.append(replace(server, reach=self._reach(server.url)))
        return found

    async def _stay(self, server: McpServer, came: "asyncio.Future[Came | None]") -> None:
        """Connect to a server and stay, anew where it has forgotten us. The boundary of one server."""
        reason = ""
        line = Line()
        self._lines.append(line)
        try:
            await self._visit(server, line, came)
            while line.forgotten and not self._closing.is_set():
                self._log.warning("mcp_session_forgotten", server=server.name)
                await self._visit(server, line, came)
        except Exception as error:  # noqa: BLE001  # see above
            reason = _reason(error)
        finally:
            line.end(reason)
            if not came.done():
                came.set_result(None)
        if reason and not self._closing.is_set():
            self._log.warning("mcp_failed", server=server.name, reason=reason)

    async def _visit(self, server: McpServer, line: Line, came: "asyncio.Future[Came | None]") -> None:
        """Connect, and stay until this connection is left: at the end of all, or as the server has forgotten it."""
        limit = asyncio.timeout(CLOSED_WITHIN_S if self._closing.is_set() else GIVEN_UP_AFTER_S)
        self._limits.add(limit)
        line.left.clear()
        try:
            async with limit, (await _door())(server) as connection:
                if not came.done():
                    came.set_result(Came(server, await connection.tools(), line.ask))
                line.use(connection)
                await self._left(line, limit)
        except Exception:
            if not line.forgotten:
                raise
        finally:
            self._limits.discard(limit)

    async def _left(self, line: Line, limit: asyncio.Timeout) -> None:
        if not self._closing.is_set():
            limit.reschedule(None)
            await line.left.wait()
            limit.reschedule(asyncio.get_running_loop().time() + CLOSED_WITHIN_S)

    def _taken(self, came: Came | None) -> list[JsonObject]:
        if came is None:
            return []
        added, left_out = self._offers.take(came.server.name, came.tools, came.ask)
        for reason in left_out:
            self._log.warning("mcp_tool_left_out", server=came.server.name, reason=reason)
        return added


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:  # as the package's tasks hand it on
        error = error.exceptions[0]
    match error:
        case TimeoutError():
            return "no answer"
        case McpError():
            return str(error)
        case _:
            return type(error).__name__


async def _door() -> Connect:
    if DOOR not in sys.modules:  # where no route has told of it before: beside the calls, for it takes a second
        await asyncio.to_thread(import_module, DOOR)
    connect: Connect = sys.modules[DOOR].connected
    return connect


def preload() -> None:
    """Load what connects to servers, before there are calls; nothing where it is not installed."""
    if installed():
        import_module(DOOR)
