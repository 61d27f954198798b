"""Functions of somebody else's, however they behave."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from hooks import working
from hooks.working import BusyError, Workshop

WHOSE = ContextVar("WHOSE", default="nobody")


async def at_once() -> str:
    return "done"


async def fails() -> None:
    raise LookupError("no such place")


async def leaves() -> None:
    raise SystemExit


async def is_interrupted() -> None:
    raise KeyboardInterrupt


async def gives_up() -> None:
    raise asyncio.CancelledError


async def takes_too_long_itself() -> None:
    raise TimeoutError("of its own")


def stops() -> None:
    raise StopIteration


def exits() -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "threaded", "value", "error"),
    [
        (at_once, False, "done", None),
        (lambda: 5, False, 5, None),
        (lambda: 5, True, 5, None),
        (at_once, True, "done", None),
        (threading.current_thread, False, threading.main_thread(), None),
        (fails, False, None, LookupError),
        (fails, True, None, LookupError),
        (leaves, False, None, SystemExit),
        (is_interrupted, False, None, KeyboardInterrupt),
        (is_interrupted, True, None, KeyboardInterrupt),
        (gives_up, False, None, asyncio.CancelledError),
        (takes_too_long_itself, False, None, TimeoutError),
        (stops, True, None, StopIteration),
        (exits, True, None, SystemExit),
    ],
)
async def test_a_function_ends_in_its_value_or_in_its_error(
    function: Callable[[], Any],
    threaded: bool,  # noqa: FBT001
    value: Any,
    error: type[BaseException] | None,
) -> None:
    finished = await Workshop().finished(function, threaded=threaded, timeout_s=5)
    assert finished.value == value
    assert isinstance(finished.error, error) if error else finished.error is None


async def test_a_sync_function_runs_beside_the_loop_and_knows_whose_call_it_is() -> None:
    go = threading.Event()

    def wait() -> tuple[str, bool]:
        assert go.wait(5)
        return WHOSE.get(), threading.current_thread().daemon

    WHOSE.set("CS1")
    work = asyncio.create_task(Workshop().finished(wait, threaded=True, timeout_s=5))
    await asyncio.sleep(0)  # the loop goes on meanwhile
    go.set()
    assert (await work).value == ("CS1", True)


@pytest.mark.parametrize("threaded", [False, True])
async def test_a_function_that_does_not_end_is_left_alone(*, threaded: bool) -> None:
    go = threading.Event()
    workshop = Workshop()
    function = (lambda: go.wait(5)) if threaded else (lambda: asyncio.sleep(5))
    finished = await workshop.finished(function, threaded=threaded, timeout_s=0.01)
    assert str(finished.error) == "it did not answer in time"
    go.set()  # what it returns now is nobody's
    async with asyncio.timeout(5):
        while workshop._threads:  # noqa: ASYNC110  # it announces nothing: it is nobody's
            await asyncio.sleep(0)
    assert (await workshop.finished(lambda: 1, threaded=True, timeout_s=5)).value == 1


async def test_no_more_threads_than_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "MAX_THREADS", 1)
    go = threading.Event()
    workshop = Workshop()
    work = asyncio.create_task(workshop.finished(lambda: go.wait(5), threaded=True, timeout_s=5))
    await asyncio.sleep(0)
    assert isinstance((await workshop.finished(lambda: 1, threaded=True, timeout_s=5)).error, BusyError)
    go.set()
    await work
    assert (await workshop.finished(lambda: 1, threaded=True, timeout_s=5)).value == 1


async def test_a_system_without_threads_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    finished = await Workshop().finished(lambda: 1, threaded=True, timeout_s=5)
    assert isinstance(finished.error, RuntimeError)


async def test_whoever_is_stopped_takes_the_function_with_them() -> None:
    began = asyncio.Event()

    async def waits() -> None:
        began.set()
        await asyncio.sleep(60)

    work = asyncio.create_task(Workshop().finished(waits, threaded=False, timeout_s=60))
    await began.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


def test_a_function_that_outlives_its_loop_hurts_nobody() -> None:
    go, gone = threading.Event(), threading.Event()

    def outlives() -> None:
        go.wait(5)
        gone.set()

    async def begins() -> None:
        await Workshop().finished(outlives, threaded=True, timeout_s=0.01)

    asyncio.run(begins())
    go.set()
    assert gone.wait(5)
    for thread in threading.enumerate():
        if thread.name == "tool":
            thread.join(5)
