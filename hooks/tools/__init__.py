"""What serves a tool besides the toolHook: one kind a file, found by the key under which routes write it.

`tools: {name: {KEY: …}}` in a route. A file here has that KEY and a `read` that makes the tool; see `base.Tool`.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from hooks.asked import Call
from hooks.tools.base import Read, Tool
from verbs.base import JsonObject, did_you_mean
from verbs.tools import ToolError, check_tools

__all__ = ["KINDS", "Call", "Tool", "ToolError", "read"]

KINDS: dict[str, Read] = {
    module.KEY: module.read
    for module in (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    if hasattr(module, "KEY")
}


def read(name: str, entry: JsonObject, *, folder: Path, base_url: str | None) -> Tool:
    """Make the tool that an entry of a route's `tools` describes.

    `folder` is the configuration's own: Python modules are looked for there too. `base_url` is what a relative URL
    is resolved against.

    :raises ToolError: it cannot be one
    """
    kinds = [key for key in sorted(KINDS) if key in entry]
    if len(kinds) > 1:
        raise ToolError(f"must be one of {' and '.join(kinds)}: which of them shall serve it?")
    if not kinds:
        known = " or ".join(f"{key}: …" for key in sorted(KINDS))
        hint = next((did_you_mean(key, KINDS) for key in entry), "")
        raise ToolError(f"must say what serves it: {known}{hint}")
    tool = KINDS[kinds[0]](name, entry, folder=folder, base_url=base_url)
    declared = tool.declaration or {"type": "function", "name": name}
    if fault := next(check_tools([declared], ()), None):
        _, *path = fault.path
        raise ToolError(fault.message, *([] if path == ["name"] else map(str, path)))
    return tool
