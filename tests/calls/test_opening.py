"""What a new call is answered with."""

import pytest

from calls.opening import Opening, obstacle_to, opening
from tests.calls.exchange import HANGUP, LLM, SAY, SORRY, JsonObject, settings_of
from verbs import parse


def wires(first: Opening) -> list[JsonObject]:
    return [verb.to_wire() for verb in first.verbs]


def test_a_route_that_can_be_carried_out_gives_its_verbs() -> None:
    settings = settings_of({"verbs": [LLM, SAY]})
    first = opening(settings.routes[0], settings, {})
    assert (wires(first), first.problem) == ([LLM, SAY], "")


@pytest.mark.parametrize(
    ("environ", "verb", "problem", "told"),
    [
        ({}, LLM, "model_not_configured", "vendors.openai.api_key"),
        (None, LLM | {"connectOptions": {"host": "{{from}}"}}, "document_refused", "connectOptions.host"),
    ],
)
def test_one_that_cannot_gives_its_fallback_and_says_why(
    environ: dict[str, str] | None, verb: JsonObject, problem: str, told: str
) -> None:
    settings = settings_of({"verbs": [verb]}, environ=environ)
    first = opening(settings.routes[0], settings, {"from": "a/b"})
    assert (wires(first), first.problem) == (SORRY, problem)
    assert told in repr(first.detail)


def test_a_vendor_that_is_not_configured_is_named() -> None:
    settings = settings_of({"verbs": [SAY]})
    bare = settings.model_copy(update={"vendors": {}})
    assert obstacle_to(parse([SAY, LLM]), bare) == "vendor 'openai' is not configured: add vendors.openai"
    assert obstacle_to(parse([SAY, LLM]), settings) == ""


def test_a_busy_route_says_how_busy() -> None:
    settings = settings_of({"verbs": [SAY], "busy": [SAY | {"text": "Sorry, {{from}}."}, HANGUP]})
    first = opening(settings.routes[0], settings, {"from": "+1"}, crowd=3)
    assert wires(first) == [SAY | {"text": "Sorry, +1."}, HANGUP]
    assert (first.problem, first.detail) == ("call_refused_busy", {"active": 3})


def test_a_platform_that_cannot_reach_us_is_told_how_it_could() -> None:
    settings = settings_of({"verbs": [LLM]})
    first = opening(settings.routes[0], settings, {}, reachable_by="https://v.example.com")
    assert (wires(first), first.problem) == (SORRY, "public_url_missing")
    assert "https://v.example.com" in first.detail["remedy"]
