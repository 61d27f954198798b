import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from calls.retention import forget_old_calls, remove_recordings
from config.settings import Server
from store.errors import StoreError
from store.memory import MemoryStore
from tests.calls.exchange import in_virtual_time


@in_virtual_time
async def test_old_calls_are_forgotten_once_an_hour() -> None:
    asked: list[float] = []
    removed: list[tuple[str, int, float]] = []

    class Counting(MemoryStore):
        async def forget(self, before_s: float) -> list[bytes]:
            asked.append(time.time() - before_s)
            return [b"a call"] * (len(asked) - 1)

    async def remove(folder: Path, row_ids: Sequence[bytes], before_s: float) -> None:
        removed.append((str(folder), len(row_ids), time.time() - before_s))

    server = Server(retention_days=1, recordings_dir="sounds")
    work = asyncio.create_task(forget_old_calls(Counting(), lambda: server, remove))
    await asyncio.sleep(2.5 * 3600)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    assert asked == pytest.approx([86_400] * 3, abs=5)
    assert [each[:2] for each in removed] == [("sounds", n) for n in range(3)]
    assert [age_s for _, _, age_s in removed] == pytest.approx([86_400] * 3, abs=5)


async def test_recordings_that_cannot_be_removed_are_told_of(tmp_path: Path) -> None:
    (tmp_path / f"{b'1'.hex()}.wav").mkdir()
    with capture_logs() as logs:
        await remove_recordings(tmp_path, [b"1"], 0.0)
        await remove_recordings(tmp_path / "nowhere", [b"1"], 0.0)
    assert [entry["event"] for entry in logs] == ["recordings_not_removed"]


@in_virtual_time
async def test_what_cannot_be_forgotten_now_is_an_hour_later() -> None:
    asked: list[float] = []

    class Degraded(MemoryStore):
        async def forget(self, before_s: float) -> list[bytes]:
            asked.append(before_s)
            raise StoreError("the database cannot be read now")

    with capture_logs() as logs:
        work = asyncio.create_task(forget_old_calls(Degraded(), Server))
        await asyncio.sleep(1.5 * 3600)
        assert not work.done()
        work.cancel()
        await asyncio.wait({work})
    assert [entry["event"] for entry in logs] == ["calls_not_forgotten"] * len(asked) == ["calls_not_forgotten"] * 2
