"""The server and what is around it as processes of their own, and what the system tells of one."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parent.parent.parent
START_LIMIT_S = 30.0
PATIENCE_S = 60.0

JsonObject = dict[str, Any]


@asynccontextmanager
async def started(*command: str, stderr: Path, before: Sequence[str] = ()) -> AsyncIterator[tuple[Process, str]]:
    """Start a program that says where it listens; give it and that address, and end it when the block is left."""
    with stderr.open("ab") as errors:
        program = [*before, sys.executable, *command]
        process = await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdout=PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_LIMIT_S):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("listening on "), f"{line!r}: see {stderr}"
        yield process, line.removeprefix("listening on ").strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def served(config: Path, *, before: Sequence[str] = ()) -> AsyncIterator[tuple[Process, str]]:
    """Serve; `before`: a command that runs the server, such as prlimit."""
    command = ("app.py", "serve", "--config", str(config), "--port", "0")
    async with started(*command, stderr=config.parent / "stderr", before=before) as (process, url):
        yield process, url


@asynccontextmanager
async def a_model(folder: Path) -> AsyncIterator[str]:
    """Serve the rehearsal model."""
    async with started("-m", "sim", "model", "--port", "0", stderr=folder / "model.err") as (_, url):
        yield url


def events(config: Path) -> list[JsonObject]:
    """Read what the server has logged."""
    return [json.loads(line) for line in (config.parent / "stderr").read_text(encoding="utf-8").splitlines()]


async def ready(client: ClientSession, url: str) -> str:
    """Give `ready`, or the code and what is said beside it."""
    async with client.get(f"{url}/readyz") as answer:
        body = await answer.json()
    return "ready" if answer.status == 200 else f"{body['error']['code']}: {body['error']['message']}"


async def series(client: ClientSession, url: str) -> dict[str, float]:
    """Give each metric's sum over its labels."""
    async with client.get(f"{url}/metrics") as answer:
        text = await answer.text()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def descriptors(process: Process) -> list[str]:
    """Say of each open file descriptor what it is."""
    folder = Path(f"/proc/{process.pid}/fd")
    found = []
    for name in os.listdir(folder):  # noqa: PTH208  # names alone: a descriptor may be gone meanwhile
        try:
            found.append(os.readlink(folder / name).partition(":")[0])  # noqa: PTH115  # it leads nowhere
        except OSError:
            continue
    return found


def memory_kb(process: Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


async def until(holds: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Wait for something that another process brings about."""
    async with asyncio.timeout(patience_s):
        while not (await found if asyncio.iscoroutine(found := holds()) else found):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.1)
