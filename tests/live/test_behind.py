"""Applications written for a jambonz platform run behind us as they are."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, encode_basic_auth, web
from jambonz_sdk.websocket import Session

from tests.live.calling import Call
from tests.live.sdk_applications import (
    SCRIPT,
    Heard,
    JsonObject,
    complaints,
    webhook_application,
    websocket_application,
)
from tests.live.serving import (
    PATIENCE_S,
    Platform,
    Running,
    a_body,
    a_config,
    rehearsing,
    serving,
    serving_application,
    until,
)
from tests.live.test_control import ask, control_socket, talk

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


async def a_call(running: Running) -> Call:
    """Place a call and let it come to its end; nothing of it is left behind."""
    before = asyncio.all_tasks()
    call = Call(running.url)
    over = await call.live.run()
    await until(lambda: asyncio.all_tasks() == before)
    assert (over.call_status, over.ended_by, over.failed) == ("completed", "jambonz", False)
    return call


def as_the_platform_tells(heard: Heard, first: str, tool: str, event: str, status: str) -> None:
    """What the application was told is what jambonz' own schemas describe."""
    [new], [asked], [end] = heard.bodies(first), heard.bodies(tool), heard.bodies("/final")
    assert complaints("session-new", new) == []
    assert new["sip"]["raw"]
    assert (asked["name"], asked["args"]) == ("get_weather", {"location": "Boston"})
    assert complaints("llm", end) == []
    assert end["completion_reason"] == "normal conversation end"
    events = [body["type"] for body in heard.bodies(event)]
    assert {"conversation.item.created", "response.audio_transcript.done"} <= {*events}
    statuses = heard.bodies(status)
    assert [fault for body in statuses for fault in complaints("call-status", body)] == []
    assert statuses[-1]["call_status"] == "completed"


def what_the_tool_said(heard: list[JsonObject]) -> list[str]:
    items = [event["item"] for event in heard if event["type"] == "conversation.item.create"]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


