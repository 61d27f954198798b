"""Live on loopback: an application that has a socket, and everything that can become of that socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSCloseCode, web
from structlog.testing import capture_logs

from hooks.applications import line, websocket
from hooks.applications.websocket import Websocket
from hooks.control_socket import Command
from hooks.transports.app import AppTransport
from hooks.transports.base import HookBroken, HookFailure, HookReply, HookRequest, HookTimeout, HookUnreachable
from tests.live.serving import serving_application, until

JsonObject = dict[str, Any]
SAY = {"verb": "say", "text": "Hello."}
Talk = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection, as the application sees it."""

    def __init__(self, socket: web.WebSocketResponse, said: list[JsonObject]) -> None:
        self.socket = socket
        self._said = said

    async def hears(self, type_: str) -> JsonObject:
        """Take the next message, which is of this type."""
        message: JsonObject = await self.socket.receive_json()
        self._said.append(message)
        assert message["type"] == type_
        return message

    async def acks(self, message: JsonObject, data: Any = None) -> None:
        await self.socket.send_json({"type": "ack", "msgid": message["msgid"], "data": data})

    async def begins(self, type_: str = "session:new") -> None:
        await self.acks(await self.hears(type_), [SAY])

    async def commands(self, command: str, **fields: Any) -> None:
        await self.socket.send_json({"type": "command", "command": command, **fields})

    async def stays(self) -> int | None:
        """Hear nothing more; give the code with which it was left."""
        async for message in self.socket:
            self._said.append(json.loads(message.data))
        return self.socket.close_code


class Server:
    """`talks`: what the application does on its first, second, … connection."""

    def __init__(self, *talks: Talk, protocols: tuple[str, ...] = ("ws.jambonz.org",)) -> None:
        self._talks = list(talks)
        self._protocols = protocols
        self.requests: list[web.Request] = []
        self.said: list[JsonObject] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if len(self.requests) > len(self._talks):
            return web.Response(status=503)
        socket = web.WebSocketResponse(protocols=self._protocols)
        await socket.prepare(request)
        try:
            await self._talks[len(self.requests) - 1](Peer(socket, self.said))
        finally:
            await socket.close()
        return socket


@asynccontextmanager
async def served(server: Server, heed: Any = None, **options: Any) -> AsyncIterator[tuple[Websocket, AppTransport]]:
    application = web.Application()
    application.router.add_get("/ws", server.serve)
    transport = AppTransport()
    async with serving_application(application) as url:
        server.url = f"{url.replace('http://', 'ws://user:p%40ss@')}/ws?x=1#rc=2"
        behind = an_application(server.url, transport, heed, **options)
        try:
            yield behind, transport
        finally:
            await behind.close()


def an_application(url: str, transport: AppTransport, heed: Any = None, **options: Any) -> Websocket:
    async def ignore(_: Command) -> None:
        return None

    settings: JsonObject = {"patience_s": 5, "heartbeat_s": 20, "send_timeout_s": 10, "gone": lambda: None}
    settings |= options
    return Websocket(url, call_sid="c/1", transport=transport, heed=heed or ignore, **settings)


def request(behind: Websocket, hook: object, kind: str = "action", **body: Any) -> HookRequest:
    url = behind.address(hook)
    assert url
    return HookRequest(url, {}, json.dumps({"tool_call_id": "call_1", **body}).encode(), 5.0, 65_536, kind)


def is_open(behind: Websocket) -> bool:
    return behind._line is not None and behind._line.open


def is_commanding(behind: Websocket) -> bool:
    return behind.commanding


def verbs_of(reply: HookReply) -> Any:
    assert (reply.status, reply.is_json) == (200, True)
    return json.loads(reply.body)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.control_socket.WAITS_S", (0.01,) * 5)
    monkeypatch.setattr(line, "CLOSING_S", 0.1)


# The connection


