"""How a model leaves by a tool of ours, and what the call does then."""

from dataclasses import replace
from typing import Any

import pytest

from calls.leaving import Again, again, exits, handed_off, has_met, leaving_verbs, patience
from store.base import End
from tests.calls.exchange import LLM, JsonObject
from verbs.llm import Llm

PHONE = {"type": "phone", "number": "+15085551212"}
HANDOFF = {"mode": "blind", "blindMethod": "dial", "target": [PHONE]}


def llm_of(**properties: Any) -> Llm:
    return Llm.model_validate(LLM | properties)


def end_of(reason_code: str, **told: Any) -> End:
    return End(reason_code, "normal conversation end", "agent", 0.0, told=told)


def end_after(*said: tuple[str, str]) -> End:
    return replace(end_of("handoff"), history=said)


@pytest.mark.claim("handoff", "hangup")
def test_a_verb_has_the_exits_that_it_asks_for() -> None:
    assert exits(llm_of()) == {}
    both = exits(llm_of(hangup={}, handoff=HANDOFF | {"toolName": "human"}))
    assert {name: exit_.end.reason_code for name, exit_ in both.items()} == {
        "human": "handoff",
        "hangup": "agent_hung_up",
    }


@pytest.mark.claim("hangup")
@pytest.mark.parametrize(
    ("hangup", "told", "verb"),
    [
        ({}, {}, {"verb": "hangup"}),
        ({}, {"reason": "all done"}, {"verb": "hangup", "headers": {"X-Reason": "all done"}}),
        ({"reason": "default"}, {}, {"verb": "hangup", "headers": {"X-Reason": "default"}}),
        ({"reason": "default"}, {"reason": "the model's"}, {"verb": "hangup", "headers": {"X-Reason": "the model's"}}),
        ({"reason": "default"}, {"reason": 5}, {"verb": "hangup", "headers": {"X-Reason": "default"}}),
        ({"reason": "default"}, {"reason": " \r\n "}, {"verb": "hangup", "headers": {"X-Reason": "default"}}),
        ({}, {"reason": "a\r\nX-Evil: b\x00\ud83d"}, {"verb": "hangup", "headers": {"X-Reason": "a X-Evil: b"}}),
        ({}, {"reason": "é" * 1000}, {"verb": "hangup", "headers": {"X-Reason": "é" * 200}}),
        ({"reason": None}, {"reason": None}, {"verb": "hangup"}),
    ],
)
def test_a_model_that_hangs_up_says_why_in_one_line_or_the_verb_does(
    hangup: JsonObject, told: JsonObject, verb: JsonObject
) -> None:
    assert leaving_verbs(llm_of(hangup=hangup), end_of("agent_hung_up", **told), 0) == [verb]


@pytest.mark.parametrize(
    ("properties", "end"),
    [
        ({}, end_of("agent_hung_up")),
        ({}, end_of("handoff")),
        ({"hangup": {}, "handoff": HANDOFF}, end_of("caller_hung_up")),
        ({"hangup": {}, "handoff": HANDOFF}, None),
    ],
)
def test_any_other_end_leads_nowhere_of_itself(properties: JsonObject, end: End | None) -> None:
    assert leaving_verbs(llm_of(**properties), end, 0) == []


def test_a_transfer_asks_us_what_comes_next() -> None:
    [dial] = leaving_verbs(llm_of(handoff=HANDOFF), end_of("handoff"), 7)
    assert (dial["verb"], dial["target"], handed_off(dial["actionHook"])) == ("dial", [PHONE], 7)


WARM = {"mode": "warm", "target": [PHONE], "timeout": 20}
VOICEMAIL = {"onBusy": "voicemail", "voicemailUrl": "sip:vm@example.com"}


@pytest.mark.claim("handoff")
@pytest.mark.parametrize(
    ("handoff", "told", "verb", "hook"),
    [
        (WARM, {"conference": "r"}, "conference", 7),
        (WARM, {"transfer_reason": "busy"}, "hangup", None),
        (WARM | {"disposition": VOICEMAIL}, {"transfer_reason": "busy"}, "dial", None),
        (WARM, {}, "hangup", None),
    ],
)
def test_after_a_warm_transfer_the_caller_goes_where_its_outcome_leads(
    handoff: JsonObject, told: JsonObject, verb: str, hook: int | None
) -> None:
    end = end_of("handoff", **told)
    [then] = leaving_verbs(llm_of(handoff=handoff), end, 7)
    assert (then["verb"], handed_off(then.get("actionHook", ""))) == (verb, hook)
    assert has_met(end) is ("conference" in told)


def test_a_model_that_calls_a_human_stays_and_waits_for_the_outcome() -> None:
    warm = llm_of(handoff=WARM)
    assert exits(warm) == {}
    assert patience(warm) == {"transfer_to_human": 140.0}
    assert patience(llm_of(handoff=HANDOFF)) == patience(llm_of()) == {}
    assert not has_met(None)


@pytest.mark.parametrize("hook", ["/final", "https://x/0", "0", "hookswitch:handoff/", "hookswitch:handoff/x", ""])
def test_a_hook_of_somebody_elses_is_no_transfer_of_ours(hook: str) -> None:
    assert handed_off(hook) is None


def test_who_comes_back_is_told_what_was_said_and_what_failed() -> None:
    said = (("user", "A human."), ("system", "The tool refund was called with {}: done"), ("assistant", "At once."))
    history, opening = again(None, end_after(*said), "no-answer")
    assert history == (
        *said,
        ("system", "The transfer to a human has failed: nobody answered. The caller is with you again."),
    )
    assert "(nobody answered)" in opening
    more = again(Again(history, opening), end_after(*said[:1]), "busy").history
    assert more[:5] == (*history, ("user", "A human."))
    assert "the line is busy" in more[-1][1]
    assert len(again(Again(history * 100, ""), None, "error").history) == 60
