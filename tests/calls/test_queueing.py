"""Verbs that an application with a socket has queued, or that were held back for it: none is lost without a word."""

import asyncio

import pytest

from media.remote import RemoteReply
from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    Exchange,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
)
from tests.calls.test_obeying import API
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


@pytest.mark.parametrize("rest", [False, True])
def test_a_redirect_that_is_refused_drops_nothing_that_was_queued(
    monkeypatch: pytest.MonkeyPatch, *, rest: bool
) -> None:
    @in_virtual_time
    async def story() -> None:
        application = ApplicationSocket(monkeypatch, DIAL)
        exchange = Exchange(settings_of({"url": URL}, platform={"api": API}) if rest else BEHIND)
        exchange.api.replies = [RemoteReply(404, b"{}")]
        verbs = await exchange.ring()
        await redirected(application, SAY, queued=True)
        await redirected(application, GATHER)
        assert len(refusals(application)) == 1
        assert names(await exchange.hook(verbs[-1]["actionHook"], call_status="in-progress")) == ["say", "redirect"]

    story()


@in_virtual_time
async def test_a_redirect_that_is_taken_drops_what_was_queued_and_nothing_that_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = ApplicationSocket(monkeypatch, SAY)
    exchange = Exchange(BEHIND)
    verbs = await exchange.ring()
    assert await exchange.hook(verbs[-1]["actionHook"], call_status="in-progress") == verbs[-1:]
    await redirected(application, MUSIC, queued=True)
    await redirected(application, GATHER)
    await redirected(application, SAY, queued=True)
    answer = await exchange.hook(verbs[-1]["actionHook"], call_status="in-progress")
    assert names(answer) == ["gather", "say", "redirect"]


def test_verbs_queued_behind_a_redirect_that_is_held_back_come_after_its_verbs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @in_virtual_time
    async def story() -> None:
        application = ApplicationSocket(monkeypatch, MUSIC, LLM)
        exchange = Exchange(BEHIND)
        verbs = await exchange.ring()
        await redirected(application, GATHER)
        await redirected(application, SAY, queued=True)
        await exchange.open(verbs)
        await asyncio.sleep(2)
        assert names(await exchange.ended(verbs, call_status="in-progress")) == ["gather", "say", "redirect"]
        assert refusals(application) == []

    story()


@pytest.mark.parametrize("closing_s", [0.0, 5.0])
def test_verbs_queued_behind_a_redirect_that_ends_a_conversation_come_after_its_verbs(
    monkeypatch: pytest.MonkeyPatch, closing_s: float
) -> None:
    @in_virtual_time
    async def story() -> None:
        application = ApplicationSocket(monkeypatch, LLM)
        exchange = Exchange(BEHIND)
        verbs = await exchange.ring()
        line = await exchange.open(verbs)
        assert line
        line.closing_s = closing_s
        await redirected(application, SAY)
        await redirected(application, GATHER, queued=True)
        answer = await exchange.ended(verbs, call_status="in-progress")
        assert names(answer) == ["say", "gather", "redirect"]
        await redirected(application, MUSIC, queued=True)
        assert names(await exchange.hook(answer[-1]["actionHook"])) == ["play", "redirect"]
        assert refusals(application) == []

    story()


@pytest.mark.parametrize("talks", [False, True])
def test_behind_an_end_nothing_is_queued(monkeypatch: pytest.MonkeyPatch, *, talks: bool) -> None:
    @in_virtual_time
    async def story() -> None:
        application = ApplicationSocket(monkeypatch, MUSIC, LLM)
        exchange = Exchange(BEHIND)
        verbs = await exchange.ring()
        if talks:
            await exchange.open(verbs)
        await redirected(application, SAY, HANGUP)
        await redirected(application, GATHER, queued=True)
        [refusal] = refusals(application)
        assert "ends" in refusal
        if not talks:
            await exchange.open(verbs)
        assert await exchange.ended(verbs, call_status="in-progress") == [SAY, HANGUP]

    story()


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_held_back_is_done_also_where_the_conversation_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, *, gone: bool
) -> None:
    @in_virtual_time
    async def story() -> None:
        application = ApplicationSocket(monkeypatch, MUSIC, LLM)
        exchange = Exchange(BEHIND)
        verbs = await exchange.ring()
        await redirected(application, GATHER)
        answer = await exchange.ended(verbs, call_status="completed" if gone else "in-progress")
        assert "gather" not in names(answer) if gone else names(answer) == ["gather", "redirect"]
        await settled()
        [end] = [message["data"] for message in application.heard if message.get("hook") == "/final"]
        assert end["reason_code"] == ("caller_hung_up" if gone else "redirected")
        assert exchange.switchboard.active == (0 if gone else 1)

    story()
