"""What holds for every kind of tool there is: a new one is tested here before its author has written a test.

`entries.jsonl` has entries of a route's `tools`, each with the arguments of a call, and what the model then reads where
that is always the same. A URL that an entry asks answers `{"temp":21}`.
"""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hooks.dispatcher import Dispatcher
from hooks.filter import EventFilter
from hooks.options import HookOptions, HookUrls
from hooks.tools import KINDS, Call, Tool, ToolError, read
from hooks.transports.base import HookFailure, HookReply, HookRequest, HookTimeout
from tests.contracts.under_test import lines, names, samples_of
from tests.properties import ODD

JsonObject = dict[str, Any]
EVERY = names(KINDS)
every_kind = pytest.mark.parametrize("kind", EVERY)
ENTRIES = [(kind, line) for kind in EVERY for line in lines(samples_of(kind) / "entries.jsonl")[1:]]
every_entry = pytest.mark.parametrize(("kind", "line"), ENTRIES, ids=[kind for kind, _ in ENTRIES])
OK = HookReply(200, "application/json", b'{"temp":21}')
PATIENCE_S = 5.0


class Everywhere:
    """All URLs, and what they answer."""

    schemes: tuple[str, ...] = ("http",)

    def __init__(self, reply: HookReply | HookFailure) -> None:
        self._reply = reply

    async def send(self, _: HookRequest) -> HookReply:
        if isinstance(self._reply, HookFailure):
            raise self._reply
        return self._reply

    async def close(self) -> None:
        """Nothing is open."""


def made(entry: JsonObject, folder: Path) -> Tool:
    return read("look_up", entry, folder=folder, base_url="https://app.example.com")


async def called(tool: Tool, arguments: JsonObject, reply: HookReply | HookFailure) -> list[str]:
    """Call a tool as the model does; give all that it answered."""
    loop, everywhere = asyncio.get_running_loop(), Everywhere(reply)
    dispatcher = Dispatcher(
        dict.fromkeys(("http", "https"), everywhere),
        HookOptions(retry_s=()),
        clock=loop.time,
        random=Random(1),  # noqa: S311  # the same every time
        observe=lambda _: None,
    )
    call, outputs, answered = Call("c-1", "+1", "+2", "support"), [], asyncio.Event()
    hooks = dispatcher.for_call(call, urls=HookUrls(), wanted=EventFilter([], beta_names=False), tools={"t": tool})

    def answer(output: str) -> None:
        outputs.append(output)
        answered.set()

    hooks.call_tool("call_9", "t", arguments, answer)
    assert not outputs, "an answer never comes from inside the call"
    async with asyncio.timeout(PATIENCE_S):
        await answered.wait()
    await dispatcher.drain(1)
    return outputs


@every_kind
def test_every_kind_has_entries_that_say_where_they_are_from(kind: str) -> None:
    assert {"origin", "date"} <= lines(samples_of(kind) / "entries.jsonl")[0].keys()
    assert any(one == kind for one, _ in ENTRIES)


@every_entry
def test_an_entry_makes_a_tool_that_can_be_declared_and_named(kind: str, line: JsonObject, tmp_path: Path) -> None:
    assert kind in line["entry"]
    tool = made(line["entry"], tmp_path)
    assert tool.declaration is None or (tool.declaration["type"], tool.declaration["name"]) == ("function", "look_up")
    json.dumps(tool.declaration, allow_nan=False)
    assert tool.target.isprintable()
    assert tool.confirm is False
    assert made({**line["entry"], "confirm": True}, tmp_path).confirm is True


@every_entry
def test_a_key_that_nobody_knows_is_refused_at_its_place(kind: str, line: JsonObject, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as refused:
        made({**line["entry"], "nonsense": 1}, tmp_path)
    assert refused.value.path == ("nonsense",), kind


@every_kind
@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:16])
def test_an_odd_entry_is_refused_as_none_or_is_a_tool(kind: str, value: Any, tmp_path: Path) -> None:
    with suppress(ToolError):
        assert isinstance(made({kind: value}, tmp_path).target, str)


@every_entry
@pytest.mark.parametrize("reply", [OK, HookReply(500), HookTimeout("no answer")], ids=["ok", "500", "timeout"])
async def test_a_call_gets_one_answer_whatever_is_asked(
    kind: str, line: JsonObject, reply: HookReply | HookFailure, tmp_path: Path
) -> None:
    tool = made(line["entry"], tmp_path)
    for arguments in (line["arguments"], {}, {"nobody_takes": [None, {"x": "\ud800"}]}):
        [output] = await called(tool, arguments, reply)
        assert output, kind
        assert len(output.encode(errors="replace")) <= 32 * 1024
    if reply is OK and "output" in line:
        [output] = await called(tool, line["arguments"], reply)
        assert json.loads(output) == line["output"]
