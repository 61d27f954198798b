"""`doctor`, against servers on loopback."""

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import encode_basic_auth, web
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket

import cli
from calls.diagnosis import Line
from config import load
from doctor import doctor_lines, examined
from tests.live.serving import KEY, LLM, JsonObject, a_config, rehearsing, serving_application, until
from tests.media.test_connecting import tls_of_a_model


def settings_at(folder: Path, config: JsonObject) -> Path:
    path = folder / "config.yaml"
    path.write_text(json.dumps({"store": "memory://", **config}), encoding="utf-8")
    return path


@pytest.mark.claim("J7")
async def test_what_can_be_reached_is_well_and_a_model_takes_the_key(tmp_path: Path) -> None:
    async with rehearsing() as model, serving_application(web.Application()) as application:
        server = {"public_url": application}
        path = settings_at(tmp_path, a_config(model, application, route={"verbs": [LLM]}, server=server))
        lines = await examined(load(path, environ={}))
    assert [line.grade for line in lines] == ["warning", "ok", "ok", "ok"]
    assert len(model.sessions) == 1
    assert model.heard == []


@pytest.mark.claim("J7")
@pytest.mark.parametrize(
    ("status", "words"), [(401, "the model answered HTTP 401; look at vendors.openai"), (404, "answered HTTP 404")]
)
async def test_a_key_that_a_model_refuses_is_a_failure(tmp_path: Path, status: int, words: str) -> None:
    async with rehearsing({"faults": {"http_status": status}}) as model:
        path = settings_at(tmp_path, a_config(model, None, route={"verbs": [LLM | {"actionHook": None}]}))
        [*_, line] = await examined(load(path, environ={}))
    assert line.grade == "failure"
    assert words in line.text
    assert KEY not in line.text


@pytest.mark.parametrize(
    ("says", "closes", "words"),
    [
        (
            '{"type":"error","error":{"code":"invalid_api_key","message":"Wrong key."}}',
            1000,
            "invalid_api_key: Wrong key.",
        ),
        (None, 3000, "closed the connection at once (3000: invalid_request_error.invalid_api_key)"),
        ("Hello?", 1000, "what the model said is not of its protocol: "),
        ('{"type":"ping"}', None, "opened no session within 0.2 s"),
        (
            '{"type":"error","error":{"code":"response_cancel_not_active","message":""}}',
            None,
            "opened no session within",
        ),
        ('{"type":"session.created","session":{}}', None, ""),
    ],
)
async def test_a_key_that_is_refused_after_the_upgrade_is_a_failure_too(
    tmp_path: Path, says: str | None, closes: int | None, words: str
) -> None:
    async def welcome(connection: ServerConnection) -> None:
        if says:
            await connection.send(says)
        if closes:
            await connection.close(closes, "invalid_request_error.invalid_api_key")
        await connection.wait_closed()

    async with serve_websocket(welcome, "127.0.0.1", 0) as server:
        [listening] = server.sockets
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}/v1/realtime"
        vendor = {"url": url, "session_timeout_s": 0.2}
        verb = LLM | {"actionHook": None}
        path = settings_at(tmp_path, a_config(None, None, route={"verbs": [verb]}, vendor=vendor))
        [*_, line] = await examined(load(path, environ={}))
    assert line.grade == ("failure" if words else "ok")
    assert words in line.text


async def answer_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def why_not(folder: Path, url: str) -> str:
    config = a_config(None, None, route={"verbs": [{"verb": "hangup"}], "status_hook": url})
    [*_, line] = await examined(load(settings_at(folder, config), environ={}))
    assert line.grade == "failure"
    return line.text


