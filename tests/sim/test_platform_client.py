"""The fake platform against small applications on loopback."""

import asyncio
import json
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, encode_basic_auth, web

from sim.__main__ import main
from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import Dial, LiveCall
from sim.platform.effects import Over
from sim.platform.signature import signed

SECRET = "s3cret"
RATE_HZ = 24000
Media = Callable[[web.WebSocketResponse], Awaitable[None]]


class Application:
    """A call-control application of a few lines; it keeps what it was sent."""

    def __init__(self, document: list[dict[str, Any]] | None, media: Media | None = None) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.signatures: list[tuple[bytes, str]] = []
        self.upgrades: list[web.Request] = []
        self.told: list[str | bytes] = []
        self._document, self._media = document, media

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._hook)
        application.router.add_get("/media", self._open)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.requests.append((request.path, json.loads(raw)))
        self.signatures.append((raw, request.headers["Jambonz-Signature"]))
        if request.path != "/call":
            return web.Response(status=204)
        return web.json_response(self._document) if self._document is not None else web.Response(status=500)

    async def _open(self, request: web.Request) -> web.StreamResponse:
        self.upgrades.append(request)
        if self._media is None:
            return web.Response(status=401)
        opened = web.WebSocketResponse(protocols=("audio.jambonz.org",), compress=False)
        await opened.prepare(request)
        await self._media(opened)
        return opened

    def kinds(self) -> list[tuple[str, str]]:
        return [(path, body["call_status"]) for path, body in self.requests]


def listen(**more: Any) -> dict[str, Any]:
    both = {"enabled": True, "streaming": True, "sampleRate": RATE_HZ}
    verb = {"verb": "listen", "url": "/media", "actionHook": "/ended", "sampleRate": RATE_HZ, "passDtmf": True}
    return {**verb, "bidirectionalAudio": both, **more}


async def placed(
    application: Application, during: Callable[[LiveCall], Awaitable[None]] | None = None
) -> tuple[Over, list[Happening], LiveCall]:
    seen: list[Happening] = []
    async with application.serving() as url:
        identity = identify("+1555", "+1666", lambda: "sid")
        live = LiveCall(Dial(identity, f"{url}/call", f"{url}/status", SECRET), seen.append)
        call = asyncio.create_task(live.run())
        if during:
            await during(live)
        over = await call
    return over, seen, live


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.005)


async def test_every_webhook_is_signed_over_its_bytes_and_statuses_come_in_order() -> None:
    application = Application([{"verb": "pause", "length": 0.05}, {"verb": "say", "text": "Bye"}])
    over, _, live = await placed(application)
    assert (over.answered, over.failed, over.why) == (True, False, "no verbs left")
    assert application.kinds() == [
        ("/call", "trying"),
        ("/status", "trying"),
        ("/status", "in-progress"),
        ("/status", "completed"),
    ]
    for raw, signature in application.signatures:
        assert signature == signed(raw, SECRET, int(signature[2:].partition(",")[0]))
    assert not live.stream_open


