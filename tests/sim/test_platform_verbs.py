"""The fake platform's check of documents, against the platform's own: @jambonz/verb-specifications, where node is."""

from random import Random
from typing import Any

import pytest

from sim.platform.verbs import SPECS, VERBS, DocumentRefusedError, checked, validated
from tests.validators import published

LLM = {"verb": "llm", "vendor": "openai", "auth": {"apiKey": "k"}, "llmOptions": {"response_create": {}}}
TARGET = {"type": "phone", "number": "+1"}
GOOD: list[Any] = [
    {"verb": "answer"},
    {"hangup": {}},
    {"say": {"text": "x"}},
    {"verb": "say", "text": ["a", "b"], "id": "v1", "loop": "forever"},
    {"verb": "listen", "url": "wss://x", "mixType": "mono", "bidirectionalAudio": {"enabled": True}, "_": {"x": 1}},
    {"verb": "stream", "url": "wss://x", "metadata": None},
    {"verb": "dial", "target": [TARGET], "actionHook": {"url": "/x", "method": "POST"}},
    {"verb": "gather", "input": ["digits"], "say": {"text": "x"}, "actionHook": "/x"},
    {"verb": "config", "notifyEvents": True, "reset": ["recognizer"]},
    LLM,
    {"verb": "s2s", **{key: value for key, value in LLM.items() if key != "verb"}},
    {"openai_s2s": {"auth": {"apiKey": "k"}, "llmOptions": {"response_create": {}}}},
    {"verb": "sip:decline", "status": 486},
    {"verb": "redirect", "actionHook": "/x"},
    {"verb": "tag", "data": {"a": 1}},
]
BAD: list[Any] = [
    {"verb": "sing"},
    {"verb": "say", "text": 5},
    {"verb": "say", "text": "x", "earlyMedia": "yes"},
    {"verb": "pause"},
    {"verb": "pause", "length": "5"},
    {"verb": "pause", "length": True},
    {"verb": "listen", "url": 5},
    {"verb": "listen", "url": "wss://x", "mixType": "both"},
    {"verb": "listen", "url": "wss://x", "bdirectionalAudio": {}},
    {"verb": "listen", "url": "wss://x", "wsAuth": {"username": "u"}},
    {"verb": "dial", "target": TARGET},
    {"verb": "dial", "target": [{"number": "+1"}]},
    {"verb": "dial", "target": [TARGET], "amd": {}},
    {"verb": "gather", "input": "digits"},
    {"verb": "gather", "say": "x"},
    {"verb": "llm", "llmOptions": {}},
    {**LLM, "responseTimeoutMs": 5},
    {**LLM, "auth": "key"},
    {"say": {"text": "x"}, "play": {"url": "y"}},
    {},
    "say",
    7,
]
REFUSED_BY_THE_SERVER = [
    # The published validator takes these; what the server makes of them does not (lib/tasks).
    ({**LLM, "auth": {}}, "auth.apiKey is required for OpenAI S2S"),
    ({**LLM, "vendor": "acme"}, "Unsupported vendor acme for LLM"),
    ({**LLM, "llmOptions": {}}, "llmOptions with an initial response.create is required for OpenAI S2S"),
    ({**LLM, "llmOptions": {"response_create": "x"}}, "initial response.create is required"),
    ({**LLM, "vendor": "microsoft"}, "connectionOptions.host is required"),
    ({**LLM, "vendor": "google", "llmOptions": {}}, "initial setup is required"),
    ({**LLM, "vendor": "elevenlabs", "llmOptions": {}}, "auth.agent_id is required"),
    ({"verb": "say", "stream": False}, "either text or stream"),
    ({"hangup": None}, "malformed jambonz application payload"),
    ({"verb": "target", "type": "phone"}, "invalid jambonz verb 'target'"),
]


def refusal(item: Any) -> str | None:
    try:
        checked(item)
    except DocumentRefusedError as error:
        return str(error)
    return None


def complaint(item: Any) -> str | None:
    try:
        validated(item)
    except DocumentRefusedError as error:
        return str(error)
    return None


def drawn() -> list[dict[str, Any]]:
    """Verbs with one property each, of a right or a wrong type, from the published table."""
    rng = Random(7)  # noqa: S311  # the same every time
    values: list[Any] = ["x", 5, True, None, {}, [], ["x"], [{}], {"url": "/x"}, {"vendor": "google"}]
    made = []
    for name in sorted(VERBS - {"llm", "say", "conference", "dub"}):
        needed = dict.fromkeys(SPECS[name].get("required", []), "x")
        for key in SPECS[name]["properties"]:
            made += [{"verb": name, **needed, key: value} for value in rng.sample(values, 4)]
    return made


@pytest.mark.parametrize("item", GOOD)
def test_a_good_verb_is_taken(item: Any) -> None:
    assert refusal(item) is None


@pytest.mark.parametrize("item", BAD)
def test_a_bad_verb_is_refused(item: Any) -> None:
    assert refusal(item)


@pytest.mark.parametrize(("item", "why"), REFUSED_BY_THE_SERVER)
def test_what_the_server_refuses_beyond_its_validator_is_refused_in_its_words(item: Any, why: str) -> None:
    assert why in (refusal(item) or "")


def test_a_null_is_an_object_to_it_and_a_vendors_synonym_gives_way_to_the_verbs_own() -> None:
    assert checked({"verb": "llm", **LLM, "llmOptions": {"response_create": None}})["vendor"] == "openai"
    assert checked({"openai_s2s": {**LLM_DATA, "vendor": "microsoft"}})["vendor"] == "microsoft"


LLM_DATA = {"auth": {"apiKey": "k"}, "llmOptions": {"response_create": {}}, "connectOptions": {"host": "h"}}


def test_the_table_is_the_published_one() -> None:
    published.install()
    assert published.specs() == SPECS


def test_the_published_validator_says_the_same_of_every_document() -> None:
    published.install()
    table = [*GOOD, *BAD, *drawn()]
    verdicts = published.verdicts([[item] for item in table])
    differing = [
        (item, complaint(item), verdict.specs)
        for item, verdict in zip(table, verdicts, strict=True)
        if bool(complaint(item)) != bool(verdict.specs)
    ]
    assert differing == []
    assert sum(bool(verdict.specs) for verdict in verdicts) > len(table) / 4
    assert sum(not verdict.specs for verdict in verdicts) > len(table) / 8


def test_what_it_refuses_it_refuses_in_the_validators_words() -> None:
    published.install()
    theirs = [verdict.specs for verdict in published.verdicts([[item] for item in BAD])]
    assert [complaint(item) for item in BAD] == theirs
