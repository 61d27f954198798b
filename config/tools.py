"""A route's `tools` and `python`: read by whoever can run them, and what is wrong with one is told at its place."""

from collections.abc import Callable, Collection
from pathlib import Path as FilePath
from typing import Any, NamedTuple, Protocol

from config.draft import Draft
from config.fields import JsonObject
from config.nodes import Mapping, Scalar, Sequence, json_of
from config.urls import WEB
from verbs.tools import ToolError


class ReadTool(Protocol):
    """Makes of an entry what serves the tool; it is kept as it is.

    :raises ToolError: the entry cannot be one
    """

    def __call__(self, name: str, entry: JsonObject, *, folder: FilePath, base_url: str | None) -> Any: ...


class ReadFunction(Protocol):
    """Finds the function that `module:function` names.

    :raises ToolError: there is none
    """

    def __call__(self, target: str, folder: FilePath) -> Any: ...


def _no_tool(name: str, entry: JsonObject, *, folder: FilePath, base_url: str | None) -> Any:  # noqa: ARG001
    raise ToolError("nobody here can run a tool")


def _no_function(target: str, folder: FilePath) -> Any:  # noqa: ARG001
    raise ToolError("nobody here can run a function")


class Readers(NamedTuple):
    """What knows what a configuration may name, and makes something that runs of it."""

    tool: ReadTool
    function: ReadFunction
    platforms: Collection[str] = ("jambonz",)
    hook_schemes: Callable[[], Collection[str]] = lambda: WEB
    "Those of the URLs of hooks."
    node: ReadFunction = _no_function
    "Finds the function that answers in place of a model."


UNREAD = Readers(_no_tool, _no_function)
"Where nothing can be run."


def read_applications(draft: Draft, read: ReadFunction, folder: FilePath) -> dict[str, Any]:
    """Give the functions that are the applications of routes, by the routes' names."""
    node = draft.find(("routes",))
    functions: dict[str, Any] = {}
    for route in node.items if isinstance(node, Sequence) else ():
        name, target = (route.get(key) if isinstance(route, Mapping) else None for key in ("name", "python"))
        if not (isinstance(name, Scalar) and isinstance(target, Scalar)) or target.is_null:
            continue
        try:
            functions[name.text] = read(target.text, folder)
        except ToolError as error:
            draft.complain(target.path, str(error))
    return functions


def read_tools(
    draft: Draft, route: Mapping, read_tool: ReadTool, *, folder: FilePath, base_url: str | None
) -> dict[str, Any]:
    """Read the tools of one route; complain of those that cannot be."""
    node = route.get("tools")
    tools: dict[str, Any] = {}
    for entry in node.entries if isinstance(node, Mapping) else ():
        path = (*route.path, "tools", entry.key)
        if not isinstance(entry.value, Mapping):
            draft.complain(path, "must say what serves it, such as {python: my_tools:get_weather} or {url: …}")
            continue
        try:
            tools[entry.key] = read_tool(entry.key, json_of(entry.value), folder=folder, base_url=base_url)
        except ToolError as error:
            draft.complain((*path, *error.path), str(error))
    return tools
