"""The fake REST API: what it refuses, and calls that it places to a small application on loopback."""

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.call import Call
from sim.platform.client import Answering
from sim.platform.manner import Manner
from sim.platform.rest import Account, Behaviour, RestPlatform
from sim.platform.rest_checks import BadRequestError, address, check_create, check_update
from sim.portal import portal
from tests.sim.test_platform_client import until

KEY = "k-secret"
TO = {"type": "phone", "number": "+1777"}
SPEECH = {
    "speech_synthesis_vendor": "google",
    "speech_synthesis_language": "en-US",
    "speech_synthesis_voice": "x",
    "speech_recognizer_vendor": "google",
    "speech_recognizer_language": "en-US",
}
PAUSE = {"verb": "pause", "length": 9}


# --- what is refused ---


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "missing from parameter"),
        ({"from": "1"}, "missing or invalid to property: null"),
        ({"from": "1", "to": "+1777"}, 'missing or invalid to property: "+1777"'),
        ({"from": "1", "to": {"type": "sip", "number": "1"}}, 'invalid to property: {"type":"sip","number":"1"}'),
        ({"from": "1", "to": TO, "application_sid": "other"}, "application_sid not found other"),
        ({"from": "1", "to": TO}, "either application_sid or set of speech_synthesis_vendor"),
        ({"from": "1", "to": TO, **SPEECH}, "either call_hook or application_sid required"),
        ({"from": "1", "to": TO, **SPEECH, "call_hook": {"method": "POST"}}, "call_hook must be string or an object"),
        ({"from": "1", "to": TO, **SPEECH, "call_hook": "/call"}, "call_hook url be an absolute url"),
        (
            {"from": "1", "to": TO, **SPEECH, "call_hook": "http://x", "call_status_hook": "x"},
            "call_status_hook url be an absolute url",
        ),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_in_the_apis_words(body: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        check_create(body, "app")
    assert why in str(refused.value)


def test_a_call_may_name_the_application_or_bring_its_hooks() -> None:
    check_create({"from": "1", "to": TO, "application_sid": "app"}, "app")
    check_create({"from": "1", "to": {"type": "user", "name": "joe"}, **SPEECH, "call_hook": "wss://x/call"}, "app")
    assert address({"type": "sip", "sipUri": "sip:x@y"}) == "sip:x@y"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "no valid options supplied to updateCall"),
        ({"llm_update": {"type": "session.update"}}, "no valid options supplied to updateCall"),
        ({"call_hook": "/x", "tag": {}, "mute_status": "mute"}, "multiple options are not allowed in updateCall"),
        ({"call_status": "busy"}, "invalid call_status"),
        ({"listen_status": "stop"}, "invalid listen_status"),
        ({"mute_status": "yes"}, "invalid mute_status"),
        ({"sip_request": {"method": "INFO"}}, "sip_request requires method, content_type and content properties"),
        ({"record": {"siprecServerURL": "x"}}, "record requires action property"),
        ({"record": {"action": "startCallRecording"}}, "record requires siprecServerURL property"),
        ({"dtmf": {"duration": 1}}, "invalid dtmf"),
        ({"tag": ["x"]}, "invalid tag data"),
        ({"call_status_hook": "/x", "mute_status": "mute"}, "call_status_hook can be updated only when call_hook"),
    ],
)
def test_an_update_that_cannot_be_made_is_refused_in_the_apis_words(body: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        check_update(body)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        {"whisper": {"verb": "say", "text": "x"}},
        {"mute_status": "mute", "whisper": []},
        {"call_hook": "/x", "child_call_hook": "/y"},
        {"tag": {"a": 1}},
        {"dtmf": {"digit": "1"}},
        {"sip_request": {"method": "INFO", "content_type": "text/plain", "content": "x"}},
        {"record": {"action": "startCallRecording", "type": "cloud"}},
    ],
)
def test_one_thing_at_a_time_is_taken(body: dict[str, Any]) -> None:
    check_update(body)


# --- an outbound call, without a socket ---


def outbound(**manner: Any) -> Call:
    identity = identify("+1555", "+1777", lambda: "id", direction="outbound", customer_data={"orderId": 7})
    return Call(identity, "http://app.example/call", None, Manner(**manner))


@pytest.mark.parametrize(
    ("found", "types"),
    [
        ("human", ["amd_human_detected"]),
        ("machine", ["amd_machine_detected", "amd_machine_stopped_speaking"]),
        (None, []),
    ],
)
def test_what_answered_is_told_to_the_detections_hook(found: Any, types: list[str]) -> None:
    call = outbound(found=found)
    call.ring(0.0)
    call.callee_answered(1.0, "/amd")
    told = []
    while (due := call.next_due()) is not None:
        told += [effect for effect in call.advance(due) if type(effect).__name__ == "Post"]
    assert [post.body["type"] for post in told] == types  # type: ignore[union-attr]
    assert all(post.body["customerData"] == {"orderId": 7} for post in told)  # type: ignore[union-attr]