async def test_a_media_socket_tells_metadata_then_frames_in_real_time_and_plays_what_comes_back() -> None:
    async def media(opened: web.WebSocketResponse) -> None:
        application.told.append((await opened.receive()).data)
        await opened.send_bytes(struct.pack("<h", 5000) * (RATE_HZ * 300 // 1000))
        application.told += [(await opened.receive()).data for _ in range(10)]
        await opened.send_str('{"type":"bogus"}')
        await opened.send_str('{"type":"killAudio"}')
        application.told += [(await opened.receive()).data for _ in range(3)]
        await opened.send_str('{"type":"disconnect"}')
        async for message in opened:
            application.told.append(message.data)

    application = Application([listen(), {"verb": "hangup"}], media)
    over, seen, live = await placed(application)
    metadata, *frames = application.told
    assert isinstance(metadata, str)
    assert json.loads(metadata)["callSid"] == "sid"
    assert [len(frame) for frame in frames[:3]] == [1920, 960, 960]
    assert application.upgrades[0].headers["Sec-WebSocket-Protocol"] == "audio.jambonz.org"
    ended = next(body for path, body in application.requests if path == "/ended")
    assert ended["dial_call_duration"] == 0
    names = [one.name for one in seen]
    assert names.index("agent_started_speaking") < names.index("ignored") < names.index("interrupted")
    assert "the application sent disconnect" in [one.text for one in seen]
    stream = live.media[0].stream
    assert stream is not None
    assert stream.heard.played_ms() + stream.heard.flushed_ms() == 300
    assert (over.why, over.failed) == ("hangup", False)


async def test_a_caller_speaks_presses_and_hangs_up() -> None:
    async def media(opened: web.WebSocketResponse) -> None:
        async for message in opened:
            application.told.append(message.data)

    async def during(live: LiveCall) -> None:
        live.say("too early", b"", RATE_HZ)
        await until(lambda: live.stream_open)
        live.say("hello", struct.pack("<h", 900) * 1600, 8000)
        live.press("5")
        await until(lambda: any(isinstance(one, bytes) and any(one) for one in application.told))
        assert not live.agent_speaking
        live.hang_up()

    application = Application([listen(wsAuth={"username": "u", "password": "p"})], media)
    over, seen, live = await placed(application, during)
    assert application.upgrades[0].headers["Authorization"] == encode_basic_auth("u", "p")
    assert json.dumps({"event": "dtmf", "dtmf": "5", "duration": "1600"}, separators=(",", ":")) in application.told
    assert sorted(application.kinds()[-2:]) == [("/ended", "completed"), ("/status", "completed")]
    assert (over.ended_by, over.call_status, live.over) == ("caller", "completed", over)
    assert [one.name for one in seen if one.name in {"skipped", "dtmf"}] == ["skipped", "dtmf"]


async def test_a_refused_media_socket_ends_the_listen_and_the_document_goes_on() -> None:
    application = Application([listen(), {"verb": "say", "text": "Sorry."}, {"verb": "hangup"}])
    over, seen, _ = await placed(application)
    assert [one.name for one in seen if one.name.startswith("media")] == ["media_refused"]
    ended = next(body for path, body in application.requests if path == "/ended")
    assert "dial_call_duration" not in ended
    assert over.why == "hangup"


async def test_an_application_that_closes_the_socket_ends_the_listen() -> None:
    async def media(opened: web.WebSocketResponse) -> None:
        await opened.receive()
        await opened.close(code=1011)

    over, seen, _ = await placed(Application([listen(maxLength=5), {"verb": "hangup"}], media))
    assert "the application closed the media socket with 1011" in [one.text for one in seen]
    assert over.why == "hangup"


async def test_the_platform_closes_the_socket_when_the_listen_has_lasted_long_enough() -> None:
    closed: list[int | None] = []

    async def media(opened: web.WebSocketResponse) -> None:
        async for _ in opened:
            pass
        closed.append(opened.close_code)

    over, _, _ = await placed(Application([listen(maxLength=0.1), {"verb": "hangup"}], media))
    assert (over.why, closed) == ("hangup", [1000])


async def test_a_broken_media_socket_ends_the_listen() -> None:
    async def media(opened: web.WebSocketResponse) -> None:
        async for message in opened:
            if message.type is WSMsgType.BINARY and opened._req and opened._req.transport:
                opened._req.transport.abort()

    over, seen, _ = await placed(Application([listen(), {"verb": "hangup"}], media))
    assert "media_closed" in [one.name for one in seen]
    assert over.why == "hangup"


async def test_an_application_that_fails_or_is_not_there_gets_480() -> None:
    over, _, _ = await placed(Application(None))
    assert (over.answered, over.failed) == (False, True)
    identity, seen = identify("1", "2", lambda: "sid"), list[Happening]()
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port, nobody answers on it
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/call"
        over = await LiveCall(Dial(identity, url, None, SECRET), seen.append).run()
    assert "hook_failed" in [one.name for one in seen]
    assert over.failed


async def test_an_answer_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.platform.webhooks.HOOK_TIMEOUT_S", 0.05)

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.json_response([])

    application = web.Application()
    application.router.add_post("/call", slow)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/call"
    over = await LiveCall(Dial(identify("1", "2", lambda: "sid"), url, None, SECRET), lambda _: None).run()
    await runner.cleanup()
    assert over.why == "Headers Timeout Error"


# --- sim call ---


async def called(application: Application, *arguments: str) -> tuple[int, str, str]:
    async with application.serving() as url:
        command = ("-m", "sim", "call", "+1666", "--url", url, *arguments)
        code, out, err = await finished(*command)
    return code, out, err


async def finished(*command: str) -> tuple[int, str, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_sim_call_says_its_line_and_writes_a_recording(tmp_path: Path) -> None:
    async def media(opened: web.WebSocketResponse) -> None:
        await opened.send_bytes(struct.pack("<h", 5000) * (RATE_HZ * 200 // 1000))
        loud = 0
        async for message in opened:
            was, loud = loud, loud + (isinstance(message.data, bytes) and any(message.data))
            if was == 0 and loud:
                await opened.send_bytes(struct.pack("<h", 5000) * (RATE_HZ * 1500 // 1000))

    wav = tmp_path / "call.wav"
    code, out, _ = await called(Application([listen()], media), "--say", "Hello?", "--record", str(wav))
    assert code == 0
    assert 'caller    "Hello?"' in out
    assert "answered, the caller hung up (completed, by caller)" in out
    assert "1 of the caller, 2 of the agent" in out
    assert wav.stat().st_size > RATE_HZ


async def test_sim_call_tells_a_machine_what_happened_and_fails_with_the_call() -> None:
    code, out, err = await called(Application(None), "--json")
    told = json.loads(out)
    assert (code, told["passed"], told["end"]["call_status"]) == (1, False, "failed")
    assert "480" in err


@pytest.mark.parametrize("command", ["call", "platform", "model", "scene", "demo", "run"])
def test_every_command_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m sim {command}" in capsys.readouterr().out


def test_a_sound_that_is_not_there_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "+15551230001", "--url", "http://127.0.0.1:9", "--wav", "/nowhere/line.wav"]) == 2
    assert capsys.readouterr().err == "error: [Errno 2] No such file or directory: '/nowhere/line.wav'\n"
