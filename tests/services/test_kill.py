"""A server that is killed comes back, and one that is asked to stop, stops; with real processes."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

ROOT = Path(__file__).parent.parent.parent
START_LIMIT_S = 15.0
KILLS = 20

CONFIG = """
store: "sqlite:///calls.db"
routes:
  - name: default
    numbers: ["*"]
    verbs: [{verb: pause, length: 1}, {verb: hangup}]
"""

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]


@asynccontextmanager
async def served(folder: Path, *, port: int) -> AsyncIterator[tuple[Process, str]]:
    """Serve CONFIG in a process of its own, from the moment it accepts until its end; gives it and its base URL."""
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    command = [sys.executable, "app.py", "serve", "--config", str(config), "--port", str(port)]
    with (folder / "stderr").open("ab") as stderr:
        server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=stderr)
    try:
        assert server.stdout is not None
        async with asyncio.timeout(START_LIMIT_S):
            line = (await server.stdout.readline()).decode()
        assert line.startswith("listening on http://"), line
        yield server, line.removeprefix("listening on ").strip()
    finally:
        if server.returncode is None:
            server.kill()
        await server.communicate()


async def one_call(base: str, call_sid: str) -> list[dict[str, object]]:
    """Ask for a call's document as the platform does."""
    body = {"call_sid": call_sid, "from": "+15550001111", "to": "+15551230001", "direction": "inbound"}
    async with ClientSession() as client, client.post(f"{base}/call", json=body) as answer:
        assert answer.status == 200
        document: list[dict[str, object]] = await answer.json()
        return document


async def test_a_server_killed_twenty_times_comes_back_each_time_on_its_port(tmp_path: Path) -> None:
    port = 0
    for nth in range(KILLS):
        async with served(tmp_path, port=port) as (server, base):
            port = int(base.rpartition(":")[2])
            assert [verb["verb"] for verb in await one_call(base, f"call-{nth}")] == ["pause", "hangup"]
            server.kill()
            assert await server.wait() == -signal.SIGKILL


async def test_a_server_asked_to_stop_ends_with_0_and_has_logged_json_only(tmp_path: Path) -> None:
    async with served(tmp_path, port=0) as (server, base):
        await one_call(base, "call-1")
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_LIMIT_S):
            assert await server.wait() == 0
    lines = (tmp_path / "stderr").read_text().splitlines()
    assert [line for line in lines if "event" not in json.loads(line)] == []
    assert not any("5550001111" in line for line in lines)
