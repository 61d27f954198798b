"""A call whose control socket broke a moment ago: its platform comes back, and nothing is lost meanwhile."""

import asyncio

import pytest

from calls.control import RECONNECT_S
from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import HANGUP, SAY, Exchange, JsonObject, in_virtual_time, names, settings_of, settled
from tests.calls.platform_socket import PlatformSocket, sessions_of
from tests.calls.test_restart import Town

GATHER: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
AWAY: JsonObject = {"verb": "redirect", "actionHook": "/menu"}
BEHIND = settings_of({"url": URL})


def leaves(application: ApplicationSocket) -> None:
    line = application.lines[-1]
    line._session.closed(1000)
    line._left.set()


@in_virtual_time
async def test_a_call_whose_application_leaves_meanwhile_is_hung_up_when_the_platform_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application, exchange = ApplicationSocket(monkeypatch, SAY), Exchange(BEHIND)
    sessions = sessions_of(exchange)
    socket = PlatformSocket(sessions)
    assert await socket.ask("session:new") == [SAY]
    socket.session.lost(for_good=False)
    leaves(application)
    await settled()
    for told in (1, 0):
        socket = PlatformSocket(sessions)
        socket.send("session:reconnect")
        await settled()
        queued = [command for command in socket.commands() if command.get("queueCommand")]
        assert [command["data"] for command in queued] == [[HANGUP]] * told
        socket.session.lost(for_good=False)


@in_virtual_time
async def test_a_hook_that_is_answered_meanwhile_leaves_the_call_waiting_for_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application, exchange = ApplicationSocket(monkeypatch, GATHER), Exchange(BEHIND)
    application.answers["/menu"] = [SAY]
    sessions = sessions_of(exchange)
    socket = PlatformSocket(sessions)
    [gather] = await socket.ask("session:new")
    socket.session.lost(for_good=False)
    assert await exchange.hook(gather["actionHook"], digits="1", call_status="in-progress") == [SAY]
    await asyncio.sleep(1)
    assert exchange.switchboard.active == 1
    socket = PlatformSocket(sessions)
    socket.send("session:reconnect")
    await settled()
    application.commands("redirect", [GATHER])
    await settled()
    assert [names(command["data"]) for command in socket.commands()] == [["gather"]]
    socket.session.lost(for_good=False)
    await asyncio.sleep(RECONNECT_S + 1)
    assert exchange.switchboard.active == 1  # its gather leads back


@in_virtual_time
async def test_a_call_that_only_waits_is_over_when_its_platform_does_not_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application, exchange = ApplicationSocket(monkeypatch, GATHER), Exchange(BEHIND)
    application.answers["/menu"] = [SAY]
    socket = PlatformSocket(sessions_of(exchange))
    [gather] = await socket.ask("session:new")
    socket.session.lost(for_good=False)
    assert await exchange.hook(gather["actionHook"], digits="1", call_status="in-progress") == [SAY]
    await asyncio.sleep(RECONNECT_S + 1)
    assert exchange.switchboard.active == 0


@pytest.mark.parametrize("verb", [SAY, AWAY])
def test_a_hook_that_is_answered_after_a_restart_before_the_platform_is_back_does_not_cost_its_socket(
    monkeypatch: pytest.MonkeyPatch, verb: JsonObject
) -> None:
    @in_virtual_time
    async def story() -> None:
        application, town = ApplicationSocket(monkeypatch, GATHER), Town(BEHIND)
        application.answers["/menu"] = [verb]
        async with town.server() as server:
            [gather] = await PlatformSocket(sessions_of(server)).ask("session:new")
        async with town.server() as server:
            await settled()
            [answer] = await server.hook(gather["actionHook"], digits="1", call_status="in-progress")
            assert answer == SAY if verb is SAY else answer["actionHook"].startswith("/agent/call/hook/")
            socket = PlatformSocket(sessions_of(server))
            socket.send("session:reconnect")
            await settled()
            application.commands("redirect", [GATHER])
            await settled()
            assert [names(command["data"]) for command in socket.commands()] == [["gather"]]

    story()
