"""The door: a line's two sockets over loopback, with the rehearsal model on one side and a platform on the other."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed

from egress.guard import TRUSTED
from media import voice as voice_module
from media.bridge import Bridge
from media.effects import End
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.dial import Dial
from media.realtime.openai import Realtime
from media.sockets import Line, Lines, Patience, Upgrade
from media.sockets import base as base_module
from media.sockets import connecting as connecting_module
from media.sockets import platform as platform_module
from media.sockets import reach as reach_module
from media.sockets.platform import PlatformSocket
from media.ticker import Ticker
from sim.model import Script, serve
from tests.simulation import PCM24, WEATHER, llm

JsonObject = dict[str, Any]
QUICK: JsonObject = {"greeting": "Hello.", "thinking_s": 0, "delta_rate": 100}
METADATA = '{"callSid":"CS1","sampleRate":24000,"mixType":"mono"}'
HELD_UP = Patience(send_timeout_s=0.3, heartbeat_s=0.15)
"So that the line looks after its sockets every 40 ms, and a busy machine is not taken for a dead one."
DELTA = {"type": "response.output_audio.delta", "item_id": "i1", "response_id": "r1"}
Speaks = Callable[[ServerConnection], Awaitable[None]]


class Hooks:
    """An application that answers every tool at once."""

    def __init__(self) -> None:
        self.reported: list[str] = []
        self.called: list[tuple[str, JsonObject]] = []

    def report(self, event_type: str, event: JsonObject) -> None:
        self.reported.append(event_type)

    def call_tool(self, call_id: str, name: str, arguments: JsonObject, answer: Callable[[str], None]) -> None:
        self.called.append((name, arguments))
        answer('{"temperature":72,"conditions":"sunny"}')


class Slow(Hooks):
    """An application that is still at it."""

    def call_tool(self, call_id: str, name: str, arguments: JsonObject, answer: Callable[[str], None]) -> None:
        self.called.append((name, arguments))
        self.answer = answer


class Broken(Hooks):
    def report(self, event_type: str, event: JsonObject) -> None:
        raise RuntimeError("the hooks are broken")


class Counted:
    def __init__(self) -> None:
        self.measured: list[str] = []
        self.ignored: list[str] = []
        self.opened = self.closed = 0

    def measure(self, name: str, seconds: float) -> None:
        assert seconds >= 0
        self.measured.append(name)

    def media_text_ignored(self, kind: str) -> None:
        self.ignored.append(kind)

    def model_opened(self) -> None:
        self.opened += 1

    def model_closed(self) -> None:
        self.closed += 1


@dataclass
class Stage:
    """A line that runs, and where its platform finds it."""

    line: Line
    bridge: Bridge
    observer: Counted
    media_url: str
    session: aiohttp.ClientSession
    hooks: Hooks
    running: "asyncio.Task[None]" = field(init=False)
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)
    reading: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.running = asyncio.create_task(self.line.run())

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        self.sockets.append(await self.session.ws_connect(self.media_url, max_msg_size=0))
        return self.sockets[-1]

    async def platform(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.connect()
        await socket.send_str(METADATA)
        return socket

    async def leave(self) -> None:
        """Close what a test has left open: a socket that is only dropped warns, in whichever test it is collected."""
        if self.reading:
            self.reading.cancel()
            await asyncio.wait({self.reading})
        for socket in self.sockets:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await socket.close()

    async def attentive_platform(self) -> None:
        """One that reads, and so answers pings."""
        socket = await self.platform()
        self.reading = asyncio.create_task(_read(socket))

    @property
    def media(self) -> PlatformSocket:
        assert self.line._platform
        return self.line._platform

    async def ended(self) -> End:
        await asyncio.wait_for(asyncio.shield(self.running), 10)
        assert self.line.end
        return self.line.end


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


@asynccontextmanager
async def staged(
    url: str,
    *,
    hooks: Hooks | None = None,
    patience: Patience | None = None,
    options: Options | None = None,
    verb: Any = None,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Stage]:
    loop = asyncio.get_running_loop()
    observer, hooks = Counted(), hooks or Hooks()
    model = Realtime(verb or llm(session_update={"tools": [WEATHER]}), audio=PCM24)
    bridge = Bridge(JambonzMedia(24000), [model], options or Options(audio=PCM24), now=loop.time())
    lines = Lines(Ticker(loop.time, loop.call_at), ssl.create_default_context(), observer)
    dial = Dial(f"{url}?model=rehearsal", {"Authorization": "Bearer sk-test"} | (headers or {}), reach=TRUSTED)
    line = lines.line(bridge, [dial], hooks, patience or Patience(), call_sid="CS1")

    async def media(request: web.Request) -> web.StreamResponse:
        upgrade = Upgrade(request, ())
        await line.serve(upgrade)
        return upgrade.response

    app = web.Application()
    app.router.add_get("/media", media)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        stage = Stage(line, bridge, observer, str(server.make_url("/media")), session, hooks)
        try:
            yield stage
        finally:
            line.finish(End("connection failure", "server_restart", "server"))
            await asyncio.wait([stage.running], timeout=10)
            await stage.leave()


@asynccontextmanager
async def rehearsal(script: JsonObject | None = None, **more: Any) -> AsyncIterator[Stage]:
    async with serve(Script.of(script or QUICK)) as url, staged(url, **more) as stage:
        yield stage


@asynccontextmanager
async def model_that(speaks: Speaks, **more: Any) -> AsyncIterator[Stage]:
    """A model of our own making: what it does after the upgrade."""
    async with serve_websockets(speaks, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime", **more) as stage:
            yield stage
        for connection in server.connections:
            connection.transport.abort()


async def begin(connection: ServerConnection) -> None:
    """Open a session as a model does."""
    await connection.send('{"type":"session.created","session":{}}')
    await connection.recv()
    await connection.send('{"type":"session.updated","session":{}}')


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(8):
        while not condition():  # noqa: ASYNC110  # what is waited for is no event of ours
            await asyncio.sleep(0.005)


async def audio_from(socket: aiohttp.ClientWebSocketResponse, length_bytes: int) -> bytes:
    heard = b""
    while len(heard) < length_bytes:
        heard += await asyncio.wait_for(socket.receive_bytes(), 8)
    return heard


# A call


async def test_a_call_over_two_sockets() -> None:
    script = {
        **QUICK,
        "greeting": {"say": "Let me check.", "tool": {"name": "get_weather", "arguments": {"city": "Boston"}}},
    }
    async with rehearsal(script) as stage:
        socket = await stage.platform()
        heard = await audio_from(socket, 48_000)
        assert any(heard)
        await socket.send_bytes(bytes(1920))
        await socket.send_str('{"event":"dtmf","dtmf":"5","duration":"1600"}')
        await until(lambda: stage.hooks.reported.count("response.done") == 2)
        await until(lambda: "input_audio_buffer.dtmf_event_received" in stage.hooks.reported)
        await socket.close()
        end = await stage.ended()
    assert (end.reason_code, end.ended_by) == ("caller_hung_up", "caller")
    assert stage.hooks.called == [("get_weather", {"city": "Boston"})]
    assert "first_audio" in stage.observer.measured
    assert (stage.observer.opened, stage.observer.closed) == (1, 1)


async def test_what_the_media_socket_says_in_vain_is_counted() -> None:
    async with rehearsal() as stage:
        socket = await stage.platform()
        await socket.send_str("{")
        await until(lambda: stage.observer.ignored == ["malformed"])
        await socket.close()
        await stage.ended()


@pytest.mark.parametrize("during", ["a tool call", "a reply"])
async def test_a_caller_who_is_gone_leaves_no_model_behind_and_hears_no_tool(during: str) -> None:
    tool = {"tool": {"name": "get_weather", "arguments": {"city": "Boston"}}} if during == "a tool call" else {}
    hooks = Slow()
    async with rehearsal({**QUICK, "greeting": {"say": "One moment, please. " * 20, **tool}}, hooks=hooks) as stage:
        socket = await stage.platform()
        await audio_from(socket, 9_600)
        await until(lambda: bool(hooks.called) or not tool)
        gone_at = asyncio.get_running_loop().time()
        await socket.close()
        end = await stage.ended()
        await until(lambda: stage.observer.closed == 1)
        assert asyncio.get_running_loop().time() - gone_at < 1.5
        assert end.reason_code == "caller_hung_up"
        said = stage.bridge.record.transcript
        if tool:
            hooks.answer('{"conditions":"sunny"}')
            [used] = stage.bridge.record.tools
            assert "sunny" in str(used)
        assert stage.bridge.record.transcript == said


async def test_the_last_words_of_a_model_that_leaves_are_played_before_the_media_socket_is_closed() -> None:
    async with rehearsal({**QUICK, "faults": {"close_after_s": 0.4, "close_code": 1001}}) as stage:
        socket = await stage.platform()
        messages = [message async for message in socket]
        end = await stage.ended()
    assert end.reason_code == "model_disconnected"
    assert socket.close_code == 1000
    assert sum(len(message.data) for message in messages if message.type is aiohttp.WSMsgType.BINARY) > 20_000


async def test_a_restart_is_told_to_the_platform_by_its_close_code() -> None:
    async with rehearsal() as stage:
        socket = await stage.platform()
        await audio_from(socket, 9600)
        stage.line.finish(End("connection failure", "server_restart", "server"))
        messages = [message.data async for message in socket]
        assert (await stage.ended()).reason_code == "server_restart"
    assert '{"type":"killAudio"}' in messages
    assert socket.close_code == 1012


async def test_a_platform_of_another_protocol_is_turned_away() -> None:
    async with rehearsal() as stage:
        socket = await stage.connect()
        await socket.send_bytes(bytes(640))
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert (await stage.ended()).reason_code == "media_lost"
    assert socket.close_code == 1008


async def test_a_media_socket_that_breaks_is_media_lost() -> None:
    async with rehearsal() as stage:
        socket = await stage.platform()
        await audio_from(socket, 9600)
        await socket.close(code=1011)
        assert (await stage.ended()).reason_code == "media_lost"


async def test_a_platform_that_comes_when_all_is_over_is_sent_away() -> None:
    async with rehearsal() as stage:
        stage.line.finish(End("connection failure", "server_restart", "server"))
        await stage.ended()
        socket = await stage.connect()
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


# Reaching the model


@pytest.mark.claim("wrong API key")
@pytest.mark.parametrize(
    ("status", "reason_code"), [(401, "invalid_api_key"), (403, "invalid_api_key"), (404, "model_not_found")]
)
async def test_a_model_that_refuses_is_dialled_once(status: int, reason_code: str) -> None:
    async with rehearsal({**QUICK, "faults": {"http_status": status}}) as stage:
        end = await stage.ended()
    assert (end.completion_reason, end.reason_code) == ("connection failure", reason_code)
    assert end.error == {"message": f"the model answered HTTP {status}"}
    assert (stage.observer.opened, stage.observer.closed) == (0, 0)


async def test_a_model_that_cannot_take_the_call_is_dialled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_module, "RETRY_S", (0.01, 0.01))
    dialled = 0

    def refuse(connection: ServerConnection, _: Any) -> Any:
        nonlocal dialled
        dialled += 1
        return connection.respond(503, "later") if dialled < 3 else None

    async with serve_websockets(begin, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime") as stage:
            await until(lambda: stage.observer.opened)
    assert dialled == 3


@pytest.mark.parametrize(("retry_after", "dials"), [("60", 1), ("0", 3), ("soon", 3), ("9" * 9, 3)])
async def test_a_model_that_wants_to_be_left_alone_for_longer_than_a_caller_waits_is_given_up(
    monkeypatch: pytest.MonkeyPatch, retry_after: str, dials: int
) -> None:
    monkeypatch.setattr(reach_module, "RETRY_S", (0.01, 0.01))
    dialled = 0

    def refuse(connection: ServerConnection, _: Any) -> Any:
        nonlocal dialled
        dialled += 1
        response = connection.respond(429, "later")
        response.headers["Retry-After"] = retry_after
        return response

    async with serve_websockets(begin, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime") as stage:
            end = await stage.ended()
    assert (end.reason_code, dialled) == ("connect_failed", dials)


async def test_a_model_that_takes_the_connection_and_says_nothing_is_given_up_in_time() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        patience = Patience(connect_timeout_s=10, dial_s=0.2)
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime", patience=patience) as stage:
            end = await stage.ended()
    assert end.reason_code == "connect_failed"


async def test_a_model_that_drops_is_left_and_another_connection_made() -> None:
    spoken = 0

    async def drop_once(connection: ServerConnection) -> None:
        nonlocal spoken
        spoken += 1
        await begin(connection)
        if spoken == 1:
            await connection.close(1012)
        await connection.wait_closed()

    async with model_that(drop_once) as stage:
        await stage.platform()
        await until(lambda: stage.observer.opened == 2)
        await until(lambda: stage.bridge._session.ready)
        assert stage.observer.closed == 1
    assert stage.observer.closed == 2


async def test_a_message_of_a_model_that_is_enormous_costs_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting_module, "MAX_MESSAGE_BYTES", 100_000)
    closed: list[int | None] = []

    async def overdo(connection: ServerConnection) -> None:
        await begin(connection)
        with suppress(ConnectionClosed):
            await connection.send(json.dumps({"type": "response.done", "more": "x" * 100_000}))
        await connection.wait_closed()
        closed.append(connection.close_code)

    async with model_that(overdo) as stage:
        await stage.platform()
        await until(lambda: closed)
        assert closed[0] == 1009
        assert "response.done" not in stage.hooks.reported


async def test_a_session_that_is_renewed_leaves_its_socket_which_says_no_more() -> None:
    connections: list[ServerConnection] = []

    async def begin_all(connection: ServerConnection) -> None:
        connections.append(connection)
        await begin(connection)
        await connection.wait_closed()

    async with model_that(begin_all, options=Options(audio=PCM24, max_session_s=0.4)) as stage:
        await stage.platform()
        await until(lambda: len(connections) > 1)
        await until(lambda: connections[0].close_code == 1000)
    assert stage.observer.opened == stage.observer.closed == len(connections)


@pytest.mark.claim("model that is down")
async def test_a_model_that_cannot_be_reached_is_given_up_in_time() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime", patience=Patience(dial_s=0.2)) as stage:
            end = await stage.ended()
    assert end.reason_code == "connect_failed"
    assert end.error
    assert end.error["message"].startswith("the model cannot be reached: ")


@pytest.mark.claim("model that is down")
async def test_a_model_that_does_not_answer_the_upgrade_is_given_up_in_time() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        patience = Patience(connect_timeout_s=0.1, dial_s=0.2)
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime", patience=patience) as stage:
            end = await stage.ended()
    assert end.error == {"message": "the model cannot be reached: TimeoutError"}


async def test_a_server_that_speaks_no_http_is_given_up() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example ESMTP\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with staged(f"ws://127.0.0.1:{port}/v1/realtime", patience=Patience(dial_s=0.2)) as stage:
            assert (await stage.ended()).reason_code == "connect_failed"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-Note": "a\r\nEvil: 1"}, "the header 'X-Note' cannot be sent"),
        ({"Authorization": "Bearer sk-test\n"}, "the header 'Authorization' cannot be sent"),
        ({"X-Note": "\u20ac"}, "the header 'X-Note' cannot be sent"),
        ({"X: 1\r\nEvil": "1"}, "the header 'X: 1\\r\\nEvil' cannot be sent"),
        ({"": "1"}, "the header '' cannot be sent"),
    ],
)
async def test_a_header_that_cannot_be_sent_ends_the_call_before_anything_is_dialled(
    headers: dict[str, str], message: str
) -> None:
    dialled = 0

    async def speak(_: ServerConnection) -> None:
        nonlocal dialled
        dialled += 1

    async with model_that(speak, headers=headers) as stage:
        end = await stage.ended()
    assert (end.completion_reason, end.reason_code, dialled) == ("connection failure", "connect_failed", 0)
    assert end.error
    assert end.error["message"].startswith(f"{message}: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/v1/realtime",
        "ws://",
        "ws://[::1/",
        "ws://127.0.0.1:99999/",
        "ws://" + "a" * 64 + ".example/",
        "ws://a\x01b.example/",
    ],
)
async def test_an_address_that_cannot_be_used_is_dialled_once(url: str) -> None:
    async with staged(url) as stage:
        end = await stage.ended()
    assert (end.reason_code, end.error) == (
        "connect_failed",
        {"message": "the model's address cannot be used: see connectOptions, and vendors.*.url"},
    )


# What is logged


async def test_every_line_of_the_log_says_which_call_it_is_about() -> None:
    script = {**QUICK, "faults": {"errors": [{"after_s": 0.2, "code": "a_new_one"}]}}
    with capture_logs() as logged:
        async with rehearsal(script) as stage:
            await stage.platform()
            await until(lambda: "error" in stage.hooks.reported)
        async with rehearsal({"faults": {"http_status": 401}}) as stage:
            await stage.ended()
    assert [(line["event"], line.get("call_sid")) for line in logged] == [
        ("model_error", "CS1"),
        ("model_connect_failed", "CS1"),
    ]


# What goes wrong later


async def test_a_message_in_fragments_is_one_message() -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send(['{"type":"session.cr', "eated", '","session":{}}'])
        await connection.recv()
        await connection.wait_closed()

    async with model_that(speak) as stage:
        await until(lambda: stage.hooks.reported == ["session.created"])


async def test_a_call_whose_hooks_fail_ends_by_itself_and_says_why() -> None:
    async with rehearsal(hooks=Broken()) as stage:
        with pytest.raises(RuntimeError, match="the hooks are broken"):
            await asyncio.wait_for(stage.running, 10)


async def test_a_call_whose_audio_cannot_be_passed_on_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rehearsal() as stage:
        socket = await stage.platform()
        await audio_from(socket, 9600)
        monkeypatch.setattr(stage.bridge.passage, "to_model", None)
        await socket.send_bytes(bytes(960))
        with pytest.raises(TypeError):
            await asyncio.wait_for(stage.running, 10)


async def test_a_broken_connection_to_the_model_is_an_end() -> None:
    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        connection.transport.abort()

    async with model_that(speak) as stage:
        await stage.platform()
        end = await stage.ended()
    assert (end.reason_code, end.error) == (
        "model_disconnected",
        {"message": "the model closed the connection", "close_code": None},
    )


async def test_a_quiet_model_is_pinged_and_lives() -> None:
    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        await connection.wait_closed()

    async with model_that(speak, patience=HELD_UP) as stage:
        await stage.attentive_platform()
        await until(lambda: stage.observer.opened and stage.line._model)
        assert stage.line._model
        opened_at = stage.line._model.heard_at
        await until(lambda: stage.line._model and stage.line._model.heard_at > opened_at + 0.3)
        assert not stage.running.done()


async def test_a_model_that_has_left_owes_no_sign_of_life_while_its_last_words_are_played() -> None:
    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        await connection.send('{"type":"response.created","response":{"id":"r1"}}')
        await connection.send(json.dumps({**DELTA, "delta": base64.b64encode(bytes(48_000)).decode()}))

    async with model_that(speak, patience=HELD_UP) as stage:
        socket = await stage.platform()
        heard = sum([len(message.data) async for message in socket if message.type is aiohttp.WSMsgType.BINARY])
        end = await stage.ended()
    assert end.error == {"message": "the model closed the connection", "close_code": 1000}
    assert heard >= 48_000


async def test_a_model_that_is_not_read_owes_no_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_module, "MAX_QUEUED_MS", 6_000)
    slow = Patience(send_timeout_s=0.3, heartbeat_s=0.15)
    speech = base64.b64encode(bytes(48 * 600)).decode()

    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        await connection.send('{"type":"response.created","response":{"id":"r1"}}')
        for _ in range(12):
            await connection.send(json.dumps({**DELTA, "delta": speech}))
        await connection.wait_closed()

    async with model_that(speak, patience=slow) as stage:
        await stage.attentive_platform()
        await until(stage.bridge.backlogged)
        model, now = stage.line._model, stage.line._now
        assert model
        since = now()
        await until(lambda: now() > since + 4 * slow.heartbeat_s)
        stage.bridge._talk.speaking.cut(now())
        await until(lambda: model.heard_at > since + 6 * slow.heartbeat_s)
        assert stage.bridge._parting.ending is None


async def test_a_model_that_answers_no_ping_is_gone() -> None:
    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with model_that(speak, patience=HELD_UP) as stage:
        await stage.attentive_platform()
        end = await stage.ended()
    assert end.error
    assert end.error["message"] == "the model does not answer pings"


async def test_a_model_that_is_silent_on_the_line_is_reached_again_as_after_a_drop() -> None:
    connections = 0

    async def freeze_once(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await begin(connection)
        if connections == 1:
            connection.transport.pause_reading()
        await connection.wait_closed()

    async with model_that(freeze_once, patience=HELD_UP) as stage:
        await stage.attentive_platform()
        await until(lambda: connections == 2)
        await until(lambda: stage.bridge._session.ready)
        assert stage.bridge._parting.ending is None
        assert stage.observer.closed == 1
    assert stage.observer.closed == 2


async def test_a_model_that_does_not_read_is_reached_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.pace.BURST_MS", 3_600_000)  # the kernel's buffers hold more than a caller can say
    connections = 0

    async def freeze_once(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await begin(connection)
        if connections == 1:
            connection.transport.pause_reading()
        await connection.wait_closed()

    async with model_that(freeze_once, patience=Patience(send_timeout_s=0.3)) as stage:
        socket = await stage.platform()
        await until(lambda: stage.bridge._session.ready)
        first = stage.line._model
        assert first
        while first.stuck_since is None:
            await socket.send_bytes(bytes(1024 * 1024))
            await asyncio.sleep(0)
        await until(lambda: connections == 2)
        assert stage.bridge._parting.ending is None
        assert stage.observer.closed == 1


def reading(socket: aiohttp.ClientWebSocketResponse) -> asyncio.Transport:
    """Give what a platform's socket can be kept from reading by."""
    assert socket._response.connection
    transport = socket._response.connection.transport
    assert isinstance(transport, asyncio.Transport)
    return transport


