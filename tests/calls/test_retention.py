import asyncio
import contextlib
import time

import pytest

from calls.retention import forget_old_calls
from store.memory import MemoryStore
from tests.calls.exchange import in_virtual_time


@in_virtual_time
async def test_old_calls_are_forgotten_once_an_hour() -> None:
    asked: list[float] = []

    class Counting(MemoryStore):
        async def forget(self, before_s: float) -> int:
            asked.append(time.time() - before_s)
            return len(asked) - 1

    work = asyncio.create_task(forget_old_calls(Counting(), lambda: 1))
    await asyncio.sleep(2.5 * 3600)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    assert asked == pytest.approx([86_400] * 3, abs=5)
