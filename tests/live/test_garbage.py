"""What a call has held is gone when it has come to rest, and does not wait for Python to look for garbage.

It looks seldom (`garbage.py`), for that stops the audio of all calls; what knows itself would stay until then.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from calls import resting
from tests.live.calling import Call
from tests.live.serving import Application, a_config, rehearsing, serving, until
from tests.live.test_seed_call import SCRIPT
from tests.verbs.seed import SEED

AGENTS = [{"name": name, "instructions": f"You are {name}."} for name in ("front", "billing")]
OURS = ("api", "calls", "egress", "hooks", "media", "store", "verbs", "aiohttp.web", "aiohttp._websocket")


@contextmanager
def nobody_looks() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def garbage() -> Counter[str]:
    """Look for it, and give the types of what was there."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        kinds = [type(each) for each in gc.garbage]
        return Counter(kind.__name__ for kind in kinds if kind.__module__.startswith(OURS))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


async def test_a_call_at_rest_has_left_no_garbage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "REST_AFTER_S", 0.05)
    application = Application()
    application.answers["/toolCall"] = lambda: web.json_response({"temperature": 21})
    application.answers["/final"] = lambda: web.json_response([{"verb": "hangup"}])
    route: dict[str, Any] = {"verbs": [SEED], "agents": AGENTS, "max_call_s": 2, "status_hook": "/status"}
    async with rehearsing(SCRIPT) as model, application.serving() as base:
        config = a_config(model, base, route=route)
        async with serving(tmp_path, config) as running:
            at_hand = running.server._records._calls
            before = asyncio.all_tasks()
            with nobody_looks():
                over = await Call(running.url).run()
                await until(lambda: not list(at_hand) and asyncio.all_tasks() == before)
                found = garbage()
            assert len(at_hand.applications) == 1
    assert (over.call_status, len(application.bodies("/final"))) == ("completed", 1)
    assert found == Counter()
