"""When a call's application is let go: after the last that is for it, and then at once."""

import asyncio

import pytest

from calls.leg import ASKED_AFTER_S, EndLostError, Leg
from calls.register import FORGET_AFTER_S
from calls.releasing import TOLD_WITHIN_S
from hooks.applications.document import Document
from hooks.transports.base import HookReply
from tests.calls import test_native as native
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    Applications,
    Exchange,
    in_virtual_time,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.test_obeying import Socket

TALK = settings_of({"verbs": [LLM], "status_hook": "/status"})
BRIEF = settings_of({"verbs": [SAY, HANGUP], "status_hook": "/status"})


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When an application was closed."""
    times: list[float] = []

    async def close(_: Document) -> None:
        times.append(asyncio.get_running_loop().time())

    monkeypatch.setattr(Document, "close", close)
    return times


def test_it_hears_the_end_and_the_last_status_first(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        slow = {"/final": verbs_reply(after_s=4), "/status": (6.0, HookReply(204))}
        exchange = Exchange(TALK, Applications(slow))
        await exchange.open(await exchange.ring())
        exchange.status("completed")
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        assert {path for path, _ in exchange.applications.asked} == {"/final", "/status"}
        [at] = closed
        assert 6 <= at - began < 7

    story()


def test_it_hears_the_end_of_a_conversation_that_the_platform_carries_out_too(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = native.known(applications=Applications({"/final": verbs_reply(after_s=4)}))
        await exchange.ring()
        exchange.status("completed")
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        assert [path for path, _ in exchange.applications.asked] == ["/final"]
        [at] = closed
        assert at - began == ASKED_AFTER_S + 4

    story()


def test_one_that_does_not_listen_is_not_waited_for_long(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK, Applications({"/status": (0.0, HookReply(503))}))
        await exchange.ring()
        exchange.status("completed")
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        [at] = closed
        assert at - began < TOLD_WITHIN_S + 3

    story()


def test_a_call_that_goes_on_without_us_keeps_it_to_its_end(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(BRIEF)
        await exchange.ring()
        await asyncio.sleep(60)
        assert closed == []
        exchange.status("completed")
        await settled()
        assert len(closed) == 1
        await asyncio.sleep(FORGET_AFTER_S + TALK.routes[0].max_call_s)
        assert len(closed) == 1

    story()


def test_a_call_of_which_no_end_is_told_lets_it_go_when_it_is_forgotten(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(BRIEF)
        await exchange.ring()
        await asyncio.sleep(BRIEF.routes[0].max_call_s + 1)
        assert len(closed) == 1

    story()


def test_a_server_that_stops_lets_all_go(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK)
        await exchange.ring()
        await exchange.switchboard.close()
        assert len(closed) == 1

    story()


def test_an_end_that_has_no_say_any_more_is_told_all_the_same(closed: list[float]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK, Applications({"/final": verbs_reply(after_s=2)}))
        verbs = await exchange.ring(control=Socket())
        await exchange.open(verbs)
        await exchange.switchboard.hang_up("c-1")
        assert await exchange.ended(verbs, call_status="completed") == []
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        [at] = closed
        assert at - began >= 2

    story()


def test_an_end_that_is_lost_is_not_waited_for(closed: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object) -> None:
        raise EndLostError

    monkeypatch.setattr(Leg, "action", lost)

    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK)
        verbs = await exchange.ring(control=Socket())
        await exchange.open(verbs)
        await exchange.switchboard.hang_up("c-1")
        assert await exchange.ended(verbs, call_status="completed") == []
        await asyncio.sleep(60)
        assert len(closed) == 1

    story()
