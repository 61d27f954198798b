"""An event loop whose time jumps to the next timer as soon as nothing is left to do: hours pass in microseconds.

Sync functions of customers run in threads (`hooks/working.py`). They take none of this time, however long they take.
"""

import asyncio
import selectors
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    now_s = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._ready()
        assert ready or timeout is not None, "everybody waits, and no timer is set"
        if not ready and timeout:
            self.now_s += max(timeout, 1e-6)
        return ready

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        while True:
            working = any(thread.name == "tool" for thread in threading.enumerate())
            ready = super().select(0.001 if working else 0)  # one that has ended has said so before
            if ready or not working:
                return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
