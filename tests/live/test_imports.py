"""All that a call needs is there before the first one comes: an import is 1 to 100 ms in which nobody is heard."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.live.calling import Call
from tests.live.serving import Application, JsonObject, a_config, rehearsing
from tests.live.test_seed_call import SCRIPT
from tests.verbs.seed import SEED

FOR_SOME = {
    *("numpy", "samplerate"),  # where rates really change: the platform's 16 kHz to the model's 24
    *("mcp", "httpx2"),  # where a verb names servers of tools
    *("sqlalchemy", "sqlite3", "aiosqlite"),  # where calls are kept on disk
}


@asynccontextmanager
async def served(config: JsonObject, folder: Path) -> AsyncIterator[tuple[str, dict[str, set[str]]]]:
    """Serve in a process of its own; give its URL, and, when the block has ended, what was imported, and when."""
    path, imported = folder / "config.yaml", dict[str, set[str]]()
    path.write_text(json.dumps(config))
    command = [sys.executable, str(Path(__file__).with_name("imports.py")), str(path)]
    environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, env=environ)
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().split()[-1], imported
    finally:
        process.terminate()
        said = await process.stdout.read()
        await process.wait()
    imported |= {when: set(names) for when, names in json.loads(said).items()}


async def test_a_first_call_imports_nothing(tmp_path: Path) -> None:
    application = Application()
    application.answers["/toolCall"] = lambda: web.json_response({"temperature": 21})
    application.answers["/final"] = lambda: web.json_response([{"verb": "hangup"}])
    route = {"verbs": [SEED], "max_call_s": 2, "media": {"sample_rate_hz": 16000}}
    async with rehearsing(SCRIPT) as model, application.serving() as base:
        config = {**a_config(model, base, route=route), "store": "sqlite:///calls.db"}
        async with served(config, tmp_path) as (url, imported):
            over = await Call(url).run()
    assert (over.call_status, len(application.bodies("/final"))) == ("completed", 1)
    assert application.bodies("/event")
    assert application.bodies("/toolCall")
    assert imported["later"] == set()
    assert {"numpy", "samplerate", "sqlalchemy"} <= imported["at_start"]


async def test_what_a_configuration_does_not_need_is_not_imported(tmp_path: Path) -> None:
    async with served({**a_config(None, None, route={"verbs": [SEED]}), "store": "memory://"}, tmp_path) as (
        _,
        imported,
    ):
        pass
    assert imported["at_start"] & FOR_SOME == set()
    assert not {name for name in imported["at_start"] if name.partition(".")[0] in {"sim", "bench", "tests", "pytest"}}
