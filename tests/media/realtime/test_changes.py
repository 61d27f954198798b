"""What was changed of a verb's options, for as long as it may be refused: folded into one base, undone one by one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from media.realtime.changes import Change, Changes

JsonObject = dict[str, Any]


def merge(options: JsonObject, session: JsonObject) -> JsonObject:
    return {"session_update": {**options.get("session_update", {}), **session}}


def test_what_is_settled_cannot_be_undone_any_more() -> None:
    changes = Changes({}, merge)
    changes.make(Change({"a": 1}))
    changes.make(Change({"a": 2}))
    changes.settle({2})
    changes.undo(1)
    assert changes.options == {"session_update": {"a": 2}}
    changes.undo(2)
    assert (changes.options, changes.newest, changes.newest_open) == ({"session_update": {"a": 1}}, 2, 0)


def test_what_was_none_has_left_nothing() -> None:
    changes = Changes({}, merge)
    changes.make(Change({"a": 1}))
    changes.make(Change({"b": 1}, tools=({"name": "t"},)))
    changes.unmake()
    assert (changes.options, changes.newest, changes.tools) == ({"session_update": {"a": 1}}, 1, [])
    assert changes.make(Change({"c": 1})) == 2


STEPS = st.lists(st.tuples(st.sampled_from(["make", "agree", "refuse"]), st.integers(0, 5)), max_size=30)


@given(STEPS)
def test_the_options_are_those_of_all_changes_but_the_refused(steps: list[tuple[str, int]]) -> None:
    changes, made, waiting = Changes({}, merge), {}, []
    for step, which in steps:
        if step == "make":
            made[changes.make(Change({f"s{which}": changes.newest}))] = which
            waiting.append(changes.newest)
        elif waiting and step == "agree":
            waiting.pop(0)
        elif waiting:
            refused = waiting.pop(which % len(waiting))
            changes.undo(refused)
            del made[refused]
        changes.settle(waiting)
        expected = {f"s{which}": nth - 1 for nth, which in sorted(made.items())}
        assert changes.options.get("session_update", {}) == expected
