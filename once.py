"""What happens once, and may be waited for.

`asyncio.Event` keeps a queue of those who wait, 700 bytes before anybody does, and `asyncio.wait_for` makes a task of
each wait. A call has several of them.
"""

import asyncio


class Once:
    """As an `asyncio.Event` that is never cleared; to be made while the loop runs."""

    __slots__ = ("_happened",)

    def __init__(self) -> None:
        self._happened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def is_set(self) -> bool:
        return self._happened.done()

    def set(self) -> None:
        if not self._happened.done():
            self._happened.set_result(None)

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has happened, or for so long; say whether it has."""
        if not self._happened.done():
            await asyncio.wait({self._happened}, timeout=timeout_s)
        return self._happened.done()
