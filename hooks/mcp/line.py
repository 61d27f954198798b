"""The line to one server: the calls of its tools, over whichever connection there is.

A server may forget its sessions, as when it is started again. It says so to the next call, which it did not carry out,
and wants to be greeted anew (MCP's streamable HTTP, "Session Management"): that call waits for the next connection and
is made once more. Calls that were under way on the connection before are not: they may have been carried out.
"""

import asyncio
from typing import Protocol

from hooks.mcp.offers import Listed, McpError
from verbs.base import JsonObject

MAX_GREETINGS = 4
"Connections to one server in one conversation: one that forgets us at every call is left."


class McpForgottenError(McpError):
    """The server knows no such session (any more)."""


class Connection(Protocol):
    async def tools(self) -> list[Listed]:
        """Ask for the tools that there are. Raises McpError."""

    async def ask(self, name: str, arguments: JsonObject) -> JsonObject:
        """Raises McpError, or McpForgottenError."""


class Line:
    """Calls go out by `ask`; whoever connects says `use`, waits until it is `left`, and says `end` when all is over."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._greeted = 0
        self._changed = asyncio.Event()
        self._reason = ""
        self.left = asyncio.Event()
        "The connection is of no use any more, or not wanted."

    def use(self, connection: Connection) -> None:
        self._connection = connection
        self._greeted += 1
        self._changed.set()

    def end(self, reason: str) -> None:
        """There will be no connection any more, and why."""
        self._reason = reason or "the connection to the tool's server is closed"
        self._connection = None
        self._changed.set()

    @property
    def forgotten(self) -> bool:
        """Whether it is to be connected to anew."""
        return self.left.is_set() and self._connection is None and not self._reason

    async def ask(self, name: str, arguments: JsonObject) -> JsonObject:
        """Call a tool, by the server's name for it. Raises McpError."""
        connection = await self._connected()
        try:
            return await connection.ask(name, arguments)
        except McpForgottenError:
            if connection is self._connection:
                self._forget()
            return await (await self._connected()).ask(name, arguments)

    def _forget(self) -> None:
        if self._greeted >= MAX_GREETINGS:
            raise McpError("the tool's server forgets us again and again")
        self._connection = None
        self._changed.clear()
        self.left.set()

    async def _connected(self) -> Connection:
        await self._changed.wait()
        if self._connection is None:
            raise McpError(self._reason)
        return self._connection
