"""The whole server in this process, on loopback: the real app, the rehearsal model, an application, a platform."""

import asyncio
import hmac
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

import logs
from app import Server, prepare_for
from calls.readers import READERS
from config import load
from sim.model import RehearsalSession, Script, serve

JsonObject = dict[str, Any]
PATIENCE_S = 10.0
"Far more than anything here takes."
QUICK = {"thinking_s": 0, "delta_rate": 20, "transcription_s": 0}
FRAME = bytes(960)
"20 ms of silence at 24 kHz."
KEY = "sk-key-of-the-model-0001"
WEBHOOK_SECRET = "secret of the webhooks"
SORRY = ["say", "hangup"]
LLM: JsonObject = {
    "verb": "llm",
    "vendor": "openai",
    "model": "gpt-realtime-2.1",
    "actionHook": "/final",
    "llmOptions": {"response_create": {"instructions": "Help."}},
}


class Journal(io.StringIO):
    """What the server logs."""

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.getvalue().splitlines()]


@contextmanager
def logged() -> Iterator[Journal]:
    """Set the log up as `serve` does, and leave nothing set up."""
    root, journal = logging.getLogger(), Journal()
    handlers, level = root.handlers[:], root.level
    logs.set_up({}, journal)
    try:
        yield journal
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name in logs.FLOORS:
            logging.getLogger(name).setLevel(logging.NOTSET)
        structlog.reset_defaults()
        logs._secrets.clear()


@dataclass
class Running:
    """A server that serves; `run` is its only task but for the calls'."""

    url: str
    server: Server
    config: Path
    journal: Journal
    run: asyncio.Task[None]


@asynccontextmanager
async def serving(folder: Path, config: JsonObject) -> AsyncIterator[Running]:
    """Serve until the block ends, and then as long as `drain_s` (default here: at once) says."""
    path = folder / "config.yaml"
    server_section = {"drain_s": 0, **config.pop("server", {})}
    path.write_text(json.dumps({"store": "memory://", "server": server_section, **config}), encoding="utf-8")
    async with serving_file(path, {}) as running:
        yield running


@asynccontextmanager
async def serving_file(path: Path, environ: Mapping[str, str]) -> AsyncIterator[Running]:
    """Serve a configuration as it stands."""
    with logged() as journal:
        settings = load(path, environ=environ, read=READERS)
        prepare_for(settings)
        announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        started: set[asyncio.Future[Any]] = {announced}
        server = Server(path, settings, announced.set_result)
        run = asyncio.create_task(server.run(host="127.0.0.1", port=0))
        try:
            await asyncio.wait({*started, run}, return_when=asyncio.FIRST_COMPLETED)
            yield Running(announced.result(), server, path, journal, run)
        finally:
            server.stop()
            async with asyncio.timeout(PATIENCE_S):
                await run


@asynccontextmanager
async def serving_application(application: web.Application) -> AsyncIterator[str]:
    """Serve somebody else's application on a free port; give its URL."""
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Application:
    """What is behind the hooks: every request that came, and for some paths what is answered."""

    def __init__(self) -> None:
        self.received: list[tuple[str, JsonObject, dict[str, str]]] = []
        self.answers: dict[str, Callable[[], web.Response]] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._answer)
        async with serving_application(application) as url:
            yield url

    def bodies(self, path: str) -> list[JsonObject]:
        return [body for asked, body, _ in self.received if asked == path]

    async def _answer(self, request: web.Request) -> web.Response:
        self.received.append((request.path, await request.json(), dict(request.headers)))
        answer = self.answers.get(request.path)
        return answer() if answer else web.Response(status=204)


class Listening(RehearsalSession):
    """A rehearsal session that keeps what it was told."""

    heard: list[JsonObject]

    def receive(self, message: str | bytes, now: float) -> list[JsonObject]:
        self.heard.append(json.loads(message))
        return super().receive(message, now)


@dataclass
class Model:
    url: str
    heard: list[JsonObject]
    sessions: list[Listening]

    def told(self) -> list[str]:
        """The types of what it was told, but for audio."""
        return [event["type"] for event in self.heard if event["type"] != "input_audio_buffer.append"]


@asynccontextmanager
async def rehearsing(script: JsonObject | None = None, *later: JsonObject, beta: bool = False) -> AsyncIterator[Model]:
    """Let the model answer by a script; the second session by the first of `later`, and so on.

    `beta`: it speaks the wire that a platform speaks to it.
    """
    model = Model("", [], [])
    scripts = [Script.of({**QUICK, **(told or {})}) for told in (script, *later)]

    def opens(_: Script, *args: Any, **options: Any) -> Listening:
        session = Listening(scripts[min(len(model.sessions), len(later))], *args, **options)
        session.heard = model.heard
        model.sessions.append(session)
        return session

    async with serve(scripts[0], opens=opens, beta=beta) as url:
        model.url = url
        yield model