async def test_no_redirect_is_followed() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/other"})

    asked: list[str] = []
    application = web.Application()
    application.router.add_get("/{path:.*}", elsewhere)
    async with serving_application(application) as url:
        behind = an_application(f"{url.replace('http', 'ws')}/ws", AppTransport())
        with pytest.raises(HookFailure, match="the application answered the upgrade with HTTP 307"):
            await behind.answer({})
        await behind.close()
    assert asked == ["/ws"]


async def test_where_clouds_hand_out_credentials_no_application_is() -> None:
    behind = an_application("ws://169.254.169.254/ws", AppTransport())
    with capture_logs() as told, pytest.raises(HookUnreachable):
        await behind.answer({})
    await behind.close()
    [blocked] = [line for line in told if line["event"] == "egress.blocked"][:1]
    assert blocked["host"] == "169.254.169.254"
    assert "nothing is sent there" in blocked["why"]


async def test_its_origin_keeps_who_may_enter_and_no_path() -> None:
    behind = an_application("wss://user:p%40ss@app.example.com:8443/ws?x=1#rc=2", AppTransport())
    assert behind.origin == "wss://user:p%40ss@app.example.com:8443"


# The first verbs


async def test_it_gives_verbs_is_told_and_asked_and_left_at_the_end() -> None:
    codes = []

    async def talk(peer: Peer) -> None:
        await peer.begins()
        await peer.hears("llm:event")
        await peer.acks(await peer.hears("verb:hook"), [SAY, SAY])
        await peer.acks(await peer.hears("dial:confirm"))
        call = await peer.hears("llm:tool-call")
        await peer.commands("llm:tool-output", tool_call_id=call["data"]["tool_call_id"], data={"result": 21})
        codes.append(await peer.stays())

    def gone() -> None:
        raise AssertionError("we leave it, not it us")

    async with served(server := Server(talk), gone=gone) as (behind, transport):
        assert await behind.answer({"call_sid": "c/1", "sip": {"raw": "INVITE"}}) == [SAY]
        assert (await transport.send(request(behind, "/event", "event", type="a"))).status == 204
        assert verbs_of(await transport.send(request(behind, {"url": "/final"}))) == [SAY, SAY]
        confirm = {"url": "/confirm", "message": "dial:confirm"}
        assert (await transport.send(request(behind, confirm))).status == 204
        assert verbs_of(await transport.send(request(behind, "/tool", "tool"))) == {"result": 21}
        assert is_commanding(behind)
        await behind.close()
        assert not is_commanding(behind)
        assert (await transport.send(request(behind, "/final"))).status == 410
    assert codes == [1000]
    [first] = server.requests
    assert (first.path_qs, first.headers["Authorization"]) == ("/ws?x=1", "Basic dXNlcjpwQHNz")
    assert server.said[0]["data"] == {"call_sid": "c/1", "sip": {"raw": "INVITE"}}
    assert [message.get("hook") for message in server.said] == [None, "/event", "/final", "/confirm", "/tool"]


@pytest.mark.parametrize(
    ("data", "complaint"), [([], "gave no verbs"), (None, "null"), ({"verb": "say"}, "object"), ([1], "number")]
)
async def test_one_that_gives_nothing_to_do_is_left_as_jambonz_leaves_it(data: Any, complaint: str) -> None:
    codes = []

    async def talk(peer: Peer) -> None:
        await peer.acks(await peer.hears("session:new"), data)
        codes.append(await peer.stays())

    async with served(Server(talk)) as (behind, transport):
        with pytest.raises(HookFailure, match=complaint):
            await behind.answer({})
        assert (await transport.send(request(behind, "/final"))).status == 410
    assert codes == [1001]


async def test_one_that_says_nothing_is_not_waited_for() -> None:
    async def talk(peer: Peer) -> None:
        await peer.stays()

    async with served(Server(talk), patience_s=0.1) as (behind, _):
        with pytest.raises(HookTimeout, match=r"no ack within 0\.1 s"):
            await behind.answer({})


async def test_one_that_is_not_there_is_tried_again_for_a_while() -> None:
    behind = an_application("ws://127.0.0.1:9/ws", AppTransport())
    with pytest.raises(HookUnreachable, match="no connection"):
        await behind.answer({})


