"""A call row as text, and back."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.base import CallRow, End, LlmLeg
from store.coding import COLUMNS, decode, encode
from tests.properties import json_values, tries

TEXTS = st.text(max_size=8) | st.just("\ud800")
NUMBERS = st.floats(0, 1e10)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXTS, json_values(TEXTS), max_size=3)
ENDS = st.builds(
    End,
    reason_code=TEXTS,
    completion_reason=TEXTS,
    at_s=NUMBERS,
    error=st.none() | OBJECTS,
    told=OBJECTS,
    usage=OBJECTS,
    transcript=st.lists(OBJECTS, max_size=2).map(tuple),
    history=st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
)
VERBS = st.lists(OBJECTS, max_size=2).map(tuple)
LEGS = st.builds(
    LlmLeg,
    llm=OBJECTS,
    remaining=VERBS,
    fallback=VERBS,
    ended_answer=st.none() | st.binary(max_size=20),
    end=st.none() | ENDS,
)
ROWS = st.builds(
    CallRow,
    id=st.binary(min_size=12, max_size=12),
    **dict.fromkeys(("call_sid", "platform", "route", "caller", "called", "direction"), TEXTS),
    attributes=OBJECTS,
    created_at_s=NUMBERS,
    document=st.binary(max_size=20),
    legs=st.lists(LEGS, max_size=2).map(tuple),
    hooks=st.lists(TEXTS, max_size=2).map(tuple),
    owner=st.none() | TEXTS,
    end=st.none() | ENDS,
)


@settings(max_examples=tries(40), deadline=None)
@given(row=ROWS)
def test_any_row_is_read_back_as_it_was_written_and_its_text_can_be_kept(row: CallRow) -> None:
    text = encode(row)
    assert text.isascii()
    assert decode(text, **{name: getattr(row, name) for name in COLUMNS}) == row


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(TypeError, match="a call row holds a set"):
        encode(CallRow(bytes(12), "c", "p", "r", "1", "2", "inbound", {"a": {1}}, 0.0, b"[]"))
