"""How long what is kept of calls is kept."""

import asyncio
from collections.abc import Callable
from time import time

import structlog

from store.base import Store

log = structlog.get_logger("calls")

FORGET_EVERY_S = 3600.0
DAY_S = 86_400


async def forget_old_calls(store: Store, days: Callable[[], int]) -> None:
    """Remove the records of calls that are older than `days` says, for ever."""
    while True:
        forgotten = await store.forget(time() - days() * DAY_S)
        if forgotten:
            log.info("calls_forgotten", count=forgotten)
        await asyncio.sleep(FORGET_EVERY_S)
