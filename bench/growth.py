"""What the process costs beside its calls: how soon it is ready, what it takes then, and what calls leave in it."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.figures import middle
from bench.load import Load
from bench.machine import SERVER_CORES, cpu_times, descriptors, rss_kb
from bench.plan import OURS, load_for, say
from bench.servers import Doors, Server, running
from bench.variant import Variant

STORE = "sqlite:///calls.db"
"As by default; one in memory keeps the rows of all calls."
AT_REST_S = 40.0
"Half a minute after all of it is told, a call that is over comes to rest."
IDLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Steps:
    starts: int
    "After one that is not counted: it may have to write down the bytecode."
    calls: Sequence[int]
    "So many calls have ended when it is looked at; each of these is a multiple of `at_once`."
    at_once: int
    at_rest_s: float


WHOLE = Steps(7, (20, 100, 500, 1000), 20, AT_REST_S)
TINY = Steps(1, (2, 4), 2, 0.5)
"Whether all of it works; no figure of it means anything."


@dataclass(frozen=True, slots=True)
class Look:
    calls: int
    "That have ended so far."
    rss_at_once_kb: int
    rss_kb: int
    "When all of them had come to rest."
    tasks: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Growth:
    ready_s: Sequence[float]
    "From exec to the line that says where it listens, of each start."
    ready_cpu_s: Sequence[float]
    looks: Sequence[Look]
    "The first of them before any call."

    @property
    def per_call_kb(self) -> float:
        """What each of the calls between the last two looks has left, when memory had got used to calls."""
        before, last = self.looks[-2:]
        return (last.rss_kb - before.rss_kb) / (last.calls - before.calls)


async def grown(steps: Steps) -> Growth:
    async with AsyncExitStack() as stack:
        load = await stack.enter_async_context(load_for(Variant()).open())
        doors = Doors(Variant(), load.model_port, load.sink_port, load.certificate, STORE)
        ready_s, ready_cpu_s = [], []
        for start in range(steps.starts + 1):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            async with running(OURS, folder, doors, SERVER_CORES) as server:
                cpu_s = cpu_times(server.pids).ran_s
            if start:
                say(f"ready after {server.ready_s[0]:.2f} s, {cpu_s:.2f} s of CPU")
                ready_s.append(server.ready_s[0])
                ready_cpu_s.append(cpu_s)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        server = await stack.enter_async_context(running(OURS, folder, doors, SERVER_CORES))
        return Growth(ready_s, ready_cpu_s, await _looks(load, server, steps))


async def _looks(load: Load, server: Server, steps: Steps) -> list[Look]:
    await asyncio.sleep(IDLE_S)
    looks, ended = [await _look(server, 0, rss_kb(server.pids))], 0
    for calls in steps.calls:
        while ended < calls:
            await load.hold(server, steps.at_once)
            await load.hold(server, 0)
            ended += steps.at_once
        at_once_kb = rss_kb(server.pids)
        await asyncio.sleep(steps.at_rest_s)
        looks.append(await _look(server, ended, at_once_kb))
        say(f"{ended} calls: {looks[-1].rss_kb} KB, {at_once_kb} KB before they came to rest")
    return looks


async def _look(server: Server, calls: int, at_once_kb: int) -> Look:
    kb, open_now = rss_kb(server.pids), descriptors(server.pids)
    return Look(calls, at_once_kb, kb, int((await metrics(server.urls[0]))["hookswitch_tasks"]), open_now)


async def metrics(url: str) -> dict[str, float]:
    """Give the series of `GET /metrics` that have no labels."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"GET /metrics HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        _, _, told = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    pairs = [line.split(" ") for line in told.splitlines() if line[:1].isalpha() and "{" not in line]
    return {name: float(value) for name, value in (pair for pair in pairs if len(pair) == 2)}


def results(growth: Growth, machine: Mapping[str, object]) -> dict[str, Any]:
    """Give what bench/results.json holds of it, under `growth`."""
    return {
        "ready_s": middle(growth.ready_s),
        "ready_cpu_s": middle(growth.ready_cpu_s),
        "idle_rss_kb": growth.looks[0].rss_kb,
        "per_call_kb": growth.per_call_kb,
        "machine": dict(machine),
        "measured": asdict(growth),
    }


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Give the cells of a table, line for line; the first is its head."""
    head = ["calls that have ended", "memory, MB", "before they came to rest, MB", "tasks", "descriptors"]
    return [
        head,
        *(
            [
                *(f"{look['calls']}", f"{look['rss_kb'] / 1000:.1f}", f"{look['rss_at_once_kb'] / 1000:.1f}"),
                *(f"{look['tasks']}", f"{look['descriptors']}"),
            ]
            for look in found["measured"]["looks"]
        ),
    ]


def sentence(found: Mapping[str, Any]) -> str:
    ready = f"Ready {found['ready_s']:.2f} s after exec ({found['ready_cpu_s']:.2f} s of CPU), with a store on disk"
    before, last = (look["calls"] for look in found["measured"]["looks"][-2:])
    return (
        f"{ready}. Of each of the calls {before} to {last} stayed {found['per_call_kb']:.1f} KB, until it is forgotten."
    )
