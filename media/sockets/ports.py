"""What a line is given: whom it tells, and how long it waits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class HookPort(Protocol):
    """The customer's applications, as a call sees them. Neither method waits or raises."""

    def report(self, event_type: str, event: dict[str, Any]) -> None: ...

    def call_tool(self, call_id: str, name: str, arguments: dict[str, Any], answer: Callable[[str], None]) -> None: ...


class Observer(Protocol):
    """Where sockets and latencies are counted."""

    def measure(self, name: str, seconds: float) -> None: ...

    def media_text_ignored(self, kind: str) -> None: ...

    def model_opened(self) -> None: ...

    def model_closed(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a socket may take, in seconds."""

    connect_timeout_s: float = 5
    dial_s: float = 8
    "All tries to reach the model together."
    send_timeout_s: float = 10
    heartbeat_s: float = 20
