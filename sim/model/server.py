"""The door of the rehearsal model: websockets in, one RehearsalSession each."""

import asyncio
import http
import json
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from sim.model.agenda import Close
from sim.model.beta import BetaSession
from sim.model.checks import JsonObject
from sim.model.script import Script, load
from sim.model.session import RehearsalSession
from sim.model.sittings import Sitting, Sittings

PATH = "/v1/realtime"
REFUSED_CODE = 4000  # what OpenAI closes with after invalid_request_error.* at the start
BETA_MESSAGE = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."


class Session(Protocol):
    """What a connection talks to: a RehearsalSession, or something around one."""

    @property
    def closing(self) -> Close | None: ...
    @property
    def lost_line(self) -> str | None: ...
    def next_due(self) -> float | None: ...
    def receive(self, message: str | bytes, now: float) -> list[JsonObject]: ...
    def tick(self, now: float) -> list[JsonObject]: ...


Begun = WeakKeyDictionary[ServerConnection, Sitting]
"What each connection that was let in goes by."
Opens = Callable[..., Session]
"Makes a session; called as RehearsalSession is."


@asynccontextmanager
async def serve(
    script: Script, host: str = "127.0.0.1", port: int = 0, *, opens: Opens | None = None, beta: bool = False
) -> AsyncIterator[str]:
    """Serve until the block ends; yields the URL, ws://host:port/v1/realtime. Port 0: a free one. `beta`: its wire."""
    sittings = Sittings(script)
    begun: Begun = WeakKeyDictionary()
    admit = partial(_admit, sittings, begun)
    # OpenAI's own client asks for no compression and no limit of size; audio gains nothing by deflate.
    options = {"process_request": admit, "compression": None, "max_size": None}
    session: Opens = opens or RehearsalSession
    holds = partial(_converse, begun, partial(BetaSession, session) if beta else session, beta)
    async with serve_websockets(holds, host, port, **options) as server:  # type: ignore[arg-type]  # a dict of options
        yield f"ws://{host}:{_port(server)}{PATH}"


def run_model(
    port: int = 0, scene: Path | None = None, host: str = "127.0.0.1", *, opens: Opens | None = None, beta: bool = False
) -> int:
    """Serve until SIGINT or SIGTERM, and say where on stdout; return the exit status. ScriptError for a bad scene."""
    script = load(scene) if scene else Script()
    asyncio.run(_until_signalled(script, host, port, opens, beta=beta))
    return 0


async def _until_signalled(script: Script, host: str, port: int, opens: Opens | None, *, beta: bool) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with serve(script, host, port, opens=opens, beta=beta) as url:
        print(f"listening on {url}", flush=True)
        await over.wait()


def _port(server: Server) -> int:
    return int(next(iter(server.sockets)).getsockname()[1])


def _admit(sittings: Sittings, begun: Begun, connection: ServerConnection, request: Request) -> Response | None:
    """Refuse an upgrade as OpenAI does: by HTTP status, with an error object as the body."""
    path = urlsplit(request.path).path
    if path != PATH:
        return _refusal(connection, 404, "not_found", f"Invalid URL ({path}); the rehearsal model is at {PATH}.")
    sitting = begun[connection] = sittings.next(_model(request))
    if (status := sitting.script.faults.http_status) is not None:
        return _refusal(connection, status, None, "The rehearsal script refuses this.")
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        message = "You didn't provide an API key. Any non-empty 'Authorization: Bearer …' header will do here."
        return _refusal(connection, 401, "invalid_api_key", message)
    return None


def _refusal(connection: ServerConnection, status: int, code: str | None, message: str) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    response = connection.respond(http.HTTPStatus(status), json.dumps({"error": error}))
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response


async def _converse(begun: Begun, opens: Opens, beta: bool, connection: ServerConnection) -> None:  # noqa: FBT001  # bound above
    request = connection.request
    assert request is not None  # noqa: S101  # set once the handshake is over
    if "OpenAI-Beta" in request.headers and not beta:
        await _refuse(connection, "beta_api_shape_disabled", BETA_MESSAGE)
    elif not (model := _model(request)):
        await _refuse(connection, "missing_model", "You must provide a model parameter.")
    else:
        await _hold(opens, begun[connection], connection, model)


def _model(request: Request) -> str:
    return parse_qs(urlsplit(request.path).query).get("model", [""])[0]


async def _refuse(connection: ServerConnection, code: str, message: str) -> None:
    error = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": None}
    event = {"type": "error", "event_id": f"event_{secrets.token_hex(10)}", "error": error}
    await connection.send(json.dumps(event))
    await connection.close(REFUSED_CODE, f"invalid_request_error.{code}")


async def _hold(opens: Opens, sitting: Sitting, connection: ServerConnection, model: str) -> None:
    """One reader, which wakes for whatever is due; a client that leaves ends it."""
    clock = asyncio.get_running_loop().time
    about = {"model": model, "nonce": secrets.token_hex(8), "unix_s": time.time()}
    session = opens(sitting.script, clock(), **about, caller=sitting.caller)
    try:
        await _send(connection, session.tick(clock()))
        while session.closing is None:
            message = await _received(connection, session.next_due())
            now = clock()
            await _send(connection, session.tick(now) if message is None else session.receive(message, now))
        sitting.take_back(session.lost_line)  # before the client can know: it may come back at once
        await _close(connection, session.closing)
    except ConnectionClosed:
        if session.closing is None:
            sitting.take_back(session.lost_line)


async def _received(connection: ServerConnection, due_s: float | None) -> str | bytes | None:
    """Return the next message, or None at the time given (of the loop's clock)."""
    try:
        async with asyncio.timeout_at(due_s):
            return await connection.recv()
    except TimeoutError:
        return None


async def _send(connection: ServerConnection, events: list[JsonObject]) -> None:
    for event in events:
        await connection.send(json.dumps(event))


async def _close(connection: ServerConnection, closing: Close) -> None:
    if closing.code is None:
        connection.transport.abort()
    else:
        await connection.close(closing.code, closing.reason)
