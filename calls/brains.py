"""The brains of a configuration, put together: models, rules and functions, with the tools of the voice side.

A route with an agent can be asked in text, too: its `brain` answers, with its instructions and its tools.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from secrets import token_hex
from typing import Any, NoReturn

import structlog

from brains.advanced import AdvancedBrain, Preparation
from brains.asked import with_instructions
from brains.base import Brain, Chunks, Question
from brains.chunks import ToolCall
from brains.context import Limits
from brains.errors import BrainError, KeyMissingError
from brains.fallback import FallbackBrain
from brains.node import NodeBrain
from brains.rules import ECHO, Rule, RuleBrain
from brains.templates import filled
from brains.toolrounds import ToolBrain
from brains.upstream import ModelBrain, Models
from config.brain import Brain as Configured
from config.settings import Route, Settings
from hooks.asked import Call
from hooks.dispatcher import Dispatcher
from hooks.filter import NOTHING
from hooks.options import HookUrls
from hooks.replies import error_output, tells_error
from hooks.tools.base import Tool
from media.arguments import RefusalError, read_arguments
from verbs.base import JsonObject, did_you_mean

log = structlog.get_logger("brains")

USUAL = "openai-sse"
"Answers for a route that names no brain."


@dataclass(frozen=True, slots=True)
class Served:
    """A brain that may be asked from outside."""

    name: str
    brain: Brain
    configured: Configured
    instructions: str = ""

    def question(self, question: Question) -> Question:
        """Add what is its own: instructions, and tools whose calls go to the asker."""
        declared = self.configured.entry.tools
        if isinstance(declared, list) and not question.tools:
            question = replace(question, tools=tuple(map(_for_chat, declared)))
        if not self.instructions:
            return question
        return with_instructions(question, filled(self.instructions, _known(_call(self.name, question))))


class Brains:
    """Those of one configuration; made when it is first asked for one."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher, models: Models) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._models = models
        self._made: dict[str, Served] = {}
        self._of_routes: dict[str, Served] = {}

    @property
    def names(self) -> list[str]:
        """What may be asked for as a `model`: brains, and routes that have an agent."""
        return [*self._settings.brains, *(route.name for route in self._settings.routes if self._has_brain(route))]

    def brain(self, name: str) -> Served | None:
        configured = self._settings.brains.get(name)
        if configured is None:
            return None
        if name not in self._made:
            toolbox = Toolbox(name, configured.tools, self._dispatcher)
            made = self._prepared(configured, self._with_tools(self._core(configured), toolbox))
            self._made[name] = Served(name, made, configured, configured.entry.instructions or "")
        return self._made[name]

    def model(self, name: str) -> Served | None:
        """Give what a `model` of a request names: a brain, or a route."""
        return self.brain(name) or self._of_route(name)

    def unknown(self, name: str) -> str:
        """Say what there is instead."""
        return f"there is no brain {name[:64]!r}{did_you_mean(name, self.names)}; there are: {', '.join(self.names)}"

    def _has_brain(self, route: Route) -> bool:
        talks = any(verb.get("verb") == "llm" for verb in route.verbs)
        return (talks or bool(route.brain)) and route.name not in self._settings.brains

    def _of_route(self, name: str) -> Served | None:
        route = next((each for each in self._settings.routes if each.name == name and self._has_brain(each)), None)
        if route is None:
            return None
        if name not in self._of_routes:
            configured = self._settings.brains[route.brain or USUAL]
            tools = {**configured.tools, **self._settings.tools.get(route.name, {})}
            brain = self._with_tools(self._core(configured), Toolbox(name, tools, self._dispatcher))
            made = self._prepared(configured, brain)
            self._of_routes[name] = Served(name, made, configured, instructions_of(route))
        return self._of_routes[name]

    def _core(self, configured: Configured) -> Brain:
        first = self._first(configured)
        spares = [(name, self._spare(configured, name, found)) for name, found in configured.spares]
        if not spares:
            return first
        return FallbackBrain(
            [(configured.entry.model or configured.name, first), *spares], partial(_told, configured.name)
        )

    def _first(self, configured: Configured) -> Brain:
        entry = configured.entry
        if configured.node:
            return NodeBrain(configured.node)
        if configured.ruled:
            return RuleBrain([Rule(rule.when, rule.say) for rule in entry.rules], entry.otherwise or ECHO)
        return self._model(configured, configured.endpoint)

    def _spare(self, configured: Configured, name: str, endpoint: Any) -> Brain:
        return self._model(configured, endpoint) if endpoint else self._core(self._settings.brains[name])

    def _model(self, configured: Configured, endpoint: Any) -> Brain:
        entry = configured.entry
        if endpoint.needs_key:
            return NodeBrain(partial(_keyless, configured.name, endpoint.provider.title))
        return ModelBrain(
            endpoint,
            self._models,
            self._dispatcher.egress.reach(endpoint.url),
            timeout_s=entry.timeout_s,
            connect_timeout_s=entry.connect_timeout_s,
            limits=Limits(entry.context.soft_tokens, entry.context.hard_tokens),
            told=partial(_long, configured.name, entry.context.hard_tokens),
        )

    def _with_tools(self, brain: Brain, toolbox: "Toolbox") -> Brain:
        return ToolBrain(brain, toolbox) if toolbox.declarations else brain

    def _prepared(self, configured: Configured, brain: Brain) -> Brain:
        entry = configured.entry
        if entry.form != "openai-advanced":
            return brain
        if configured.ruled:  # nobody is there for whom it could be prepared
            return AdvancedBrain(brain, Preparation())
        preparation = Preparation(
            template=entry.rewrite.get("template", ""),
            instructions=entry.rewrite.get("instructions", ""),
            rewrite=self._asking("rewrite", configured, configured.rewrite),
            lookup=self._asking("lookup", configured, configured.lookup),
        )
        return AdvancedBrain(brain, preparation)

    def _asking(self, key: str, configured: Configured, tool: Tool | None) -> Any:
        """Make what asks a function or a URL about a prompt; a failure says nothing, and is told in the log."""
        if tool is None:
            return None
        toolbox = Toolbox(configured.name, {key: tool}, self._dispatcher)

        async def ask(prompt: str, question: Question) -> str:
            output = await toolbox.output(key, {"prompt": prompt}, question)
            return "" if tells_error(output) else output

        return ask