async def test_why_hooks_cannot_be_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = tls_of_a_model(trustme.CA().issue_cert("localhost"))
    async with (
        await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as plain,
        await asyncio.start_server(answer_plainly, "127.0.0.1", 0, ssl=tls) as secured,
    ):
        ports = [server.sockets[0].getsockname()[1] for server in (plain, secured)]
        assert "it does not speak TLS" in await why_not(tmp_path, f"https://localhost:{ports[0]}/x?token=t0ken")
        told = await why_not(tmp_path, f"https://localhost:{ports[1]}/x?token=t0ken")
    assert "its certificate is not trusted: " in told
    assert "t0ken" not in told
    assert "no connection (Connection refused)" in await why_not(tmp_path, f"http://localhost:{ports[0]}/x")
    assert "the name does not resolve" in await why_not(tmp_path, "http://nowhere.invalid/x")
    monkeypatch.setattr("doctor.TRY_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = await why_not(tmp_path, f"https://127.0.0.1:{silent.getsockname()[1]}/x")
    assert "no answer within 0.05 s" in told


@pytest.mark.parametrize(
    ("scheme", "grade", "words"),
    [
        ("http", "ok", "application of route 'a' at http://"),
        (
            "ws",
            "failure",
            "the application answered the upgrade with HTTP 400; start the application, or mend the `url`",
        ),
        ("https", "failure", "it does not speak TLS; start the application, or mend the `url`"),
        ("wss", "failure", "it does not speak TLS; start the application, or mend the `url`"),
    ],
)
async def test_the_application_of_a_route_is_tried(tmp_path: Path, scheme: str, grade: str, words: str) -> None:
    async with await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        route = {"name": "a", "url": f"{scheme}://user:hunter22@127.0.0.1:{port}/call"}
        [*_, line] = await examined(load(settings_at(tmp_path, {"routes": [route]}), environ={}))
    assert (line.grade, words in line.text, "hunter22" in line.text) == (grade, True, False), line.text


async def tried_by_socket(folder: Path, protocols: list[str], wrong: str = "") -> tuple[Line, list[object]]:
    """Examine a route of an application with a socket; give what is said of it, and what the application noticed."""
    noticed: list[object] = []

    async def talk(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != encode_basic_auth("user", "hunter22"):
            return web.Response(status=401)
        ws = web.WebSocketResponse(protocols=protocols)
        await ws.prepare(request)
        noticed.append(ws.ws_protocol)
        noticed.extend([message.data async for message in ws])
        noticed.append(ws.close_code)
        return ws

    application = web.Application()
    application.router.add_get("/ws", talk)
    async with serving_application(application) as url:
        whole = url.replace("http://", f"ws://user:hunter22{wrong}@")
        route = {"name": "a", "url": f"{whole}/ws?tenant=7#rc=2"}
        [*_, line] = await examined(load(settings_at(folder, {"routes": [route]}), environ={}))
        await until(lambda: len(noticed) != 1)
    return line, noticed


async def test_an_application_with_a_socket_is_greeted_with_its_password_and_left_without_a_call(
    tmp_path: Path,
) -> None:
    line, noticed = await tried_by_socket(tmp_path, ["ws.jambonz.org"])
    assert line.grade == "ok"
    assert noticed == ["ws.jambonz.org", 1000]


async def test_one_that_does_not_take_us_or_speaks_something_else_is_a_failure(tmp_path: Path) -> None:
    line, noticed = await tried_by_socket(tmp_path, ["other"])
    assert "does not speak the subprotocol ws.jambonz.org; start the application, or mend the `url`" in line.text
    line, noticed = await tried_by_socket(tmp_path, ["ws.jambonz.org"], wrong="!")
    assert "the application answered the upgrade with HTTP 401" in line.text
    assert (line.grade, noticed) == ("failure", [])


async def test_one_that_does_not_answer_the_upgrade_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doctor.TRY_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        route = {"name": "a", "url": f"ws://127.0.0.1:{silent.getsockname()[1]}/ws"}
        [*_, line] = await examined(load(settings_at(tmp_path, {"routes": [route]}), environ={}))
    assert line.grade == "failure"
    assert "no answer within 0.05 s" in line.text


def test_a_failure_is_exit_code_1_a_complaint_2_and_no_secret_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], serve: Callable[..., int]
) -> None:
    config = a_config(None, None, route={"verbs": [LLM]})
    path = settings_at(tmp_path, config)
    assert cli.main(["doctor", "--config", str(path)], serve=serve) == 1
    told = capsys.readouterr().out
    assert f"{path}: 2 failures" in told
    assert KEY not in told
    assert cli.main(["doctor", "--config", str(tmp_path / "none.yaml")], serve=serve) == 2
    well = settings_at(tmp_path, {"routes": [{"name": "a", "verbs": [{"verb": "hangup"}]}]})
    assert doctor_lines(well, load(well, environ={}))[0] == 0


@pytest.fixture
def serve() -> Callable[..., int]:
    def never(config: Path, *, host: str | None, port: int | None) -> int:
        raise AssertionError("nothing is to be served")

    return never
