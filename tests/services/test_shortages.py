"""What a machine may run short of, in earnest: disk, file descriptors, memory, processor time, a database to itself.

Whoever talks goes on talking, `/readyz` says what is the matter, and when there is enough again all is as before.
"""

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from calls.admission import FDS_PER_CALL, SPARE_FDS
from tests.live.serving import (
    LLM,
    a_config,
    names,
)
from tests.services.one_call import a_call
from tests.services.processes import descriptors, events, series, served, until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

JsonObject = dict[str, Any]
MANY = 80
WORST_LAG_S = 0.25
"The bound that matters is 0.1 s at the 99th percentile; this is the worst of 15 s."


def rows(file: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def limit(server: Process, resource_: str, soft: int | str) -> None:
    """Give a process another limit while it runs."""
    subprocess.run(["prlimit", f"--pid={server.pid}", f"--{resource_}={soft}:"], check=True)  # noqa: S603, S607


# Disk


class SmallDisk:
    """2 MB that are all there is, where that can be mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "disk"
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.folder)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:  # noqa: S603
            pytest.skip("nothing can be mounted here")

    def fill(self, _: Process) -> None:
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def make_room(self, _: Process) -> None:
        (self.folder / "ballast").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)  # noqa: S603, S607


class SmallFiles:
    """No file of the server's may grow: the same to it, and nobody needs to be allowed anything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, server: Process) -> None:
        limit(server, "fsize", 96 * 1024)

    def make_room(self, server: Process) -> None:
        limit(server, "fsize", "unlimited")

    def close(self) -> None:
        """There is nothing to undo."""


@pytest.mark.parametrize("kind", [SmallDisk, SmallFiles])
async def test_a_full_disk_is_noticed_by_no_caller_and_what_was_not_written_is_when_there_is_room(
    tmp_path: Path, kind: type[SmallDisk | SmallFiles]
) -> None:
    with closing(kind(tmp_path)) as disk:
        file = disk.folder / "calls.db"
        async with a_call(tmp_path, store=f"sqlite:///{file}") as scene:
            disk.fill(scene.server)
            degraded = asyncio.create_task(until(scene.is_degraded))
            nth = 0
            while not degraded.done():  # what is in the write-ahead log's file already can be written over
                nth += 1
                await scene.platform.ring(f"filling-{nth}", sip={"headers": {"X-Padding": "x" * 50_000}})
                await asyncio.sleep(0.05)
            await degraded
            await scene.talks()
            assert names(await scene.platform.ring("c-2")) == ["listen", "say", "hangup"]
            await scene.ends()
            assert await scene.is_degraded()
            disk.make_room(scene.server)
            await until(scene.is_ready)
            await until(lambda: rows(file, "SELECT state FROM calls WHERE call_sid = 'c-1'") == [("completed",)])
            assert rows(file, "SELECT count(*) FROM calls WHERE call_sid = 'c-2'") == [(1,)]
            assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    said = [line["event"] for line in events(scene.config)]
    assert (said.count("store.degraded"), said.count("store.recovered")) == (1, 1)


async def test_a_database_that_somebody_else_holds_is_noticed_by_no_caller(tmp_path: Path) -> None:
    async with a_call(tmp_path) as scene:
        file = tmp_path / "calls.db"
        holding = sqlite3.connect(file, isolation_level=None)
        holding.execute("BEGIN IMMEDIATE")
        asked = asyncio.create_task(scene.platform.ring("c-2"))
        await scene.talks()
        await until(scene.is_degraded)
        assert "locked" in await scene.ready()
        assert names(await asked) == ["listen", "say", "hangup"]
        await scene.ends()
        holding.execute("ROLLBACK")
        holding.close()
        await until(scene.is_ready)
        await until(lambda: rows(file, "SELECT state FROM calls WHERE call_sid = 'c-1'") == [("completed",)])
        assert rows(file, "SELECT count(*) FROM calls WHERE call_sid = 'c-2'") == [(1,)]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: sqlite3.connect(file, isolation_level=None).execute("BEGIN EXCLUSIVE").connection, "locked"),
        (lambda file: file.write_bytes(b"no database at all, but longer than a header" * 9), "not a database"),
    ],
    ids=["locked", "broken"],
)
async def test_a_server_does_not_start_on_a_database_that_it_cannot_use_and_says_so(
    tmp_path: Path, spoil: Callable[[Path], Any], told: str
) -> None:
    kept = spoil(tmp_path / "calls.db")
    config = tmp_path / "config.yaml"
    whole = {**a_config(None, None, route={"verbs": [LLM]}), "store": "sqlite:///calls.db"}
    config.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(AssertionError):
        await served(config).__aenter__()
    assert [line["event"] for line in events(config)] == ["cannot_open_store"]
    assert told in events(config)[0]["message"]
    del kept


