"""What is to happen later: events to send and the end of the connection, in order of time."""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from sim.model.checks import JsonObject
from sim.model.faults import BROKEN_OFF, Faults
from sim.model.script import Script

EXPIRY_CODE = 1001


class Close(NamedTuple):
    """How a connection ends; `code` None: broken off without a close frame."""

    code: int | None
    reason: str = ""


def close_with(code: int, reason: str = "") -> Close:
    return Close(None if code == BROKEN_OFF else code, reason)


class Agenda:
    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Sequence[JsonObject] | Close]] = []
        self._count = 0

    def add(self, due_s: float, what: Sequence[JsonObject] | Close) -> None:
        self._count += 1  # entries of one time keep their order
        heapq.heappush(self._entries, (due_s, self._count, what))

    @property
    def due_s(self) -> float:
        return self._entries[0][0] if self._entries else float("inf")

    def pop(self) -> Sequence[JsonObject] | Close:
        return heapq.heappop(self._entries)[2]


def faults_to_come(script: Script, now: float) -> Agenda:
    """Write down what the script lets go wrong at given times, and the end of the session."""
    agenda, faults = Agenda(), script.faults
    for error in faults.errors:
        fields = {"type": error.type, "code": error.code, "message": error.message}
        agenda.add(now + error.after_s, [{"type": "error", "error": {**fields, "param": None, "event_id": None}}])
    _closes(agenda, faults, now)
    minutes = f"{script.session_s / 60:g}"
    expiry = Close(EXPIRY_CODE, f"Your session hit the maximum duration of {minutes} minutes.")
    agenda.add(now + script.session_s, expiry)
    return agenda


def _closes(agenda: Agenda, faults: Faults, now: float) -> None:
    if faults.close_after_s is not None:
        agenda.add(now + faults.close_after_s, close_with(faults.close_code, faults.close_reason))
    if faults.drop_after_s is not None:
        agenda.add(now + faults.drop_after_s, Close(None))
