"""What a human hears who is to take a caller over, and how the two are joined."""

from typing import Any

import pytest

from verbs import lint
from verbs.base import JsonObject
from verbs.briefing import (
    MAX_BRIEFING_CHARS,
    accepts,
    briefing_verbs,
    longest_s,
    meeting_verbs,
    speakable,
    wait_verbs,
    wanted_briefing,
)
from verbs.leaving import CALL_WORDS, leaving_tools
from verbs.llm import Llm

HOOK = "https://x.example"
CONFIRM = {"prompt": "Press 1 to take the call.", "digit": "1"}
SAY = {"verb": "say", "text": "Ann wants a refund."}
REDIRECT = {"verb": "redirect", "actionHook": HOOK}
GATHER: JsonObject = {"verb": "gather", "input": ["digits"], "numDigits": 1, "timeout": 15, "actionHook": HOOK}
VOICE = {"vendor": "google"}


@pytest.mark.parametrize(
    ("handoff", "verbs"),
    [
        ({}, [SAY, REDIRECT]),
        ({"brief": "auto", "briefSynthesizer": VOICE}, [SAY | {"synthesizer": VOICE}, REDIRECT]),
        ({"brief": "none"}, [REDIRECT]),
        ({"confirm": CONFIRM}, [GATHER | {"say": {"text": "Ann wants a refund. Press 1 to take the call."}}]),
        (
            {"brief": "none", "confirm": CONFIRM, "briefSynthesizer": VOICE},
            [GATHER | {"say": {"text": "Press 1 to take the call.", "synthesizer": VOICE}}],
        ),
        (
            {"confirm": {"prompt": "https://x.example/a.wav", "digit": "1"}},
            [SAY, GATHER | {"play": {"url": "https://x.example/a.wav"}}],
        ),
        ({"confirm": {"digit": "1"}}, [GATHER | {"say": {"text": "Ann wants a refund."}}]),
        ({"confirm": "of a wrong kind"}, [SAY, REDIRECT]),
    ],
)
def test_a_human_hears_the_briefing_and_is_asked_where_that_is_wanted(
    handoff: JsonObject, verbs: list[JsonObject]
) -> None:
    assert briefing_verbs(handoff, "Ann wants\na refund.", HOOK) == verbs
    assert lint(verbs, version="0.9") == []


@pytest.mark.parametrize(
    ("handoff", "taken"),
    [({}, {None, "1", "2"}), ({"confirm": CONFIRM}, {"1"})],
)
def test_a_human_accepts_by_the_key_or_where_none_is_asked_for_by_answering(
    handoff: JsonObject, taken: set[str | None]
) -> None:
    assert {digits for digits in (None, "1", "2") if accepts(handoff, digits)} == taken


def test_the_two_meet_in_a_conference_that_ends_for_both() -> None:
    assert meeting_verbs("r") == [{"verb": "conference", "name": "r", "endConferenceOnExit": True}]
    assert meeting_verbs("r", HOOK)[0]["actionHook"] == HOOK
    assert lint([*meeting_verbs("r", HOOK), *wait_verbs(HOOK)], version="0.9") == []


def test_what_a_model_wrote_is_spoken_as_one_line_and_never_as_markup() -> None:
    assert speakable("<speak>Ann\r\n wants</speak> it.\x00") == "speak Ann wants /speak it."
    assert len(speakable("a" * 9999)) == MAX_BRIEFING_CHARS
    assert speakable(None) == speakable(["Ann"]) == ""


def test_the_model_waits_for_the_outcome_longer_than_it_can_take() -> None:
    assert longest_s({"timeout": 20}) == 20 + 90 + 30
    assert longest_s({}) == 30 + 90 + 30
    assert longest_s({"timeout": 20, "target": [{}, {}]}) == 2 * (20 + 90) + 30


@pytest.mark.claim("J31", "handoff")
@pytest.mark.parametrize(
    ("brief", "told"),
    [
        (None, "spoken to the human alone"),
        ("none", ""),
        ({"template": "Name the order."}, "Go by this: Name the order."),
    ],
)
def test_the_model_is_asked_for_a_briefing(brief: Any, told: str) -> None:
    handoff: JsonObject = {"mode": "warm", "target": [], "brief": brief}
    tool = leaving_tools(Llm(vendor="openai", llm_options={}, handoff=handoff))["transfer_to_human"]
    properties = tool["parameters"]["properties"]
    assert tool["description"] == CALL_WORDS
    if told:
        assert told in properties["briefing"]["description"]
        assert tool["parameters"]["required"] == ["briefing"]
    else:
        assert list(properties) == ["reason"]
    assert wanted_briefing({"brief": "none"})


def test_a_description_of_its_own_stands_in_place_of_ours() -> None:
    handoff = {"mode": "warm", "target": [], "toolDescription": "Ring Bob."}
    tools = leaving_tools(Llm(vendor="openai", llm_options={}, handoff=handoff))
    assert tools["transfer_to_human"]["description"] == "Ring Bob."
