"""Functions of somebody else's, at work beside the calls: no one of them holds up a call, another, or the end.

A sync one has a thread of its own, and not one of a pool: a function that hangs would keep the pool's for ever, the
loop's pool also looks up names, and the process would wait for it as it ends.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from inspect import isawaitable
from threading import Thread
from typing import Any, NamedTuple

MAX_THREADS = 64


class Finished(NamedTuple):
    """What a function returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


class BusyError(Exception):
    """There are too many threads at work already."""


class Workshop:
    """Use it inside one running loop."""

    def __init__(self) -> None:
        self._threads = 0

    async def finished(self, function: Callable[[], Any], *, threaded: bool, timeout_s: float) -> Finished:
        """Call a function and see how it ends; one that does not is left alone, and has failed."""
        try:
            async with asyncio.timeout(timeout_s):
                return await (self._in_thread(function) if threaded else _on_loop(function))
        except TimeoutError:  # ours: its own is a way in which it ended
            return Finished(error=TimeoutError("it did not answer in time"))
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            return Finished(error=error)  # its own doing

    async def _in_thread(self, function: Callable[[], Any]) -> Finished:
        if self._threads >= MAX_THREADS:
            return Finished(error=BusyError(f"{MAX_THREADS} tools are at work already"))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Finished] = loop.create_future()

        def settle(finished: Finished) -> None:
            self._threads -= 1
            if not future.done():
                future.set_result(finished)

        def work() -> None:
            finished = _finished(function)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, finished)

        try:
            Thread(target=copy_context().run, args=(work,), name="tool", daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            return Finished(error=error)
        self._threads += 1
        finished = await future
        return await _on_loop(lambda: finished.value) if isawaitable(finished.value) else finished


def _finished(function: Callable[[], Any]) -> Finished:
    try:
        return Finished(function())
    except BaseException as error:  # noqa: BLE001  # its own SystemExit ends nothing but itself
        return Finished(error=error)


async def _on_loop(function: Callable[[], Any]) -> Finished:
    try:
        value = function()
        return Finished(await value if isawaitable(value) else value)
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  # see above
        return Finished(error=error)
