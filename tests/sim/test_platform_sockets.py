"""The fake platform on a control socket, against small applications on loopback: ours, and jambonz' own SDK."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, encode_basic_auth, web

from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import LiveCall
from sim.platform.effects import Over
from sim.portal import portal
from tests.sim.test_platform_client import finished, until

SUBPROTOCOL = "ws.jambonz.org"
PAUSE = {"verb": "pause", "length": 9}
HANGUP = {"verb": "hangup"}
Message = dict[str, Any]
Answers = Callable[[web.WebSocketResponse, Message], Awaitable[None]]


async def ack(opened: web.WebSocketResponse, message: Message, *verbs: Message) -> None:
    await opened.send_json({"type": "ack", "msgid": message["msgid"], **({"data": verbs} if verbs else {})})


class Application:
    """A websocket application of a few lines; it keeps what it was told. `answers` replies to one message."""

    def __init__(self, answers: Answers, subprotocol: str = SUBPROTOCOL) -> None:
        self.told: list[Message] = []
        self.upgrades: list[web.Request] = []
        self.closes: list[int | None] = []
        self.posts: list[str] = []
        self._answers, self._subprotocol = answers, subprotocol

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_get("/call", self._converse)
        application.router.add_post("/{path:.*}", self._hook)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _converse(self, request: web.Request) -> web.WebSocketResponse:
        self.upgrades.append(request)
        opened = web.WebSocketResponse(protocols=(self._subprotocol,))
        await opened.prepare(request)
        async for message in opened:
            if message.type is WSMsgType.TEXT:
                told = json.loads(message.data)
                self.told.append(told)
                await self._answers(opened, told)
        self.closes.append(opened.close_code)
        return opened

    async def _hook(self, request: web.Request) -> web.Response:
        self.posts.append(request.path)
        assert "Jambonz-Signature" in request.headers
        assert "Authorization" not in request.headers
        return web.Response(status=204)

    def types(self) -> list[str]:
        return [message["type"] for message in self.told]


async def placed(
    application: Application, during: Callable[[LiveCall], Awaitable[None]] | None = None, **more: Any
) -> tuple[Over, list[Happening]]:
    seen: list[Happening] = []
    async with application.serving() as url:
        entered = portal(url.replace("http://", "http://u:p@"), "ws", "s3cret")
        live = LiveCall(entered.dial(identify("+1555", "+1666", lambda: "sid-of-it"), **more), seen.append)
        call = asyncio.create_task(live.run())
        if during:
            await during(live)
        async with asyncio.timeout(15):
            over = await call
    return over, seen


async def test_a_call_over_a_control_socket_from_the_upgrade_to_the_close() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            await ack(opened, message, {"verb": "answer"}, {"verb": "redirect", "actionHook": "/next"})
        if message["type"] == "session:redirect":
            await ack(opened, message, HANGUP)

    application = Application(answers)
    over, seen = await placed(application)
    assert (over.answered, over.failed, over.why) == (True, False, "hangup")
    kinds = [
        message["data"].get("call_status") if message["type"] == "call:status" else message["type"]
        for message in application.told
    ]
    assert kinds == ["session:new", "trying", "in-progress", "session:redirect", "completed"]
    await until(lambda: application.closes)
    assert application.closes == [1000]
    upgrade = application.upgrades[0]
    assert upgrade.headers["Authorization"] == encode_basic_auth("u", "p")
    assert upgrade.headers["User-Agent"] == "jambonz"
    assert "permessage-deflate" in upgrade.headers["Sec-WebSocket-Extensions"]
    assert not [one for one in seen if "u:p" in one.text]


async def test_commands_come_at_any_time_and_an_absolute_hook_is_posted() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            hook = f"http://127.0.0.1:{application.upgrades[0].url.port}/posted"
            await ack(opened, message, {"verb": "answer"}, {"verb": "gather", "timeout": 0.05, "actionHook": hook})
            await opened.send_json({"type": "command", "command": "redirect", "queueCommand": True, "data": [PAUSE]})
            await opened.send_json({"type": "nonsense"})
        if message["type"] == "jambonz:error":
            await until(lambda: application.posts)
            await opened.send_json({"type": "command", "command": "call:status", "data": {"call_status": "completed"}})

    application = Application(answers)
    over, _ = await placed(application)
    assert over.why == "hung up by call control"
    assert application.posts == ["/posted"]
    error = next(message for message in application.told if message["type"] == "jambonz:error")
    assert error["data"]["msg"] == "InvalidMessage"


async def test_a_server_that_echoes_no_subprotocol_gets_no_call() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        await ack(opened, message, HANGUP)

    over, seen = await placed(Application(answers, "something.else"))
    assert (over.answered, over.why) == (False, "Server sent no subprotocol")
    assert [one.text for one in seen if one.name == "rejected"] == ["480: Server sent no subprotocol"]


async def test_a_broken_socket_is_opened_again_and_the_session_taken_up() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            await ack(opened, message, {"verb": "answer"}, PAUSE)
        if message["type"] == "session:reconnect":
            await ack(opened, message)
            await opened.send_json({"type": "command", "command": "redirect", "data": [HANGUP]})

    application = Application(answers)
    over, seen = await placed(application, drops_s=(0.1,))
    assert over.why == "hangup"
    again = next(message for message in application.told if message["type"] == "session:reconnect")
    assert again["data"] == application.told[0]["data"]
    closed = next(one for one in seen if one.name == "control_closed")
    opened = [one for one in seen if one.name == "control_open"]
    assert 0.45 <= opened[1].at_s - closed.at_s <= 1.0
    assert closed.fields["code"] == 1006


async def test_an_application_that_closes_with_1011_is_reached_again_and_one_that_sends_too_much_too() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        match len(application.upgrades):
            case 1:
                await ack(opened, message, {"verb": "answer"}, PAUSE)
                await opened.send_json({"type": "command", "command": "config", "data": {"x": "y" * 25_000}})
            case 2 if message["type"] == "session:reconnect":
                await ack(opened, message)
                await opened.close(code=1011)
            case 3:
                await ack(opened, message)
                await opened.send_json({"type": "command", "command": "redirect", "data": [HANGUP]})

    application = Application(answers)
    over, seen = await placed(application)
    assert over.why == "hangup"
    assert [one.fields["code"] for one in seen if one.name == "control_closed"] == [1009, 1011]
    assert (application.closes[0], application.closes[-1]) == (1009, 1000)


async def test_a_platform_that_does_not_reconnect_goes_on_alone() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            await ack(opened, message, {"verb": "answer"}, {"verb": "pause", "length": 0.4}, HANGUP)

    application = Application(answers)
    over, _ = await placed(application, drops_s=(0.1,), reconnects=False)
    assert over.why == "hangup"
    assert len(application.upgrades) == 1


SCENE = """
name: a socket that breaks
call: {transport: ws, drop_control_s: [0.2]}
turns:
  - expect: [{event: control_closed, fields: {code: 1006}, within_ms: 5000}]
  - expect: [{event: "to_app:session:reconnect", within_ms: 900, absent: AWAY}]
