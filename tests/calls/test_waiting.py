"""A call by webhook that has nothing more to do, of an application that may still command it. In virtual time."""

import asyncio
from typing import Any

import pytest

from calls.control import RECONNECT_S
from calls.course import REAP_AFTER_S
from calls.waiting import ASKED_AGAIN_S, HELD_S
from hooks.applications.http import Http
from store.base import CallRow
from store.memory import MemoryStore
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.test_commands import MENU, Socket
from tests.calls.test_obeying import API, heed, waiting
from tests.calls.test_restart import Town

OTHER: JsonObject = {"verb": "say", "text": "And then?"}


@pytest.fixture(autouse=True)
def commanding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Http, "commanding", True)


def now() -> float:
    return asyncio.get_running_loop().time()


async def waited(exchange: Exchange, verbs: list[JsonObject]) -> list[JsonObject]:
    """Let the platform come to the end of a document: it asks what the call does now."""
    assert verbs[-1]["verb"] == "redirect"
    return await exchange.hook(verbs[-1]["actionHook"], call_status="in-progress")


def left_alone(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application be gone for good."""
    monkeypatch.setattr(Http, "commanding", False)
    exchange.switchboard._asking._obeying.left_alone("c-1")


@in_virtual_time
async def test_its_document_ends_in_the_question_what_to_do_now_and_that_is_asked_again_and_again() -> None:
    exchange = waiting(SAY)
    [said, again] = await exchange.ring()
    assert said == SAY
    assert again["actionHook"].startswith(PLACE.public_url)
    for _ in range(3):
        began = now()
        assert await waited(exchange, [again]) == [again]
        assert now() - began == HELD_S <= 2  # its other hooks stand behind this one
    row = await exchange.store.by_sid("c-1")
    assert row is not None
    assert len(row.hooks) == 1
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_what_its_application_commands_is_done_at_once() -> None:
    exchange = waiting(SAY)
    verbs = await exchange.ring()
    asking = asyncio.create_task(waited(exchange, verbs))
    await asyncio.sleep(1)
    began = now()
    assert await heed(exchange, "redirect", [LLM]) is None
    assert names(await asking) == ["listen", "say", "hangup"]
    assert now() == began
    assert exchange.api.asked == []


@in_virtual_time
async def test_what_is_queued_is_done_when_the_rest_is_over_and_then_the_call_waits_again() -> None:
    exchange = waiting(SAY)
    verbs = await exchange.ring()
    assert await heed(exchange, "redirect", [SAY], queued=True) is None
    assert await heed(exchange, "redirect", [OTHER], queued=True) is None
    assert "at least one" in str(await heed(exchange, "redirect", [], queued=True))
    assert "verbs[0]" in str(await heed(exchange, "redirect", [7], queued=True))
    began = now()
    verbs = await waited(exchange, verbs)
    assert verbs[:-1] == [SAY, OTHER]
    assert now() == began
    asking = asyncio.create_task(waited(exchange, verbs))
    await asyncio.sleep(1)
    assert await heed(exchange, "redirect", [LLM], queued=True) is None
    assert names(await asking) == ["listen", "say", "hangup"]


@in_virtual_time
async def test_what_is_queued_is_done_also_after_the_answer_of_a_hook_and_not_after_a_redirect() -> None:
    exchange = waiting(MENU, menu=verbs_reply(OTHER))
    [gather, _] = await exchange.ring()
    assert await heed(exchange, "redirect", [SAY], queued=True) is None
    verbs = await exchange.hook(gather["actionHook"], digits="1")
    assert verbs[:-1] == [OTHER]
    asking = asyncio.create_task(waited(exchange, verbs))
    verbs = await asking
    assert verbs[:-1] == [SAY]
    asking = asyncio.create_task(waited(exchange, verbs))
    await settled()
    assert await heed(exchange, "redirect", [SAY], queued=True) is None
    assert await heed(exchange, "redirect", [OTHER]) is None
    verbs = await asking
    assert verbs[:-1] == [OTHER]
    assert await waited(exchange, verbs) == verbs[-1:]


@in_virtual_time
async def test_a_redirect_while_it_does_something_goes_by_rest_or_is_refused() -> None:
    exchange = waiting(MENU)
    await exchange.ring()
    assert "nothing leads to this call" in str(await heed(exchange, "redirect", [SAY]))
    settings = settings_of({"url": "https://app.example.com/call"}, platform={"api": API})
    exchange = Exchange(settings, Applications({"/call": verbs_reply(MENU)}))
    [_, again] = await exchange.ring()
    assert await heed(exchange, "redirect", [SAY]) is None
    [(_, _, change)] = exchange.api.asked
    verbs = await exchange.hook(change["call_hook"]["url"])
    assert verbs[:-1] == [SAY]
    assert await waited(exchange, [again]) == []  # it belongs to what was replaced
    assert await waited(exchange, verbs) == verbs[-1:]


@in_virtual_time
async def test_it_is_hung_up_at_once() -> None:
    exchange = waiting(SAY)
    asking = asyncio.create_task(waited(exchange, await exchange.ring()))
    await asyncio.sleep(1)
    assert await heed(exchange, "call:status", {"call_status": "completed"}) is None
    assert await asking == [HANGUP]


@pytest.mark.parametrize("reached", [True, False])
def test_it_ends_when_its_application_has_gone(monkeypatch: pytest.MonkeyPatch, *, reached: bool) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = waiting(SAY)
        verbs = await exchange.ring()
        assert await heed(exchange, "redirect", [OTHER], queued=True) is None
        verbs = await waited(exchange, verbs)
        if not reached:
            left_alone(exchange, monkeypatch)
            assert await waited(exchange, verbs) == [HANGUP]
            return
        asking = asyncio.create_task(waited(exchange, verbs))
        await asyncio.sleep(1)
        began = now()
        left_alone(exchange, monkeypatch)
        assert await asking == [HANGUP]
        assert now() == began
        await asyncio.sleep(10)
        assert exchange.switchboard.active == 0

    story()


@in_virtual_time
async def test_it_ends_a_minute_after_its_longest_time() -> None:
    exchange = waiting(SAY)
    verbs = await exchange.ring()
    began, answer = now(), await waited(exchange, verbs)
    while answer == verbs[-1:]:
        answer = await waited(exchange, verbs)
    assert answer == []
    longest_s = exchange.switchboard.settings.routes[0].max_call_s + REAP_AFTER_S
    assert now() - began == pytest.approx(longest_s, abs=HELD_S)
    await settled()
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_of_a_caller_who_has_hung_up_nothing_more_is_wanted() -> None:
    exchange = waiting(SAY)
    asking = asyncio.create_task(waited(exchange, await exchange.ring()))
    await asyncio.sleep(1)
    exchange.status("completed")
    assert await asking == []


@in_virtual_time
async def test_where_nobody_tells_that_its_caller_hung_up_it_ends_when_it_is_asked_no_more() -> None:
    exchange = waiting(SAY)
    verbs = await exchange.ring()
    for _ in range(2):
        assert await waited(exchange, verbs) == verbs[-1:]
    await asyncio.sleep(ASKED_AGAIN_S - 1)
    assert exchange.switchboard.active == 1
    await asyncio.sleep(2)
    assert exchange.switchboard.active == 0
    assert exchange.counts.ended == [("route-0", "no_conversation")]
    assert await waited(exchange, verbs) == []


@in_virtual_time
async def test_what_it_does_in_between_may_take_longer_than_that() -> None:
    exchange = waiting(SAY)
    verbs = await exchange.ring()
    assert await waited(exchange, verbs) == verbs[-1:]
    asking = [asyncio.create_task(waited(exchange, verbs)) for _ in range(2)]  # a retry overtakes
    await settled()
    assert await heed(exchange, "redirect", [OTHER]) is None
    assert OTHER in await asking[0]
    await asyncio.sleep(10 * ASKED_AGAIN_S)
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_a_hook_that_tells_of_the_end_of_the_call_is_told_and_its_verbs_count_no_more() -> None:
    exchange = waiting(MENU, menu=verbs_reply(LLM))
    [gather, again] = await exchange.ring()
    assert await exchange.hook(gather["actionHook"], call_sid="c-1", call_status="completed") == []
    assert [body["call_status"] for body in exchange.applications.bodies("/menu")] == ["completed"]
    assert exchange.lines.made == []
    await settled()
    assert exchange.switchboard.active == 0
    assert await waited(exchange, [again]) == []


@in_virtual_time
async def test_a_hook_that_tells_of_the_end_of_another_leg_ends_nothing() -> None:
    exchange = waiting(MENU, menu=verbs_reply(SAY))
    [gather, _] = await exchange.ring()
    ended = {"call_sid": "c-child", "call_status": "completed"}
    assert (await exchange.hook(gather["actionHook"], **ended))[0] == SAY
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_neither_a_conversation_nor_a_fallback_nor_a_last_verb_of_its_own_waits() -> None:
    assert (await waiting(LLM).ring())[1:] == SORRY
    assert await waiting({"verb": "say", "text": 7}).ring() == SORRY
    assert await waiting(SAY, HANGUP).ring() == [SAY, HANGUP]
    exchange = waiting(MENU, HANGUP)
    await exchange.ring()
    assert "queueCommand" in str(await heed(exchange, "redirect", [SAY], queued=True))


@in_virtual_time
async def test_one_whose_platform_has_sockets_never_asks_and_waits_while_that_may_come_back() -> None:
    exchange, socket = waiting(MENU, menu=verbs_reply(SAY)), Socket()
    [gather] = await exchange.ring(control=socket)
    exchange.applications.answers["/menu"] = verbs_reply(SAY, MENU)
    exchange.switchboard.detach("c-1", socket, for_good=False)
    [_, gather] = await exchange.hook(gather["actionHook"], digits="1")
    await asyncio.sleep(RECONNECT_S + 1)
    assert (await exchange.hook(gather["actionHook"], digits="1"))[-1] == HANGUP


@in_virtual_time
async def test_what_runs_beside_the_document_does_not_end_its_wait() -> None:
    queue: JsonObject = {"verb": "enqueue", "name": "q", "waitHook": "/wait"}
    exchange = waiting(queue, wait=verbs_reply(SAY))
    [enqueue, again] = await exchange.ring()
    assert await exchange.hook(enqueue["waitHook"]) == [SAY]
    assert await heed(exchange, "redirect", [OTHER], queued=True) is None
    assert (await waited(exchange, [again]))[:-1] == [OTHER]


@in_virtual_time
async def test_after_a_restart_nobody_can_command_it_and_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(settings_of({"url": "https://app.example.com/call"}), {"/call": verbs_reply(SAY)})
    async with town.server() as server:
        verbs: Any = await server.ring()
    monkeypatch.setattr(Http, "commanding", False)  # as of an application whose socket the old process had
    async with town.server() as server:
        assert await waited(server, verbs) == [HANGUP]


@in_virtual_time
async def test_a_server_that_stops_leaves_it_to_the_next_one() -> None:
    town = Town(settings_of({"url": "https://app.example.com/call"}), {"/call": verbs_reply(SAY)})
    async with town.server() as server:
        verbs = await server.ring()
        asking = asyncio.create_task(waited(server, verbs))
        await settled()
        began = now()
        await server.switchboard.drain(300)
        assert now() == began
        assert await asking == verbs[-1:]
        row = await server.store.by_sid("c-1")
        assert row is not None
        assert row.state != "completed"
    async with town.server() as server:
        assert await waited(server, verbs) == verbs[-1:]


@in_virtual_time
async def test_a_server_that_stops_waits_for_what_it_has_to_do_before() -> None:
    exchange = waiting(SAY)
    verbs = await exchange.ring()
    draining = asyncio.create_task(exchange.switchboard.drain(300))
    await asyncio.sleep(10)
    assert not draining.done()
    assert await waited(exchange, verbs) == verbs[-1:]
    await draining


class SlowStore(MemoryStore):
    async def create(self, row: CallRow) -> CallRow:
        await asyncio.sleep(0.1)
        return await super().create(row)


@in_virtual_time
async def test_what_is_commanded_right_behind_the_first_verbs_is_not_too_early() -> None:
    exchange = waiting(SAY, store=SlowStore())
    ringing = asyncio.create_task(exchange.ring())
    await settled()
    assert await heed(exchange, "redirect", [OTHER], queued=True) is None
    assert (await waited(exchange, await ringing))[:-1] == [OTHER]
