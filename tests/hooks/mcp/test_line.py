"""The way to one server, and who notices that it has forgotten us."""

import asyncio
from typing import Any

from hooks.mcp.line import Line, McpForgottenError


class Forgets:
    async def tools(self) -> list[Any]:
        return []

    async def ask(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)  # both are on their way by then
        raise McpForgottenError


class Knows(Forgets):
    async def ask(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"name": name} | arguments


async def test_two_calls_that_are_forgotten_at_once_greet_the_server_once() -> None:
    line = Line()
    line.use(Forgets())
    both = asyncio.gather(line.ask("a", {"x": 1}), line.ask("b", {}))
    await line.left.wait()
    line.left.clear()
    line.use(Knows())
    assert tuple(await both) == ({"name": "a", "x": 1}, {"name": "b"})
    assert not line.left.is_set()
