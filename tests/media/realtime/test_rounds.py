from itertools import permutations
from math import inf

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from media.realtime.rounds import HOLD_S, Rounds
from media.realtime.steps import Answer, Ask, Cancel, Kind, Note, Step

WAIT = {"instructions": "Wait."}
WARNING = {"instructions": "We end soon."}


def rounds() -> Rounds:
    return Rounds(tool_timeout_s=8)


def talking(machine: Rounds) -> Rounds:
    machine.ask({})
    machine.started("r1")
    return machine


def test_a_request_goes_out_when_nothing_is_under_way() -> None:
    assert rounds().ask({"instructions": "hi"}) == [Ask({"instructions": "hi"})]


def test_a_request_waits_for_the_active_response() -> None:
    machine = talking(rounds())
    assert machine.ask({"a": 1}) == []
    assert machine.ended("r1") == [Ask({"a": 1})]


def test_requests_that_wait_are_merged_into_one() -> None:
    machine = talking(rounds())
    machine.ask({"a": 1})
    machine.ask({"b": 2})
    assert machine.ended("r1") == [Ask({"a": 1, "b": 2})]
    assert machine.ended("r1") == []


def test_a_request_refused_because_of_the_callers_turn_waits_for_that_turns_response() -> None:
    machine = rounds()
    machine.ask({"a": 1})
    machine.started("theirs")
    assert machine.refused() == []
    assert machine.ended("theirs") == [Ask({"a": 1})]


def test_a_refusal_that_nobody_caused_is_nothing() -> None:
    machine = rounds()
    machine.refused()
    assert not machine.at_work


def test_a_request_refused_for_good_is_forgotten() -> None:
    machine = rounds()
    machine.ask({})
    machine.failed()
    assert not machine.asked
    assert machine.ask({}) == [Ask({})]


@pytest.mark.claim("two tools at once")
@pytest.mark.parametrize("order", list(permutations(["answer a", "answer b", "end"])))
def test_outputs_go_out_after_the_response_in_the_order_of_the_calls_with_one_request(order: tuple[str, ...]) -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.called("r1", "b", 0)
    steps: list[Step] = []
    for act in order:
        assert not steps
        steps += machine.ended("r1") if act == "end" else machine.answered(act[-1], act)
    assert steps == [Answer("a", "answer a"), Answer("b", "answer b"), Ask({})]


def test_a_session_that_requires_tools_is_asked_to_go_on_without() -> None:
    machine = talking(Rounds(tool_timeout_s=8, follow_up={"tool_choice": "auto"}))
    machine.called("r1", "a", 0)
    machine.ended("r1")
    assert machine.answered("a", "x")[-1] == Ask({"tool_choice": "auto"})


def test_the_same_call_again_is_not_run_again() -> None:
    machine = talking(rounds())
    assert machine.called("r1", "a", 0)
    assert not machine.called("r1", "a", 0)


def test_a_second_answer_is_a_note_and_an_unknown_one_nothing() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.ended("r1")
    machine.answered("a", "timeout")
    assert machine.answered("a", "late") == [Note("a", "late")]
    assert machine.answered("nobody's", "x") == []


def test_a_call_that_comes_after_its_responses_end_is_answered_at_once() -> None:
    machine = talking(rounds())
    machine.ended("r1")
    machine.called("r1", "a", 0)
    assert machine.answered("a", "x") == [Answer("a", "x"), Ask({})]


def test_a_tool_has_its_time_and_no_more() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 10)
    assert machine.next_due() == 18
    assert machine.overdue(17.9) == []
    assert machine.overdue(18) == ["a"]
    assert machine.at_work
    machine.called("r1", "b", 10, 150)
    assert (machine.overdue(159.9), machine.overdue(160)) == (["a"], ["a", "b"])


@pytest.mark.parametrize("calls", ["a", "ab"])
def test_outputs_that_came_while_the_caller_spoke_are_known_to_the_answer_to_their_turn(calls: str) -> None:
    machine = talking(rounds())
    for number, call_id in enumerate(calls):
        machine.started(f"r{number}")
        machine.called(f"r{number}", call_id, 0)
        machine.ended(f"r{number}")
    machine.caller_started()
    for call_id in calls:
        assert machine.answered(call_id, "x") == [Answer(call_id, "x")]
    machine.caller_stopped(1.0)
    machine.started("theirs")
    assert machine.ended("theirs") == []


def test_outputs_that_may_have_crossed_the_answer_to_the_callers_turn_are_asked_about() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.ended("r1")
    machine.caller_started()
    machine.caller_stopped(1.0)
    assert machine.answered("a", "x") == [Answer("a", "x")]
    machine.started("theirs")
    assert machine.ended("theirs") == [Ask({})]


