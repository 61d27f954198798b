"""A call's first document is made once, however often it is asked for meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from calls.live import LiveCall
from calls.opening import Opening, instead, opening
from hooks.transports.base import HookFailure
from media.platforms import PLATFORMS
from media.platforms.base import Call
from tasks import Tasks


async def asked(live: LiveCall, call: Call) -> Opening:
    """Ask a call's application what it does; the route's `fallback` where that cannot be done, or does not come."""
    dialect = PLATFORMS[live.settings.platform.kind].control
    try:
        async with asyncio.timeout(dialect.patience_s if dialect and live.control else None):
            wanted = await live.application.answer(dict(call.body))
    except (HookFailure, TimeoutError) as failure:
        await live.application.close()
        message = str(failure) or "no verbs in the platform's time"
        return instead(live.route, call.attributes, "application_failed", message=message)
    return opening(wanted, live.route, live.settings, call.attributes, strict=live.application.written_here)


class Answering:
    """Whoever asks while it is being made waits for it; what fails is raised for each of them."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._making: dict[str, asyncio.Task[bytes | Exception]] = {}

    def is_making(self, call_sid: str) -> bool:
        return call_sid in self._making

    async def made(self, call_sid: str) -> None:
        """Wait until it is not being made, if it is."""
        if making := self._making.get(call_sid):
            await asyncio.wait({making})

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
