import asyncio

import pytest

from once import Once


async def test_all_who_wait_hear_of_it_and_who_comes_later_does_not_wait() -> None:
    once = Once()
    waits = [asyncio.create_task(once.wait(timeout_s)) for timeout_s in (None, 10)]
    await asyncio.sleep(0)
    assert not once.is_set()
    once.set()
    once.set()
    assert await asyncio.gather(*waits) == [True, True]
    assert once.is_set()
    assert await once.wait()


async def test_who_waits_no_longer_is_not_kept() -> None:
    once = Once()
    assert not await once.wait(0)
    left = asyncio.create_task(once.wait())
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert once._waiting == ()


async def test_who_leaves_as_it_happens_has_left() -> None:
    once = Once()
    left = asyncio.create_task(once.wait())
    await asyncio.sleep(0)
    left.cancel()
    once.set()
    with pytest.raises(asyncio.CancelledError):
        await left