def test_a_config_verb_asks_for_detection_too_and_its_answer_takes_the_call_over() -> None:
    from sim.platform.replies import HttpReply

    call = outbound(found="machine")
    call.ring(0.0)
    call.callee_answered(0.0)
    config = {"verb": "config", "amd": {"actionHook": "/amd"}}
    call.replied(HttpReply(200, "application/json", json.dumps([config, PAUSE]).encode()), 0.0)
    call.advance(1.0)
    call.replied(HttpReply(200, "application/json", json.dumps([{"verb": "hangup"}]).encode()), 1.1, "amd")
    assert call.over is not None
    assert call.over.why == "hangup"


def test_an_outbound_call_without_a_document_is_hung_up_on_or_left_in_silence() -> None:
    from sim.platform.replies import HttpReply

    for body, why in ((b"[]", "no verbs left"), (b"[{}]", "no verbs left"), (b"{}", None)):
        call = outbound()
        call.ring(0.0)
        call.callee_answered(0.0)
        call.replied(HttpReply(200, "application/json", body), 0.0)
        assert (call.over.why if call.over else None) == why


def test_giving_up_before_an_answer_cancels_it() -> None:
    call = outbound()
    call.ring(0.0)
    call.update({"call_status": "no-answer"}, 1.0)
    assert call.over is not None
    assert (call.over.call_status, call.progress.sip_status) == ("no-answer", 487)
    assert call.callee_answered(2.0) == []


# --- over HTTP ---


class Application:
    def __init__(self, *verbs: dict[str, Any]) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self._verbs = list(verbs)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._hook)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        self.told.append((request.path, await request.json()))
        match request.path:
            case "/call":
                return web.json_response(self._verbs)
            case "/other":
                return web.json_response([{"verb": "hangup"}])
            case _:
                return web.Response(status=204)

    def statuses(self) -> list[str]:
        return [body["call_status"] for path, body in self.told if path == "/call/status"]

    def first(self) -> dict[str, Any]:
        return next(body for path, body in self.told if path == "/call")


class Api:
    """A client of the API that knows its account."""

    def __init__(self, platform: RestPlatform, url: str, session: aiohttp.ClientSession) -> None:
        self.platform, self._session = platform, session
        self._base = f"{url}/Accounts/{platform.account.account_sid}"

    async def ask(self, method: str, path: str, body: Any = None, key: str = KEY) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {key}"}
        async with self._session.request(method, self._base + path, json=body, headers=headers) as response:
            return response.status, await response.text()

    async def make(self, **more: Any) -> str:
        sid = self.platform.account.application_sid
        status, text = await self.ask("POST", "/Calls", {"from": "+1555", "to": TO, "application_sid": sid, **more})
        assert status == 201
        made = json.loads(text)
        assert made.keys() == {"sid", "callId"}
        return str(made["sid"])


@asynccontextmanager
async def api(application: Application, behaviour: Behaviour | None = None) -> AsyncIterator[Api]:
    seen: list[Happening] = []
    async with application.serving() as app_url, aiohttp.ClientSession() as session:
        account = Account(portal(app_url, "webhook", "s").dial(identify("", "", lambda: "")), KEY)
        platform = RestPlatform(account, seen.append, behaviour)
        async with platform.serving() as url:
            yield Api(platform, url, session)


def over(client: Api, sid: str) -> Callable[[], object]:
    return lambda: client.platform.calls[sid].over


async def test_a_call_is_made_and_the_application_asked_when_it_is_answered() -> None:
    application = Application({"verb": "say", "text": "Hi"}, {"verb": "hangup"})
    async with api(application, Behaviour(Answering(0.05))) as client:
        sid = await client.make(tag={"orderId": 7})
        await until(over(client, sid))
        await until(lambda: "completed" in application.statuses())
    first = application.first()
    assert (first["call_sid"], first["direction"], first["customerData"]) == (sid, "outbound", {"orderId": 7})
    assert (first["from"], first["to"], first["call_status"]) == ("+1555", "+1777", "in-progress")
    assert "sip" not in first
    assert application.statuses() == ["trying", "ringing", "in-progress", "completed"]
    assert [path for path, _ in application.told].index("/call") >= 2


async def test_a_callee_who_is_busy_is_a_status_and_nothing_else() -> None:
    application = Application()
    async with api(application, Behaviour(Answering(0.01, 486, "Busy Here"))) as client:
        sid = await client.make()
        await until(over(client, sid))
        await until(lambda: "busy" in application.statuses())
    assert [path for path, _ in application.told if path == "/call"] == []


