"""What is changed of a conversation at once has its bounds, and holds up no other call."""

import asyncio
import json
from typing import Any

import pytest

from calls.bounds import MAX_CHANGE_BYTES, MAX_DEPTH, MAX_SETTINGS, look_at, session_in
from calls.control import OrderError
from media.requests import SendEvent
from tests.calls.exchange import JsonObject, in_virtual_time
from tests.calls.test_changing import Talking
from tests.calls.test_obeying import heed
from tests.simulation import WEATHER


def nested(times: int) -> Any:
    value: Any = []
    for _ in range(times):
        value = {"a": value}
    return value


TOO_MUCH: list[tuple[JsonObject, str]] = [
    ({"instructions": "x" * MAX_CHANGE_BYTES}, f"{MAX_CHANGE_BYTES} are the most"),
    ({"instructions": "é" * (MAX_CHANGE_BYTES // 2)}, "bytes are changed at once"),
    ({f"x-{n}": n for n in range(MAX_SETTINGS + 1)}, f"at most {MAX_SETTINGS} settings"),
    ({"prompt": nested(MAX_DEPTH + 1)}, f"nested {MAX_DEPTH} times"),
    ({"prompt": nested(100_000)}, "not nested too deeply"),
    ({"prompt": object()}, "what JSON can say"),
]


@pytest.mark.parametrize(("session", "told"), TOO_MUCH)
def test_more_than_can_be_told_at_once_is_refused(session: JsonObject, told: str) -> None:
    with pytest.raises(OrderError, match=told):
        asyncio.run(look_at(session))


@in_virtual_time
async def test_whoever_brings_too_much_is_told_so() -> None:
    session, told = TOO_MUCH[0]
    talking = await Talking.begin()
    event = {"type": "session.update", "session": session}
    with pytest.raises(OrderError, match=told):
        await (await talking.asked(**session))
    with pytest.raises(OrderError, match=told):
        await (await talking.asked(session_properties=session))
    with pytest.raises(OrderError, match=told):
        await talking.exchange.switchboard.midcall.ask("c-1", SendEvent(event))
    assert told in str(await heed(talking.exchange, "llm:update", event))


def test_large_schemas_are_read_beside_the_loop_and_once() -> None:
    tools = [{**WEATHER, "name": f"f{n}", "description": f"{n} times"} for n in range(60)]
    asyncio.run(look_at({"tools": tools}))
    asyncio.run(look_at({"tools": [{**WEATHER, "name": "not a name", "description": "x" * 3000}]}))
    assert len(json.dumps(tools)) > 2048


@pytest.mark.parametrize(
    ("event", "settings"),
    [
        ({"type": "session.update", "session": {"a": 1}}, {"a": 1}),
        ({"type": "response.create", "response": {"b": 1}}, {"b": 1}),
        ({"type": "session.update", "session": 5}, {}),
    ],
)
def test_settings_are_found_in_events(event: JsonObject, settings: JsonObject) -> None:
    assert session_in(event) == settings
