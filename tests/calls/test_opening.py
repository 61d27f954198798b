"""What a new call is answered with."""

from typing import Any

import pytest

from calls.admission import Refusal
from calls.document import route_verbs
from calls.opening import Opening, obstacle_to, opening, without_asking
from config.settings import Settings
from tests.calls.exchange import HANGUP, LLM, SAY, SORRY, JsonObject, settings_of
from verbs import parse
from verbs.llm import Llm


def wires(first: Opening) -> list[JsonObject]:
    return [verb.to_wire() for verb in first.verbs]


def first_of(settings: Settings, attributes: JsonObject) -> Opening:
    [route] = settings.routes
    return opening(route_verbs(route, attributes), route, settings, attributes)


def test_a_route_that_can_be_carried_out_gives_its_verbs() -> None:
    settings = settings_of({"verbs": [LLM, SAY]})
    first = first_of(settings, {})
    assert (wires(first), first.problem) == ([LLM, SAY], "")


@pytest.mark.claim("J7")
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
    first = first_of(settings, {"from": "a/b"})
    assert (wires(first), first.problem) == (SORRY, problem)
    assert told in repr(first.detail)


def test_a_vendor_that_is_not_configured_is_named() -> None:
    settings = settings_of({"verbs": [SAY]})
    bare = settings.model_copy(update={"vendors": {}})
    [route] = settings.routes
    assert obstacle_to(parse([SAY, LLM]), route, bare) == "vendor 'openai' is not configured: add vendors.openai"
    assert obstacle_to(parse([SAY, LLM]), route, settings) == ""


@pytest.mark.parametrize(
    ("vendor", "version", "remedy"),
    [
        ("google", "0.9", "llm_mode: native on the route leaves it to the platform"),
        ("nova", "0.9", "the platform knows none either"),
        ("nova", "10", "llm_mode: native on the route leaves it to the platform"),
    ],
)
def test_of_a_vendor_that_we_do_not_carry_out_it_is_told_who_does(vendor: str, version: str, remedy: str) -> None:
    settings = settings_of({"verbs": [SAY]}, platform={"version": version})
    told = obstacle_to(parse([LLM | {"vendor": vendor}], strict=False), settings.routes[0], settings)
    assert told.startswith(f"vendor '{vendor}' is carried out by nobody here, only ")
    assert "openai" in told
    assert told.endswith(remedy)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"connectOptions": {"host": "a..b"}}, "connectOptions.host must be a host's name, and :port"),
        ({"connectOptions": {"headers": {"X": "a\r\nb"}}}, "connectOptions.headers must be "),
        ({"auth": {"apiKey": "sk-1\n"}}, "auth.apiKey must be one line that HTTP can carry"),
    ],
)
def test_a_verb_that_could_not_be_dialled_is_told_before_its_document_leaves(changes: JsonObject, told: str) -> None:
    settings = settings_of({"verbs": [SAY]})
    verbs = parse([LLM | changes], strict=False)
    assert obstacle_to(verbs, settings.routes[0], settings).startswith(told)


class Torn(dict[str, Any]):
    def items(self) -> Any:
        """Be nothing that can be read."""
        raise TypeError


def test_options_of_a_shape_that_nobody_foresaw_are_told_too() -> None:
    settings = settings_of({"verbs": [SAY]})
    options = {"session_update": {"prompt": Torn({})}}
    odd = Llm.model_validate(LLM | {"llmOptions": options})
    assert obstacle_to([odd], settings.routes[0], settings).startswith("llmOptions cannot be used (TypeError)")


def test_who_is_asked_is_asked_when_there_is_room_and_a_way_back() -> None:
    settings = settings_of({"verbs": [SAY]})
    assert without_asking(settings.routes[0], {}, refusal=None, reachable_by=None) is None


def test_a_strangers_verbs_may_be_new_to_us() -> None:
    settings = settings_of({"verbs": [SAY]})
    new = [{"verb": "say", "text": "Hi.", "mood": "warm"}]
    assert wires(opening(new, settings.routes[0], settings, {})) == SORRY
    assert wires(opening(new, settings.routes[0], settings, {}, strict=False)) == new


def test_a_route_without_room_says_why() -> None:
    settings = settings_of({"verbs": [SAY], "busy": [SAY | {"text": "Sorry, {{from}}."}, HANGUP]})
    first = without_asking(settings.routes[0], {"from": "+1"}, refusal=Refusal("memory", "all"), reachable_by=None)
    assert first
    assert wires(first) == [SAY | {"text": "Sorry, +1."}, HANGUP]
    assert (first.problem, first.detail) == ("call_refused_busy", {"reason": "memory", "message": "all"})


def test_a_platform_that_cannot_reach_us_is_told_how_it_could() -> None:
    settings = settings_of({"verbs": [LLM]})
    first = without_asking(settings.routes[0], {}, refusal=None, reachable_by="https://v.example.com")
    assert first
    assert (wires(first), first.problem) == (SORRY, "public_url_missing")
    assert "https://v.example.com" in first.detail["remedy"]


def test_a_verb_that_the_platform_carries_out_is_looked_at_as_one_of_its_own() -> None:
    llm = {"verb": "llm", "vendor": "ultravox", "auth": {"apiKey": "k"}, "llmOptions": {"systemPrompt": "x"}}
    settings = settings_of({"url": "https://app.example.com/call", "llm_mode": "native"})
    first = opening([llm], settings.routes[0], settings, {}, strict=False)
    assert (wires(first), first.problem) == ([llm], "")
