"""Legs that became calls of their own: their application hears of them, and may say what they do. In virtual time."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.document import Seat
from hooks.transports.base import HookReply
from hookswitch import Call, Say
from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import (
    CALLS,
    HANGUP,
    LLM,
    PLACE,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    document,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.platform_socket import PlatformSocket, sessions_of
from tests.calls.test_commands import MENU, Socket
from tests.calls.test_restart import Town

ASKED = settings_of({"url": "https://app.example.com/call#rc=2", "status_hook": "/status"}, hooks={"base_url": None})
CHILD: JsonObject = {
    "call_sid": "child",
    "parent_call_sid": "c-1",
    "from": "+15557654321",
    "to": "+15550000000",
    "direction": "outbound",
    "parent_call_info": {"call_sid": "c-1"},
}


async def grown(exchange: Exchange, body: JsonObject = CHILD, control: Any = None) -> list[JsonObject]:
    return document(await exchange.switchboard.adulting(CALLS.announced(body), Seat(PLACE), control=control))


@pytest.mark.parametrize("without", ["parent_call_sid", "parent_call_info"])
def test_the_application_behind_us_says_what_it_does(without: str) -> None:
    @in_virtual_time
    async def story() -> None:
        answers = {"/call": verbs_reply(MENU), "/adulting": verbs_reply(LLM), "/final": verbs_reply(SAY)}
        exchange = Exchange(ASKED, Applications(answers))
        await exchange.ring()
        body = {name: value for name, value in CHILD.items() if name != without}
        verbs = await grown(exchange, body)
        assert names(verbs) == ["listen", "say", "hangup"]
        assert exchange.applications.bodies("/adulting") == [body]
        assert await grown(exchange, body) == verbs
        assert len(exchange.applications.bodies("/adulting")) == 1
        assert await exchange.ended(verbs) == [SAY, HANGUP]
        [end] = exchange.applications.bodies("/final")
        assert end["call_sid"] == "child"

    story()


@in_virtual_time
async def test_it_is_a_call_of_its_own_with_a_status_and_an_end() -> None:
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": verbs_reply(MENU)}))
    await exchange.ring()
    socket = Socket()
    await grown(exchange, control=socket)
    assert exchange.switchboard.active == 2
    await exchange.switchboard.redirect("child", [SAY])
    assert socket.said == [[SAY, HANGUP]]
    exchange.status("completed", "child", parent_call_sid="c-1")
    await settled()
    assert exchange.switchboard.active == 1
    [status] = exchange.applications.bodies("/status")
    assert status["call_sid"] == "child"


@pytest.mark.parametrize("reply", [(0.0, HookReply(404)), (0.0, HookReply(204)), verbs_reply()])
def test_an_application_that_says_nothing_to_it_changes_nothing(reply: tuple[float, HookReply]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": reply}))
        await exchange.ring()
        with capture_logs() as logs:
            assert await grown(exchange) == []
        assert [line["event"] for line in logs] == ["adulting_unanswered"]
        assert exchange.switchboard.active == 1

    story()


@in_virtual_time
async def test_one_that_takes_longer_than_the_platform_waits_is_not_waited_for() -> None:
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": verbs_reply(SAY, after_s=6)}))
    await exchange.ring()
    began = asyncio.get_running_loop().time()
    assert await grown(exchange, control=Socket()) == []
    assert asyncio.get_running_loop().time() - began < 5


@in_virtual_time
async def test_verbs_that_cannot_be_done_are_the_fallback() -> None:
    wrong = verbs_reply({"verb": "say", "text": 7})
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": wrong}))
    await exchange.ring()
    assert await grown(exchange) == SORRY


@in_virtual_time
async def test_nobody_is_asked_about_a_leg_of_nobody_or_of_a_route_that_is_written_here() -> None:
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": verbs_reply(SAY)}))
    assert await grown(exchange) == []
    exchange = Exchange(settings_of({"verbs": [MENU]}), Applications({"/adulting": verbs_reply(SAY)}))
    await exchange.ring()
    assert await grown(exchange) == []
    assert exchange.applications.asked == []


@in_virtual_time
async def test_over_a_control_socket_it_is_the_same() -> None:
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": verbs_reply(SAY)}))
    sessions = sessions_of(exchange)
    await PlatformSocket(sessions).ask("session:new")
    child = PlatformSocket(sessions, call_sid="child")
    assert await child.ask("session:adulting", call_sid="", data=CHILD) == [SAY, HANGUP]
    await exchange.switchboard.hang_up("child")
    assert json.dumps(child.commands()[0]["data"]) == '{"call_status": "completed"}'


@in_virtual_time
async def test_after_a_restart_its_application_is_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    application = ApplicationSocket(monkeypatch, MENU)
    application.answers |= {"session:adulting": [MENU], "/menu": [SAY]}
    where = {"c-1": URL, "child": f"{URL}/adulting"}
    town = Town(settings_of({"url": URL}))
    async with town.server() as server:
        await server.ring()
        gather, *_ = await grown(server)
        assert application.urls == where
    application.urls.clear()
    async with town.server() as server:
        assert (await server.hook(gather["actionHook"], digits="1"))[0] == SAY
        assert application.urls == where


@in_virtual_time
async def test_after_a_restart_without_an_application_of_its_own_it_has_its_parents() -> None:
    town = Town(ASKED, {"/call": verbs_reply(MENU), "/adulting": verbs_reply(MENU), "/menu": verbs_reply(SAY)})
    async with town.server() as server:
        await server.ring()
        gather, *_ = await grown(server)
    town.settings = settings_of({"verbs": [SAY]}, hooks={"base_url": "https://app.example.com"})
    async with town.server() as server:
        assert await server.hook(gather["actionHook"], digits="1") == [SAY, HANGUP]


@in_virtual_time
async def test_it_is_counted_but_not_refused_for_it_goes_on_already() -> None:
    answers = {"/call": verbs_reply(MENU), "/adulting": verbs_reply(MENU)}
    exchange = Exchange(
        settings_of({"url": "https://app.example.com/call"}, server={"max_calls": 1}), Applications(answers)
    )
    await exchange.ring()
    assert names(await grown(exchange)) == ["gather", "hangup"]
    assert exchange.switchboard.active == 2
    assert exchange.switchboard.full


# Applications in Python


def answer(_: Call) -> Say:
    return Say(text="Hello.")


def a_module(**functions: Callable[..., Any]) -> Callable[..., Any]:
    """Give the function `answer` of a module that has these beside it."""
    module: dict[str, Any] = {**functions}
    exec("def answer(call):\n    return {'verb': 'gather', 'input': ['digits'], 'actionHook': menu}", module)  # noqa: S102
    module["menu"] = lambda: None
    found = module["answer"]
    assert callable(found)
    return found  # type: ignore[no-any-return]


def served_by(function: Any) -> Exchange:
    settings = settings_of({"python": "os:getpid"})
    return Exchange(settings.model_copy(update={"applications": {"route-0": function}}))


@in_virtual_time
async def test_a_function_beside_the_routes_says_what_it_does() -> None:
    async def adulting(call: Call) -> list[Say]:
        return [Say(text=f"{call.call_sid} of {call.attributes['parent_call_sid']}")]

    exchange = served_by(a_module(adulting=adulting))
    await exchange.ring()
    assert await grown(exchange) == [{"verb": "say", "text": "child of c-1"}, HANGUP]


@pytest.mark.parametrize("function", [answer, a_module(adulting=7), Applications().bodies, len])  # type: ignore[arg-type]
def test_without_one_it_does_what_it_does(function: Callable[..., Any]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = served_by(function)
        await exchange.ring()
        assert await grown(exchange) == []

    story()
