"""Several agents behind one `llm` verb: the verb as one of them speaks it, and the tool by which they hand over. Pure.

What an agent says of itself is a change of the session: its instructions, the tools that it may call, its voice.
"""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Any

from verbs.base import JsonObject
from verbs.leaving import leaving_tools
from verbs.llm import Llm
from verbs.offering import declared, names_of, with_tools
from verbs.tools import flat
from verbs.vendors import VENDORS

HANDOVER_TOOL = "hand_over"
WORDS = (
    "Hand the caller over to another agent, who knows what was said. Use it when they can help better. Say nothing of "
    "their subject yourself; they speak next."
)
REASON = "What the caller wants from them, in a few words."


def handover_tool(others: Mapping[str, str]) -> JsonObject:
    """Declare the tool; `others`: by their names, what the agents are there for."""
    known = "; ".join(f"{name}: {what}" if what else name for name, what in others.items())
    to = {"type": "string", "enum": list(others), "description": f"Who takes over. {known}"}
    properties = {"to": to, "reason": {"type": "string", "description": REASON}}
    parameters = {"type": "object", "properties": properties, "required": ["to"]}
    return {"type": "function", "name": HANDOVER_TOOL, "description": WORDS, "parameters": parameters}


def own_tools(llm: Llm, *, only: Collection[str] | None) -> list[JsonObject]:
    """Give what an agent may call of the tools that the verb declares: those in `only`, or all."""
    return [tool for tool in declared(llm.llm_options) if _may_call(_name(tool), only)]


def tools_besides(
    llm: Llm, of_route: Mapping[str, JsonObject | None], *, only: Collection[str] | None, others: Mapping[str, str]
) -> list[JsonObject]:
    """Give what an agent may call besides, whatever becomes of the verb's: the route's, the built-in, and ours."""
    built_in = leaving_tools(llm)
    routes = [tool for name, tool in of_route.items() if tool is not None and name not in built_in]
    mine = [tool for tool in (*routes, *built_in.values()) if _may_call(_name(tool), only)]
    return [*mine, handover_tool(others)] if others else mine


def hidden_tool(llm: Llm, of_route: Collection[str]) -> bool:
    """Tell whether the verb or the route has a tool of our tool's name, which no agent is offered."""
    return HANDOVER_TOOL in {*names_of(declared(llm.llm_options)), *of_route}


def unknown_tools(llm: Llm, of_route: Collection[str], named: Collection[str]) -> list[str]:
    """Give those of the named tools that nobody has; servers of tools may have any."""
    known = {*names_of(declared(llm.llm_options)), *leaving_tools(llm), *of_route}
    return [] if llm.mcp_servers else sorted(set(named) - known)


def spoken_by(llm: Llm, session: JsonObject) -> Llm:
    """Give the verb with these settings of the session; `voice` goes where the verb has its own."""
    options = deepcopy(llm.llm_options)
    update = options.get("session_update")
    told: JsonObject = update if isinstance(update, dict) else {}
    changes = {name: value for name, value in session.items() if name != "voice"}
    if voice := session.get("voice"):
        for place in _voices(options):
            place["voice"] = voice
        if not any(place is not options.get("response_create") for place in _voices(options)):
            changes["voice"] = voice
    tools = changes.pop("tools", None)
    options["session_update"] = {**told, **changes}
    if tools is not None:
        options = with_tools(options, tools)
    return llm.model_copy(update={"llm_options": options})


def model_of(name: str | None, llm: Llm) -> str | None:
    """Give the model that an agent is said to have, without the name of the verb's vendor before it."""
    return name.removeprefix(f"{llm.vendor}/") if name else None


def of_another_vendor(name: str, llm: Llm) -> bool:
    """Tell whether a model is said to be of a vendor that is not the verb's."""
    vendor, slash, _ = name.partition("/")
    return bool(slash) and vendor in VENDORS and vendor != llm.vendor


def voice_of(llm: Llm) -> str | None:
    """Give the voice that the verb itself asks for, if it does."""
    return next((str(place["voice"]) for place in _voices(llm.llm_options)), None)


def _voices(options: JsonObject) -> Iterator[JsonObject]:
    """Give the places of `llmOptions` in which a voice stands, those of the session first."""
    session = _object(options.get("session_update"))
    output = _object(_object(session.get("audio")).get("output"))
    request = _object(options.get("response_create"))
    asked = _object(_object(request.get("audio")).get("output"))
    yield from (place for place in (output, session, asked, request) if place.get("voice"))


def _may_call(name: str, only: Collection[str] | None) -> bool:
    return name != HANDOVER_TOOL and (only is None or name in only)


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _name(tool: Any) -> str:
    return str(flat(tool).get("name")) if isinstance(tool, dict) else ""
