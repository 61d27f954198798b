import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from hooks.mcp.offers import MAX_TOOLS, Listed, McpError, Offers
from tests.hooks.tools.test_calling import called

ANY: dict[str, Any] = {"type": "object", "properties": {}}
NAMED = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def answers(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": f"{name} {json.dumps(arguments)}"}]}


def listed(*names: str) -> list[Listed]:
    return [Listed(name, "", ANY) for name in names]


@pytest.mark.claim("J31")
def test_a_server_is_taken_by_its_word() -> None:
    added, left_out = Offers(()).take("http://s", [Listed("weather", "Of a city.", NAMED)], answers)
    assert added == [{"type": "function", "name": "weather", "description": "Of a city.", "parameters": NAMED}]
    assert left_out == []


@pytest.mark.claim("J31")
@pytest.mark.parametrize(
    ("taken", "servers", "offered", "left_out"),
    [
        ([], [["a", "b"], ["c"]], ["a", "b", "c"], []),
        (["a"], [["a", "b"]], ["b"], ["a: another tool has this name"]),
        ([], [["a"], ["a", "b"]], ["a", "b"], ["a: another tool has this name"]),
        ([], [["a", "a"]], ["a"], ["a: another tool has this name"]),
        ([], [["tools.list", "tools/list"]], ["tools_list"], ["tools_list: another tool has this name"]),
        ([], [[""]], [], [": name must be 1 to 64 of letters, digits, _ and -, not ''"]),
        ([], [[]], [], []),
    ],
)
def test_a_name_belongs_to_who_had_it_first(
    taken: list[str], servers: list[list[str]], offered: list[str], left_out: list[str]
) -> None:
    offers = Offers(taken)
    each = [offers.take("http://s", listed(*names), answers) for names in servers]
    assert [tool["name"] for added, _ in each for tool in added] == offered == list(offers.tools)
    assert [reason for _, reasons in each for reason in reasons] == left_out


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"type": "array"}, "parameters.type must be object: arguments have names"),
        ({"type": "object", "properties": {"x": {"type": "strin"}}}, "parameters.properties.x.type unknown type"),
        ({"type": "object", "minProperties": "two"}, "parameters.minProperties is no JSON schema"),
        (deep(100), "parameters is nested deeper than 64 levels"),
        ({"type": "object", "x": "y" * 20_000}, "its declaration is longer than"),
    ],
)
def test_a_schema_that_no_model_could_use_is_left_out(parameters: dict[str, Any], reason: str) -> None:
    added, [told] = Offers(()).take("http://s", [Listed("t", "", parameters)], answers)
    assert added == []
    assert reason in told


def test_a_server_with_no_end_of_tools_is_cut_short() -> None:
    added, [told] = Offers(()).take("http://s", listed(*(f"t{nth}" for nth in range(MAX_TOOLS + 3))), answers)
    assert len(added) == MAX_TOOLS
    assert told == "there are 67 of them, and room for 64"


@pytest.mark.claim("J31", "mcpServers")
def test_the_tools_of_all_servers_have_a_limit_together() -> None:
    offers = Offers(())
    offers.take("http://s", listed(*(f"s{nth}" for nth in range(MAX_TOOLS - 1))), answers)
    added, [told] = offers.take("http://t", listed("t0", "t1"), answers)
    assert [tool["name"] for tool in added] == ["t0"]
    assert told == "there are 2 of them, and room for 1"
    assert offers.take("http://u", listed("u0"), answers)[0] == []


@pytest.mark.claim("J31", "mcpServers")
def test_what_they_declare_has_a_limit_together() -> None:
    long = "x" * 15_000
    added, [told] = Offers(()).take("http://s", [Listed(f"t{nth}", long, ANY) for nth in range(4)], answers)
    assert len(added) == 3
    assert told == "t3: all declarations together would be longer than 49152 bytes"


def test_what_is_read_in_vain_counts_too() -> None:
    bad = {"type": "object", "minProperties": "two", "x": "y" * 15_000}
    _, left_out = Offers(()).take("http://s", [Listed(f"t{nth}", "", bad) for nth in range(5)], answers)
    assert [reason.partition(": ")[2].startswith("all declarations together") for reason in left_out] == [
        *[False] * 3,
        *[True] * 2,
    ]


@pytest.mark.claim("J31")
async def test_a_tool_that_the_application_declares_itself_is_not_served_as_long_as_it_does() -> None:
    offers = Offers(())
    offers.take("http://s", listed("price", "stock"), answers)
    served = offers.tools
    offers.give_way({"price", "weather"})
    assert list(served) == ["stock"]
    added, [told] = offers.take("http://t", listed("weather", "time"), answers)
    assert [tool["name"] for tool in added] == ["time"]
    assert told == "weather: another tool has this name"
    offers.give_way(())
    assert list(served) == ["price", "stock", "time"]


async def broken(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    raise McpError("Connection closed")


async def odd(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    raise LookupError("of the caller's words")


async def slow(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    raise TimeoutError("it did not answer in time")


@pytest.mark.claim("J31")
async def test_a_call_goes_to_the_server_by_the_servers_own_name() -> None:
    offers = Offers(())
    offers.take("http://s", listed("weather.now"), answers)
    tool = offers.tools["weather_now"]
    assert (tool.target, tool.confirm, tool.declaration and tool.declaration["name"]) == (
        "http://s",
        False,
        "weather_now",
    )
    assert await called(dict(offers.tools), "weather_now", {"city": "Rome"}) == 'weather.now {"city": "Rome"}'


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (broken, "Connection closed"),
        (odd, "the tool's server does not answer as it should"),
        (slow, "it did not answer in time"),
    ],
)
async def test_a_server_that_fails_gives_an_error_and_its_words_stay_out_of_the_log(ask: Any, words: str) -> None:
    offers = Offers(())
    offers.take("http://s", listed("t"), ask)
    with capture_logs() as logs:
        assert json.loads(await called(dict(offers.tools), "t", {})) == {"error": words}
    [line] = [line for line in logs if line["event"] == "tool.failed"]
    assert "caller's words" not in str(line)
    await asyncio.sleep(0)
