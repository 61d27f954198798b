"""The words of `check` and `explain`: exit codes and lines, for a terminal to print."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from config.agents import Agent
from config.complaints import ConfigError
from config.load import load
from config.routing import Verdict, explain, route_for
from config.secrets import hidden, secret_values
from config.settings import Route, Settings, Shape
from config.tools import UNREAD, Readers
from config.urls import without_user

Call = Mapping[str, Any]
"The body of a call webhook."
DocumentFor = Callable[[Settings, Route, Call], Sequence[Mapping[str, Any]]]
"Gives the verb document that a call of the route would get."
Oddities = Callable[[Settings, Route], Iterable[str]]
"Says what of a route's verbs will not be carried out as written."


def _nothing_odd(_: Settings, __: Route) -> Iterable[str]:
    return ()


def check_lines(
    path: Path, environ: Mapping[str, str], *, read: Readers = UNREAD, oddities: Oddities = _nothing_odd
) -> tuple[int, list[str]]:
    """Check a configuration: 2 with one line per complaint, or 0 with its routes and warnings."""
    try:
        settings = load(path, environ=environ, read=read)
    except ConfigError as error:
        return 2, [str(complaint) for complaint in error.complaints]
    names = ", ".join(route.name for route in settings.routes)
    odd = (f"route {route.name!r}: {text}" for route in settings.routes for text in oddities(settings, route))
    told = dict.fromkeys([*settings.warnings, *odd])
    return 0, [f"{path}: no complaints; routes: {names}", *(f"warning: {text}" for text in told)]


def explain_lines(
    path: Path,
    environ: Mapping[str, str],
    *,
    number: str,
    caller: str = "",
    document_for: DocumentFor,
    read: Readers = UNREAD,
    oddities: Oddities = _nothing_odd,
) -> tuple[int, list[str]]:
    """Say which route an inbound call would take, why the others did not, its tools, and the document it would get.

    What of it will not be carried out as written stands before the document.

    Exit code 0, or 1 when no route takes the call, or 2 when the configuration has complaints.
    """
    try:
        settings = load(path, environ=environ, read=read)
    except ConfigError as error:
        return 2, [str(complaint) for complaint in error.complaints]
    call = {"call_sid": "explained", "direction": "inbound", "from": caller, "to": number}
    verdicts = [_verdict_line(verdict) for verdict in explain(settings, call)]
    route = route_for(settings, call)
    if route is None:
        return 1, [*verdicts, f"no route takes a call to {number}: add one, such as numbers: ['*']"]
    usual = Shape(secrets=route.hooks.secrets)
    shape = [] if route.hooks == usual else [_shape_line(route.hooks)]
    tools = [_tool_line(name, tool) for name, tool in settings.tools.get(route.name, {}).items()]
    agents = [_agent_line(agent, route) for agent in route.agents]
    odd = [f"warning: {text}" for text in dict.fromkeys(oddities(settings, route))]
    document = _asked(route) or _written(document_for(settings, route, call))
    secrets = [json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secret_values(settings)]
    return 0, [*verdicts, *hidden("\n".join([*shape, *agents, *tools, *odd, document]), secrets).splitlines()]


def _asked(route: Route) -> str:
    """Say who is asked for the verbs of a route that has none of its own; nothing of one that has."""
    if route.python:
        return f"its function is asked for the verbs when the call comes: {route.python}"
    return f"its application is asked for the verbs when the call comes: {without_user(route.url)}" if route.url else ""


def _written(document: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _verdict_line(verdict: Verdict) -> str:
    mark = "takes the call" if verdict.matched else "does not"
    return f"{verdict.route.name}: {mark}: {verdict.reason}"


def _shape_line(shape: Shape) -> str:
    """`hooks: envelope jambonz, filter default`; told where it is not as usual."""
    return f"hooks: envelope {shape.envelope}, filter {shape.filter}"


def _tool_line(name: str, tool: Any) -> str:
    """`tool get_weather(location, scale?): my_tools:get_weather`."""
    schema = (tool.declaration or {}).get("parameters", {})
    required = schema.get("required", [])
    takes = [key if key in required else f"{key}?" for key in schema.get("properties", {})]
    return f"tool {name}({', '.join(takes) if tool.declaration else 'as the verb declares it'}): {tool.target}"


def _agent_line(agent: Agent, route: Route) -> str:
    """`agent reception: hands over to billing; tools hangup; model gpt-realtime-2.1-mini`."""
    others = tuple(other.name for other in route.agents if other is not agent)
    to = others if agent.hands_over_to is None else agent.hands_over_to
    tools = "all" if agent.tools is None else ", ".join(agent.tools) or "none"
    model = f"; model {agent.model}" if agent.model else ""
    return f"agent {agent.name}: hands over to {', '.join(to) or 'nobody'}; tools {tools}{model}"
