"""Every scene of sim/scenes that takes its time, in real time, on the real server."""

import pytest

from tests import scenes
from tests.scenes import Played

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return scenes.play(scenes.all_scenes() - scenes.AT_ONCE, tmp_path_factory.mktemp("scenes"))


@pytest.mark.claim("barge-in in the middle")
def test_a_caller_who_interrupts_in_the_middle_is_heard_and_the_model_told_what_they_heard(played: Played) -> None:
    played.passed("barge_in_middle")


@pytest.mark.claim("barge-in at 0 ms")
def test_of_what_was_not_heard_at_all_the_model_is_told_to_forget_it(played: Played) -> None:
    played.passed("barge_in_unheard")


@pytest.mark.claim("barge-in after the end")
def test_a_caller_who_speaks_after_the_end_of_a_response_cuts_nothing(played: Played) -> None:
    played.passed("barge_in_after_the_end")


@pytest.mark.claim("storm of barge-ins")
def test_twenty_interruptions_in_a_row_are_borne(played: Played) -> None:
    played.passed("barge_in_storm")


@pytest.mark.claim("two tools at once")
def test_two_tools_at_once_are_answered_with_one_request(played: Played) -> None:
    played.passed("two_tools")


@pytest.mark.claim("slow tool")
def test_a_tool_slower_than_its_deadline_is_an_error_and_its_late_result_a_note(played: Played) -> None:
    played.passed("tool_too_slow")


@pytest.mark.claim("slow tool")
def test_a_caller_who_waits_for_a_tool_is_told_so(played: Played) -> None:
    played.passed("tool_filler")


@pytest.mark.claim("J10")
def test_a_tool_that_fails_is_spoken_of(played: Played) -> None:
    played.passed("tool_fails")


@pytest.mark.claim("drop by 1001")
def test_a_model_that_goes_away_is_reached_again_and_told_what_was_said(played: Played) -> None:
    played.passed("drop_1001")


@pytest.mark.claim("drop by 1006")
def test_what_the_caller_says_while_the_model_is_away_is_answered(played: Played) -> None:
    played.passed("drop_1006")


@pytest.mark.claim("drop by 1011")
def test_a_model_that_is_lost_in_mid_answer_is_heard_to_the_end_of_it(played: Played) -> None:
    played.passed("drop_1011")


@pytest.mark.claim("drop by 1012")
def test_a_model_that_is_lost_in_place_of_an_answer_answers_later(played: Played) -> None:
    played.passed("drop_1012")


@pytest.mark.claim("drop by 1006")
def test_a_sentence_in_the_middle_of_which_the_model_is_lost_is_answered(played: Played) -> None:
    played.passed("drop_in_mid_sentence")


@pytest.mark.claim("model that is down")
def test_a_model_that_is_lost_again_and_again_is_given_up_for_the_fallback(played: Played) -> None:
    played.passed("model_lost")


@pytest.mark.claim("expiry")
def test_a_session_is_renewed_before_it_expires(played: Played) -> None:
    played.passed("expiry")


@pytest.mark.claim("rate limit")
def test_a_rate_limit_is_waited_for(played: Played) -> None:
    played.passed("rate_limit")


@pytest.mark.claim("unknown parameter")
def test_a_setting_that_the_model_does_not_know_is_left_out_with_one_warning(played: Played) -> None:
    played.passed("unknown_parameter")


@pytest.mark.claim("ten times real time")
def test_a_model_that_sends_ten_times_as_fast_as_it_speaks_is_heard_in_time(played: Played) -> None:
    played.passed("fast_model")


@pytest.mark.claim("silent caller")
def test_a_silent_caller_is_asked_twice_and_taken_leave_of(played: Played) -> None:
    played.passed("caller_silent")


def test_a_call_that_nears_its_budget_is_brought_to_its_end_aloud(played: Played) -> None:
    played.passed("budget")


@pytest.mark.claim("goodbye under noise")
def test_a_goodbye_is_heard_to_its_end_under_noise(played: Played) -> None:
    played.passed("goodbye_under_noise")


@pytest.mark.claim("goodbye under noise", "keypad entry")
def test_a_goodbye_is_heard_to_its_end_whatever_the_caller_types(played: Played) -> None:
    played.passed("goodbye_under_keys")


@pytest.mark.claim("J31", "drop by 1006")
def test_a_call_that_the_model_has_ended_ends_as_it_was_to_when_the_model_is_lost(played: Played) -> None:
    played.passed("goodbye_model_lost")


@pytest.mark.claim("protected greeting", "keypad entry")
def test_what_is_typed_into_a_protected_greeting_counts_after_it(played: Played) -> None:
    played.passed("greeting_under_keys")


@pytest.mark.claim("keypad entry")
def test_what_is_typed_is_read_by_the_model(played: Played) -> None:
    played.passed("keypad")


@pytest.mark.claim("keypad entry")
def test_what_is_typed_in_confidence_is_read_by_nobody_else(played: Played) -> None:
    played.passed("keypad_in_confidence")


@pytest.mark.claim("protected greeting")
def test_a_protected_greeting_is_heard_to_its_end(played: Played) -> None:
    played.passed("greeting_protected")


@pytest.mark.claim("short noise")
def test_a_short_noise_does_not_count(played: Played) -> None:
    played.passed("short_noise")


@pytest.mark.claim("resume")
def test_an_agent_that_was_silenced_by_nothing_goes_on(played: Played) -> None:
    played.passed("resume")


@pytest.mark.claim("fallback models")
def test_another_model_takes_over_in_mid_call(played: Played) -> None:
    played.passed("fallback_models")


@pytest.mark.claim("fallback models")
def test_another_model_takes_over_at_the_start(played: Played) -> None:
    played.passed("fallback_at_the_start")


@pytest.mark.claim("J8", "actionHook")
def test_the_verbs_of_the_action_hook_are_what_the_call_does_next(played: Played) -> None:
    played.passed("action_verbs")


def test_an_agent_hands_the_caller_over_to_another_within_the_session(played: Played) -> None:
    played.passed("agents")


def test_an_agent_with_another_voice_begins_a_new_session_that_knows_what_was_said(played: Played) -> None:
    played.passed("agents_voices")


@pytest.mark.claim("J31", "handoff")
def test_a_human_who_is_called_and_briefed_takes_the_caller_over(played: Played) -> None:
    played.passed("warm_transfer")


@pytest.mark.claim("J31", "handoff")
def test_a_caller_whom_no_human_takes_over_is_with_the_agent_who_says_why(played: Played) -> None:
    played.passed("warm_transfer_no_answer")
    played.passed("warm_transfer_declined")
    played.passed("warm_transfer_machine")


@pytest.mark.claim("J31", "handoff")
def test_a_human_whose_caller_hangs_up_is_hung_up_on(played: Played) -> None:
    played.passed("warm_transfer_caller_gone")


@pytest.mark.claim("J31", "handoff")
def test_a_transfer_outlives_the_session_with_the_model(played: Played) -> None:
    played.passed("warm_transfer_model_dropped")


def test_a_platform_that_carries_out_the_verb_itself_is_served_by_its_hooks(played: Played) -> None:
    played.passed("native")


def test_a_control_socket_that_breaks_and_comes_back_is_not_noticed(played: Played) -> None:
    played.passed("control_socket_drops")


def test_a_control_socket_that_stays_away_does_not_end_the_conversation(played: Played) -> None:
    played.passed("control_socket_lost")


def test_the_demo_shows_what_it_says(played: Played) -> None:
    played.passed("demo")
