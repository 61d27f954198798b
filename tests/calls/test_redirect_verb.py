"""The verb `redirect` over each transport, and whom it lets hear the call's statuses; in virtual time."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import HANGUP, SAY, Exchange, JsonObject, in_virtual_time, settings_of, settled, verbs_reply
from tests.calls.platform_socket import PlatformSocket, data_of, sessions_of

AWAY: JsonObject = {"verb": "redirect", "actionHook": "/next"}
WITH_STATUSES: JsonObject = {"verb": "redirect", "statusHook": "/new-status", "actionHook": "/next"}
NATIVE: JsonObject = {"llm_mode": "native"}


@pytest.mark.parametrize("mode", [{}, NATIVE])
def test_over_a_control_socket_it_stays_on_that_socket(mode: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": [AWAY], **mode}))
        exchange.applications.answers["/next"] = verbs_reply(SAY)
        socket = PlatformSocket(sessions_of(exchange))
        [away] = await socket.ask("session:new")
        assert away["actionHook"].startswith("/agent/call/hook/")  # an absolute one costs the socket
        assert await socket.ask("session:redirect", hook=away["actionHook"]) == [SAY, HANGUP]
        await exchange.switchboard.redirect("c-1", [SAY])
        assert [command["command"] for command in socket.commands()] == ["redirect"]

    story()


@in_virtual_time
async def test_by_webhook_it_is_a_url_of_ours() -> None:
    exchange = Exchange(settings_of({"verbs": [AWAY]}))
    exchange.applications.answers["/next"] = verbs_reply(SAY)
    [away] = await exchange.ring()
    assert away["actionHook"].startswith("https://voice.example.com/agent/call/hook/")
    assert await exchange.hook(away["actionHook"]) == [SAY, HANGUP]


@in_virtual_time
async def test_statuses_come_to_its_status_hook_once_it_was_carried_out_and_end_the_call() -> None:
    exchange = Exchange(settings_of({"verbs": [SAY, WITH_STATUSES], "status_hook": "/status"}))
    exchange.applications.answers["/next"] = verbs_reply({"verb": "pause", "length": 60})
    [_, away] = await exchange.ring()
    exchange.status("in-progress")
    await settled()
    await exchange.hook(away["actionHook"])
    body: dict[str, Any] = {"call_sid": "c-1", "call_status": "completed", "direction": "inbound"}
    with capture_logs() as logs:
        assert await exchange.hook(away["statusHook"]) == []
        assert await exchange.hook(away["statusHook"], **body | {"call_sid": "c-other"}) == []
    assert [line["event"] for line in logs] == ["status.unreadable"]
    assert await exchange.hook(away["statusHook"], **body) == []
    await asyncio.sleep(3)
    assert [told["call_status"] for told in exchange.applications.bodies("/status")] == ["in-progress"]
    assert [told["call_status"] for told in exchange.applications.bodies("/new-status")] == ["completed"]
    assert exchange.switchboard.active == 0
    assert await exchange.hook(away["statusHook"], **body) == []


@in_virtual_time
async def test_statuses_by_the_control_socket_come_to_it_too() -> None:
    exchange = Exchange(settings_of({"verbs": [WITH_STATUSES], "status_hook": "/status"}))
    exchange.applications.answers["/next"] = verbs_reply({"verb": "pause", "length": 60})
    socket = PlatformSocket(sessions_of(exchange))
    [away] = await socket.ask("session:new")
    assert away["statusHook"].startswith("/agent/call/hook/")
    await socket.ask("session:redirect", hook=away["actionHook"])
    socket.send("call:status", data=data_of(call_status="completed"))
    await asyncio.sleep(3)
    assert [path for path, _ in exchange.applications.asked] == ["/next", "/new-status"]
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_an_application_with_a_socket_hears_them_as_statuses(monkeypatch: pytest.MonkeyPatch) -> None:
    behind = ApplicationSocket(monkeypatch, WITH_STATUSES)
    behind.answers["/next"] = [SAY, HANGUP]
    exchange = Exchange(settings_of({"url": URL}))
    [away] = await exchange.ring()
    await exchange.hook(away["actionHook"], call_sid="c-1")
    await exchange.hook(away["statusHook"], call_sid="c-1", call_status="completed", direction="inbound")
    await asyncio.sleep(3)
    assert behind.kinds == [("session:new", ""), ("session:redirect", "/next"), ("call:status", "")]
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_status_hook_that_is_a_websocket_is_none() -> None:
    exchange = Exchange(settings_of({"url": "https://app.example.com/call"}))
    away = {**WITH_STATUSES, "statusHook": "wss://other.example.com/ws"}
    exchange.applications.answers |= {"/call": verbs_reply(away), "/next": verbs_reply({"verb": "pause", "length": 60})}
    [away] = await exchange.ring()
    await exchange.hook(away["actionHook"])
    with capture_logs() as logs:
        await exchange.hook(away["statusHook"], call_sid="c-1", call_status="completed", direction="inbound")
        await asyncio.sleep(3)
    assert [path for path, _ in exchange.applications.asked] == ["/call", "/next"]
    assert "hook_not_supported" in [line["event"] for line in logs]
    assert exchange.switchboard.active == 0
