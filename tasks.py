"""What is under way, so that nothing outlives the server unseen and nothing fails unheard."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

log = structlog.get_logger("tasks")

T = TypeVar("T")


class Tasks:
    """`waiting` counts what is not yet over though no task works on it."""

    def __init__(self, waiting: Callable[[], int] = lambda: 0) -> None:
        self._waiting = waiting
        self._running: set[asyncio.Task[Any]] = set()
        self._quiet = asyncio.Event()

    def __len__(self) -> int:
        """How many are running."""
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    async def quiet(self, deadline_s: float) -> None:
        """Wait until nothing is under way and nothing waited for, or until the deadline."""
        self._quiet.clear()
        if not self._all_is_done():
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline_s):
                    await self._quiet.wait()

    async def cancel(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("task_failed", exc_info=error)
        if self._all_is_done():
            self._quiet.set()

    def _all_is_done(self) -> bool:
        return not self._running and not self._waiting()
