import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.confirming import Confirming

CANCEL = {"order": "7"}
OTHER = {"order": "8"}


@pytest.mark.parametrize(
    ("calls", "run"),
    [
        ([("cancel", CANCEL, 1)], [False]),
        ([("cancel", CANCEL, 1), ("cancel", CANCEL, 2)], [False, True]),
        ([("cancel", CANCEL, 1), ("cancel", CANCEL, 1)], [False, False]),
        ([("cancel", CANCEL, 1), ("cancel", CANCEL, 1), ("cancel", CANCEL, 2)], [False, False, True]),
        ([("cancel", CANCEL, 1), ("cancel", OTHER, 2)], [False, False]),
        ([("cancel", CANCEL, 1), ("cancel", OTHER, 2), ("cancel", OTHER, 3)], [False, False, True]),
        ([("cancel", CANCEL, 1), ("cancel", CANCEL, 2), ("cancel", CANCEL, 3)], [False, True, False]),
        ([("cancel", CANCEL, 1), ("refund", CANCEL, 2)], [False, False]),
        ([("cancel", {}, 0)], [False]),
        ([("look", CANCEL, 1), ("look", CANCEL, 1)], [True, True]),
    ],
)
def test_what_cannot_be_taken_back_runs_once_after_the_caller_was_asked(
    calls: list[tuple[str, dict[str, str], int]], run: list[bool]
) -> None:
    confirming = Confirming({"cancel", "refund"})
    assert [confirming.objection(*call) is None for call in calls] == run


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans())))
def test_whatever_the_model_does_nothing_runs_twice_for_one_word_of_the_caller(deeds: list[tuple[str, bool]]) -> None:
    confirming, turns, ran = Confirming({"cancel"}), 0, 0
    for order, speaks in deeds:
        turns += speaks
        ran += confirming.objection("cancel", {"order": order}, turns) is None
        assert ran <= turns


def test_the_model_is_told_what_to_do() -> None:
    told = Confirming({"cancel"}).objection("cancel", CANCEL, 1)
    assert told
    assert "call cancel again with the same arguments" in told