expect:
  - {event: call_ended, text_contains: hangup}
"""


@pytest.mark.parametrize("reconnects", [True, False])
async def test_a_scene_can_break_the_control_socket_and_leave_it_so(tmp_path: Path, *, reconnects: bool) -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            await ack(opened, message, {"verb": "answer"}, {"verb": "pause", "length": 1.5}, HANGUP)
        if message["type"] == "session:reconnect":
            await ack(opened, message)
            await opened.send_json({"type": "command", "command": "redirect", "data": [HANGUP]})

    file = tmp_path / "scene.yaml"
    never = "" if reconnects else "reconnect: false, "
    scene = SCENE.replace("{transport", "{" + never + "transport").replace("AWAY", "false" if reconnects else "true")
    file.write_text(scene, encoding="utf-8")
    async with Application(answers).serving() as url:
        code, out, _ = await finished("-m", "sim", "scene", str(file), "--url", url, "--logs", str(tmp_path))
    assert code == 0, out


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        entered = portal(f"http://127.0.0.1:{taken.getsockname()[1]}", "ws", "s")
        seen: list[Happening] = []
        live = LiveCall(entered.dial(identify("1", "2", lambda: "sid")), seen.append)
        call = asyncio.create_task(live.run())
        await until(lambda: [one.name for one in seen].count("control_refused") >= 2)
        live.hang_up()
        async with asyncio.timeout(5):
            over = await call
    assert over.call_status == "no-answer"


async def test_sim_call_over_a_control_socket_says_nothing_of_the_password() -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            await ack(opened, message, {"verb": "say", "text": "Hello"}, HANGUP)

    application = Application(answers)
    async with application.serving() as url:
        signed_in = url.replace("http://", "http://user:hunter2@")
        code, out, err = await finished("-m", "sim", "call", "--url", signed_in, "--transport", "ws", "--no-status")
    assert (code, err) == (0, "")
    assert "hunter2" not in out
    assert "connection 1 to ws://127.0.0.1" in out
    assert application.types() == ["session:new"]
    assert application.upgrades[0].headers["Authorization"] == encode_basic_auth("user", "hunter2")


async def test_an_application_on_the_official_sdk_runs_a_call(unused_tcp_port: int) -> None:
    from jambonz_sdk.websocket import create_endpoint

    told: list[Message] = []

    async def on_session(session: Any) -> None:
        async def gathered(data: Message) -> None:
            told.append(data)
            await session.say(text="Goodbye").hangup().reply()

        session.on("/gathered", gathered)
        await session.gather(actionHook="/gathered", input=["digits"], numDigits=1, timeout=9).send()

    async def during(live: LiveCall) -> None:
        await until(lambda: [one for one in seen if one.name == "verb"])
        live.press("7")

    seen: list[Happening] = []
    make_service, runner = await create_endpoint(host="127.0.0.1", port=unused_tcp_port)
    make_service(path="/call").on("session:new", on_session)
    entered = portal(f"http://127.0.0.1:{unused_tcp_port}", "ws", "s")
    live = LiveCall(entered.dial(identify("+1555", "+1666", lambda: "sid")), seen.append)
    call = asyncio.create_task(live.run())
    await during(live)
    async with asyncio.timeout(10):
        over = await call
    await runner.cleanup()
    assert (over.answered, over.why) == (True, "hangup")
    assert (told[0]["digits"], told[0]["reason"]) == ("7", "dtmfDetected")
    assert [one.fields["verb"] for one in seen if one.name == "verb"] == ["gather", "say", "hangup"]


@pytest.mark.parametrize("closes_with", [1000, 1001])
async def test_the_code_of_a_close_says_whether_the_application_is_done(closes_with: int) -> None:
    async def answers(opened: web.WebSocketResponse, message: Message) -> None:
        if message["type"] == "session:new":
            await ack(opened, message, {"verb": "answer"}, {"verb": "pause", "length": 0.7})
            await opened.close(code=closes_with)
        if message["type"] == "session:reconnect":
            await ack(opened, message)
            await opened.send_json({"type": "command", "command": "redirect", "data": [HANGUP]})

    over, _ = await placed(Application(answers))
    assert over.why == ("no verbs left" if closes_with == 1000 else "hangup")
