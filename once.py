"""What happens once, and may be waited for.

`asyncio.Event` keeps a queue of those who wait, 700 bytes before anybody does, and `asyncio.wait_for` makes a task of
each wait. A call has several of them.
"""

import asyncio


class Once:
    """As an `asyncio.Event` that is never cleared, and can be waited for so long and no longer."""

    __slots__ = ("_happened", "_waiting")

    def __init__(self) -> None:
        self._happened = False
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        return self._happened

    def set(self) -> None:
        self._happened = True
        for waiter in self._waiting:
            _release(waiter)

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has happened, or for so long; say whether it has."""
        if self._happened:
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting += (waiter,)
        timer = None if timeout_s is None else loop.call_later(timeout_s, _release, waiter)
        try:
            await waiter
        finally:
            self._waiting = tuple(other for other in self._waiting if other is not waiter)
            if timer:
                timer.cancel()
        return self._happened


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