async def test_a_platform_that_does_not_read_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "CLOSE_S", 0.1)
    async with rehearsal(patience=Patience(send_timeout_s=0.1)) as stage:
        socket = await stage.platform()
        await audio_from(socket, 9600)
        reading(socket).pause_reading()
        for _ in range(24):
            stage.media.put(bytes(1024 * 1024))
        end = await stage.ended()
    assert end.reason_code == "media_lost"
    assert end.error == {"message": "the platform does not read its media socket"}


async def test_a_platform_that_reads_again_hears_what_is_said_then_and_nothing_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform_module, "STALLED_S", 0.05)
    late, live = b"\x01\x00" * 480, b"\x02\x00" * 480
    async with rehearsal() as stage:
        socket = await stage.platform()
        await audio_from(socket, 9600)
        reading(socket).pause_reading()
        for _ in range(24):
            stage.media.put(bytes(1024 * 1024))
        now = asyncio.get_running_loop().time
        await until(lambda: now() - (stage.media.stuck_since or now()) > 0.05)
        stage.media.put(late)
        stage.media.put('{"type":"mark","data":{"name":"m1"}}')
        with capture_logs() as logs:
            reading(socket).resume_reading()
            await until(lambda: logs)
        stage.media.put(live)
        heard: list[Any] = []
        while not heard or heard[-1] != live:
            heard.append((await socket.receive(10)).data)
        assert not stage.line.over.is_set()
    cleared = heard.index('{"type":"killAudio"}')
    assert heard.index('{"type":"mark","data":{"name":"m1"}}') > cleared
    assert late not in heard
    assert sum(len(data) > 100_000 for data in heard) < 24
    [line] = [line for line in logs if line["event"] == "media_stalled"]
    assert line["dropped_bytes"] >= len(late)


