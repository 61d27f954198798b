"""What happens when the model calls a tool that its route serves."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, field_validator
from structlog.testing import capture_logs

from hooks.declaring import declared
from hooks.dispatcher import Dispatcher
from hooks.filter import EventFilter
from hooks.functions import place_of
from hooks.options import HookOptions, HookUrls
from hooks.tools import Call
from hooks.tools.base import Tool
from hooks.tools.http import HttpTool
from hooks.tools.python import PythonTool
from hooks.transports.base import HookReply, HookRequest
from tests.hooks.test_dispatcher import chance

Arguments = dict[str, Any]


class Sink:
    """All URLs: what they were asked, and what they answer."""

    schemes: tuple[str, ...] = ("http",)

    def __init__(self, reply: HookReply) -> None:
        self.requests: list[HookRequest] = []
        self._reply = reply

    async def send(self, request: HookRequest) -> HookReply:
        self.requests.append(request)
        return self._reply

    async def close(self) -> None:
        """Nothing is open."""


OK = HookReply(200, "application/json", b'{"temp":21}')


async def called(
    tools: dict[str, Tool],
    name: str = "t",
    arguments: Arguments | None = None,
    *,
    sink: Sink | None = None,
    tool_hook: str | None = None,
    options: HookOptions | None = None,
) -> str:
    """Call a tool as the model does, and return its one output."""
    loop = asyncio.get_running_loop()
    transport = sink or Sink(OK)
    dispatcher = Dispatcher(
        {"http": transport}, options or HookOptions(), clock=loop.time, random=chance(), observe=lambda _: None
    )
    hooks = dispatcher.for_call(
        Call("CS1", "+1", "+2", "support"),
        urls=HookUrls(tool=tool_hook),
        wanted=EventFilter([], beta_names=False),
        tools=tools,
    )
    outputs: list[str] = []
    answered = asyncio.Event()

    def answer(output: str) -> None:
        outputs.append(output)
        answered.set()

    hooks.call_tool("call_9", name, arguments or {}, answer)
    assert not outputs, "an answer never comes from inside the call"
    async with asyncio.timeout(5):
        await answered.wait()
    await dispatcher.drain(1)
    [output] = outputs
    return output


def python(function: Callable[..., Any]) -> dict[str, Tool]:
    return {"t": PythonTool("t", "m:f", function, declared(function))}


def look(place: str, call: Call) -> dict[str, str]:
    return {"place": place, "sid": call.call_sid, "from": call.caller, "to": call.called, "route": call.route}


async def look_async(place: str) -> str:
    await asyncio.sleep(0)
    return place


def where(place: str = "here") -> str:
    return f"{place} {threading.current_thread() is threading.main_thread()}"


async def where_async() -> str:
    return f"here {threading.current_thread() is threading.main_thread()}"


def nothing() -> None:
    pass


class Strange(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def _look_up(cls, name: str) -> str:
        raise KeyError(name)


def meets(guest: Strange) -> None:
    pass


def counts() -> Iterator[int]:
    yield from range(3)


def fails() -> None:
    raise LookupError("no such place")


def returns_a_thread() -> object:
    return threading.current_thread()


@pytest.mark.parametrize(
    ("function", "arguments", "output"),
    [
        (
            look,
            {"place": "Rome"},
            '{"place":"Rome","sid":"CS1","from":"+1","to":"+2","route":"support"}',
        ),
        (look_async, {"place": "Rome"}, "Rome"),
        (where, {}, "here False"),
        (where_async, {}, "here True"),
        (nothing, {}, '{"ok":true}'),
        (fails, {}, '{"error":"LookupError: no such place"}'),
        (look, {"place": "x", "call": {"call_sid": "other"}}, '{"error":"the arguments do not fit: call: Extra'),
        (look, {}, '{"error":"the arguments do not fit: place: Field required"}'),
        (meets, {"guest": {"name": "Ann"}}, '{"error":"KeyError: \'Ann\'"}'),
        (counts, {}, "[0,1,2]"),
        (returns_a_thread, {}, '{"error":"the tool\'s result cannot be written as JSON: it is a Thread"}'),
    ],
)
async def test_a_function_is_called_and_what_becomes_of_it_is_the_output(
    function: Callable[..., Any], arguments: Arguments, output: str
) -> None:
    with capture_logs():
        assert (await called(python(function), arguments=arguments)).startswith(output)


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (fails, {"event": "tool.failed", "error": "LookupError", "at": "test_calling.py:"}),
        (returns_a_thread, {"event": "tool.bad_result"}),
    ],
)
async def test_a_function_that_fails_is_a_line_of_the_log_without_its_words(
    function: Callable[..., Any], line: dict[str, str]
) -> None:
    with capture_logs() as logged:
        await called(python(function))
    [found] = [entry for entry in logged if entry["log_level"] == "warning"]
    assert (found["tool"], found["call_sid"]) == ("t", "CS1")
    assert all(str(found[key]).startswith(value) for key, value in line.items())
    assert "no such place" not in str(found)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_function_that_never_answers_is_an_error_in_the_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def hangs() -> None:
        go.wait(5)

    async def waits() -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr("hooks.options.LATE_S", 0.0)
    with capture_logs():
        output = await called(python(hangs if kind == "sync" else waits), options=HookOptions(tool_timeout_s=0.02))
    go.set()
    assert json.loads(output) == {"error": "TimeoutError: it did not answer in time"}


async def test_a_tool_with_a_url_is_asked_there_as_a_tool_hook_is_with_its_own_headers() -> None:
    sink = Sink(OK)
    tool = HttpTool("http://crm/look", {"Authorization": "Bearer k", "webhook-id": "mine"})
    output = await called({"t": tool}, arguments={"from": "me"}, sink=sink, tool_hook="http://app/tool")
    assert output == '{"temp":21}'
    [request] = sink.requests
    assert (request.url, request.headers["Authorization"]) == ("http://crm/look", "Bearer k")
    assert request.headers["webhook-id"].startswith("msg_")
    assert json.loads(request.body) == {
        "tool_call_id": "call_9",
        "call_id": "call_9",
        "name": "t",
        "args": {"from": "me"},
        "call_sid": "CS1",
        "from": "+1",
        "to": "+2",
    }


async def test_what_no_tool_of_the_route_serves_is_the_tool_hooks() -> None:
    sink = Sink(OK)
    await called(python(nothing), name="other", sink=sink, tool_hook="http://app/tool")
    assert [request.url for request in sink.requests] == ["http://app/tool"]


async def test_a_tool_that_nobody_serves_is_an_error() -> None:
    output = await called(python(nothing), name="other")
    assert output == '{"error":"this tool has no toolHook that could answer"}'


async def test_an_answer_that_cannot_be_used_is_told() -> None:
    with capture_logs() as logged:
        await called({}, sink=Sink(HookReply(200, "text/html", b"<html>")), tool_hook="http://app/tool")
        await called({}, sink=Sink(HookReply(500)), tool_hook="http://app/tool")
    [line] = [entry for entry in logged if entry["event"] == "tool.bad_response"]
    assert (line["tool"], line["complaint"]) == ("t", "the tool answered with a web page")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError()) == place_of(None) == ""


async def test_after_the_end_of_the_server_nothing_is_called() -> None:
    dispatcher = Dispatcher(
        {}, HookOptions(), clock=asyncio.get_running_loop().time, random=chance(), observe=lambda _: None
    )
    await dispatcher.drain(0)
    hooks = dispatcher.for_call(
        Call("CS1", "", "", ""), urls=HookUrls(), wanted=EventFilter([], beta_names=False), tools=python(nothing)
    )
    outputs: list[str] = []
    with capture_logs():
        hooks.call_tool("call_9", "t", {}, outputs.append)
        await asyncio.sleep(0)
    assert outputs == ['{"error":"HookFailure: the server is stopping"}']
