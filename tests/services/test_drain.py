"""A server that is told to stop while somebody talks, as a process."""

import asyncio
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.live.serving import names, until_closed
from tests.services.one_call import a_call
from tests.services.processes import events, until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("number", SIGNALS)
async def test_who_talks_may_go_on_until_the_time_is_over_and_the_exit_code_is_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with a_call(tmp_path, drain_s=4) as scene:
        began = time.monotonic()
        scene.server.send_signal(number)
        await until(lambda: "drain_began" in [line["event"] for line in events(scene.config)])
        assert (await scene.ready()).startswith("draining")
        assert names(await scene.platform.ring("c-2")) == ["sip:decline"]
        assert await until_closed(scene.media) == 1012
        assert time.monotonic() - began >= 4
        assert await scene.server.wait() == 0
        assert [end["reason_code"] for end in scene.application.bodies("/final")] == ["server_restart"]


@pytest.mark.parametrize("number", SIGNALS)
async def test_told_twice_it_is_gone_within_two_seconds_with_exit_code_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with a_call(tmp_path, drain_s=300) as scene:
        scene.server.send_signal(number)
        await until(lambda: "drain_began" in [line["event"] for line in events(scene.config)])
        scene.server.send_signal(number)
        closing = asyncio.create_task(until_closed(scene.media))
        async with asyncio.timeout(2):
            assert await scene.server.wait() == 0
        assert await closing == 1012
        assert [end["reason_code"] for end in scene.application.bodies("/final")] == ["server_restart"]


async def test_told_twice_it_is_gone_within_two_seconds_also_where_somebody_holds_the_database(tmp_path: Path) -> None:
    async with a_call(tmp_path, drain_s=300) as scene:
        scene.server.send_signal(signal.SIGTERM)
        await until(lambda: "drain_began" in [line["event"] for line in events(scene.config)])
        holding = sqlite3.connect(tmp_path / "calls.db", isolation_level=None)
        holding.execute("BEGIN IMMEDIATE")
        scene.server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(2):
            assert await scene.server.wait() == 0
        holding.close()


HANGING = """
import os, sqlite3, time

connect = sqlite3.connect

def connected(*args, **options):
    connection = connect(*args, **options)
    connection.set_trace_callback(lambda _: time.sleep(60) if os.path.exists({flag!r}) else None)
    return connection

sqlite3.connect = connected
"""
"A disk that hangs as soon as there is this file, for a Python that finds it as `sitecustomize`."


async def test_told_twice_it_is_gone_within_two_seconds_also_where_the_disk_hangs(tmp_path: Path) -> None:
    flag = tmp_path / "hang"
    (tmp_path / "sitecustomize.py").write_text(HANGING.format(flag=str(flag)), encoding="utf-8")
    async with a_call(tmp_path, "env", f"PYTHONPATH={tmp_path}", drain_s=300) as scene:
        flag.touch()
        scene.server.send_signal(signal.SIGTERM)
        await until(lambda: "drain_began" in [line["event"] for line in events(scene.config)])
        scene.server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(2):
            assert await scene.server.wait() == 1
        assert "most recent call first" in (tmp_path / "stderr").read_text(encoding="utf-8")
