"""The brain without a model."""

import pytest

from brains.base import Question
from brains.context import ChatContext
from brains.rules import GOODBYE, GREETING, UNHEARD, Rule, RuleBrain
from tests.brains.asking import answered, asked, context


@pytest.mark.claim("V13")
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Hello!", GREETING),
        ("good morning", GREETING),
        ("Hello, is anybody there?", "You said: Hello, is anybody there?"),
        ("Well, goodbye then.", GOODBYE),
        ("  ", UNHEARD),
        ("What are your OPENING-hours, please?", "From nine to five."),
        ("{said}", "You said: {said}"),
    ],
)
def test_v13_it_answers_by_rules_and_says_back_what_none_fits(said: str, words: str) -> None:
    assert answered(RuleBrain([Rule("opening hours", "From nine to five.")]), said).content == words


def test_it_greets_who_has_said_nothing_and_says_what_it_is_told_to_otherwise() -> None:
    assert asked(RuleBrain(), Question(ChatContext(), stream=False))[0].delta.content == GREETING
    brain = RuleBrain([Rule("name", "I am told that {said}")], "I do not know.")
    assert answered(brain, "my name is Ada").content == "I am told that my name is Ada"
    assert answered(brain, "and else").content == "I do not know."


def test_it_comes_in_pieces_or_as_a_whole_with_what_it_took() -> None:
    pieces = asked(RuleBrain(), Question(context("One two")))
    assert [piece.delta.content for piece in pieces] == ["", "You ", "said: ", "One ", "two", ""]
    assert (pieces[-1].finish_reason, pieces[-1].usage) == ("stop", (6, 4, 0))
    [whole] = asked(RuleBrain(), Question(context("One two"), stream=False))
    assert (whole.delta.content, whole.finish_reason) == ("You said: One two", "stop")
