"""Platforms with sockets come back to the process that follows a killed one. In virtual time, over one store."""

import asyncio

import pytest
from structlog.testing import capture_logs

from store.base import CallRow
from tests.calls.exchange import PLACE, Exchange, in_virtual_time, names, settled
from tests.calls.platform_socket import PlatformSocket, sessions_of
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
