"""Verbs that an application with a socket has queued, or that were held back for it: none is lost without a word."""

import asyncio

import pytest

from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import (
    HANGUP,
    SAY,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
)
from tests.calls.test_restart import Town

DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+1"}], "actionHook": "/dialled"}
GATHER: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
MUSIC: JsonObject = {"verb": "play", "url": "https://music.example.com/a.mp3"}
BEHIND = settings_of({"url": URL})


def refusals(application: ApplicationSocket) -> list[JsonObject]:
    return [error["details"] for error in application.told("jambonz:error")]


async def redirected(application: ApplicationSocket, *verbs: JsonObject, queued: bool = False) -> None:
    more = {"queueCommand": True} if queued else {}
    application.commands("redirect", list(verbs), **more)
    await settled()


@pytest.mark.parametrize("waits", [False, True])
def test_after_a_restart_too_verbs_are_queued_for_the_moment_at_which_the_call_waits(
    monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    @in_virtual_time
    async def story() -> None:
        application, town = ApplicationSocket(monkeypatch, DIAL), Town(BEHIND)
        async with town.server() as server:
            verbs = await server.ring()
        async with town.server() as server:
            await settled()
            asking = None
            if waits:
                await server.hook(verbs[0]["actionHook"], call_status="in-progress")
                asking = asyncio.create_task(server.hook(verbs[-1]["actionHook"], call_status="in-progress"))
                await asyncio.sleep(1)
            await redirected(application, SAY, queued=True)
            assert refusals(application) == []
            answer = await (asking or server.hook(verbs[-1]["actionHook"], call_status="in-progress"))
            assert names(answer) == ["say", "redirect"]

    story()


def test_after_a_restart_a_call_that_does_not_come_to_wait_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_virtual_time
    async def story() -> None:
        application, town = ApplicationSocket(monkeypatch, GATHER), Town(BEHIND)
        application.answers["/menu"] = [SAY, HANGUP]
        async with town.server() as server:
            [gather, _] = await server.ring()
            assert await server.hook(gather["actionHook"], digits="1") == [SAY, HANGUP]
        async with town.server():
            await settled()
            await redirected(application, SAY, queued=True)
            [refusal] = refusals(application)
            assert "queued" in refusal

    story()