def a_config(model: Model | None, application: str | None, *, route: JsonObject, **sections: Any) -> JsonObject:
    """Give a configuration with one route for all numbers."""
    vendor = {"api_key": KEY, "url": model.url if model else "ws://127.0.0.1:9/v1/realtime"}
    vendor |= sections.pop("vendor", {})
    hooks = {"base_url": application or "http://127.0.0.1:9", **sections.pop("hooks", {})}
    return {
        "vendors": {"openai": vendor},
        "hooks": hooks,
        "routes": [{"name": "r", "numbers": ["*"], **route}],
        **sections,
    }


class Platform:
    """The platform's side of calls: signed webhooks, and media sockets spoken by hand."""

    def __init__(self, client: ClientSession, url: str, secret: str = WEBHOOK_SECRET) -> None:
        self.client = client
        self.url = url
        self._secret = secret

    async def post(self, path: str, body: JsonObject | bytes, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Post a webhook; a path may be a whole URL. Gives status, JSON (or text), headers."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith("http") else self.url + path
        signed = {"Content-Type": "application/json", "Jambonz-Signature": sign(raw, self._secret), **headers}
        signed = {name: value for name, value in signed.items() if value}
        async with self.client.post(url, data=raw, headers=signed) as answer:
            text = await answer.text()
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
            return answer.status, json.loads(text) if is_json else text, dict(answer.headers)

    async def ring(self, call_sid: str = "c-1", **attributes: Any) -> list[JsonObject]:
        status, document, headers = await self.post("/call", a_body(call_sid, **attributes))
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert isinstance(document, list)
        return document

    async def open(self, document: list[JsonObject], call_sid: str = "c-1") -> ClientWebSocketResponse:
        """Open the media socket of the document's listen, and name the call."""
        socket = await self.client.ws_connect(listen_in(document)["url"], protocols=["audio.jambonz.org"])
        try:
            await socket.send_json({"callSid": call_sid, "sampleRate": 24000, "mixType": "mono"})
        except ConnectionError:
            await socket.close()  # one that is only dropped warns, in whichever test it is collected
            raise
        return socket

    async def ended(self, document: list[JsonObject], **attributes: Any) -> list[JsonObject]:
        body = {"call_sid": "c-1", "call_status": "in-progress", **attributes}
        status, verbs, headers = await self.post(listen_in(document)["actionHook"], body)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert isinstance(verbs, list)
        return verbs


def sign(raw: bytes, secret: str, at_s: float | None = None) -> str:
    moment = str(int(time.time() if at_s is None else at_s))
    return f"t={moment},v1={hmac.new(secret.encode(), moment.encode() + b'.' + raw, 'sha256').hexdigest()}"


def a_body(call_sid: str = "c-1", **attributes: Any) -> JsonObject:
    return {"call_sid": call_sid, "from": "+15557654321", "to": "+15551230001", "direction": "inbound", **attributes}


def listen_in(document: list[JsonObject]) -> JsonObject:
    [listen] = [verb for verb in document if verb["verb"] == "listen"]
    return listen


def names(document: list[JsonObject]) -> list[str]:
    return [verb["verb"] for verb in document]


async def until_audio(socket: ClientWebSocketResponse) -> bytes:
    """Wait for the agent's voice."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await socket.receive()
            assert message.type in {WSMsgType.BINARY, WSMsgType.TEXT}, message
            if message.type is WSMsgType.BINARY and any(message.data):
                return bytes(message.data)


async def until_closed(socket: ClientWebSocketResponse) -> int | None:
    """Wait for the other side to close; give its code."""
    async with asyncio.timeout(PATIENCE_S):
        async for _ in socket:
            pass
    return socket.close_code


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # what is waited for is not always ours to announce
            await asyncio.sleep(0.005)


async def a_good_call(platform: Platform, call_sid: str = "good") -> None:
    """Hold a short call from its webhook to its end."""
    document = await platform.ring(call_sid)
    socket = await platform.open(document, call_sid)
    await socket.send_bytes(FRAME * 2)
    await until_audio(socket)
    await socket.close()
    assert await platform.ended(document, call_status="completed") == []
    assert (await platform.post("/call/status", {"call_sid": call_sid, "call_status": "completed"}))[0] == 204