# File descriptors


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_where_file_descriptors_run_out_who_talks_talks_on_and_the_log_stays_short(
    tmp_path: Path, loop: str
) -> None:
    before = ["prlimit", "--nofile=1024:4096"]
    before += ["env", f"PYTHONPATH={without_uvloop(tmp_path)}"] if loop == "asyncio" else []
    async with a_call(tmp_path, *before) as scene:
        held = len(descriptors(scene.server))
        most = held + SPARE_FDS + FDS_PER_CALL + 4
        limit(scene.server, "nofile", most)
        host, _, port = scene.platform.url.removeprefix("http://").partition(":")
        strangers = [await asyncio.open_connection(host, int(port)) for _ in range(8)]
        await until(scene.is_degraded)
        assert "file descriptors are left" in await scene.ready()
        assert names(await scene.platform.ring("c-2")) == ["sip:decline"]
        strangers += [await asyncio.open_connection(host, int(port)) for _ in range(MANY)]
        await until(lambda: len(descriptors(scene.server)) >= most - 1)
        await scene.talks()
        await asyncio.sleep(3)  # in which a server that tells of each connection tells of thousands
        await scene.talks()
        for _, writer in strangers:
            writer.close()
        await until(lambda: len(descriptors(scene.server)) <= held + 2)
        await until(scene.is_ready)
        assert names(await scene.platform.ring("c-3")) == ["listen", "say", "hangup"]
        await scene.ends()
    assert len(events(scene.config)) < 40


def without_uvloop(folder: Path) -> Path:
    """Make a folder from which Python would import a uvloop that is none."""
    place = folder / "path"
    place.mkdir()
    (place / "uvloop.py").write_text("raise ImportError('not for this platform')\n", encoding="utf-8")
    return place


# Memory


async def test_where_memory_runs_out_new_calls_are_refused_and_who_talks_talks_on(tmp_path: Path) -> None:
    async with a_call(tmp_path) as scene:
        pages = int(Path(f"/proc/{scene.server.pid}/statm").read_text(encoding="utf-8").split()[0])  # noqa: ASYNC240  # no disk
        limit(scene.server, "as", int(pages * resource.getpagesize() / 0.9))  # 90 % are in use
        await until(scene.is_degraded)
        assert "memory is in use" in await scene.ready()
        assert names(await scene.platform.ring("c-2")) == ["sip:decline"]
        await scene.talks()
        limit(scene.server, "as", "unlimited")
        await until(scene.is_ready)
        assert names(await scene.platform.ring("c-3")) == ["listen", "say", "hangup"]
        await scene.ends()
    refused = [line["reason"] for line in events(scene.config) if line["event"] == "call_refused_busy"]
    assert refused == ["memory"]


# Processor time


async def test_where_the_processors_are_busy_the_cap_holds_and_the_loop_does_not_lag(tmp_path: Path) -> None:
    async with a_call(tmp_path, max_calls=1) as scene:
        burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]  # noqa: ASYNC220
        try:
            for nth in range(20):
                assert names(await scene.platform.ring(f"more-{nth}")) == ["sip:decline"]
            await scene.talks()
            told = await series(scene.platform.client, scene.platform.url)
            assert told["hookswitch_loop_lag_seconds"] < WORST_LAG_S
        finally:
            for burner in burners:
                burner.kill()
                burner.wait()
        await scene.ends()


async def test_a_server_that_stood_still_for_three_seconds_goes_on_with_its_calls(tmp_path: Path) -> None:
    async with a_call(tmp_path) as scene:
        scene.server.send_signal(signal.SIGSTOP)
        await asyncio.sleep(3)
        scene.server.send_signal(signal.SIGCONT)
        await scene.talks()
        assert await scene.ready() == "ready"
        assert not {"model_lost", "media_lost"} & {line["event"] for line in events(scene.config)}
        await scene.ends()
