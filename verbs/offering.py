"""The tools that a verb's model is offered: the verb's own, those that we serve ourselves, and its route's.

The verb's declaration of a tool goes before any other of that name; who serves it is decided by the name alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from verbs import patterns
from verbs.base import JsonObject, shown
from verbs.leaving import leaving_tools
from verbs.llm import Llm
from verbs.tools import flat

NOWHERE = "is declared nowhere, so no model will call it: give it `parameters`, or declare it in session_update.tools"
TWICE = "is declared by the verb and by its route: the model is told what the verb says, and the route serves it"
BUILT_IN = "is declared in session_update.tools too: the model is told what stands there, and we serve it ourselves"
HIDDEN = "is never called: a tool that the verb has built in bears its name"

CHOSEN = "is named by tool_choice and declared nowhere: the model will refuse the whole request"

BOUNDED = "write it without lookaround and references back, and with no count above 1000"


class Offered(NamedTuple):
    besides: list[JsonObject]
    "What the model is told of besides the verb's own tools, where none of those has the name."
    warnings: list[str]


def offered(llm: Llm, of_route: Mapping[str, JsonObject | None], *, leaves: bool = True) -> Offered:
    """Say what the model may call besides. `of_route`: by name, what the route says of its tools, if anything.

    Not `leaves`: the tools by which a model leaves are the platform's to add, which carries the verb out.
    """
    built_in = leaving_tools(llm) if leaves else {}
    own = [*declared(llm.llm_options), *at_first(llm.llm_options)]
    routes = {name: tool for name, tool in of_route.items() if name not in built_in}
    besides = [tool for tool in {**routes, **built_in}.values() if tool is not None]
    whole = [*declared(beside(llm.llm_options, besides)), *at_first(llm.llm_options)]
    unknown = () if llm.mcp_servers else sorted(_chosen(llm.llm_options) - names_of(whole))
    odd = [*_oddities(names_of(own), built_in, of_route), *_unchecked(whole), *((name, CHOSEN) for name in unknown)]
    return Offered(besides, [f"the tool {name!r} {what}" for name, what in odd])


def beside(options: JsonObject, tools: Sequence[JsonObject]) -> JsonObject:
    """Give `llmOptions` with these functions declared too: of two of one name the verb's own, or the first."""
    own = declared(options)
    names = names_of(own)
    added = {tool["name"]: tool for tool in reversed(tools) if tool["name"] not in names}
    return with_tools(options, [*own, *reversed(added.values())]) if added else options


def names_of(tools: object) -> frozenset[str]:
    """Give the names of the functions in what is declared, whichever way they are."""
    told = [flat(tool).get("name") for tool in map(_object, tools if isinstance(tools, list) else [])]
    return frozenset(name for name in told if isinstance(name, str))


def confirmed(llm: Llm) -> frozenset[str]:
    """Name the tools that the verb itself declares with `confirm: true`."""
    return to_confirm([*declared(llm.llm_options), *at_first(llm.llm_options)])


def to_confirm(tools: object) -> frozenset[str]:
    """Name those of the declared tools that have `confirm: true`."""
    told = [flat(tool) for tool in map(_object, tools if isinstance(tools, list) else [])]
    return frozenset(str(tool.get("name")) for tool in told if tool.get("confirm") is True)


def _oddities(
    own: Collection[str], built_in: Mapping[str, JsonObject], of_route: Mapping[str, JsonObject | None]
) -> Iterator[tuple[str, str]]:
    yield from ((name, BUILT_IN) for name in built_in if name in own)
    for name, tool in of_route.items():
        if name in built_in:
            yield name, HIDDEN
        elif tool is None and name not in own:
            yield name, NOWHERE
        elif tool is not None and name in own:
            yield name, TWICE


def _chosen(options: JsonObject) -> frozenset[str]:
    """Name the functions that `tool_choice` asks for."""
    choices = [_object(_object(options.get(name)).get("tool_choice")) for name in ("session_update", "response_create")]
    named = [choice.get("name") for choice in choices if choice.get("type") == "function"]
    return frozenset(name for name in named if isinstance(name, str))


def _unchecked(tools: list[Any]) -> Iterator[tuple[str, str]]:
    """Tell of patterns that the model's arguments are not held to."""
    for tool in filter(None, map(_object, tools)):
        for pattern in patterns.unchecked(flat(tool).get("parameters")):
            yield str(flat(tool).get("name")), f"has a pattern that is not checked, {shown(pattern)}: {BOUNDED}"


def declared(options: JsonObject) -> list[Any]:
    """Give the list that will be the session's. What is no list goes to the model as it is, which says so."""
    tools = _object(_place(options).get("session_update")).get("tools")
    return tools if isinstance(tools, list) else []


def at_first(options: JsonObject) -> list[Any]:
    """Give the tools that only the first response is to know."""
    told = [_object(_object(place).get("response_create")).get("tools") for place in (options.get("extra"), options)]
    return next((tools for tools in told if isinstance(tools, list)), [])


def _place(options: JsonObject) -> JsonObject:
    """What stands under `extra` goes before the rest."""
    extra = _object(options.get("extra"))
    return extra if "tools" in _object(extra.get("session_update")) else options


def with_tools(options: JsonObject, tools: list[Any]) -> JsonObject:
    """Give `llmOptions` with this list in the place of the one that will be the session's."""
    place = _place(options)
    update = {**_object(place.get("session_update")), "tools": tools}
    changed = {**place, "session_update": update}
    return changed if place is options else {**options, "extra": changed}


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}
