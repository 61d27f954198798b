"""A route's `tools`: each is read by whoever can run it, and what is wrong with one is told at its place."""

from pathlib import Path as FilePath
from typing import Any, Protocol

from config.draft import Draft
from config.fields import JsonObject
from config.nodes import Mapping, json_of
from verbs.tools import ToolError


class ReadTool(Protocol):
    """Makes of an entry what serves the tool; it is kept as it is.

    :raises ToolError: the entry cannot be one
    """

    def __call__(self, name: str, entry: JsonObject, *, folder: FilePath, base_url: str | None) -> Any: ...


def unread(name: str, entry: JsonObject, *, folder: FilePath, base_url: str | None) -> Any:  # noqa: ARG001
    """Stand in where nobody can run a tool."""
    raise ToolError("nobody here can run a tool")


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
