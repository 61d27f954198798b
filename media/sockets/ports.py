"""What a line is given: whom it tells, and how long it waits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

WATCH_EVERY_S = 5.0
MODEL_LOST_BEATS = 2.5
"So many heartbeats without a sign of life, and a model is gone."
PLATFORM_LOST_BEATS = 1.5
"And a platform: it sends a frame of audio every 20 ms, whoever speaks."


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

    @property
    def watch_s(self) -> float:
        """How often that is looked at."""
        return min(WATCH_EVERY_S, self.send_timeout_s / 2, self.heartbeat_s / 4)

    @property
    def model_lost_s(self) -> float:
        return self.heartbeat_s * MODEL_LOST_BEATS

    @property
    def platform_lost_s(self) -> float:
        return self.heartbeat_s * PLATFORM_LOST_BEATS