class Toolbox:
    """`brains.toolrounds.Toolbox`, of the tools that routes have."""

    def __init__(self, name: str, tools: Mapping[str, Tool], dispatcher: Dispatcher) -> None:
        # Nobody here could be asked whether a tool may run.
        self._tools = {name: tool for name, tool in tools.items() if tool.declaration and not tool.confirm}
        self._all = tools
        self._name = name
        self._dispatcher = dispatcher

    @property
    def declarations(self) -> Sequence[JsonObject]:
        return [_for_chat(tool.declaration) for tool in self._tools.values() if tool.declaration]

    def has(self, name: str) -> bool:
        return name in self._tools

    async def outputs(self, calls: Sequence[ToolCall], question: Question) -> Sequence[str]:
        return await asyncio.gather(*(self._checked(call, question) for call in calls))

    async def _checked(self, call: ToolCall, question: Question) -> str:
        declaration: JsonObject = self._tools[call.name].declaration or {}
        try:
            arguments = read_arguments(call.arguments, declaration.get("parameters", {}))
        except RefusalError as refusal:
            log.info("tool.refused", tool=call.name, brain=self._name, reason=refusal.shown)
            return error_output(str(refusal))
        return await self.output(call.name, arguments, question, call_id=call.id)

    async def output(self, name: str, arguments: JsonObject, question: Question, *, call_id: str = "") -> str:
        hooks = self._dispatcher.for_call(
            _call(self._name, question), urls=HookUrls(), wanted=NOTHING, tools=dict(self._all)
        )
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def answer(output: str) -> None:
            if not answered.done():
                answered.set_result(output)

        hooks.call_tool(call_id or f"call_{token_hex(8)}", name, arguments, answer)
        try:
            async with asyncio.timeout(self._dispatcher.sender.options.tool_timeout_s):
                return await answered
        except TimeoutError:
            log.warning("tool.timeout", tool=name, brain=self._name)
            return error_output("the tool did not answer in time")


def instructions_of(route: Route) -> str:
    """Give what a route tells its voice model that it is."""
    for verb in route.verbs:
        options = verb.get("llmOptions") or {}
        for part in ("session_update", "response_create"):
            said = options.get(part)
            if isinstance(said, dict) and isinstance(said.get("instructions"), str):
                return str(said["instructions"])
    return ""


def _call(name: str, question: Question) -> Call:
    """Say whose call it is, as far as the asker has told."""
    caller, called = (filled(f"{{{{{who}.number}}}}", question.facts) for who in ("customer", "phoneNumber"))
    return Call(question.conversation or f"brain-{token_hex(8)}", caller, called, name, attributes=question.facts)


def _known(call: Call) -> JsonObject:
    """Give what templates are filled with: what the asker told, also by the names that it has in a call by phone."""
    told = call.attributes
    by_phone = {
        "from": call.caller,
        "to": call.called,
        "call_sid": call.call_sid,
        "caller_name": filled("{{customer.name}}", told),
        "customerData": told.get("metadata"),
    }
    return {**by_phone, **told}


def _for_chat(declaration: JsonObject) -> JsonObject:
    """Declare a function as chat models know it."""
    if isinstance(declaration.get("function"), dict):
        return declaration
    return {"type": "function", "function": {key: declaration[key] for key in declaration if key != "type"}}


async def _keyless(name: str, provider: str) -> NoReturn:
    """Answer in place of a model for which there is no key; another may be there for it."""
    raise KeyMissingError(f"brain {name!r} has no key for {provider}; `check` says what to set")


def _told(name: str, model: str, error: BrainError) -> None:
    log.warning("brain.fallback", brain=name, model=model, code=error.code, error=str(error))


def _long(name: str, hard_tokens: int, tokens: int) -> None:
    log.warning("brain.long_context", brain=name, tokens=tokens, cut=tokens > hard_tokens)


__all__ = ["Brains", "Chunks", "Served", "Toolbox", "instructions_of"]