async def test_one_that_is_given_up_between_two_tries_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.control_socket.WAITS_S", (60.0,) * 5)
    with capture_logs() as logs:
        behind = an_application("ws://127.0.0.1:9/ws", AppTransport(), patience_s=0.2)
        with pytest.raises(HookUnreachable, match="no connection"):
            await behind.answer({})
        await asyncio.sleep(0)
    assert logs == []


@pytest.mark.parametrize(
    ("server", "complaint"),
    [(Server(), "HTTP 503"), (Server(Peer.stays, protocols=()), "does not speak the subprotocol")],  # type: ignore[arg-type]
)
async def test_one_that_will_not_talk_is_not_asked_twice(server: Server, complaint: str) -> None:
    async with served(server) as (behind, _):
        with pytest.raises(HookFailure, match=complaint):
            await behind.answer({})
    assert len(server.requests) == 1


def test_a_whole_url_is_posted_to_and_anything_else_is_the_applications_own() -> None:
    async def story() -> None:
        behind = an_application("ws://127.0.0.1:9/ws", AppTransport())
        assert behind.address("https://other.example.com/x") == "https://other.example.com/x"
        assert behind.address({"url": "/x", "message": "call:status"}) == "app://c%2F1//x"
        assert behind.address("app://other-call/x") == "app://c%2F1/app://other-call/x"
        assert [behind.address(hook) for hook in ("", None, {"method": "POST"}, 7)] == [None] * 4
        assert behind.address("wss://other.example.com/ws") is None
        await behind.close()

    asyncio.run(story())


async def test_a_server_that_cannot_wait_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "CLOSING_S", 60)
    deaf = asyncio.Event()

    async def talk(peer: Peer) -> None:
        await peer.begins()
        await deaf.wait()

    async with served(Server(talk)) as (behind, _):
        await behind.answer({})
        reached = behind._line
        assert reached
        closing = asyncio.create_task(behind.close())
        await until(lambda: behind._line is None)
        closing.cancel()
        await asyncio.wait({closing})
        assert reached._http.closed
        deaf.set()


# Drops


async def test_after_a_drop_the_session_goes_on_and_what_was_asked_is_asked_again() -> None:
    async def breaks_off(peer: Peer) -> None:
        await peer.begins()
        await peer.hears("verb:hook")
        await peer.hears("llm:tool-call")
        await peer.socket.close(code=WSCloseCode.SERVICE_RESTART)

    async def goes_on(peer: Peer) -> None:
        await peer.begins("session:reconnect")
        await peer.acks(await peer.hears("verb:hook"), [SAY])
        await peer.commands("llm:tool-output", tool_call_id="call_1", data={"result": 1})
        await peer.stays()

    with capture_logs() as logs:
        async with served(server := Server(breaks_off, goes_on)) as (behind, transport):
            await behind.answer({"from": "+1"})
            asked = asyncio.create_task(transport.send(request(behind, "/final")))
            called = asyncio.create_task(transport.send(request(behind, "/tool", "tool")))
            assert verbs_of(await asked) == [SAY]
            assert verbs_of(await called) == {"result": 1}
    new, hook, _, again, hook_again, *_ = server.said
    assert again["data"] == new["data"]
    assert hook_again == hook
    assert [(line["event"], line["code"]) for line in logs] == [("application.dropped", 1012)]


async def test_what_is_to_be_told_meanwhile_waits_for_the_socket() -> None:
    told = asyncio.Event()

    async def breaks_off(peer: Peer) -> None:
        await peer.begins()
        await peer.socket.close(code=WSCloseCode.GOING_AWAY)

    async def goes_on(peer: Peer) -> None:
        await peer.begins("session:reconnect")
        await peer.hears("llm:event")
        told.set()
        await peer.stays()

    async with served(Server(breaks_off, goes_on)) as (behind, transport):
        await behind.answer({})
        await until(lambda: not is_open(behind))
        assert (await transport.send(request(behind, "/event", "event"))).status == 204
        await told.wait()


