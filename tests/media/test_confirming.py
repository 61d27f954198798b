import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.confirming import MAX_ASKED, Confirming

CANCEL = {"order": "7"}
OTHER = {"order": "8"}


def objects(confirming: Confirming, name: str, arguments: dict[str, str], answered: int, n: int) -> bool:
    """The nth call, at that second; the caller has answered so many of those before it, one after the other."""
    return confirming.objection(name, arguments, float(n), lambda since: since < answered) is not None


@pytest.mark.parametrize(
    ("calls", "run"),
    [
        ([("cancel", CANCEL, 0)], [False]),
        ([("cancel", CANCEL, 0), ("cancel", CANCEL, 1)], [False, True]),
        ([("cancel", CANCEL, 0), ("cancel", CANCEL, 0)], [False, False]),
        ([("cancel", CANCEL, 0), ("cancel", CANCEL, 0), ("cancel", CANCEL, 2)], [False, False, True]),
        ([("cancel", CANCEL, 0), ("cancel", OTHER, 1)], [False, False]),
        ([("cancel", CANCEL, 0), ("cancel", OTHER, 1), ("cancel", OTHER, 2)], [False, False, True]),
        ([("cancel", CANCEL, 0), ("cancel", CANCEL, 1), ("cancel", CANCEL, 2)], [False, True, False]),
        ([("cancel", CANCEL, 0), ("refund", CANCEL, 1)], [False, False]),
        (
            [("cancel", CANCEL, 0), ("cancel", OTHER, 0), ("cancel", CANCEL, 2), ("cancel", OTHER, 2)],
            [False, False, True, True],
        ),
        (
            [("cancel", CANCEL, 0), ("cancel", OTHER, 0), ("cancel", OTHER, 2), ("cancel", OTHER, 2)],
            [False, False, True, False],
        ),
        ([("cancel", CANCEL, 0), ("cancel", OTHER, 1), ("cancel", CANCEL, 2)], [False, False, False]),
        ([("cancel", {}, 1)], [False]),
        ([("look", CANCEL, 0), ("look", CANCEL, 0)], [True, True]),
    ],
)
def test_what_cannot_be_taken_back_runs_once_after_the_caller_was_asked(
    calls: list[tuple[str, dict[str, str], int]], run: list[bool]
) -> None:
    confirming = Confirming({"cancel", "refund"})
    assert [not objects(confirming, *call, n) for n, call in enumerate(calls)] == run


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans())))
def test_whatever_the_model_does_nothing_runs_twice_for_one_word_of_the_caller(deeds: list[tuple[str, bool]]) -> None:
    confirming, turns, answered, ran = Confirming({"cancel"}), 0, -1, {"a": 0, "b": 0}
    for n, (order, answers) in enumerate(deeds):
        turns, answered = turns + answers, n if answers else answered
        ran[order] += not objects(confirming, "cancel", {"order": order}, answered, n)
        assert ran[order] <= turns


def test_of_very_many_calls_made_together_the_oldest_must_be_asked_for_anew() -> None:
    confirming = Confirming({"cancel"})
    for n in range(MAX_ASKED + 1):
        assert objects(confirming, "cancel", {"order": str(n)}, 0, n)
    done = [not objects(confirming, "cancel", {"order": str(n)}, 99, 100) for n in reversed(range(MAX_ASKED + 1))]
    assert done == [True] * MAX_ASKED + [False]


def test_the_model_is_told_what_to_do() -> None:
    told = Confirming({"cancel"}).objection("cancel", CANCEL, 1.0, lambda _: False)
    assert told
    assert "call cancel again with the same arguments" in told
