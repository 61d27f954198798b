"""A call whose model is offered the tools of servers by the Model Context Protocol, from its webhook to its end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.live.serving import (
    LLM,
    WEBHOOK_SECRET,
    Application,
    Model,
    Platform,
    Running,
    a_config,
    listen_in,
    rehearsing,
    serving,
    until,
    until_audio,
)
from tests.live.tool_servers import TOKEN, tool_server

JsonObject = dict[str, Any]
OWN: JsonObject = {"type": "function", "name": "fail", "parameters": {"type": "object", "properties": {}}}
Late = Callable[[Model], Awaitable[None]]


def outputs(model: Model) -> list[str]:
    items = [event["item"] for event in model.heard if event["type"] == "conversation.item.create"]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


def offered(model: Model) -> list[list[str]]:
    """Give the tools of each session.update that names any."""
    told = [event["session"] for event in model.heard if event["type"] == "session.update"]
    return [[tool["name"] for tool in session["tools"]] for session in told if "tools" in session]


async def a_call(folder: Path, servers: list[JsonObject], *calls: JsonObject, then: Late | None = None) -> "Held":
    """Hold a call whose model calls these tools as it greets, and give what became of it."""
    application = Application()
    verb = LLM | {"mcpServers": servers, "eventHook": "/events", "toolHook": "/tool"}
    verb["llmOptions"] = {"response_create": {}, "session_update": {"tools": [OWN]}}
    script = {"greeting": {"say": "One moment.", "tools": list(calls)}, "otherwise": "Well."}
    platform_section = {"webhook_secrets": [WEBHOOK_SECRET]}
    async with (
        rehearsing(script) as model,
        application.serving() as base,
        serving(folder, a_config(model, base, route={"verbs": [verb]}, platform=platform_section)) as running,
        ClientSession() as client,
    ):
        platform = Platform(client, running.url)
        document = await platform.ring()
        assert listen_in(document)
        media = await platform.open(document)
        await until_audio(media)
        await until(lambda: len(outputs(model)) == len(calls))
        if then:
            await then(model)
        await media.close()
        assert await platform.ended(document, call_status="completed") == []
        await platform.post("/call/status", {"call_sid": "c-1", "call_status": "completed"})
        await until(lambda: not [task for task in asyncio.all_tasks() if "Servers." in repr(task.get_coro())])
    return Held(model, application, running)  # when what was to be delivered is


class Held:
    """A call that is over."""

    def __init__(self, model: Model, application: Application, running: Running) -> None:
        self.offered = offered(model)
        self.outputs = outputs(model)
        self.told = model.told()
        self.events = [event["type"] for body in application.bodies("/events") for event in _events(body)]
        self.tool_hook = application.bodies("/tool")
        self.log = running.journal.getvalue()
        self.warnings = [json.loads(line) for line in self.log.splitlines() if '"warning"' in line]


def _events(body: JsonObject) -> list[JsonObject]:
    return [body if "type" in body else body.get("event", {"type": "?"})]


@pytest.mark.claim("J31", "mcpServers")
@pytest.mark.parametrize("spoken", ["http", "sse"])
async def test_a_servers_tools_are_offered_and_called_in_a_call(tmp_path: Path, spoken: str) -> None:
    async with tool_server(spoken, token=TOKEN) as tools:
        server = {"url": tools.url, "auth": {"token": TOKEN}}
        held = await a_call(tmp_path, [server], {"name": "price", "arguments": {"thing": "tea"}})
    assert held.offered == [["fail", "price", "shop_picture", "wait"]]  # before the first words, in one update
    assert held.told.index("session.update") < held.told.index("response.create")
    assert (tools.asked, held.outputs) == (["tea"], ["tea: 5 euros"])
    assert "response.output_item.done" in held.events
    assert "response.function_call_arguments.done" in held.events
    assert TOKEN not in held.log
    assert [line["reason"] for line in held.warnings if line["event"] == "mcp_tool_left_out"] == [
        "fail: another tool has this name"
    ]


async def test_a_call_that_breaks_the_servers_schema_never_reaches_it(tmp_path: Path) -> None:
    async with tool_server() as tools:
        held = await a_call(tmp_path, [{"url": tools.url}], {"name": "price", "arguments": {"thing": 5}})
    assert "thing: 5 is not of type 'string'" in held.outputs[0]
    assert tools.asked == []


async def test_the_verbs_own_tool_of_that_name_goes_to_the_tool_hook(tmp_path: Path) -> None:
    async with tool_server() as tools:
        held = await a_call(tmp_path, [{"url": tools.url}], {"name": "fail", "arguments": {}})
    assert held.outputs == ['{"ok":true}']
    assert len(held.tool_hook) == 1


@pytest.mark.claim("J31")
async def test_servers_that_fail_hold_up_nothing_and_say_why_in_the_log(tmp_path: Path) -> None:
    async with tool_server(token=TOKEN) as tools:
        servers = [{"url": "http://127.0.0.1:9/mcp"}, {"url": tools.url}, {"url": "http://169.254.169.254/mcp"}]
        held = await a_call(tmp_path, servers)
    assert held.offered == [["fail"]]
    failed = [(line["server"], line["reason"]) for line in held.warnings if line["event"] == "mcp_failed"]
    assert sorted(reason.partition(":")[0] for _, reason in failed) == ["HTTP 401", "blocked", "no connection"]
    assert {line["call_sid"] for line in held.warnings if line["event"] == "mcp_failed"} == {"c-1"}


@pytest.mark.claim("J31")
async def test_a_slow_server_delays_no_greeting_and_is_offered_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooks.mcp.servers.LISTED_WITHIN_S", 0.05)
    let_in = asyncio.Event()

    async def comes(model: Model) -> None:
        assert offered(model) == [["fail"]]
        let_in.set()
        await until(lambda: len(offered(model)) > 1)

    async with tool_server(opens=let_in) as tools:
        held = await a_call(tmp_path, [{"url": tools.url}], then=comes)
    assert held.offered == [["fail"], ["fail", "price", "shop_picture", "wait"]]