def frozen_once() -> tuple[Server, asyncio.Event]:
    """Make an application that stops reading when it has begun; the event is set when it is found again."""
    found = asyncio.Event()

    async def freezes(peer: Peer) -> None:
        await peer.begins()
        assert peer.socket._req
        assert peer.socket._req.transport
        peer.socket._req.transport.pause_reading()
        await found.wait()

    async def goes_on(peer: Peer) -> None:
        await peer.begins("session:reconnect")
        found.set()
        await peer.stays()

    return Server(freezes, goes_on), found


async def test_one_that_answers_no_ping_is_looked_for_anew() -> None:
    server, found = frozen_once()
    async with served(server, heartbeat_s=0.1) as (behind, _):
        await behind.answer({})
        async with asyncio.timeout(5):
            await found.wait()


async def test_one_that_does_not_read_is_left_and_looked_for_anew() -> None:
    server, found = frozen_once()

    async def say_much(behind: Websocket) -> None:
        assert behind._line
        for _ in range(24):
            await behind._line.send("x" * 1024 * 1024)

    with capture_logs() as logs:
        async with served(server, send_timeout_s=0.1) as (behind, _), asyncio.timeout(5):
            await behind.answer({})
            with pytest.raises(HookBroken, match="does not read"):
                await say_much(behind)
            await found.wait()
    assert [line["event"] for line in logs] == ["application.dropped"]


async def test_one_that_does_not_come_back_is_given_up() -> None:
    async def breaks_off(peer: Peer) -> None:
        await peer.begins()
        await peer.hears("verb:hook")
        await peer.socket.close(code=WSCloseCode.INTERNAL_ERROR)

    async with served(Server(breaks_off)) as (behind, transport):
        await behind.answer({})
        with pytest.raises(HookFailure, match="HTTP 503"):
            await transport.send(request(behind, "/final"))
        assert (await transport.send(request(behind, "/event", "event"))).status == 410


async def test_one_that_has_said_goodbye_is_told_nothing_more() -> None:
    async def talk(peer: Peer) -> None:
        await peer.begins()

    gone: list[bool] = []
    async with served(server := Server(talk), gone=lambda: gone.append(True)) as (behind, transport):
        assert not is_commanding(behind)
        await behind.answer({})
        await until(lambda: gone and not behind.commanding)
        assert (await transport.send(request(behind, "/final"))).status == 204
        assert (await transport.send(request(behind, "/tool", "tool"))).status == 410
    assert len(server.requests) == 1


async def test_one_that_comes_back_and_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "ACK_TIMEOUT_S", 0.05)
    codes = []

    async def breaks_off(peer: Peer) -> None:
        await peer.begins()
        await peer.socket.close(code=WSCloseCode.GOING_AWAY)

    async def is_silent(peer: Peer) -> None:
        await peer.hears("session:reconnect")
        codes.append(await peer.stays())

    async def goes_on(peer: Peer) -> None:
        await peer.begins("session:reconnect")
        await peer.stays()

    async with served(Server(breaks_off, is_silent, goes_on)) as (behind, transport):
        await behind.answer({})
        await until(lambda: not is_open(behind))
        assert (await transport.send(request(behind, "/event", "event"))).status == 204
    assert codes == [1001]


async def test_a_message_that_is_too_long_costs_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MAX_MESSAGE_BYTES", 1_000)

    async def shouts(peer: Peer) -> None:
        await peer.begins()
        await peer.commands("redirect", data=["x" * 2_000])
        assert await peer.stays() == 1009

    async def goes_on(peer: Peer) -> None:
        await peer.begins("session:reconnect")
        await peer.acks(await peer.hears("verb:hook"), [SAY])
        await peer.stays()

    async with served(Server(shouts, goes_on)) as (behind, transport):
        await behind.answer({})
        await until(lambda: not is_open(behind))
        assert verbs_of(await transport.send(request(behind, "/final"))) == [SAY]


# Commands


