"""Which tools a model is told of."""

from typing import Any

import pytest

from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.offering import offered

OWN: JsonObject = {"type": "function", "name": "own", "description": "The verb's."}
ROUTES: JsonObject = {"type": "function", "name": "routes", "description": "The route's."}
MCP: JsonObject = {"type": "mcp", "server_label": "m"}
HANDOFF: JsonObject = {"mode": "blind", "target": [{"type": "phone", "number": "+1"}]}


def llm(options: JsonObject | None = None, **properties: Any) -> Llm:
    return Llm.model_validate({"verb": "llm", "vendor": "openai", "llmOptions": options or {}, **properties})


def names(tools: Any) -> list[str]:
    return [tool.get("name", "?") for tool in tools]


def test_a_verb_without_anything_to_add_stays_as_it_is() -> None:
    verb = llm({"session_update": {"tools": [OWN]}})
    assert offered(verb, {}).llm is verb


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({}, []),
        ({"session_update": None}, []),
        ({"session_update": {"voice": "alloy"}, "response_create": {"tools": []}}, []),
        ({"session_update": {"tools": [OWN, MCP, "odd"]}}, [OWN, MCP, "odd"]),
        ({"session_update": {"tools": None}}, []),
        ({"session_update": {"tools": [ROUTES]}, "extra": {"session_update": {"tools": [OWN]}}}, [OWN]),
        ({"session_update": {"tools": [OWN]}, "extra": {"session_update": {"voice": "x"}}}, [OWN]),
    ],
)
def test_a_routes_tools_stand_behind_the_verbs_own_wherever_those_are(options: Any, place: list[Any]) -> None:
    verb = llm(options)
    whole, told = offered(verb, {"routes": ROUTES})
    extra = whole.llm_options.get("extra", {}).get("session_update", {})
    assert extra.get("tools", whole.llm_options["session_update"]["tools"]) == [*place, ROUTES]
    assert told == []
    assert verb.llm_options == options, "the verb itself has not changed"
    assert whole.llm_options.get("session_update", {}).get("voice") == (options.get("session_update") or {}).get(
        "voice"
    )
    assert whole.beta_shaped == verb.beta_shaped


def test_the_built_in_tools_come_when_the_verb_asks_for_them() -> None:
    handoff = HANDOFF | {"toolName": "human", "toolDescription": "Help."}
    whole, told = offered(llm(hangup={}, handoff=handoff), {"routes": ROUTES})
    _, hangup, human = tools = whole.llm_options["session_update"]["tools"]
    assert names(tools) == ["routes", "hangup", "human"]
    assert (human["description"], list(hangup["parameters"]["properties"])) == ("Help.", ["reason"])
    assert told == []
    assert names(offered(llm(handoff=HANDOFF), {}).llm.llm_options["session_update"]["tools"]) == ["transfer_to_human"]
    odd = offered(llm(hangup={}, handoff=HANDOFF | {"toolName": "hangup"}), {}).llm
    assert names(odd.llm_options["session_update"]["tools"]) == ["hangup"]


@pytest.mark.parametrize(
    ("properties", "of_route", "tools", "warning"),
    [
        ({}, {"own": {**ROUTES, "name": "own"}}, ["own"], "the tool 'own' is declared by the verb and by its route"),
        ({}, {"own": None}, ["own"], None),
        ({}, {"other": None}, ["own"], "the tool 'other' is declared nowhere, so no model will call it"),
        ({"hangup": {}}, {"hangup": ROUTES}, ["own", "hangup"], "the tool 'hangup' is never called"),
        (
            {"handoff": HANDOFF | {"toolName": "own"}},
            {},
            ["own"],
            "the tool 'own' is declared in session_update.tools too",
        ),
    ],
)
def test_two_of_one_name_are_told_of_and_the_verbs_declaration_is_used(
    properties: JsonObject, of_route: Any, tools: list[str], warning: str | None
) -> None:
    whole, told = offered(llm({"session_update": {"tools": [OWN]}}, **properties), of_route)
    assert names(whole.llm_options["session_update"]["tools"]) == tools
    assert whole.llm_options["session_update"]["tools"][0] == OWN
    assert [text.startswith(str(warning)) for text in told] == ([True] if warning else [])


UNCHECKED = {"type": "function", "function": {"name": "f", "parameters": {"pattern": "(?=a)"}}}


def test_a_pattern_that_arguments_are_not_held_to_is_told_of() -> None:
    [told] = offered(llm({"session_update": {"tools": [OWN, UNCHECKED, 5]}}), {}).warnings
    assert told.startswith("the tool 'f' has a pattern that is not checked, '(?=a)': write it without lookaround")