async def test_one_that_is_asked_by_webhook(tmp_path: Path) -> None:
    heard = Heard()
    async with rehearsing(SCRIPT) as model, webhook_application(heard, SECRET) as url:
        whole = url.replace("http://", "http://jambonz:pass%20word@")
        route = {"url": f"{whole}/call#rc=2", "status_hook": "/status"}
        config = a_config(model, None, route=route, hooks={"secrets": [SECRET]}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running:
            call = await a_call(running)
    assert heard.callers == {encode_basic_auth("jambonz", "pass word")}
    assert [secret for secret in ("pass%20word", "pass word") if secret in running.journal.getvalue()] == []
    assert call.verbs() == ["answer", "listen", "pause", "hangup"]
    as_the_platform_tells(heard, "/call", "/tool", "/event", "/status")
    assert what_the_tool_said(model.heard) == ['{"location":"Boston","temperature":21}']


async def test_one_that_is_asked_by_websocket(tmp_path: Path) -> None:
    heard = Heard()
    async with rehearsing(SCRIPT) as model, websocket_application(heard) as url:
        config = a_config(model, None, route={"url": f"{url}/ws"}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running:
            call = await a_call(running)
    assert call.verbs() == ["answer", "listen", "pause", "hangup"]
    as_the_platform_tells(heard, "session:new", "llm:tool-call", "llm:event", "call:status")
    assert what_the_tool_said(model.heard) == ['{"temperature":21}']


async def test_one_that_changes_its_mind_while_the_agent_talks(tmp_path: Path) -> None:
    heard = Heard()

    def also(session: Session) -> None:
        async def told(data: JsonObject) -> None:
            if data["type"] == "response.audio_transcript.done" and not heard.bodies("redirecting"):
                heard.told.append(("redirecting", data))
                await session.inject_redirect("/other")

        session.on("llm:event", told)

    async def redirected(session: Session) -> None:
        heard.told.append(("session:redirect", session.data))
        await session.pause(length=0.1).hangup().reply()

    async with rehearsing({"greeting": "Hello."}) as model, websocket_application(heard, also, redirected) as url:
        config = a_config(model, None, route={"url": f"{url}/ws"}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running:
            call = await a_call(running)
    assert call.verbs() == ["answer", "listen", "pause", "hangup"]
    [asked], [end] = heard.bodies("session:redirect"), heard.bodies("/final")
    assert complaints("session-redirect", asked) == []
    assert end["reason_code"] == "redirected"


async def test_one_whose_socket_breaks_in_mid_call_goes_on(tmp_path: Path) -> None:
    heard = Heard()
    asks = {"when": {"turn": 1}, **SCRIPT["greeting"]}
    script = {"greeting": "Hello.", "caller": ["Hello?"], "turns": [asks, *SCRIPT["turns"]]}

    def also(session: Session) -> None:
        async def told(data: JsonObject) -> None:
            if data["type"] == "conversation.item.created" and not heard.bodies("breaking"):
                heard.told.append(("breaking", data))
                await session._ws.close(1011)

        session.on("llm:event", told)

    async with rehearsing(script) as model, websocket_application(heard, also) as url:
        config = a_config(model, None, route={"url": f"{url}/ws"}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running:
            call = Call(running.url)
            placed = asyncio.create_task(call.live.run())
            await until(lambda: len(heard.bodies("session:new")) == 2)  # what it is asked in between would be lost
            call.say("Hello?")
            over = await placed
            events = running.journal.events()
    assert (over.call_status, over.ended_by, over.failed) == ("completed", "jambonz", False)
    assert call.verbs() == ["answer", "listen", "pause", "hangup"]
    first, again = heard.bodies("session:new")
    assert first == again
    assert complaints("session-reconnect", again) == []
    assert "application.dropped" in events
    assert what_the_tool_said(model.heard) == ['{"temperature":21}']
    assert len(heard.bodies("/final")) == 1


async def test_one_whose_platform_has_a_control_socket_reaches_the_platform(tmp_path: Path) -> None:
    heard = Heard()

    def also(session: Session) -> None:
        async def told(data: JsonObject) -> None:
            heard.told.append(("verb:status", data))
            await session.inject_listen_status("pause")
            await session.inject_command("call:status", {"call_status": "completed"})

        session.on("verb:status", told)

    async with rehearsing({"greeting": "Hello."}) as model, websocket_application(heard, also) as url:
        config = a_config(model, None, route={"url": f"{url}/ws"}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running, ClientSession() as client:
            control = await control_socket(client, running.url)
            document = await ask(control, "session:new")
            media = await talk(Platform(client, running.url), document)
            status = {"event": "starting", "id": "v1", "name": "TaskListen"}
            await control.send_json({"type": "verb:status", "msgid": "s", "call_sid": "c-1", "data": status})
            commands = [await control.receive_json(timeout=PATIENCE_S) for _ in range(2)]
            await media.close()
            assert await Platform(client, running.url).ended(document, call_status="completed") == []
            await control.close()
            await until(lambda: heard.bodies("/final"))
    assert heard.bodies("verb:status") == [status]
    assert [(told["command"], told["data"]) for told in commands] == [
        ("listen:status", {"listen_status": "pause"}),
        ("call:status", {"call_status": "completed"}),
    ]


async def test_one_that_is_asked_for_a_confirmation_and_for_a_redirected_call(tmp_path: Path) -> None:
    asked: list[JsonObject] = []

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["ws.jambonz.org"])
        await socket.prepare(request)
        async for message in socket:
            told = json.loads(message.data)
            asked.append(told)
            target = {"type": "phone", "number": "+15085551212", "confirmHook": "/confirm"}
            first = [{"verb": "dial", "target": [target]}, {"verb": "redirect", "actionHook": "/elsewhere"}]
            verbs = {"session:new": first, "session:redirect": [{"verb": "hangup"}]}
            await socket.send_json({"type": "ack", "msgid": told["msgid"], "data": verbs.get(told["type"])})
        return socket

    application = web.Application()
    application.router.add_get("/ws", talk)
    async with serving_application(application) as url, ClientSession() as client:
        config = a_config(None, None, route={"url": f"{url.replace('http', 'ws')}/ws"})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            dial, redirect = await platform.ring()
            status, verbs, _ = await platform.post(dial["target"][0]["confirmHook"]["url"], {"call_sid": "c-1"})
            assert (status, verbs) == (200, [])
            status, verbs, _ = await platform.post(redirect["actionHook"], {"call_sid": "c-1"})
            assert (status, verbs) == (200, [{"verb": "hangup"}])
    assert [(told["type"], told.get("hook")) for told in asked] == [
        ("session:new", None),
        ("dial:confirm", "/confirm"),
        ("session:redirect", "/elsewhere"),
    ]


async def test_one_whose_call_has_nothing_to_do_may_still_say_what(tmp_path: Path) -> None:
    """The platform asks by webhook, and does not know of any application with a socket."""
    asked: list[str] = []
    pause = {"verb": "pause", "length": 0.1}
    more = {"verb": "redirect", "actionHook": "/more"}

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["ws.jambonz.org"])
        await socket.prepare(request)
        async for message in socket:
            told = json.loads(message.data)
            asked.append(told["type"])
            if told["type"] == "call:status":
                continue
            await socket.send_json({"type": "ack", "msgid": told["msgid"], "data": [{"verb": "answer"}, pause]})
            queued = more if told["type"] == "session:new" else {"verb": "hangup"}
            command = {"type": "command", "command": "redirect", "queueCommand": True, "data": [queued]}
            await socket.send_json(command)
        return socket

    application = web.Application()
    application.router.add_get("/ws", talk)
    async with serving_application(application) as url:
        config = a_config(None, None, route={"url": f"{url.replace('http', 'ws')}/ws"})
        async with serving(tmp_path, config) as running:
            call = Call(running.url)
            over = await call.live.run()
    assert (over.call_status, over.ended_by, over.failed) == ("completed", "jambonz", False)
    assert call.verbs() == ["answer", "pause", "redirect", "redirect", "answer", "pause", "redirect", "hangup"]
    assert [type_ for type_ in asked if type_ != "call:status"] == ["session:new", "session:redirect"]


async def test_one_that_is_told_of_a_leg_that_became_a_call(tmp_path: Path) -> None:
    asked: list[tuple[str, JsonObject]] = []
    first = {"verb": "dial", "target": [{"type": "phone", "number": "+15085551212"}], "actionHook": "/dialled"}
    verbs: dict[str, JsonObject] = {"session:new": first, "session:adulting": {"verb": "hangup"}}

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["ws.jambonz.org"])
        await socket.prepare(request)
        async for message in socket:
            told = json.loads(message.data)
            if told["type"] == "call:status":
                continue
            asked.append((request.path_qs, told))
            await socket.send_json({"type": "ack", "msgid": told["msgid"], "data": [verbs[told["type"]]]})
        return socket

    application = web.Application()
    application.router.add_get("/ws", talk)
    application.router.add_get("/ws/adulting", talk)
    async with serving_application(application) as url, ClientSession() as client:
        config = a_config(None, None, route={"url": f"{url.replace('http', 'ws')}/ws?tenant=7#rc=2"})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            await platform.ring()
            leg = a_body("leg", parent_call_sid="c-1", parent_call_info={"call_sid": "c-1"})
            assert (await platform.post("/adulting", leg))[:2] == (200, [{"verb": "hangup"}])
            for call_sid in ("c-1", "leg"):  # else the end waits for them
                await platform.post("/call/status", {"call_sid": call_sid, "call_status": "completed"})
    assert [(path, told["type"]) for path, told in asked] == [
        ("/ws?tenant=7", "session:new"),
        ("/ws/adulting?tenant=7", "session:adulting"),
    ]
    assert asked[1][1]["data"] == leg
    assert "hook" not in asked[1][1]


@pytest.mark.parametrize("by", ["webhook", "websocket"])
async def test_one_whose_llm_the_platform_carries_out(tmp_path: Path, by: str) -> None:
    heard = Heard()
    script = {**SCRIPT, "turns": [{"when": {"tool_result": "get_weather"}, "say": "Sunny."}]}
    async with rehearsing(script, beta=True) as model, AsyncExitStack() as stack:
        more: JsonObject = {"connectOptions": {"host": urlsplit(model.url).netloc}, "hangup": None}
        application = (
            webhook_application(heard, SECRET, **more) if by == "webhook" else websocket_application(heard, **more)
        )
        url = await stack.enter_async_context(application)
        path = "/call" if by == "webhook" else "/ws"
        route = {"url": url + path, "llm_mode": "native", "status_hook": "/status" if by == "webhook" else None}
        sections = {"hooks": {"secrets": [SECRET]}, "platform": {"webhook_secrets": ["rehearsal"]}}
        async with serving(tmp_path, a_config(None, None, route=route, **sections)) as running:
            call = Call(running.url)
            placed = asyncio.create_task(call.live.run())
            await until(lambda: what_the_tool_said(model.heard))
            call.live.hang_up()
            over = await placed
            await until(lambda: heard.bodies("/final"))
    assert (over.call_status, over.failed) == ("completed", False)
    assert call.verbs() == ["answer", "llm"]
    first, tool, event = (
        ("/call", "/tool", "/event") if by == "webhook" else ("session:new", "llm:tool-call", "llm:event")
    )
    [new], [asked], [end] = heard.bodies(first), heard.bodies(tool), heard.bodies("/final")
    assert [complaints("session-new", new), complaints("llm", end)] == [[], []]
    assert (asked["name"], asked["args"]) == ("get_weather", {"location": "Boston"})
    assert "conversation.item.created" in [body["type"] for body in heard.bodies(event)]
    assert '"temperature":21' in what_the_tool_said(model.heard)[0]
