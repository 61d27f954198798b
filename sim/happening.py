"""What happens on a simulated call, from whichever side it was seen: what is shown, and what a scene expects."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    at_s: float
    "By the monotonic clock, which all processes of a machine share."
    name: str
    text: str = ""
    fields: JsonObject = field(default_factory=dict)


Watcher = Callable[[Happening], None]
