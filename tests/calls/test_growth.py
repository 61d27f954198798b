"""What the process holds on to of calls that are over: counted, by what it is, and not timed."""

import asyncio
import gc
import sys
from asyncio import AbstractEventLoop
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import pytest

from calls.document import Place
from calls.obeying import Obeying
from calls.register import FORGET_AFTER_S
from calls.rest import Rest
from config import Settings
from config.settings import Route
from hooks.dispatcher import Dispatcher
from hooks.transports.app import AppTransport
from tests.calls import test_native as native
from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import HANGUP, LLM, SAY, Applications, Exchange, in_virtual_time, settings_of, verbs_reply
from tests.calls.test_obeying import Socket

LATE_S = 100.0
MAX_BYTES = 5 * 1024
STATUS = {"status_hook": "/status"}
INVITE: Any = {"sip": {"headers": {f"X-Header-{n}": f"value {n} of the INVITE" for n in range(20)}, "raw": "v" * 1000}}
Live = Callable[[Exchange, str], Awaitable[None]]

HEAVY = (
    *("LiveCall", "Leg", "NativeLeg", "Waiting", "Confidential", "Journal", "Event", "Bridge", "StillLine", "Record"),
    *("Playout", "Conversation", "Llm", "Say", "Hangup", "CallHooks", "OutboxCourier", "Outbox", "Lane", "Reply"),
    *("HttpTool", "Websocket", "ControlSocket", "StillSocket", "Socket", "Endpoint", "Future", "Task", "coroutine"),
    *("Tape", "_Writing", "Servers", "TimeoutError"),
)
"By the names of their types; each of them is of one call alone."
OF_ALL = (AbstractEventLoop, Settings, Route, Dispatcher, Place, AppTransport, Obeying)
SHARED = (*OF_ALL, ModuleType, FunctionType, BuiltinFunctionType, type)


async def by_webhooks(exchange: Exchange, call_sid: str) -> None:
    first = await exchange.ring(call_sid, **INVITE)
    await exchange.open(first)
    live = exchange.switchboard._calls.by_sid(call_sid)
    assert live
    for n in range(40):
        live.journal.said(0, "line", str(n), {"text": "said"})
    exchange.status("in-progress", call_sid)
    await exchange.ended(first, call_status="completed")
    exchange.status("completed", call_sid)


async def never_asked(exchange: Exchange, call_sid: str) -> None:
    await exchange.open(await exchange.ring(call_sid, **INVITE))
    exchange.status("completed", call_sid)


async def by_a_control_socket(exchange: Exchange, call_sid: str) -> None:
    control = Socket()
    first = await exchange.ring(call_sid, control=control, **INVITE)
    await exchange.open(first)
    await exchange.ended(first, call_status="completed")
    exchange.status("completed", call_sid)
    exchange.switchboard.detach(call_sid, control, for_good=True)


async def by_the_platform(exchange: Exchange, call_sid: str) -> None:
    [llm, *_] = await exchange.ring(call_sid, **INVITE)
    for n in range(40):
        await exchange.answer(llm["eventHook"], type="response.created", n=n)
    await exchange.answer(llm["toolHook"], **native.ASKED)
    await exchange.answer(llm["actionHook"], call_status="completed")
    exchange.status("completed", call_sid)


async def without_us(exchange: Exchange, call_sid: str) -> None:
    await exchange.ring(call_sid, **INVITE)


async def gone_at_once(exchange: Exchange, call_sid: str) -> None:
    await exchange.ring(call_sid, **INVITE)
    exchange.status("completed", call_sid)


HTTP = {"url": "https://app.example.com/first", **STATUS}
NATIVE = settings_of({**native.ROUTE, **STATUS}, platform=native.SIGNED)
WAYS: dict[str, tuple[Live, Settings]] = {
    "webhooks": (by_webhooks, settings_of({"verbs": [LLM, SAY], **STATUS})),
    "webhooks, never asked": (never_asked, settings_of({"verbs": [LLM, SAY], **STATUS})),
    "webhooks, an application over HTTP": (by_webhooks, settings_of(HTTP)),
    "webhooks, an application with a socket": (by_webhooks, settings_of({"url": URL})),
    "a control socket": (by_a_control_socket, settings_of({"verbs": [LLM, SAY], **STATUS})),
    "the platform's own llm": (by_the_platform, NATIVE),
    "on without us": (without_us, settings_of({"verbs": [SAY, HANGUP], **STATUS})),
    "gone at once": (gone_at_once, settings_of({"verbs": [LLM], **STATUS})),
}

STAYS = {
    "webhooks, an application with a socket": {"Websocket": 1, "ControlSocket": 1, "Future": 1, "Event": 2},
}
"Besides: an application that is closed, and still knows the addresses of its hooks."


@pytest.fixture(autouse=True)
def only_what_is_new() -> Iterator[None]:
    """Let nobody look through what was there before, which is most of all."""
    gc.freeze()
    yield
    gc.unfreeze()


def alive() -> Counter[str]:
    gc.collect()
    return Counter(name for each in gc.get_objects() if (name := type(each).__name__) in (*HEAVY, "Rest"))


def forget_what_the_test_keeps(exchange: Exchange) -> None:
    exchange.lines.made.clear()
    exchange.applications.asked.clear()


def own_bytes(rest: Rest) -> int:
    """Give what there is in memory for this call alone."""
    seen: dict[int, Any] = {}
    left: list[Any] = [rest]
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, SHARED):
            continue
        seen[id(each)] = each
        left += gc.get_referents(each)
    return sum(map(sys.getsizeof, seen.values()))


@pytest.mark.parametrize(("way", "calls"), [*((way, 5) for way in WAYS), ("webhooks", 50)])
def test_of_calls_that_are_over_little_stays_and_in_the_end_nothing(
    way: str, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"/first": verbs_reply(LLM, SAY), "/final": verbs_reply(SAY, HANGUP)}
    application = ApplicationSocket(monkeypatch, LLM, SAY)
    live, settings = WAYS[way]

    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings, Applications(answers))
        exchange.authenticated = True
        await live(exchange, "warm")
        await asyncio.sleep(LATE_S)
        forget_what_the_test_keeps(exchange)
        application.lines.clear()
        before = alive()
        for n in range(calls):
            await live(exchange, f"c-{n}")
            await asyncio.sleep(0.5)
            forget_what_the_test_keeps(exchange)
            application.heard.clear()
        await asyncio.sleep(LATE_S)
        application.lines.clear()
        grown = alive() - before
        assert grown == {name: calls * each for name, each in ({"Rest": 1} | STAYS.get(way, {})).items()}
        resting = [call for call in exchange.switchboard._calls._calls.values() if isinstance(call, Rest)]
        assert max(map(own_bytes, resting)) <= MAX_BYTES * (2 if way in STAYS else 1)
        await asyncio.sleep(max(FORGET_AFTER_S, settings.routes[0].max_call_s))
        del resting
        assert alive() - before == {}
        assert len(exchange.switchboard._calls._calls) == len(exchange.switchboard._releasing._released) == 0

    story()
