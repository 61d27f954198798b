"""One `llm` verb as several agents speak it."""

from typing import Any

import pytest

from verbs.agents import (
    HANDOVER_TOOL,
    WORDS,
    handover_tool,
    hidden_tool,
    model_of,
    of_another_vendor,
    own_tools,
    spoken_by,
    tools_besides,
    unknown_tools,
    voice_of,
)
from verbs.base import JsonObject
from verbs.llm import Llm


def tool(name: str) -> JsonObject:
    return {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}}


def llm_of(options: JsonObject | None = None, **properties: Any) -> Llm:
    return Llm(vendor="openai", llm_options=options or {}, **properties)


OPTIONS: JsonObject = {"session_update": {"tools": [tool("refund"), tool("weather")], "instructions": "Old."}}
OF_ROUTE = {"crm": tool("crm"), "clock": None}


@pytest.mark.parametrize(
    ("only", "others", "names"),
    [
        (None, {"sales": ""}, ["refund", "weather", "crm", "hangup", "hand_over"]),
        (("refund", "hangup"), {"sales": ""}, ["refund", "hangup", "hand_over"]),
        ((), {"sales": ""}, ["hand_over"]),
        (("crm",), {}, ["crm"]),
    ],
)
def test_an_agent_may_call_what_it_is_let_and_hand_over_to_whom_it_may(
    only: tuple[str, ...] | None, others: dict[str, str], names: list[str]
) -> None:
    verb = llm_of(OPTIONS, hangup={})
    tools = [*own_tools(verb, only=only), *tools_besides(verb, OF_ROUTE, only=only, others=others)]
    assert [one["name"] for one in tools] == names


@pytest.mark.parametrize(
    ("said", "model"),
    [
        (None, None),
        ("gpt-realtime-2.1", "gpt-realtime-2.1"),
        ("openai/gpt-realtime-2.1", "gpt-realtime-2.1"),
        ("acme/own", "acme/own"),
    ],
)
def test_an_agents_model_is_the_vendors_own(said: str | None, model: str | None) -> None:
    assert model_of(said, llm_of()) == model
    assert not of_another_vendor(said or "", llm_of())
    assert of_another_vendor("xai/grok", llm_of())


def test_the_tool_names_the_others_and_what_they_are_there_for() -> None:
    told = handover_tool({"billing": "invoices and refunds", "sales": ""})
    to = told["parameters"]["properties"]["to"]
    assert (told["name"], to["enum"], told["parameters"]["required"]) == (HANDOVER_TOOL, ["billing", "sales"], ["to"])
    assert to["description"].endswith("billing: invoices and refunds; sales")


def test_our_tool_hides_another_of_its_name() -> None:
    verb = llm_of({"session_update": {"tools": [tool("hand_over")]}})
    assert own_tools(verb, only=None) == []
    assert [one["description"] for one in tools_besides(verb, {}, only=None, others={"b": ""})] == [WORDS]
    assert tools_besides(verb, {"hand_over": tool("hand_over")}, only=None, others={}) == []
    assert hidden_tool(verb, ()) is hidden_tool(llm_of(), ("hand_over",)) is True
    assert not hidden_tool(llm_of(OPTIONS), ("crm",))


def test_what_is_no_object_among_the_verbs_tools_is_nobodys() -> None:
    odd = llm_of({"session_update": {"tools": ["x", tool("refund")]}})
    assert [one["name"] for one in own_tools(odd, only=("refund",))] == ["refund"]


@pytest.mark.parametrize(
    ("options", "voice", "places"),
    [
        ({}, None, ("marin", None, None)),
        ({"session_update": {"voice": "alloy"}}, "alloy", ("marin", None, None)),
        ({"session_update": {"audio": {"output": {"voice": "ash"}}}}, "ash", (None, "marin", None)),
        ({"response_create": {"voice": "ballad"}}, "ballad", ("marin", None, "marin")),
    ],
)
def test_an_agents_voice_stands_where_the_verbs_does(
    options: JsonObject, voice: str | None, places: tuple[str | None, ...]
) -> None:
    assert voice_of(llm_of(options)) == voice
    spoken = spoken_by(llm_of(options), {"instructions": "New.", "tools": [tool("a")], "voice": "marin"}).llm_options
    session = spoken["session_update"]
    output = session.get("audio", {}).get("output", {}).get("voice")
    assert (session.get("voice"), output, spoken.get("response_create", {}).get("voice")) == places
    assert (session["instructions"], session["tools"]) == ("New.", [tool("a")])


def test_the_verb_itself_stays_as_it_is_written() -> None:
    verb = llm_of(OPTIONS | {"extra": {"session_update": {"tools": [tool("raw")]}}})
    spoken = spoken_by(verb, {"instructions": "New.", "tools": [tool("a")]}).llm_options
    assert spoken["extra"]["session_update"]["tools"] == [tool("a")], "what goes before all else is replaced, too"
    assert verb.llm_options["session_update"]["instructions"] == "Old."
    assert "tools" not in spoken_by(llm_of(), {"instructions": "New."}).llm_options["session_update"]
    assert spoken_by(llm_of({"session_update": "odd"}), {"instructions": "N"}).llm_options["session_update"]


def test_tools_that_nobody_has_are_told_unless_a_server_may_have_them() -> None:
    named = ["refund", "crm", "hangup", "refnd"]
    assert unknown_tools(llm_of(OPTIONS, hangup={}), OF_ROUTE, named) == ["refnd"]
    assert unknown_tools(llm_of(OPTIONS, mcp_servers=[{"url": "https://x"}]), {}, named) == []
