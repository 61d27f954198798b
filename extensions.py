"""What can be added to the server, by name: each kind has a registry.

The files of the tree enter theirs when they are imported, and what is installed beside them when the server starts
(`calls/extending.py`), both by `Registry.enter`.
"""

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
OURS = "Hookswitch itself"


class UnfitError(ValueError):
    """It cannot be entered under this name; the text says why."""


class Registry(dict[str, T]):
    """All of one kind, by their names."""

    def __init__(self, what: str, accept: Callable[[str, T], None]) -> None:
        """`accept` raises UnfitError for what has not the shape of this kind; else it lets other floors know of it."""
        super().__init__()
        self.what = what
        "What one of them is called, such as vendor; entry points of the group `hookswitch.vendors` name them."
        self.origins: dict[str, str] = {}
        "Which distributions those are from that are not ours, by their names."
        self._accept = accept

    @property
    def group(self) -> str:
        return f"hookswitch.{self.what}s"

    def enter(self, name: str, found: T, *, origin: str = OURS) -> None:
        """Take one in.

        :raises UnfitError: it has not the shape, or the name is no name, or is taken
        """
        if not NAME.fullmatch(name):
            raise UnfitError("its name must begin with a letter, and be of a-z, 0-9, _ and - only: give it another")
        if name in self:
            raise UnfitError(f"its name is taken by {self.origins.get(name, OURS)}: give it another")
        self._accept(name, found)
        self[name] = found
        if origin != OURS:
            self.origins[name] = origin


def lacks(thing: object, protocol: type) -> list[str]:
    """Name what a thing must have, by a protocol, and has not."""
    members = {*vars(protocol), *vars(protocol).get("__annotations__", ())}
    return sorted(name for name in members if not name.startswith("_") and not hasattr(thing, name))
