from math import inf

import pytest
from hypothesis import given

from media.awaited import MAX_RATE_LIMIT_S, RATE_LIMITS, RETRIES, Awaited
from media.ends import FATAL
from tests.properties import edited, tried_with

GREETING = {"instructions": "Greet the caller."}


def awaited() -> Awaited:
    return Awaited(timeout_s=8)


def test_nothing_is_owed_at_first_and_nothing_goes_on() -> None:
    machine = awaited()
    machine.goes_on(3.0)
    assert machine.due == inf
    assert not machine.owed


@pytest.mark.parametrize(
    ("watch_s", "again_s", "give_up_s"), [(None, 4.0, 8.0), (0.5, 0.5, 8.0), (6.0, 6.0, 12.0), (20.0, 20.0, 28.0)]
)
def test_a_watch_says_when_the_second_try_is_and_not_when_the_model_is_given_up(
    watch_s: float | None, again_s: float, give_up_s: float
) -> None:
    machine = Awaited(timeout_s=8, watch_s=watch_s)
    machine.asked(GREETING, 1.0)
    assert machine.due == 1.0 + again_s
    assert machine.again()
    machine.asked(GREETING, 1.0 + again_s)
    assert machine.due == 1.0 + give_up_s
    machine.settled(completed=True)
    machine.asked(GREETING, 200.0)
    assert machine.due == 200.0 + again_s


@pytest.mark.parametrize(("watch_s", "first_s", "last_s"), [(None, 8.0, 8.0), (0.5, 0.5, 8.0), (20.0, 20.0, 20.0)])
def test_a_response_that_has_begun_may_pause_for_so_long(watch_s: float | None, first_s: float, last_s: float) -> None:
    machine = Awaited(timeout_s=8, watch_s=watch_s)
    machine.asked(GREETING, 1.0)
    machine.started(2.0, by_itself=False)
    assert machine.due == 2.0 + first_s
    assert machine.again()
    machine.asked(GREETING, 20.0)
    machine.goes_on(30.0)
    assert machine.due == 30.0 + last_s


def test_a_caller_who_speaks_stops_the_clock_and_does_not_set_it_back() -> None:
    machine = awaited()
    machine.turn_ended(1.0)
    machine.paused(3.0)
    assert not machine.owed
    machine.turn_ended(10.0)
    assert machine.due == 12.0
    machine.turn_ended(11.0)
    assert machine.due == 12.0


def test_a_caller_who_interrupts_what_has_begun_has_a_new_clock() -> None:
    machine = awaited()
    machine.turn_ended(1.0)
    machine.started(2.0, by_itself=True)
    machine.paused(3.0)
    machine.turn_ended(10.0)
    assert machine.due == 14.0


def test_every_sign_of_life_gives_more_time() -> None:
    machine = awaited()
    machine.asked(GREETING, 1.0)
    assert machine.due == 5.0
    machine.started(2.0, by_itself=False)
    assert machine.due == 10.0
    machine.goes_on(7.0)
    assert machine.due == 15.0
    machine.settled()
    assert not machine.owed


def test_what_is_asked_for_again_is_what_was_asked_for() -> None:
    machine = awaited()
    machine.asked(GREETING, 1.0)
    machine.started(2.0, by_itself=False)
    assert machine.asked_with == GREETING
    machine.started(2.0, by_itself=True)
    assert machine.asked_with == {}


def test_the_answer_to_a_turn_is_asked_for_plainly() -> None:
    machine = awaited()
    machine.asked(GREETING, 1.0)
    machine.turn_ended(5.0)
    assert machine.asked_with == {}


def test_the_second_try_comes_back_with_a_completed_response_and_with_nothing_else() -> None:
    machine = awaited()
    tries = [machine.again() for _ in range(RETRIES + 1)]
    assert tries == [True] * RETRIES + [False]
    machine.settled()
    assert not machine.again()
    machine.settled(completed=True)
    assert machine.again()


@pytest.mark.parametrize("code", sorted(FATAL))
def test_a_failure_that_must_repeat_itself_is_not_asked_for_again(code: str) -> None:
    assert awaited().after_failure(code, "", 0.0) is None


MESSAGES = ["Rate limit reached. Please try again in 6.5s.", "try again in 20 ms", "try again in 1s"]


@tried_with("message", ["try again in " + "9" * 400 + "s", "try again in ٣s", "try again in " + "1" * 50_000])
@given(message=edited(MESSAGES, ["9" * 30, ".", "-", "0", " ", "ms", "s", "²", "e9", "try again in "]))
def test_whatever_a_model_says_of_its_limits_the_wait_is_bounded(message: str) -> None:
    wait_s = awaited().after_failure(min(RATE_LIMITS), message, 0.0)
    assert wait_s is not None
    assert 0 <= wait_s <= MAX_RATE_LIMIT_S


@pytest.mark.claim("rate limit")
@pytest.mark.parametrize(
    ("wanted", "waits"),
    [("1s", [1.0, 1.0]), ("20s", [6.0]), ("4s", [4.0, 2.0]), ("20ms", [0.02, 0.02]), ("0s", [0.0, 0.0])],
)
def test_a_models_limits_are_waited_for_twice_and_for_six_seconds_at_most_in_a_turn(
    wanted: str, waits: list[float]
) -> None:
    machine = awaited()
    for _ in range(2):
        said = [machine.after_failure("rate_limit_exceeded", f"try again in {wanted}", 0.0) for _ in range(4)]
        assert said == [*waits, *[None] * (4 - len(waits))]
        machine.settled(completed=True)
