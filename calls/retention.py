"""How long what is kept of calls is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import time

import structlog

from config.settings import Server
from store.base import Store
from store.errors import StoreError
from store.recordings import Recordings

log = structlog.get_logger("calls")

FORGET_EVERY_S = 3600.0
DAY_S = 86_400
Remove = Callable[[Path, Sequence[bytes], float], Awaitable[None]]


async def remove_recordings(folder: Path, row_ids: Sequence[bytes], before_s: float) -> None:
    """Remove the recordings of these calls, and other calls' in this folder that are as old."""
    try:
        await asyncio.to_thread(Recordings(folder).forget, row_ids, before_s)
    except OSError as error:
        log.error("recordings_not_removed", message=str(error))  # noqa: TRY400  # the message says it all


async def forget_old_calls(store: Store, server: Callable[[], Server], remove: Remove = remove_recordings) -> None:
    """Remove the records of calls, and their recordings, that are older than the configuration says, for ever."""
    while True:
        before_s = time() - server().retention_days * DAY_S
        try:
            if forgotten := await store.forget(before_s):
                log.info("calls_forgotten", count=len(forgotten))
            await remove(Path(server().recordings_dir), forgotten, before_s)
        except StoreError as error:
            log.warning("calls_not_forgotten", message=str(error))
        await asyncio.sleep(FORGET_EVERY_S)
