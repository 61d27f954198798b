"""What is under way."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tasks import Tasks
from tests.calls.exchange import in_virtual_time


async def sleep(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def now() -> float:
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_it_is_quiet_when_all_is_done() -> None:
    tasks, began = Tasks(), now()
    assert await tasks.start(sleep(1)) == 1
    tasks.start(sleep(2))
    tasks.start(sleep(5))
    await tasks.quiet(100)
    assert now() - began == pytest.approx(6)
    await tasks.quiet(100)
    assert now() - began == pytest.approx(6)


@in_virtual_time
async def test_what_is_waited_for_is_not_yet_quiet() -> None:
    waiting = 1
    tasks, began = Tasks(lambda: waiting), now()
    tasks.start(sleep(1))
    asyncio.get_running_loop().call_later(3, lambda: tasks.start(sleep(1)))
    await tasks.quiet(2)
    assert now() - began == pytest.approx(2)
    waiting = 0
    await tasks.quiet(0.5)
    assert now() - began == pytest.approx(2)


@in_virtual_time
async def test_a_failure_is_heard_of_whoever_waits_or_not() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    tasks = Tasks()
    with capture_logs() as logs:
        tasks.start(fail())
        with pytest.raises(ZeroDivisionError):
            await tasks.start(fail())
        await tasks.quiet(1)
    assert [(line["event"], type(line["exc_info"])) for line in logs] == [("task_failed", ZeroDivisionError)] * 2


@in_virtual_time
async def test_a_cancelled_task_is_no_failure_and_none_is_left() -> None:
    tasks = Tasks()
    waiting = tasks.start(sleep(1000))
    with capture_logs() as logs:
        await tasks.cancel()
    assert (waiting.cancelled(), logs, asyncio.all_tasks()) == (True, [], {asyncio.current_task()})