async def test_a_call_that_rings_cannot_be_hung_up() -> None:
    async with api(Application(PAUSE), Behaviour(Answering(60))) as client:
        sid = await client.make()
        assert (await client.ask("PUT", f"/Calls/{sid}", {"call_status": "completed"}))[0] == 422


async def test_a_running_call_is_redirected_tagged_and_hung_up() -> None:
    application = Application(PAUSE)
    async with api(application, Behaviour(Answering(0.01))) as client:
        sid = await client.make()
        path = f"/Calls/{sid}"
        await until(lambda: client.platform.calls[sid].answered)
        for body in (
            {"tag": {"a": 1}},
            {"mute_status": "mute"},
            {"listen_status": "pause"},
            {"dtmf": {"digit": "1"}},
            {"whisper": {"verb": "say", "text": "x"}},
        ):
            assert await client.ask("POST", path, body) == (202, "Accepted")
        sip = {"method": "INFO", "content_type": "text/plain", "content": "x"}
        assert await client.ask("PUT", path, {"sip_request": sip}) == (200, '{"status": 200, "reason": "OK"}')
        assert json.loads((await client.ask("GET", path))[1])["customerData"] == {"a": 1}
        assert await client.ask("PUT", path, {"call_hook": "/other"}) == (202, "Accepted")
        await until(over(client, sid))
        assert next(body for path, body in application.told if path == "/other")["call_status"] == "in-progress"
        gone = await client.ask("PUT", path, {"tag": {"a": 1}})
        assert gone == (422, f"call session is gone for call_sid {sid}")
        other = await client.make()
        await until(lambda: client.platform.calls[other].answered)
        assert (await client.ask("PUT", f"/Calls/{other}", {"call_status": "completed"}))[0] == 202
        await until(over(client, other))


async def test_calls_are_listed_counted_and_forgotten() -> None:
    async with api(Application(PAUSE), Behaviour(Answering(0.01))) as client:
        sid = await client.make()
        listed = json.loads((await client.ask("GET", "/Calls"))[1])
        assert [one["call_sid"] for one in listed] == [sid]
        assert json.loads((await client.ask("GET", "/Calls?direction=inbound"))[1]) == []
        assert json.loads((await client.ask("GET", "/CallCount"))[1]) == {"outbound": 1, "inbound": 0}
        assert (await client.ask("DELETE", f"/Calls/{sid}"))[0] == 204
        assert await client.ask("GET", f"/Calls/{sid}") == (404, "Not Found")


async def test_a_bad_request_is_told_as_the_api_tells_it() -> None:
    async with api(Application()) as client:
        assert await client.ask("GET", "/Calls", key="wrong") == (401, "Unauthorized")
        assert await client.ask("POST", "/Calls", {}) == (400, '{"msg": "missing from parameter"}')
        assert await client.ask("GET", "/Calls/no-uuid") == (400, '{"msg": "Bad request"}')
        assert (await client.ask("PUT", f"/Calls/{uuid.uuid4()}", {"tag": {"a": 1}}))[0] == 404
        client._base = client._base.rpartition("/")[0] + f"/{uuid.uuid4()}"
        assert await client.ask("GET", "/Calls") == (403, '{"msg": "insufficient permissions"}')


async def test_a_call_may_go_to_another_application_than_the_accounts_own() -> None:
    application, other = Application(), Application({"verb": "hangup"})
    async with other.serving() as url, api(application, Behaviour(Answering(0.01))) as client:
        hook = {"url": f"{url}/call", "username": "u", "password": "p"}
        sid = await client.make(application_sid=None, call_hook=hook, call_status_hook=f"{url}/call/status", **SPEECH)
        await until(over(client, sid))
    assert other.first()["call_sid"] == sid
    assert application.told == []


async def test_the_command_serves_until_it_is_told_to_end() -> None:
    application = Application({"verb": "hangup"})
    async with application.serving() as app_url, aiohttp.ClientSession() as session:
        command = ("-m", "sim", "platform", "--url", app_url, "--answers-after", "0.01", "--api-key", KEY)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=pipe, stderr=pipe)
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode().split() for _ in range(3)]
        url, account, app = lines[0][2], lines[1][1], lines[2][1]
        body = {"from": "+1555", "to": TO, "application_sid": app}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with session.post(f"{url}/Accounts/{account}/Calls", json=body, headers=headers) as response:
            assert response.status == 201
        await until(lambda: "completed" in application.statuses())
        process.terminate()
        _, err = await process.communicate()
    assert process.returncode == 0
    assert "+1555 is connected to +1777" in err.decode()
    assert KEY not in err.decode()