def test_another_request_is_not_covered_by_the_answer_to_the_callers_turn() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.ended("r1")
    machine.caller_started()
    machine.ask({"instructions": "Say goodbye."})
    machine.answered("a", "x")
    machine.started("theirs")
    assert machine.ended("theirs") == [Ask({"instructions": "Say goodbye."})]


def test_requests_are_held_while_the_callers_turn_may_start_a_response() -> None:
    machine = rounds()
    machine.caller_started()
    assert machine.ask({}) == []
    assert machine.next_due() == inf
    machine.caller_stopped(5.0)
    assert machine.next_due() == 5.0 + HOLD_S
    assert machine.tick(5.1) == []
    assert machine.tick(5.0 + HOLD_S) == [Ask({})]
    assert machine.tick(99) == []


def test_a_response_that_ends_without_having_been_seen_to_start_blocks_nothing() -> None:
    machine = rounds()
    machine.ended("ghost")
    assert machine.ask({}) == [Ask({})]


def test_the_end_of_another_response_leaves_the_active_one() -> None:
    machine = talking(rounds())
    machine.ended("out-of-band")
    assert machine.active == "r1"


def test_what_only_fills_a_wait_goes_out_at_once_or_not_at_all() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    assert machine.fill(WAIT) == []
    machine.ended("r1")
    assert machine.fill(WAIT) == [Ask(WAIT, Kind.FILLER)]
    machine.started("r2")
    assert machine.answered("a", "x") == [Answer("a", "x")]
    assert machine.ended("r2") == [Ask({})]


def test_what_only_fills_a_wait_is_not_made_up_for_when_it_was_refused() -> None:
    machine = rounds()
    machine.fill({})
    machine.refused()
    machine.started("theirs")
    assert machine.ended("theirs") == []


def filling(machine: Rounds) -> Rounds:
    """A tool works, and a word about it was asked for."""
    talking(machine).called("r1", "a", 0)
    machine.ended("r1")
    assert machine.fill(WAIT) == [Ask(WAIT, Kind.FILLER)]
    return machine


def test_a_request_replaces_what_fills_a_wait_and_has_not_begun() -> None:
    machine = filling(rounds())
    assert machine.answered("a", "x") == [Answer("a", "x"), Cancel(), Ask({})]
    machine.started("r2")
    assert not machine.passing
    assert machine.ended("r2") == []
    assert not machine.at_work


def test_what_was_taken_back_and_begins_all_the_same_does_not_end_the_request_that_took_its_place() -> None:
    machine = filling(rounds())
    machine.answered("a", "x")
    machine.started("the filler")
    assert machine.ended("the filler", cancelled=True) == []
    assert machine.asked
    machine.started("r2")
    machine.ended("r2", cancelled=True)
    assert not machine.at_work


def test_a_request_waits_for_what_fills_a_wait_once_that_has_begun_and_is_not_merged_with_it() -> None:
    machine = filling(rounds())
    machine.started("r2")
    assert machine.passing
    assert machine.answered("a", "x") == [Answer("a", "x")]
    assert machine.abandon() == [Ask({})]


def test_a_mention_waits_for_whatever_else_there_is_to_say() -> None:
    machine = talking(rounds())
    machine.ask({"a": 1})
    assert machine.mention(WARNING) == []
    assert machine.ended("r1") == [Ask({"a": 1})]
    machine.started("r2")
    assert machine.ended("r2") == [Ask(WARNING, Kind.MENTION)]
    machine.started("r3")
    machine.ended("r3")
    assert not machine.at_work


def test_a_mention_that_was_replaced_is_made_afterwards() -> None:
    machine = rounds()
    machine.mention(WARNING)
    assert machine.ask({"a": 1}) == [Cancel(), Ask({"a": 1})]
    machine.started("r1")
    assert machine.ended("r1") == [Ask(WARNING, Kind.MENTION)]


def test_a_mention_that_was_refused_is_made_after_the_response_that_was_under_way() -> None:
    machine = rounds()
    machine.mention(WARNING)
    machine.started("theirs")
    machine.refused()
    assert machine.ended("theirs") == [Ask(WARNING, Kind.MENTION)]


def test_a_mention_that_was_not_made_when_the_session_was_lost_is_made_in_the_next() -> None:
    machine = rounds()
    machine.mention(WARNING)
    machine.lost()
    assert machine.released() == [Ask(WARNING, Kind.MENTION)]


