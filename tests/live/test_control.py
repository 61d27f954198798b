"""A spoken call whose application is asked by websocket, with the whole server; and what happens when that stops."""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.live.serving import (
    FRAME,
    LLM,
    PATIENCE_S,
    Application,
    JsonObject,
    Platform,
    a_body,
    a_config,
    names,
    rehearsing,
    serving,
    until,
    until_audio,
    until_closed,
)

TALK = {key: value for key, value in LLM.items() if key != "actionHook"}


async def control_socket(client: ClientSession, url: str) -> ClientWebSocketResponse:
    socket: ClientWebSocketResponse = await client.ws_connect(f"{url}/call", protocols=["ws.jambonz.org"])
    return socket


async def ask(socket: ClientWebSocketResponse, word: str, **more: Any) -> Any:
    """Send a message about the call; give the data of its ack."""
    message = {"type": word, "msgid": word, "call_sid": "c-1", "data": a_body(), "b3": "T-S-1", **more}
    await socket.send_json(message)
    ack = await socket.receive_json(timeout=PATIENCE_S)
    assert (ack["type"], ack["msgid"]) == ("ack", word)
    return ack.get("data")


async def talk(platform: Platform, document: list[JsonObject]) -> ClientWebSocketResponse:
    media = await platform.open(document)
    await media.send_bytes(FRAME * 2)
    await until_audio(media)
    return media


async def test_a_call_is_held_redirected_and_ended_over_its_control_socket(tmp_path: Path) -> None:
    application = Application()
    async with rehearsing() as model, application.serving() as base, ClientSession() as client:
        config = a_config(model, base, route={"verbs": [LLM], "status_hook": "/status"})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            control = await control_socket(client, running.url)
            document = await ask(control, "session:new")
            media = await talk(platform, document)
            switchboard = running.server._sessions.switchboard

            await switchboard.redirect("c-1", [LLM, {"verb": "pause", "length": 1}])
            command = await control.receive_json(timeout=PATIENCE_S)
            assert (command["command"], names(command["data"])) == ("redirect", ["listen", "say", "hangup"])
            await until_closed(media)
            assert await platform.ended(document) == []

            media = await talk(platform, command["data"])
            await switchboard.hang_up("c-1")
            assert (await control.receive_json(timeout=PATIENCE_S))["command"] == "call:status"
            await media.close()
            assert await platform.ended(command["data"], call_status="completed") == []
            over = a_body(call_status="completed", call_termination_by="jambonz")
            await control.send_json({"type": "call:status", "msgid": "s", "call_sid": "c-1", "data": over})
            await control.close()
            await until(lambda: switchboard.active == 0)
            await until(lambda: len(application.bodies("/final")) == 2 and application.bodies("/status"))
    assert [body["reason_code"] for body in application.bodies("/final")] == ["redirected", "operator_hung_up"]
    assert "request_failed" not in running.journal.events()


async def test_a_call_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with rehearsing() as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK]})
        async with serving(tmp_path, dict(config)) as running:
            platform, control = Platform(client, running.url), await control_socket(client, running.url)
            media = await talk(platform, await ask(control, "session:new"))
            running.server.stop()
            assert await until_closed(control) == 1012
            assert await until_closed(media) == 1012
        async with serving(tmp_path, dict(config)) as running:
            platform, control = Platform(client, running.url), await control_socket(client, running.url)
            began = asyncio.get_running_loop().time()
            assert await ask(control, "session:reconnect") is None
            assert asyncio.get_running_loop().time() - began < 1
            command = await control.receive_json(timeout=PATIENCE_S)
            assert (command["type"], command["command"], command["queueCommand"]) == ("command", "redirect", False)
            media = await talk(platform, command["data"])
            await media.close()
            assert await platform.ended(command["data"], call_status="completed") == []
            assert running.journal.events().count("session_taken_anew") == 1


async def test_a_call_that_is_kept_on_disk_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with rehearsing() as model, Application().serving() as application, ClientSession() as client:
        config = a_config(model, application, route={"verbs": [TALK]}) | {"store": "sqlite:///calls.db"}
        async with serving(tmp_path, dict(config)) as running:
            platform, control = Platform(client, running.url), await control_socket(client, running.url)
            first = await ask(control, "session:new")
            media = await talk(platform, first)
            running.server.stop()
            assert await until_closed(control) == 1012
            assert await until_closed(media) == 1012
        async with serving(tmp_path, dict(config)) as running:
            platform, control = Platform(client, running.url), await control_socket(client, running.url)
            assert await ask(control, "session:reconnect") == first  # the platform ignores it: it had lost no ack
            command = await control.receive_json(timeout=PATIENCE_S)
            assert (command["type"], command["command"], command["queueCommand"]) == ("command", "redirect", False)
            media = await talk(platform, command["data"])
            await media.close()
            assert await platform.ended(command["data"], call_status="completed") == []
            assert running.journal.events().count("session_taken_anew") == 1


async def test_a_stopping_server_closes_control_sockets_at_once_and_lets_who_talks_talk(tmp_path: Path) -> None:
    async with rehearsing() as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK]}, server={"drain_s": PATIENCE_S})
        async with serving(tmp_path, config) as running:
            platform, control = Platform(client, running.url), await control_socket(client, running.url)
            document = await ask(control, "session:new")
            media = await talk(platform, document)
            running.server.stop()
            assert await until_closed(control) == 1012
            assert not media.closed
            back = await control_socket(client, running.url)
            assert await ask(back, "session:reconnect") == document
            assert not running.run.done()
            closing = asyncio.create_task(until_closed(back))
            await media.close()
            assert await platform.ended(document, call_status="completed") == []
            assert await closing == 1012


async def test_a_platform_that_is_gone_is_noticed_by_its_silence(tmp_path: Path) -> None:
    async with ClientSession() as client:
        config = a_config(None, None, route={"verbs": [{"verb": "say", "text": "Hello."}]})
        async with serving(tmp_path, {**config, "server": {"heartbeat_s": 0.2}}) as running:
            control = await client.ws_connect(f"{running.url}/call", protocols=["ws.jambonz.org"], autoping=False)
            assert names(await ask(control, "session:new")) == ["say", "hangup"]
            await until(lambda: "control_dropped" in running.journal.events())
