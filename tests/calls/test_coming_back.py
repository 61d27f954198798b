"""Platforms with sockets come back to the process that follows a killed one. In virtual time, over one store."""

import asyncio

import pytest
from structlog.testing import capture_logs

from hookswitch import Call, Gather, Say, Verb
from store.base import CallRow
from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    Exchange,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
)
from tests.calls.platform_socket import PlatformSocket, sessions_of
from tests.calls.test_python_routes import served_by
from tests.calls.test_restart import Disk, Town

ACKED_WITHIN_S = 1.0


async def a_moment(_: str) -> None:
    """Taking back what was left of a call's hooks takes it."""
    await asyncio.sleep(1)


async def talking(town: Town, count: int) -> list[str]:
    """Let an earlier process die with so many conversations."""
    sids = [f"c-{number}" for number in range(count)]
    async with town.server() as server:
        sessions = sessions_of(server)
        for sid in sids:
            assert await server.open(await PlatformSocket(sessions, call_sid=sid).ask("session:new"))
    return sids


@pytest.mark.parametrize("recovery_s", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("after_s", [0.0, 0.1])
def test_every_call_goes_on_whose_platform_comes_back_while_calls_are_taken_over(
    recovery_s: float, after_s: float
) -> None:
    @in_virtual_time
    async def story() -> None:
        town = Town()
        sids = await talking(town, 10)
        exchange = Exchange(town.settings, town.applications, town.disk, owner="next")

        async def take_back(sid: str) -> None:
            await asyncio.sleep(recovery_s * (1 + sids.index(sid)) / len(sids))

        recovering = asyncio.create_task(exchange.switchboard.recover(PLACE, take_back))
        await asyncio.sleep(after_s)
        sessions = sessions_of(exchange)
        with capture_logs() as logs:
            back = [PlatformSocket(sessions, call_sid=sid) for sid in sids]
            asked = [socket.send("session:reconnect") for socket in back]
            await asyncio.sleep(ACKED_WITHIN_S)
            assert all(msgid in socket.acks() for socket, msgid in zip(back, asked, strict=True))
            await recovering
            await settled()
        for socket in back:
            [command] = socket.commands()
            assert (command["command"], names(command["data"])[0]) == ("redirect", "listen")
            assert await exchange.open(command["data"])
        assert [entry["event"] for entry in logs].count("session_taken_anew") == len(sids)
        await exchange.switchboard.close()

    story()


@in_virtual_time
async def test_a_socket_that_breaks_again_before_its_call_is_taken_over_is_not_its_socket() -> None:
    town = Town()
    [sid] = await talking(town, 1)
    exchange = Exchange(town.settings, town.applications, town.disk, owner="next")
    held = asyncio.Event()

    async def take_back(_: str) -> None:
        await held.wait()

    recovering = asyncio.create_task(exchange.switchboard.recover(PLACE, take_back))
    await settled()
    sessions = sessions_of(exchange)
    first, second = (PlatformSocket(sessions, call_sid=sid) for _ in range(2))
    first.send("session:reconnect")
    await settled()
    first.session.lost(for_good=False)
    second.send("session:reconnect")
    held.set()
    await recovering
    await asyncio.sleep(1)
    assert first.commands() == []
    assert [command["command"] for command in second.commands()] == ["redirect"]
    await exchange.switchboard.close()


@in_virtual_time
async def test_a_call_that_a_slow_store_does_not_tell_in_time_goes_on_all_the_same() -> None:
    class SlowDisk(Disk):
        async def by_sid(self, call_sid: str) -> CallRow | None:
            await asyncio.sleep(2)
            return await super().by_sid(call_sid)

    town = Town()
    [sid] = await talking(town, 1)
    slow = SlowDisk()
    slow.__dict__.update(town.disk.__dict__)
    exchange = Exchange(town.settings, town.applications, slow, owner="next")
    recovering = asyncio.create_task(exchange.switchboard.recover(PLACE, a_moment))
    await settled()
    socket = PlatformSocket(sessions_of(exchange), call_sid=sid)
    socket.send("session:reconnect")
    await asyncio.sleep(ACKED_WITHIN_S)
    assert list(socket.acks().values()) == ["none"]
    await asyncio.sleep(5)
    assert [names(command["data"])[0] for command in socket.commands()] == ["listen"]
    await recovering
    await exchange.switchboard.close()


# The applications behind us

TALK: JsonObject = LLM | {"toolHook": "/tool"}


@in_virtual_time
async def test_an_application_with_a_socket_is_come_back_to_and_its_hooks_and_commands_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    behind = ApplicationSocket(monkeypatch, TALK)
    behind.answers["/final"] = [SAY, HANGUP]
    town = Town(settings_of({"url": URL}))
    [sid] = await talking(town, 1)
    [new] = behind.told("session:new")
    behind.heard.clear()
    outputs: list[str] = []
    async with town.server() as server:
        await settled()
        assert behind.told("session:reconnect") == [new]
        platform = PlatformSocket(sessions_of(server), call_sid=sid)
        platform.send("session:reconnect")
        await asyncio.sleep(1)
        [anew] = platform.commands()
        line = await server.open(anew["data"])
        assert line is not None
        line._hooks.call_tool("call_1", "price", {}, outputs.append)
        behind.commands("mute:status", "mute")
        await asyncio.sleep(1)
        assert outputs == ['{"ok":true}']
        assert platform.commands()[1:] == [{"type": "command", "command": "mute:status", "data": "mute"}]
        assert await server.ended(anew["data"], call_status="in-progress") == [SAY, HANGUP]
        platform.send("call:status", data=new | {"call_status": "completed"})
        await asyncio.sleep(5)
    assert [hook for kind, hook in behind.kinds if kind == "verb:hook"] == ["/final", "/final"]  # the cut one, this one
    assert behind.told("call:status")[-1]["call_status"] == "completed"
    assert behind.closed_with[-1] == 1000


@in_virtual_time
async def test_an_application_whose_call_does_not_come_back_hears_its_end_and_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    behind = ApplicationSocket(monkeypatch, TALK)
    town = Town(settings_of({"url": URL}))
    await talking(town, 1)
    behind.heard.clear()
    async with town.server():
        await asyncio.sleep(60)
        [end] = [message["data"] for message in behind.heard if message.get("hook") == "/final"]
        assert end["reason_code"] == "server_restart"


def menu() -> Verb:
    return Gather(input=["digits"], action_hook=chosen)


def menu_of_a_closure() -> Verb:
    return Gather(input=["digits"], action_hook=lambda: Say(text="Lost."))


def chosen(call: Call, body: JsonObject) -> Verb:
    return Say(text=f"{call.caller} wants {body['digits']}.")


@in_virtual_time
async def test_functions_of_an_application_in_python_are_called_again_where_they_have_a_name() -> None:
    town = Town(served_by(menu))
    async with town.server() as server:
        [gather, _] = await server.ring()
    async with town.server() as server:
        [said, _] = await server.hook(gather["actionHook"], digits="1")
        assert said["text"] == "+15557654321 wants 1."
    town = Town(served_by(menu_of_a_closure))
    async with town.server() as server:
        [gather, _] = await server.ring()
    with capture_logs() as logs:
        async with town.server() as server:
            assert await server.hook(gather["actionHook"], digits="1") == []
    assert [line["event"] for line in logs].count("application.hook_lost") == 1


@pytest.mark.parametrize("mode", [{}, {"llm_mode": "native"}])
def test_a_hook_is_after_a_restart_what_it_was(mode: JsonObject, monkeypatch: pytest.MonkeyPatch) -> None:
    number = {"type": "phone", "number": "+15550000000", "confirmHook": "/confirm"}
    dial, queue = {"verb": "dial", "target": [number]}, {"verb": "enqueue", "name": "q", "waitHook": "/music"}

    @in_virtual_time
    async def story() -> None:
        behind = ApplicationSocket(monkeypatch, dial, queue, {"verb": "redirect", "actionHook": "/next"})
        behind.answers |= {"/confirm": [SAY], "/music": [SAY], "/next": [SAY]}
        town = Town(settings_of({"url": URL, **mode}))
        async with town.server() as server:
            [dialled, queued, away] = await server.ring()
        behind.heard.clear()
        async with town.server() as server:
            hooks = [dialled["target"][0]["confirmHook"]["url"], queued["waitHook"], away["actionHook"]]
            answers = [await server.hook(hook) for hook in hooks]
            assert [names(answer) for answer in answers] == [["say"], ["say"], ["say", "redirect"]]
        kinds = [("dial:confirm", "/confirm"), ("verb:hook", "/music"), ("session:redirect", "/next")]
        assert [kind for kind in behind.kinds if kind[1]] == kinds

    story()