def test_a_second_try_does_not_wait_for_the_callers_turn_and_falls_away_when_the_first_was_only_late() -> None:
    machine = rounds()
    machine.ask({})
    machine.caller_started()
    machine.caller_stopped(1.0)
    assert machine.ask_again({}) == [Ask({})]
    machine.started("r1")
    machine.refused()
    assert machine.ended("r1") == []


def test_a_second_try_of_the_last_words_is_made_whatever_is_under_way() -> None:
    machine = rounds()
    machine.close()
    machine.ask_again(WAIT)
    machine.started("theirs")
    machine.refused()
    assert machine.ended("theirs") == [Ask(WAIT)]


def test_the_output_of_a_call_whose_session_is_gone_can_only_be_told() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.called("r1", "b", 0)
    assert machine.owes_results_alone
    machine.lost()
    assert machine.answered("a", "x") == [Note("a", "x")], "as in a session, the last of them leads to the response"
    assert machine.answered("b", "x") == [Note("b", "x"), Ask({})]
    assert machine.answered("b", "x") == [Note("b", "x")]


def test_the_output_of_a_call_that_was_told_otherwise_is_a_note() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.lost()
    machine.forget("a")
    assert machine.answered("a", "x") == [Note("a", "x")]


def test_a_conversation_that_begins_anew_waits_for_no_tool_of_the_one_before() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.start_over()
    machine.lost()
    assert not machine.owes
    assert machine.answered("a", "x") == [Note("a", "x")]


def test_a_call_whose_session_is_gone_has_its_time_and_no_more() -> None:
    machine = talking(rounds())
    machine.called("r1", "a", 0)
    machine.lost()
    assert (machine.at_work, machine.overdue(7.9), machine.next_due()) == (True, [], 8)
    assert machine.overdue(8) == ["a"]
    machine.forget("a")
    assert not machine.at_work
    assert machine.next_due() == inf


class AnyOrder(RuleBasedStateMachine):
    """A model that behaves, in any order: one request in flight; one output a call, after its response's end."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = rounds()
        self.now = 0.0
        self.in_flight = 0
        self.active: str | None = None
        self.ended: set[str] = set()
        self.calls: dict[str, str] = {}
        self.outputs: list[str] = []
        self.responses = 0

    def take(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Ask():
                    assert self.in_flight == 0
                    assert self.active is None
                    self.in_flight = 1
                case Cancel():
                    assert self.in_flight == 1
                    self.in_flight = 0
                case Answer(call_id):
                    assert self.calls[call_id] in self.ended
                    self.outputs.append(call_id)
                case Note():
                    pass

    @rule()
    def someone_asks(self) -> None:
        self.take(self.machine.ask({}))

    @rule()
    def a_wait_is_filled(self) -> None:
        self.take(self.machine.fill({}))

    @rule()
    def something_is_to_be_mentioned(self) -> None:
        self.take(self.machine.mention({}))

    @precondition(lambda self: self.in_flight)
    @rule()
    def ours_starts(self) -> None:
        self.in_flight, self.active = 0, f"r{self.responses}"
        self.responses += 1
        self.take(self.machine.started(self.active))

    @precondition(lambda self: self.active is None)
    @rule()
    def the_callers_starts_first(self) -> None:
        self.active = f"r{self.responses}"
        self.responses += 1
        refused, self.in_flight = self.in_flight, 0
        self.take(self.machine.started(self.active))
        if refused:
            self.take(self.machine.refused())

    @precondition(lambda self: self.active)
    @rule()
    def it_calls_a_tool(self) -> None:
        assert self.active
        call_id = f"c{len(self.calls)}"
        self.calls[call_id] = self.active
        assert self.machine.called(self.active, call_id, self.now)

    @precondition(lambda self: self.active)
    @rule()
    def it_ends(self) -> None:
        assert self.active
        response_id, self.active = self.active, None
        self.ended.add(response_id)
        self.take(self.machine.ended(response_id))

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_tool_answers(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(self.calls)))
        self.take(self.machine.answered(call_id, "x"))

    @rule(passed=st.floats(0, 4))
    def time_passes(self, passed: float) -> None:
        self.now += passed
        self.take(self.machine.tick(self.now))

    @rule()
    def the_caller_speaks(self) -> None:
        self.machine.caller_started()

    @rule()
    def the_caller_stops(self) -> None:
        self.machine.caller_stopped(self.now)

    @invariant()
    def no_call_has_two_outputs(self) -> None:
        assert len(self.outputs) == len(set(self.outputs))


TestAnyOrder = AnyOrder.TestCase
