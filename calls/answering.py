"""A call's first document is made once, however often it is asked for meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from tasks import Tasks


class Answering:
    """Whoever asks while it is being made waits for it; what fails is raised for each of them."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._making: dict[str, asyncio.Task[bytes | Exception]] = {}

    def is_making(self, call_sid: str) -> bool:
        return call_sid in self._making

    async def once(self, call_sid: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        making = self._making.get(call_sid)
        if making is None:
            making = self._making[call_sid] = self._tasks.start(_made(make))
            making.add_done_callback(lambda _: self._making.pop(call_sid))
        if isinstance(made := await asyncio.shield(making), Exception):
            raise made
        return made


async def _made(make: Callable[[], Awaitable[bytes]]) -> bytes | Exception:
    try:
        return await make()
    except Exception as error:  # noqa: BLE001  # raised again for each who waits, and told of there
        return error
