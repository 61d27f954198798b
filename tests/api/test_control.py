"""Control sockets on loopback: an honest platform, and strangers."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from pytest_aiohttp.plugin import AiohttpClient

from api.control import MAX_MESSAGE_BYTES, ControlSockets
from api.webhooks import Webhooks, guard
from calls.sessions import Sessions
from config import Settings
from hooks.flood import Flood
from tests.calls.exchange import LLM, SAY, SECRET, Exchange, JsonObject, names, settings_of
from tests.live.serving import PATIENCE_S, a_body, until, until_closed

TALK: JsonObject = {"verbs": [LLM, SAY]}
AUTH = {"basic_auth": {"username": "jambonz", "password": "pass of the platform"}}


class Desk:
    """A switchboard behind its control sockets, and a platform that opens them."""

    def __init__(
        self, exchange: Exchange, sessions: Sessions, client: ClientSession, url: str, refusals: list[str]
    ) -> None:
        self.refusals = refusals
        self.exchange = exchange
        self.sessions = sessions
        self.client = client
        self.url = url

    async def open(
        self, path: str = "/call", *, subprotocol: str = "ws.jambonz.org", **options: Any
    ) -> ClientWebSocketResponse:
        protocols = (subprotocol,) if subprotocol else ()
        socket: ClientWebSocketResponse = await self.client.ws_connect(self.url + path, protocols=protocols, **options)
        return socket

    async def refused(self, **options: Any) -> tuple[int, int]:
        """Try to open a socket; give the HTTP status, and how many calls there are now."""
        with pytest.raises(WSServerHandshakeError) as refusal:
            await self.open(**options)
        return refusal.value.status, self.exchange.counts.started


async def tell(socket: ClientWebSocketResponse, word: str, call_sid: str = "c-1", **more: Any) -> None:
    await socket.send_json({"type": word, "msgid": "m-1", "call_sid": call_sid, "data": a_body(call_sid), **more})


async def ask(socket: ClientWebSocketResponse, word: str, call_sid: str = "c-1", **more: Any) -> JsonObject:
    await tell(socket, word, call_sid, **more)
    return await told(socket)


async def told(socket: ClientWebSocketResponse) -> JsonObject:
    message: JsonObject = await socket.receive_json(timeout=PATIENCE_S)
    return message


@pytest.fixture
async def desk_for(aiohttp_client: AiohttpClient) -> AsyncIterator[Any]:
    """Make a desk from settings."""
    made: list[Desk] = []

    async def make(settings: Settings) -> Desk:
        exchange = Exchange(settings)
        sessions = Sessions(exchange.switchboard, secret=SECRET)
        refusals: list[str] = []
        count = refusals.append
        webhooks = Webhooks(exchange.switchboard, secret=SECRET, base_url=lambda: made[0].url, count=count)
        app = web.Application(middlewares=[guard(count)])
        app.add_routes([*webhooks.routes(), *ControlSockets(sessions, webhooks).routes()])
        client = await aiohttp_client(app)
        made.append(Desk(exchange, sessions, client.session, str(client.make_url("")).rstrip("/"), refusals))
        return made[-1]

    yield make
    for desk in made:
        await desk.sessions.close()
        await desk.exchange.switchboard.close()


# The platform


async def test_a_call_is_answered_and_its_urls_are_http_whatever_it_asks_by(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open()
    assert socket.protocol == "ws.jambonz.org"
    ack = await ask(socket, "session:new")
    assert (ack["type"], ack["msgid"], names(ack["data"])) == ("ack", "m-1", ["listen", "say", "hangup"])
    assert ack["data"][0]["actionHook"].startswith(f"{desk.url}/call/ended/")
    assert ack["data"][0]["url"].startswith("ws://")
    await desk.exchange.switchboard.redirect("c-1", [SAY])
    assert names((await told(socket))["data"]) == ["say", "hangup"]


async def test_a_leg_that_became_a_call_opens_a_socket_of_its_own(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open("/call/adulting")
    message = {"type": "session:adulting", "msgid": "m-1", "data": a_body("c-child")}
    await socket.send_json(message)
    assert await told(socket) == {"type": "ack", "msgid": "m-1", "data": []}


async def test_who_shows_the_platforms_password_may_come_from_anywhere(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK, platform=AUTH, server={"public_url": "https://v.example.com"}))
    token = b64encode(b"jambonz:pass of the platform").decode()
    socket = await desk.open(headers={"Host": "v.example.com", "Authorization": f"Basic {token}"})
    ack = await ask(socket, "session:new")
    assert ack["data"][0]["url"].startswith("wss://v.example.com/media/jambonz/")


async def test_a_platform_that_has_done_with_a_call_is_believed(desk_for: Any) -> None:
    desk = await desk_for(settings_of({"verbs": [SAY]}))
    socket = await desk.open()
    await ask(socket, "session:new")
    assert desk.exchange.switchboard.active == 1
    await socket.close(code=1000)
    await until(lambda: desk.exchange.switchboard.active == 0)


async def test_a_socket_that_breaks_is_waited_for(desk_for: Any) -> None:
    desk = await desk_for(settings_of({"verbs": [SAY]}))
    socket = await desk.open()
    document = (await ask(socket, "session:new"))["data"]
    live = desk.exchange.switchboard._calls.by_sid("c-1")
    socket._response.connection.transport.abort()
    await until(lambda: live.control is None)
    assert desk.exchange.switchboard.active == 1
    again = await desk.open()
    assert (await ask(again, "session:reconnect"))["data"] == document
    await desk.exchange.switchboard.hang_up("c-1")
    assert (await told(again))["command"] == "call:status"


# Strangers


@pytest.mark.parametrize("subprotocol", ["", "audio.jambonz.org", "ws.jambonz.orgs"])
async def test_without_the_subprotocol_nobody_is_let_in(desk_for: Any, subprotocol: str) -> None:
    desk = await desk_for(settings_of(TALK))
    assert await desk.refused(subprotocol=subprotocol) == (400, 0)


@pytest.mark.parametrize(
    ("platform", "headers", "status"),
    [
        (AUTH, {}, 401),
        (AUTH, {"Authorization": "Basic " + b64encode(b"jambonz:wrong").decode()}, 401),
        (AUTH, {"Authorization": "Bearer x"}, 401),
        ({}, {"Host": "v.example.com"}, 403),
        ({}, {"X-Forwarded-For": "203.0.113.7"}, 403),
        ({}, {"Origin": "https://evil.example.com"}, 403),
        ({"webhook_secrets": ["secret of the webhooks"]}, {"Host": "v.example.com", "Jambonz-Signature": "x"}, 403),
    ],
)
async def test_who_is_not_trusted_is_not_let_in(
    desk_for: Any, platform: JsonObject, headers: dict[str, str], status: int
) -> None:
    desk = await desk_for(settings_of(TALK, platform=platform))
    assert await desk.refused(headers=headers) == (status, 0)


async def test_what_is_no_upgrade_is_refused(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    for headers, status in (
        ({}, 405),
        ({"Upgrade": "h2c"}, 405),
        ({"Upgrade": "websocket"}, 400),
        ({"Upgrade": "websocket", "Sec-WebSocket-Protocol": "ws.jambonz.org"}, 400),
    ):
        async with desk.client.get(f"{desk.url}/call", headers=headers) as answer:
            assert answer.status == status


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\0" * 320, 1003),
        ("{", 1008),
        ("[]", 1008),
        (json.dumps({"type": "call:status", "call_sid": "c-9", "data": a_body("c-9", call_status="completed")}), 1008),
        (json.dumps({"type": "session:new", "msgid": "m", "call_sid": "c-1", "data": a_body("c-9")}), 1008),
        (" " * (MAX_MESSAGE_BYTES + 1), 1009),
    ],
)
async def test_what_no_platform_says_closes_the_socket_and_does_nothing(
    desk_for: Any, message: str | bytes, code: int
) -> None:
    desk = await desk_for(settings_of(TALK))
    victim = await desk.open()
    await ask(victim, "session:new", "c-9")
    socket = await desk.open()
    await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
    assert await until_closed(socket) == code
    assert desk.exchange.switchboard.active == desk.exchange.counts.started == 1
    assert (await ask(victim, "verb:hook", "c-9", hook="/x"))["type"] == "ack"


async def test_text_that_is_no_utf_8_closes_the_socket(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open()
    await socket._writer.send_frame(b"\xc3\x28", WSMsgType.TEXT)
    assert await until_closed(socket) == 1007


@pytest.mark.parametrize("message", [b"\0", '{"type": "verb:status", "call_sid": "c-9"}'])
async def test_a_socket_in_the_middle_of_a_call_is_closed_for_it_too_and_the_call_goes_on(
    desk_for: Any, message: str | bytes
) -> None:
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open()
    document = (await ask(socket, "session:new"))["data"]
    await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
    assert await until_closed(socket) in {1003, 1008}
    assert desk.exchange.switchboard.active == 1
    assert (await ask(await desk.open(), "session:reconnect"))["data"] == document


@pytest.mark.parametrize(
    "message",
    [
        "{",
        '{"type": "verb:status", "call_sid": "c-1", "data": {"a": 1, "a": 2}}',
        '{"type": "verb:status", "call_sid": "c-1", "data": ' + "[" * 80 + "]" * 80 + "}",
        '{"type": "verb:status", "call_sid": "c-1", "data": [], "msgid": 7}',
        '{"type": "call:status", "call_sid": "c-1", "data": {}}',
    ],
)
async def test_a_message_that_cannot_be_read_in_the_middle_of_a_call_is_passed_over(
    desk_for: Any, message: str
) -> None:
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open()
    await ask(socket, "session:new")
    await socket.send_str(message)
    assert (await ask(socket, "verb:hook", hook="/x"))["type"] == "ack"
    assert desk.refusals == ["unreadable_message"]
    for _ in range(20):
        await socket.send_str(message)
    assert await until_closed(socket) == 1008
    assert desk.refusals.count("misused_socket") == 1
    assert desk.exchange.switchboard.active == 1


async def test_half_a_character_in_a_callers_name_costs_no_call(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    answer = await ask(await desk.open(), "session:new", data=a_body(caller_name="A\ud83dB"))
    assert answer["type"] == "ack"
    row = await desk.exchange.store.by_sid("c-1")
    assert row is not None
    assert row.attributes["caller_name"] == "A?B"


async def test_a_message_of_256_kib_is_read(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open()
    text = json.dumps({"type": "session:new", "msgid": "m-1", "call_sid": "c-1", "data": a_body()})
    await socket.send_str(text + " " * (MAX_MESSAGE_BYTES - len(text)))
    assert (await told(socket))["type"] == "ack"


async def test_who_says_nothing_is_not_waited_for(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK, server={"body_timeout_s": 0.1}))
    silent, honest = await desk.open(), await desk.open()
    await ask(honest, "session:new")
    assert await until_closed(silent) == 1008
    assert desk.refusals == ["misused_socket"]
    await asyncio.sleep(0.2)
    assert (await ask(honest, "verb:hook", hook="/x"))["type"] == "ack"


async def test_a_flood_is_held_back_and_then_cut_off(desk_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = [0.0, 0.3, None]
    monkeypatch.setattr(Flood, "wait_s", lambda *_: waits.pop(0) if waits else None)
    desk = await desk_for(settings_of(TALK))
    socket = await desk.open()
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        await tell(socket, "session:new")
    assert await until_closed(socket) == 1008
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_who_does_not_read_is_cut_off(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK, server={"send_timeout_s": 0.2}))
    socket = await desk.open()
    await ask(socket, "session:new")
    socket._response.connection.transport.pause_reading()
    live = desk.exchange.switchboard._calls.by_sid("c-1")
    command = {"command": "whisper", "data": {"whisper": "x" * 24_000}}
    for _ in range(2000):
        live.control.command(command)
    await until(lambda: live.control is None)


async def test_a_server_that_stops_closes_with_1012(desk_for: Any) -> None:
    desk = await desk_for(settings_of(TALK))
    named, unnamed = await desk.open(), await desk.open()
    await ask(named, "session:new")
    desk.sessions.restart()
    assert {await until_closed(named), await until_closed(unnamed)} == {1012}
    assert desk.exchange.switchboard.active == 1
