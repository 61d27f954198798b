"""Which tools a model is told of."""

from typing import Any

import pytest

from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.offering import beside, confirmed, offered

OWN: JsonObject = {"type": "function", "name": "own", "description": "The verb's."}
ROUTES: JsonObject = {"type": "function", "name": "routes", "description": "The route's."}
MCP: JsonObject = {"type": "mcp", "server_label": "m"}
HANDOFF: JsonObject = {"mode": "blind", "target": [{"type": "phone", "number": "+1"}]}


def llm(options: JsonObject | None = None, **properties: Any) -> Llm:
    return Llm.model_validate({"verb": "llm", "vendor": "openai", "llmOptions": options or {}, **properties})


def names(tools: Any) -> list[str]:
    return [tool.get("name", "?") for tool in tools]


def whole(verb: Llm, of_route: Any) -> tuple[JsonObject, list[str]]:
    """Give the options with all that is offered, and what is told of that."""
    besides, told = offered(verb, of_route)
    return beside(verb.llm_options, besides), told


def test_a_verb_without_anything_to_add_stays_as_it_is() -> None:
    verb = llm({"session_update": {"tools": [OWN]}})
    assert whole(verb, {})[0] is verb.llm_options


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
    offers, told = whole(verb, {"routes": ROUTES})
    extra = offers.get("extra", {}).get("session_update", {})
    assert extra.get("tools", offers["session_update"]["tools"]) == [*place, ROUTES]
    assert told == []
    assert verb.llm_options == options, "the verb itself has not changed"
    assert offers.get("session_update", {}).get("voice") == (options.get("session_update") or {}).get("voice")


def test_the_built_in_tools_come_when_the_verb_asks_for_them() -> None:
    handoff = HANDOFF | {"toolName": "human", "toolDescription": "Help."}
    offers, told = whole(llm(hangup={}, handoff=handoff), {"routes": ROUTES})
    _, hangup, human = tools = offers["session_update"]["tools"]
    assert names(tools) == ["routes", "hangup", "human"]
    assert (human["description"], list(hangup["parameters"]["properties"])) == ("Help.", ["reason"])
    assert told == []
    assert names(offered(llm(handoff=HANDOFF), {}).besides) == ["transfer_to_human"]
    assert names(offered(llm(hangup={}, handoff=HANDOFF | {"toolName": "hangup"}), {}).besides) == ["hangup"]


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
    offers, told = whole(llm({"session_update": {"tools": [OWN]}}, **properties), of_route)
    assert names(offers["session_update"]["tools"]) == tools
    assert offers["session_update"]["tools"][0] == OWN
    assert [text.startswith(str(warning)) for text in told] == ([True] if warning else [])


def test_a_function_in_the_words_of_chat_models_has_its_name() -> None:
    own = {"type": "function", "function": {"name": "routes"}}
    offers, [told] = whole(llm({"session_update": {"tools": [own]}}), {"routes": ROUTES})
    assert offers["session_update"]["tools"] == [own]
    assert "declared by the verb and by its route" in told


@pytest.mark.parametrize("under", ["response_create", "extra"])
def test_a_function_that_only_the_first_response_knows_is_the_verbs_own(under: str) -> None:
    told: JsonObject = {"tools": [{**OWN, "confirm": True}]}
    verb = llm({under: {"response_create": told} if under == "extra" else told})
    assert offered(verb, {"own": None}).warnings == []
    assert confirmed(verb) == {"own"}
    offers, _ = whole(verb, {"routes": ROUTES})
    assert names(offers["session_update"]["tools"]) == ["routes"]


@pytest.mark.parametrize("within", ["session_update", "response_create"])
@pytest.mark.parametrize(
    ("choice", "properties", "warned"),
    [
        ({"type": "function", "name": "own"}, {}, []),
        ({"type": "function", "name": "hangup"}, {"hangup": {}}, []),
        (
            {"type": "function", "name": "hangup"},
            {},
            ["the tool 'hangup' is named by tool_choice and declared nowhere"],
        ),
        ({"type": "function", "name": "crm"}, {"mcpServers": [{"url": "https://x.example"}]}, []),
        ({"type": "function", "name": 5}, {}, []),
        ({"type": "mcp", "server_label": "x"}, {}, []),
        ("required", {}, []),
    ],
)
def test_a_function_that_must_be_called_and_is_nobodys_is_told_of(
    within: str, choice: Any, properties: JsonObject, warned: list[str]
) -> None:
    verb = llm({within: {"tools": [OWN], "tool_choice": choice}}, **properties)
    assert [text.partition(":")[0] for text in offered(verb, {}).warnings] == warned


UNCHECKED = {"type": "function", "function": {"name": "f", "parameters": {"pattern": "(?=a)"}}}


def test_a_pattern_that_arguments_are_not_held_to_is_told_of() -> None:
    [told] = offered(llm({"session_update": {"tools": [OWN, UNCHECKED, 5]}}), {}).warnings
    assert told.startswith("the tool 'f' has a pattern that is not checked, '(?=a)': write it without lookaround")