async def test_a_model_far_ahead_of_what_can_be_spoken_is_not_read_for_a_while() -> None:
    delta = {**DELTA, "delta": base64.b64encode(bytes(48 * 60_000)).decode()}

    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        await connection.send('{"type":"response.created","response":{"id":"r1"}}')
        for _ in range(12):
            await connection.send(json.dumps(delta))
        await connection.send('{"type":"input_audio_buffer.speech_started","item_id":"u1"}')
        await connection.wait_closed()

    async with model_that(speak, patience=Patience(send_timeout_s=0.1)) as stage:
        await stage.platform()
        await until(stage.bridge.backlogged)
        assert stage.line._model
        transport = stage.line._model._transport
        assert transport
        await until(lambda: not transport.is_reading())
        stage.bridge._talk.speaking.cut(stage.line._now())
        await until(transport.is_reading)


async def test_a_model_that_does_not_close_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "CLOSE_S", 0.05)

    async def speak(connection: ServerConnection) -> None:
        await begin(connection)
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with model_that(speak) as stage:
        socket = await stage.platform()
        await until(lambda: stage.bridge._session.ready)
        model = stage.line._model
        assert model
        await socket.close()
        assert (await stage.ended()).reason_code == "caller_hung_up"
        model.send(b"{}")  # to a socket that is closed: nothing
        model.ping()
        model.pause_reading()
        model.resume_reading()


async def test_two_ends_at_once_are_one() -> None:
    async with rehearsal() as stage:
        socket = await stage.platform()
        await audio_from(socket, 9600)
        stage.line.finish(End("normal conversation end", "first", "operator"))
        stage.line.finish(End("normal conversation end", "second", "operator"))
        assert (await stage.ended()).reason_code == "first"
