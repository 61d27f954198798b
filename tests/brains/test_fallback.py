"""One brain after the other."""

import pytest

from brains.base import Question
from brains.chunks import ChatChunk, Delta
from brains.errors import BrainError, BrokenError, RefusedError, UnreachableError
from brains.fallback import FallbackBrain
from tests.brains.asking import Scripted, answered, asked, context

ROLE, WORD, END = (
    ChatChunk(delta=Delta("assistant")),
    ChatChunk(delta=Delta(content="Hi")),
    ChatChunk(finish_reason="stop"),
)


@pytest.mark.claim("L7")
@pytest.mark.parametrize(
    "error", [UnreachableError("gone"), RefusedError(503, {}), RefusedError(401, {}), BrokenError("x")]
)
def test_l7_the_next_is_asked_where_one_fails_before_its_first_word(error: BrainError) -> None:
    told: list[tuple[str, BrainError]] = []
    first, second = Scripted([ROLE, error]), Scripted([ROLE, WORD, END])
    brain = FallbackBrain([("a", first), ("b", second)], lambda name, error: told.append((name, error)))
    assert asked(brain, Question(context("Hi"))) == [ROLE, WORD, END]  # one beginning, not two
    assert (told, first.closed, second.closed) == ([("a", error)], 1, 1)


@pytest.mark.parametrize(
    ("scripts", "error"),
    [
        ([[WORD, BrokenError("half")], [WORD]], "half"),
        ([[RefusedError(400, {"message": "bad"})], [WORD]], "bad"),
        ([[UnreachableError("one")], [UnreachableError("two")]], "two"),
    ],
)
def test_no_other_is_asked_once_it_speaks_or_where_the_question_is_at_fault(
    scripts: list[list[ChatChunk | BrainError]], error: str
) -> None:
    brain = FallbackBrain([(str(place), Scripted(script)) for place, script in enumerate(scripts)])
    with pytest.raises(BrainError, match=error):
        answered(brain, "Hi")


def test_an_answer_without_a_word_is_one() -> None:
    assert asked(FallbackBrain([("a", Scripted([ROLE])), ("b", Scripted([WORD]))]), Question(context("Hi"))) == [ROLE]
