"""Which tools of its servers a verb's model is offered, and how a call of one is served.

A server is a stranger, and its list may be another one tomorrow. A name that the verb or its route has is theirs, and
of two servers' tools that of the first is taken; the other is left out, and told of. (jambonz lets a server's tool
take the place of the verb's: lib/tasks/llm/index.js.) What a server declares passes the checks that a route's tools
pass, and the calls go the same way.
"""

import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.mcp.results import output_of
from hooks.replies import Output, error_output
from hooks.tools.base import Tool
from verbs.base import JsonObject
from verbs.check import check_json
from verbs.tools import check_tools

log = structlog.get_logger(__name__)

MAX_TOOLS = 64
"Of all servers: what a model is offered it reads at every turn. OpenAI takes 128 functions."
MAX_DECLARED_BYTES = 48 * 1024
"All of them together; OpenAI takes 16384 tokens of instructions and functions."
MAX_DECLARATION_BYTES = 16 * 1024

Ask = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Calls a tool of a server, by the server's name for it; gives the result, as JSON has it.

Raises McpError where there is none."""


class McpError(Exception):
    """A server cannot be used. str() is short, and fit for the model and for the log."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as its server tells of it."""

    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class McpTool:
    name: str
    target: str
    declaration: JsonObject
    ask: Ask
    confirm: bool = False

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        courier.work(partial(self._output, asked), partial(_done, asked, answer), threaded=False)

    async def _output(self, asked: Asked) -> Output:
        return output_of(await self.ask(self.name, asked.arguments), asked.call_id)


class Offers:
    """One verb's, as its servers come."""

    def __init__(self, taken: Iterable[str]) -> None:
        """`taken`: names that are the verb's own, and its route's."""
        self._taken = set(taken)
        self._applications: frozenset[str] = frozenset()
        self._all: dict[str, Tool] = {}
        self._left_bytes = MAX_DECLARED_BYTES
        self.tools: dict[str, Tool] = {}
        "Those that are served, by the names under which the model knows them."

    def take(self, server: str, listed: Sequence[Listed], ask: Ask) -> tuple[list[JsonObject], list[str]]:
        """Give what the model is to be offered of a server's tools, and of each other one why it is not."""
        added: list[JsonObject] = []
        room = MAX_TOOLS - len(self._all)
        left_out = [f"there are {len(listed)} of them, and room for {room}"] if listed[room:] else []
        for tool in listed[:room]:
            told = {"description": tool.description} if tool.description else {}
            name = re.sub(r"[^a-zA-Z0-9_-]", "_", tool.name)  # the protocol has dots in names, models have none
            declaration = {"type": "function", "name": name, **told, "parameters": tool.parameters}
            if fault := self._fault(declaration):
                left_out.append(f"{name[:64]}: {fault}")
                continue
            self._taken.add(name)
            self._all[name] = self.tools[name] = McpTool(tool.name, server, declaration, ask)
            added.append(declaration)
        return added, left_out

    def give_way(self, names: Collection[str]) -> None:
        """Serve no tool of these names: the application declares them itself now, as long as it does."""
        self._applications = frozenset(names)
        self.tools.clear()
        self.tools.update({name: tool for name, tool in self._all.items() if name not in self._applications})

    def _fault(self, declaration: JsonObject) -> str:
        if declaration["name"] in self._taken | self._applications:
            return "another tool has this name"
        size_bytes = len(json.dumps(declaration))  # first of all: what comes after it takes its time
        if size_bytes > MAX_DECLARATION_BYTES:
            return f"its declaration is longer than {MAX_DECLARATION_BYTES} bytes"
        if size_bytes > self._left_bytes:
            return f"all declarations together would be longer than {MAX_DECLARED_BYTES} bytes"
        self._left_bytes -= size_bytes
        if fault := check_json([declaration]) or next(check_tools([declaration], ()), None):
            return f"{'.'.join(map(str, fault.path[1:]))} {fault.message}"
        return ""


def _done(asked: Asked, answer: Answer, output: Output | None, error: BaseException | None) -> None:
    if output:
        answer(output.text)
        return
    known = isinstance(error, McpError | TimeoutError)
    told = str(error) if known else "the tool's server does not answer as it should"
    log.warning("tool.failed", tool=asked.name, call_sid=asked.call.call_sid, error=type(error).__name__)
    answer(error_output(told))
