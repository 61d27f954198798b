import pytest

from media.answers import Answers
from media.playout import Speech

ASKED_AT = 10.0
QUESTION, BEFORE = Speech("question"), Speech("before")


def asked() -> Answers:
    """The agent asks aloud from 11.0 to 12.0, and the caller hears it."""
    answers = Answers()
    answers.said(QUESTION, 10.8)
    answers.heard(QUESTION, 1000.0, 12.0)
    return answers


def test_a_turn_that_began_after_the_question_did_is_an_answer() -> None:
    answers = asked()
    assert not answers.since(ASKED_AT)
    answers.began(11.5)
    answers.turn("u1", 13.0)
    assert answers.since(ASKED_AT)
    assert not answers.since(12.0)


def test_a_turn_of_which_nobody_told_the_beginning_began_when_it_was_told_of() -> None:
    answers = asked()
    answers.turn("u1", 13.0)
    assert answers.since(ASKED_AT)


@pytest.mark.parametrize("heard_ms", [None, 0.0])
def test_what_was_not_heard_has_no_answer(heard_ms: float | None) -> None:
    answers = Answers()
    answers.said(QUESTION, 10.8)
    if heard_ms is not None:
        answers.heard(QUESTION, heard_ms, 12.0)
    answers.typed(13.0)
    assert not answers.since(ASKED_AT)


def test_what_had_begun_before_has_no_answer_either() -> None:
    answers = Answers()
    answers.said(BEFORE, 9.9)
    answers.heard(BEFORE, 1000.0, 12.0)
    answers.typed(13.0)
    assert not answers.since(ASKED_AT)
    answers.heard(QUESTION, 1000.0, 12.5)  # no words of it ever came
    assert answers.since(ASKED_AT)


def test_a_turn_that_was_going_on_is_no_answer_however_late_it_ends() -> None:
    answers = asked()
    answers.began(10.5)
    answers.turn("u1", 13.0)
    assert not answers.since(ASKED_AT)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(("text", "answer"), [("Yes", True), (None, True), (" ", False)])
def test_a_turn_has_words_as_far_as_they_are_written_down(text: str | None, *, answer: bool, early: bool) -> None:
    answers = asked()
    if early:
        answers.text("u1", text)
    answers.turn("u1", 13.0)
    if not early:
        answers.text("u1", text)
    assert answers.since(ASKED_AT) is answer


def test_what_is_typed_is_an_answer() -> None:
    answers = asked()
    answers.typed(12.5)
    assert answers.since(ASKED_AT)
