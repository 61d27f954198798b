"""Whole calls of an application that is somebody else's: where its documents may lead."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

import app
from tests.live.serving import (
    LLM,
    SORRY,
    WEBHOOK_SECRET,
    Application,
    JsonObject,
    Platform,
    Running,
    a_config,
    a_good_call,
    names,
    rehearsing,
    serving,
    until,
)

ALLOWED: JsonObject = {"egress": {"allow_cidrs": ["127.0.0.0/8", "::1"]}}


def of_an_application(model: Any, url: str, **more: Any) -> JsonObject:
    """Give a configuration that names one application, and nothing of what its documents name."""
    secrets = {"webhook_secrets": [WEBHOOK_SECRET]}
    return a_config(model, None, route={"url": f"{url}/call"}, platform=secrets, **more)


def blocked(running: Running) -> list[str]:
    return [line for line in running.journal.getvalue().splitlines() if '"egress.blocked"' in line]


@pytest.mark.parametrize("more", [{}, ALLOWED])
async def test_a_hook_into_our_own_network_is_told_nothing_unless_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: JsonObject
) -> None:
    monkeypatch.setattr(app, "HOOKS_DRAIN_S", 0.1)  # what is never delivered holds the end up
    own, inside = Application(), Application()
    async with rehearsing() as model, own.serving() as base, inside.serving() as private, ClientSession() as client:
        verb = {**LLM, "auth": {"apiKey": "k"}, "eventHook": f"{private}/event", "actionHook": f"{base}/final"}
        own.answers["/call"] = lambda: web.json_response([verb])
        own.answers["/final"] = lambda: web.json_response([])
        async with serving(tmp_path, of_an_application(model, base, **more)) as running:
            await a_good_call(Platform(client, running.url))
            await until(lambda: inside.received if more else blocked(running))
            told = blocked(running)
    assert own.bodies("/final")
    assert bool(inside.received) is bool(more)
    assert bool(told) is not bool(more)
    if told:
        for words in ("127.0.0.1", "is no address of the internet (this machine)", "egress.allow_cidrs", '"good"'):
            assert words in told[0]


@pytest.mark.parametrize("more", [{}, ALLOWED])
async def test_a_model_in_our_own_network_is_not_dialled_unless_that_is_allowed(
    tmp_path: Path, more: JsonObject
) -> None:
    own = Application()
    async with rehearsing() as model, own.serving() as base, ClientSession() as client:
        options = {"url": model.url}
        verb = {**LLM, "auth": {"apiKey": "k"}, "connectOptions": options, "actionHook": "/final"}
        own.answers["/call"] = lambda: web.json_response([verb])
        own.answers["/final"] = lambda: web.json_response([])
        async with serving(tmp_path, of_an_application(None, base, **more)) as running:
            platform = Platform(client, running.url)
            if more:
                await a_good_call(platform)
            else:
                document = await platform.ring()
                await until(lambda: blocked(running))
                assert names(await platform.ended(document, call_status="in-progress")) == SORRY
    assert bool(model.sessions) is bool(more)
    [end] = own.bodies("/final")
    assert (end["reason_code"] == "connect_failed") is not bool(more)
    assert "127.0.0.1" not in str(end.get("error"))  # whoever has named it may be probing
