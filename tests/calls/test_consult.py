"""One attempt to find a human who takes a caller over: whatever happens, in whatever order, one outcome."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.consult import GRACE_S, HANGUP, HOOK, MACHINE, MOST_WAITS, OVER, Consult
from calls.leaving import OUTCOMES
from verbs.base import JsonObject
from verbs.briefing import BRIEFED_WITHIN_S
from verbs.handoff import Outcome

CONFIRM = {"confirm": {"prompt": "Press 1.", "digit": "1"}}
MEETING = [{"verb": "conference", "name": "handoff-t0", "endConferenceOnExit": True}]
Happens = Callable[[Consult], Any]

ANSWERED: Happens = lambda consult: consult.answered(1.0)  # noqa: E731
PRESSED: Happens = lambda consult: consult.asked("1")  # noqa: E731
OTHER_KEY: Happens = lambda consult: consult.asked("2")  # noqa: E731
NO_KEY: Happens = lambda consult: consult.asked(None)  # noqa: E731
MACHINE_FOUND: Happens = lambda consult: consult.detected(machine=True)  # noqa: E731
HUMAN_FOUND: Happens = lambda consult: consult.detected(machine=False)  # noqa: E731
LEFT: Happens = lambda consult: consult.left("busy")  # noqa: E731
REFUSED: Happens = lambda consult: consult.failed("it could not be called")  # noqa: E731
CALLER_GONE: Happens = lambda consult: consult.abandoned(by_caller=True)  # noqa: E731
AGENT_GONE: Happens = lambda consult: consult.abandoned(by_caller=False)  # noqa: E731
LATE: Happens = lambda consult: consult.tick(999.0)  # noqa: E731
SOON: Happens = lambda consult: consult.tick(2.0)  # noqa: E731
ALL = (
    *(ANSWERED, PRESSED, OTHER_KEY, NO_KEY, MACHINE_FOUND, HUMAN_FOUND, LEFT, REFUSED, CALLER_GONE, AGENT_GONE),
    *(LATE, SOON),
)


def consult_of(**handoff: Any) -> Consult:
    return Consult({"timeout": 20, **handoff}, "Ann wants a refund.", token="t0", now=0.0)


@pytest.mark.parametrize(
    ("handoff", "happens", "outcome", "told"),
    [
        ({}, [ANSWERED], None, ""),
        ({}, [ANSWERED, NO_KEY], "completed", ""),
        (CONFIRM, [ANSWERED, PRESSED], "completed", ""),
        (CONFIRM, [ANSWERED, OTHER_KEY], "declined", OUTCOMES["declined"]),
        (CONFIRM, [ANSWERED, NO_KEY], "declined", OUTCOMES["declined"]),
        (CONFIRM, [ANSWERED, LEFT], "declined", OUTCOMES["declined"]),
        (CONFIRM, [ANSWERED, LATE], "declined", OUTCOMES["declined"]),
        ({}, [LEFT], "busy", OUTCOMES["busy"]),
        ({}, [SOON], None, ""),
        ({}, [LATE], "no-answer", OUTCOMES["no-answer"]),
        ({}, [ANSWERED, MACHINE_FOUND], "declined", MACHINE),
        ({}, [ANSWERED, HUMAN_FOUND, NO_KEY], "completed", ""),
        ({}, [REFUSED], "error", "it could not be called"),
        ({}, [CALLER_GONE], "caller-abandoned", OUTCOMES["caller-abandoned"]),
        ({}, [ANSWERED, AGENT_GONE], "error", OVER),
        (CONFIRM, [ANSWERED, PRESSED, LEFT, CALLER_GONE, LATE], "completed", ""),
        (CONFIRM, [LEFT, ANSWERED, PRESSED], "busy", OUTCOMES["busy"]),
    ],
)
def test_a_consultation_has_the_outcome_that_came_first(
    handoff: JsonObject, happens: list[Happens], outcome: Outcome | None, told: str
) -> None:
    consult = consult_of(**handoff)
    for each in happens:
        each(consult)
    assert consult.outcome == outcome
    if outcome not in {None, "completed"}:
        assert consult.told == told


def test_a_human_hears_the_briefing_and_meets_the_caller_as_often_as_they_ask() -> None:
    consult = consult_of()
    say, redirect = consult.answered(1.0)
    assert say["text"] == "Ann wants a refund."
    assert redirect == {"verb": "redirect", "actionHook": f"{HOOK}t0"}
    assert consult.answered(1.5) == [say, redirect], "the webhook may be repeated"
    assert consult.asked(None) == consult.asked(None) == MEETING


def test_who_comes_too_late_is_hung_up_on() -> None:
    consult = consult_of()
    consult.tick(20 + GRACE_S)
    assert consult.answered(23.0) == consult.asked("1") == [HANGUP]


def test_ringing_and_briefing_have_their_times() -> None:
    consult = consult_of(**CONFIRM)
    assert consult.due == 20 + GRACE_S
    consult.answered(5.0)
    assert consult.due == 5.0 + BRIEFED_WITHIN_S
    consult.asked("1")
    assert consult.due == float("inf")


def test_a_human_who_need_press_no_key_waits_until_it_is_known_that_they_are_one() -> None:
    consult = consult_of(amd={})
    consult.answered(1.0)
    waits = [consult.asked(None) for _ in range(MOST_WAITS)]
    assert all([verb["verb"] for verb in verbs] == ["pause", "redirect"] for verbs in waits)
    assert consult.asked(None) == MEETING, "a detection that never ends keeps nobody"

    found = consult_of(amd={})
    found.answered(1.0)
    found.detected(machine=False)
    assert found.asked(None) == MEETING


@given(st.lists(st.sampled_from(ALL), max_size=12), st.sampled_from([{}, CONFIRM, {"amd": {}}]))
def test_whatever_happens_there_is_one_outcome_and_the_human_hears_of_it(
    happens: list[Happens], handoff: JsonObject
) -> None:
    consult = consult_of(**handoff)
    outcomes: list[Outcome] = []
    for each in happens:
        each(consult)
        if consult.outcome and (not outcomes or outcomes[-1] != consult.outcome):
            outcomes.append(consult.outcome)
    assert len(outcomes) <= 1
    if outcomes:
        assert consult.asked("1") == (MEETING if outcomes == ["completed"] else [HANGUP])
        assert (consult.phase, consult.due) == ("over", float("inf"))
