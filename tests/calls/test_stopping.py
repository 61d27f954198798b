import asyncio

import pytest

from tests.calls.exchange import HANGUP, LLM, SAY, Exchange, in_virtual_time, settings_of, verbs_reply
from tests.calls.test_commands import MENU, Socket
from tests.calls.test_restart import ROUTE, Town, row_of

MENU_ROUTE = {"verbs": [MENU, HANGUP]}
DRAIN_S = 300.0


async def drained(exchange: Exchange) -> float:
    """Let a server stop; give how long it waited, in seconds."""
    now = asyncio.get_running_loop().time
    began = now()
    await exchange.switchboard.drain(DRAIN_S)
    return now() - began


@in_virtual_time
async def test_who_still_talks_when_the_time_is_over_is_told_that_the_server_restarts() -> None:
    exchange = Exchange(settings_of(ROUTE))
    line = await exchange.open(await exchange.ring())
    assert line is not None
    await exchange.switchboard.drain(5)
    assert line.end is not None
    assert line.end.reason_code == "server_restart"
    assert [end["reason_code"] for end in exchange.applications.bodies("/final")] == ["server_restart"]


@pytest.mark.parametrize("back", [False, True])
def test_a_call_that_its_platform_takes_to_the_next_process_is_not_waited_for(*, back: bool) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, socket = Exchange(settings_of(MENU_ROUTE)), Socket()
        await exchange.ring(control=socket)
        exchange.switchboard.detach("c-1", socket, for_good=False)
        if back:
            exchange.switchboard.attach("c-1", Socket())
        assert await drained(exchange) == 0
        row = await exchange.store.by_sid("c-1")
        assert row is not None
        assert row.state != "completed"  # it is for the next process to take over

    story()


@in_virtual_time
async def test_one_that_talks_is_waited_for_until_it_has_been_told_what_comes_next() -> None:
    exchange, socket = Exchange(settings_of({"verbs": [LLM, MENU]})), Socket()
    verbs = await exchange.ring(control=socket)
    await exchange.open(verbs)
    asyncio.get_running_loop().call_later(7, lambda: asyncio.ensure_future(exchange.ended(verbs)))
    assert await drained(exchange) == 7


@in_virtual_time
async def test_one_that_asks_by_webhook_is_waited_for() -> None:
    menu = MENU | {"actionHook": "/menu"}
    exchange = Exchange(settings_of({"verbs": [menu]}))
    exchange.applications.answers["/menu"] = verbs_reply(SAY)
    [gather, _] = await exchange.ring()
    asyncio.get_running_loop().call_later(7, lambda: asyncio.ensure_future(exchange.hook(gather["actionHook"])))
    assert await drained(exchange) == 7


@in_virtual_time
async def test_one_of_an_earlier_process_of_which_nothing_was_heard_here_is_not_waited_for() -> None:
    town = Town(settings_of(MENU_ROUTE))
    async with town.server() as server:
        await server.ring(control=Socket())
    async with town.server() as server:
        assert await drained(server) == 0
    assert (await row_of(town)).state != "completed"
