"""Answering machine detection: what it finds is decided beforehand, and told as lib/utils/amd-utils.js tells it.

A body is the call's, with `type` and what goes with it; verbs in the answer take the call over.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from sim.platform.bodies import JsonObject

Found = Literal["human", "machine"]
EVENTS: dict[str, tuple[tuple[float, JsonObject], ...]] = {
    "human": (
        (
            0.5,
            {"type": "amd_human_detected", "reason": "short greeting", "greeting": "Hello?", "language": "en-US"},
        ),
    ),
    "machine": (
        (
            1.0,
            {
                "type": "amd_machine_detected",
                "reason": "long greeting",
                "greeting": "You have reached the voicemail of somebody who is not in; leave a message.",
                "language": "en-US",
            },
        ),
        (2.0, {"type": "amd_machine_stopped_speaking"}),
    ),
}
"What is told, and how many seconds after the detection began."


@dataclass(frozen=True, slots=True)
class Detected:
    due_s: float
    hook: Any
    event: JsonObject


class Detector:
    """`found` None: nothing is ever detected, as on a platform without a speech recogniser."""

    def __init__(self, found: Found | None) -> None:
        self._found = found
        self._coming: deque[Detected] = deque()

    def start(self, hook: Any, now: float) -> None:
        if self._found:
            self._coming.extend(Detected(now + after_s, hook, event) for after_s, event in EVENTS[self._found])

    def stop(self) -> None:
        self._coming.clear()

    def next_due(self) -> float | None:
        return self._coming[0].due_s if self._coming else None

    def due(self, now: float) -> list[Detected]:
        due: list[Detected] = []
        while self._coming and self._coming[0].due_s <= now:
            due.append(self._coming.popleft())
        return due