async def test_commands_are_carried_out_in_their_order_and_refused_in_jambonz_words() -> None:
    heeded: list[Command] = []
    refused_all = asyncio.Event()

    async def heed(command: Command) -> str | None:
        heeded.append(command)
        await asyncio.sleep(0)
        if command.name == "breaks":
            raise ZeroDivisionError
        return "not here" if command.name == "dtmf" else None

    async def talk(peer: Peer) -> None:
        await peer.begins()
        await peer.commands("redirect", data=[SAY])
        await peer.commands("dtmf", data={})
        await peer.commands("breaks", data={})
        await peer.commands("llm:tool-output", tool_call_id="late", data=1)
        refused, broken = await peer.hears("jambonz:error"), await peer.hears("jambonz:error")
        assert refused["data"] == {"msg": "InvalidMessage", "details": "not here", "content": "dtmf"}
        assert broken["data"]["details"] == "internal error"
        await peer.socket.send_str("{")
        await peer.hears("jambonz:error")
        refused_all.set()
        await peer.acks(await peer.hears("verb:hook"))
        await peer.stays()

    async with served(Server(talk), heed) as (behind, transport):
        await behind.answer({})
        await refused_all.wait()
        assert (await transport.send(request(behind, "/final"))).status == 204
        await until(lambda: len(heeded) == 4)
    assert [command.name for command in heeded] == ["redirect", "dtmf", "breaks", "llm:tool-output"]


async def test_more_commands_than_can_wait_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_COMMANDS", 1)
    heeded: list[str] = []
    go_on = asyncio.Event()

    async def heed(command: Command) -> None:
        heeded.append(command.name)
        await go_on.wait()

    async def talk(peer: Peer) -> None:
        await peer.begins()
        await peer.commands("a", data={})
        await until(lambda: heeded)
        for name in ("b", "c"):
            await peer.commands(name, data={})
        await peer.acks(await peer.hears("verb:hook"))
        await peer.stays()

    with capture_logs() as logs:
        async with served(Server(talk), heed) as (behind, transport):
            await behind.answer({})
            await transport.send(request(behind, "/final"))
            go_on.set()
            await until(lambda: heeded == ["a", "b"])
    assert [line["why"] for line in logs] == ["too many"]


async def test_a_flood_of_what_cannot_be_done_is_read_slowly_told_of_once_and_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hooks.flood.PER_S", 20.0)  # a flood also where this machine is slow to make one
    monkeypatch.setattr("hooks.flood.LASTS_S", 0.3)
    monkeypatch.setattr(websocket, "MAX_KINDS", 2)
    heeded: list[Command] = []
    codes = []

    async def heed(command: Command) -> str:
        heeded.append(command)
        return "not known here"

    async def talk(peer: Peer) -> None:
        await peer.begins()
        for nth in range(3000):
            await peer.commands(f"{nth % 3}", data={})
        codes.append(await peer.stays())

    with capture_logs() as logs:
        async with served(Server(talk), heed) as (behind, _):
            await behind.answer({})
            await until(lambda: codes)
    assert codes == [1008]
    assert 0 < len(heeded) < 100
    told = [line["command"] for line in logs if line["event"] == "application.command_refused"]
    assert (len(told), len({*told})) == (2, 2)


# The transport


async def test_a_hook_of_a_call_without_a_socket_is_gone_and_a_slow_answer_is_late() -> None:
    transport = AppTransport()
    behind = an_application("ws://127.0.0.1:9/ws", transport)
    assert (await transport.send(request(behind, "/final"))).status == 410
    transport.join("c/1", behind)
    assert (await transport.send(request(behind, "/final"))).status == 410

    class Slow:
        async def carry(self, _: HookRequest) -> HookReply:
            await asyncio.sleep(10)
            raise AssertionError

    slow = Slow()
    transport.join("c/1", slow)
    with pytest.raises(HookTimeout, match=r"within 0\.01 s"):
        await transport.send(HookRequest("app://c%2F1//final", {}, b"{}", 0.01, 100))
    transport.leave("c/1", behind)
    transport.leave("c/1", slow)
    assert (await transport.send(request(behind, "/final"))).status == 410
    await transport.close()
