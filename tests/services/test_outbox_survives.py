"""A server that is killed with deliveries under way: what was written down arrives, in order, once where nothing broke.

Real processes, a real file, and a receiver that now refuses and now accepts. What it gets is checked by the library
that receivers use.
"""

import asyncio
import json
import random
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web
from standardwebhooks import Webhook

from store.opening import opened
from tests.live.serving import (
    LLM,
    WEBHOOK_SECRET,
    Model,
    Platform,
    a_config,
    rehearsing,
    serving_application,
    until_audio,
)

ROOT = Path(__file__).parent.parent.parent
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBob29rcyEhISEhISEh"
KILLS = 20
CALLS = 5
STATUSES = 40
"Of each call: 200 in all, and the model's events."
START_LIMIT_S = 30.0
DRAIN_LIMIT_S = 120.0
ROWS = 100_000
READY_S = 3.0

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

JsonObject = dict[str, Any]


@dataclass
class Taken:
    """A delivery that the receiver has accepted."""

    life: int
    path: str
    sid: str
    seq: int
    id: str


class Receiver:
    """All hooks of the application. Whatever it refuses it has read, too."""

    def __init__(self) -> None:
        self.life = 0
        self.refusing = False
        self.taken: list[Taken] = []
        self._webhook = Webhook(SECRET)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._take)
        async with serving_application(application) as url:
            yield url

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._webhook.verify(body, dict(request.headers))
        if self.refusing:
            return web.Response(status=503)
        headers = request.headers
        self.taken.append(
            Taken(self.life, request.path, headers["X-Call-Sid"], int(headers["X-Hook-Seq"]), headers["webhook-id"])
        )
        return web.Response(status=204)

    def lanes(self) -> dict[tuple[str, str], list[Taken]]:
        lanes: dict[tuple[str, str], list[Taken]] = defaultdict(list)
        for taken in self.taken:
            lanes[taken.sid, taken.path].append(taken)
        return lanes


def written(folder: Path, model: Model | None, application: str) -> Path:
    route = {"verbs": [{**LLM, "eventHook": "/event"}], "status_hook": "/status"}
    hooks = {"secrets": [SECRET], "retry_s": [0.2, 0.4, 0.8, *[1] * 60], "timeout_s": 2}
    config = a_config(model, application, route=route, hooks=hooks)
    config |= {
        "platform": {"webhook_secrets": [WEBHOOK_SECRET]},
        "server": {"orphan_grace_s": 1, "drain_s": 0},
        "store": "sqlite:///calls.db",
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@asynccontextmanager
async def served(config: Path) -> AsyncIterator[tuple[Process, str]]:
    command = [sys.executable, "app.py", "serve", "--config", str(config), "--port", "0"]
    with (config.parent / "stderr").open("ab") as stderr:
        server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=stderr)
    try:
        assert server.stdout is not None
        async with asyncio.timeout(START_LIMIT_S):
            line = (await server.stdout.readline()).decode()
        assert line.startswith("listening on "), line
        yield server, line.removeprefix("listening on ").strip()
    finally:
        if server.returncode is None:
            server.kill()
        await server.communicate()


async def one_call(platform: Platform, sid: str, chance: random.Random) -> None:
    """Hold a call until the server is gone: talk, and tell what becomes of its legs."""
    with suppress(ClientError, ConnectionError, AssertionError, TimeoutError):
        document = await platform.ring(sid)
        async with await platform.open(document, sid) as media:
            await until_audio(media)
            for nth in range(STATUSES):
                leg = {"call_sid": f"{sid}-leg-{nth}", "parent_call_sid": sid, "call_status": "ringing"}
                await platform.post("/call/status", leg)
                await asyncio.sleep(chance.random() * 0.02)
            async for _ in media:
                """Listen to the agent."""


def rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / "calls.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def outbox(config: Path, *arguments: str) -> str:
    command = [sys.executable, "app.py", "outbox", *arguments, "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=DEVNULL)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def undelivered(config: Path) -> list[JsonObject]:
    entries: list[JsonObject] = json.loads(await outbox(config, "list", "--json"))
    return entries


async def test_killed_twenty_times_it_loses_nothing_that_was_written(tmp_path: Path) -> None:
    chance, receiver = random.Random(11), Receiver()  # noqa: S311  # when it dies
    script = {"greeting": "Hello. This is a greeting that goes on for a while, so that there is something to tell."}
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(rehearsing(script))
        config = written(tmp_path, model, await stack.enter_async_context(receiver.serving()))
        committed: set[str] = set()
        for life in range(KILLS):
            receiver.life = life
            async with served(config) as (server, url), ClientSession() as client:
                platform = Platform(client, url)
                calls = [asyncio.create_task(one_call(platform, f"life-{life}-call-{n}", chance)) for n in range(CALLS)]
                receiver.refusing = True
                await asyncio.sleep(chance.random())
                receiver.refusing = False
                await asyncio.sleep(chance.random() * 2)
                server.kill()
                assert await server.wait() == -signal.SIGKILL
                await asyncio.gather(*calls)
            committed |= {id_ for (id_,) in rows(tmp_path, "SELECT webhook_id FROM deliveries WHERE kind != 'tool'")}
        receiver.life = KILLS
        async with served(config) as (server, _):
            began = time.monotonic()
            while await undelivered(config) or rows(tmp_path, "SELECT 1 FROM calls WHERE state != 'completed'"):
                assert time.monotonic() - began < DRAIN_LIMIT_S
                await asyncio.sleep(0.5)
            server.send_signal(signal.SIGTERM)
            assert await server.wait() == 0
    assert len(committed) > KILLS * STATUSES
    assert committed <= {taken.id for taken in receiver.taken}
    for (sid, path), lane in receiver.lanes().items():
        first = list(dict.fromkeys(taken.seq for taken in lane))
        assert first == sorted(first), (sid, path)
        repeated = {
            (earlier.life, earlier.id)
            for place, taken in enumerate(lane)
            for earlier in lane[:place]
            if earlier.id == taken.id
        }
        under_way = Counter(life for life, _ in repeated)  # an id that two kills met is one in each of the two lives
        assert all(count <= 1 for count in under_way.values()), (sid, path)
    of_number = {(taken.sid, taken.seq): taken.id for taken in receiver.taken}
    assert [taken for taken in receiver.taken if of_number[taken.sid, taken.seq] != taken.id] == []
    ends = {sid: {taken.id for taken in lane} for (sid, path), lane in receiver.lanes().items() if path == "/final"}
    assert {sid for (sid,) in rows(tmp_path, "SELECT call_sid FROM calls")} == set(ends)
    assert all(len(ids) == 1 for ids in ends.values())


async def test_a_dead_letter_is_replayed_by_the_server_that_runs(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.refusing = True
    async with AsyncExitStack() as stack:
        config = written(tmp_path, None, await stack.enter_async_context(receiver.serving()))
        text = json.loads(config.read_text())
        config.write_text(json.dumps({**text, "hooks": {**text["hooks"], "retry_s": [0.1]}}))
        _, url = await stack.enter_async_context(served(config))
        platform = Platform(await stack.enter_async_context(ClientSession()), url)
        await platform.ring("c-1")
        await platform.post("/call/status", {"call_sid": "c-1", "call_status": "in-progress"})
        [letter] = await outbox_of(config, ["dead"])
        assert letter["last_error"] == "HTTP 503"
        receiver.refusing = False
        await outbox(config, "replay", letter["id"])
        await outbox_of(config, [])
    assert [taken.id for taken in receiver.taken if taken.path == "/status"] == [letter["id"]]


async def outbox_of(config: Path, states: list[str]) -> list[JsonObject]:
    """Wait until this is how what is undelivered fares; give it."""
    began = time.monotonic()
    while True:
        found = await undelivered(config)
        if [entry["state"] for entry in found] == states:
            return found
        assert time.monotonic() - began < START_LIMIT_S
        await asyncio.sleep(0.2)


async def test_a_server_is_ready_soon_however_much_it_has_left_to_tell(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.refusing = True
    async with receiver.serving() as application:
        config = written(tmp_path, None, application)
        async with opened("sqlite:///calls.db", tmp_path):
            """The tables."""
        fill(tmp_path / "calls.db", f"{application}/event")
        took = [await ready_after(config) for _ in range(2)]
    assert min(took) < READY_S


def fill(file: Path, url: str) -> None:
    connection = sqlite3.connect(file)
    columns = "webhook_id, kind, call_sid, seq, url, body, created_at, headers, attempts, next_at, state"
    with connection:
        connection.executemany(
            f"INSERT INTO deliveries ({columns}) VALUES (?, 'event', ?, ?, ?, ?, ?, '{{}}', 1, ?, 'pending')",  # noqa: S608
            (
                (f"msg_{n}", f"call-{n // 50}", n % 50 + 1, url, b"x" * 500, time.time(), time.time())
                for n in range(ROWS)
            ),
        )
    connection.close()


async def ready_after(config: Path) -> float:
    """Start the server, see that it is ready, and kill it; give the seconds to there."""
    began = time.monotonic()
    async with served(config) as (_, url), ClientSession() as client:
        async with client.get(f"{url}/readyz") as answer:
            assert answer.status == 200
        return time.monotonic() - began
