"""What serves a tool besides the toolHook: one kind a file, by the key under which routes write it.

`tools: {name: {KEY: …}}` in a route. A file here has that KEY and a `read` that makes the tool; see `base.Tool`.
Others are installed, see `calls/extending.py`.
"""

import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from extensions import Registry, UnfitError
from hooks.asked import Call
from hooks.tools.base import CONFIRM, Read, Tool
from verbs.base import JsonObject, did_you_mean
from verbs.tools import ToolError, check_tools

__all__ = ["KINDS", "Call", "Tool", "ToolError", "read"]

BESIDE = frozenset({CONFIRM, "description", "headers", "parameters"})
"Keys of an entry that stand beside the one which says what serves the tool."


def _accept(name: str, read: object) -> None:
    if name in BESIDE:
        raise UnfitError(f"{name} is a key of every tool: it needs another")
    if not callable(read):
        raise UnfitError(f"must be a function, not a {type(read).__name__}; see hooks.tools.base.Read")
    try:
        inspect.signature(read).bind("name", {}, folder=Path(), base_url=None)
    except TypeError as error:
        raise UnfitError(f"must take (name, entry, *, folder, base_url): {error}") from error


KINDS: Registry[Read] = Registry("tool", _accept)

for _found in iter_modules(__path__):
    _module = import_module(f"{__name__}.{_found.name}")
    if hasattr(_module, "KEY"):
        KINDS.enter(_module.KEY, _module.read)


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
