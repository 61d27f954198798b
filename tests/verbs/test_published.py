"""What leaves this server is accepted by all who check it: the platform's validators of then and now, and its SDK."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.validators import published
from tests.validators.published import Verdict
from tests.verbs.examples import changed, document
from tests.verbs.seed import SEED
from verbs import VERBS, lint, parse
from verbs.base import JsonObject
from verbs.native import left_to_platform
from verbs.rewrite import leave, rewrite
from verbs.tables import TABLES

URL = "https://voice.example.com"
FALLBACK: list[JsonObject] = [{"verb": "say", "text": "Sorry, something went wrong."}, {"verb": "hangup"}]
NOT_IN_THE_SCHEMA = {"lex", "rasa", "pipeline"}
"Verbs of 0.9 that the schema of today has dropped."
NOT_IN_BOTH = {"gladiaOptions", "audio_events_config_config"}
"Properties of a speech recogniser that the schema of today refuses, or has no content for."

WRITTEN: list[list[Any]] = [
    [SEED],
    [{"verb": "answer"}, SEED, {"verb": "hangup"}],
    [{"say": {"text": "x", "loop": None}}, {"s2s": {"vendor": "openai", "llmOptions": {}}}],
    [{"verb": "config", "record": {"action": "startCallRecording", "headers": None}}, {**SEED, "id": "v1"}],
    [{"verb": "gather", "input": ["digits"], "actionHook": {"url": "/x", "method": "GET"}, "play": {"url": "x"}}],
    [{"stream": {"url": "wss://x.example/y", "actionHook": "/x", "wsAuth": {"username": "u", "password": "p"}}}],
    [{"verb": "dial", "target": [{"type": "phone", "number": "+1", "confirmHook": "/c"}], "dtmfCapture": ["*1"]}],
    [{"verb": "dial", "target": [{"type": "sip", "sipUri": "sip:x@y", "trunk": None}], "actionHook": None}],
    [{"verb": "enqueue", "name": "q", "waitHook": "/w", "_": {"x": 1}}],
    [{"verb": "sip:refer", "referTo": "sip:x@y", "actionHook": "/x"}],
    [{"verb": "redirect", "actionHook": "/x"}],
    [{"verb": "sip:decline", "status": 486}],
    [{"hangup": None}],
    [],
]
BAD: list[JsonObject] = [
    {"verb": "say", "bogus": 1},
    {"verb": "llm", "llmOptions": {}},
    {"verb": "pause"},
    {"verb": "listen", "url": 5},
]


def leaving(written: list[Any]) -> list[JsonObject]:
    return rewrite(
        parse(written),
        media_url="wss://voice.example.com/media/jambonz/t",
        ended_url=f"{URL}/call/ended/t",
        hook_url=lambda index: f"{URL}/call/hook/{index}",
        fallback=parse(FALLBACK),
        sample_rate_hz=24000,
    ).document


def left(version: str, verb: dict[str, Any]) -> list[JsonObject]:
    """Return a document whose `llm` the platform carries out."""
    written = [
        {"verb": "answer"},
        {"llmOptions": {}, **verb, "verb": "llm"},
        {"verb": "play", "url": "x", "loop": None},
    ]
    return leave(
        parse(written, strict=False),
        item=lambda _, llm: left_to_platform(
            llm, version=version, auth={"apiKey": "sk"}, hook=lambda kind: f"ours:{kind}"
        ),
        hook_url=lambda index: f"{URL}/call/hook/{index}",
    ).document


def drawn() -> Iterator[JsonObject]:
    """Yield verbs made from the table, and each with something changed, of which we take what we take."""
    rng = Random(1)  # noqa: S311  # the same documents every time
    for name in sorted(VERBS.keys() & TABLES["0.9"].keys() - NOT_IN_THE_SCHEMA - {"llm"}):
        for _ in range(40):
            verb = document(name, "0.9", rng)
            yield from (one for one in (verb, changed(verb, rng)) if not NOT_IN_BOTH & names_in(one))


def names_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in names_in(item)}
    return {*value, *(name for item in value.values() for name in names_in(item))} if isinstance(value, dict) else set()


HOST = {"connectOptions": {"host": "beta.example.com", "path": "v1/realtime", "headers": {"X": "1"}}}
LATER = {
    "hangup": {},
    "responseTimeoutMs": 5000,
    "cancelOnBargeIn": True,
    "handoff": {"mode": "blind", "target": [{"type": "phone", "number": "+1"}]},
}
LEFT: list[tuple[str, dict[str, Any]]] = [
    ("0.9", {**SEED, **HOST}),
    ("0.9", {**SEED, **HOST, **LATER, "unheard": 1, "id": "v1", "mcpServers": [{"url": "https://x.example/sse"}]}),
    ("0.9", {"vendor": "microsoft", "model": "d", **HOST}),
    *(("0.9", {"vendor": vendor, "eventHook": "/e"}) for vendor in ("google", "ultravox", "elevenlabs", "deepgram")),
]
NEWER: list[tuple[str, dict[str, Any]]] = [
    ("10", {**SEED, "hangup": {}, "responseTimeoutMs": 5000, "cancelOnBargeIn": True}),
    ("10", {"vendor": "qwen", "model": "qwen3.5-omni-flash-realtime"}),
]
OURS = [*(leaving(written) for written in WRITTEN), *(left(*told) for told in LEFT)]
DRAWN = list(drawn())
TAKEN = [leaving([verb]) for verb in DRAWN if not lint(verb, version="0.9")]


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[Verdict]]:
    """One run of node for all that is asked here."""
    published.install()
    newer = [left(*told) for told in NEWER]
    told = iter(published.verdicts([*OURS, *TAKEN, *newer, *([verb] for verb in BAD)]))
    return {
        "ours": [next(told) for _ in OURS],
        "taken": [next(told) for _ in TAKEN],
        "newer": [next(told) for _ in newer],
        "bad": list(told),
    }


@pytest.mark.claim("J1")
def test_the_published_validators_accept_what_leaves(verdicts: dict[str, list[Verdict]]) -> None:
    for leaves, verdict in zip(OURS, verdicts["ours"], strict=True):
        assert verdict == Verdict(None, None, None), leaves


def test_what_we_take_of_a_thousand_verbs_they_take_too(verdicts: dict[str, list[Verdict]]) -> None:
    assert len(TAKEN) > len(DRAWN) / 2
    wrong = [
        (leaves, told)
        for leaves, told in zip(TAKEN, verdicts["taken"], strict=True)
        if told != Verdict(None, None, None)
    ]
    assert wrong == []


def test_what_leaves_for_a_newer_platform_its_validators_take(verdicts: dict[str, list[Verdict]]) -> None:
    assert [(verdict.schema, verdict.app) for verdict in verdicts["newer"]] == [(None, None)] * len(NEWER)
    assert "unknown property" in str(verdicts["newer"][0].specs)


def test_the_published_validators_are_asked_in_earnest(verdicts: dict[str, list[Verdict]]) -> None:
    assert all(verdict.specs for verdict in verdicts["bad"])
    assert [bool(verdict.schema) for verdict in verdicts["bad"]] == [False, True, True, True]


@pytest.mark.claim("J1")
def test_the_sdk_accepts_what_leaves() -> None:
    from jambonz_sdk import JambonzValidator

    validator = JambonzValidator()
    for leaves in (*OURS, *TAKEN):
        assert [told for verb in leaves for told in validator.validate_verb(verb)] == [], leaves
    for leaves in OURS:
        assert validator.validate_app(leaves) == [], leaves
    assert validator.validate_app([{"verb": "pause"}]) != []
