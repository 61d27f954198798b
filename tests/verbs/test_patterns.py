import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbs.patterns import finds, is_pattern, unchecked


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        ("b", "abc", True),
        (r"\u0061\\u0061", r"a\u0061", True),
        (r"^\p{L}+$", "Ünal", True),
        ("\ud800", "a", None),
        ("(?=a)", "a", None),
        ("(", "a", None),
    ],
)
def test_what_is_found(pattern: str, text: str, found: bool | None) -> None:  # noqa: FBT001  # what is found
    assert finds(pattern, text) is found


@pytest.mark.parametrize(("text", "is_one"), [("a", True), ("(?=a)", True), ("(a)\\1", True), ("(", False), (5, True)])
def test_what_is_a_pattern(text: object, *, is_one: bool) -> None:
    if is_one:
        assert is_pattern(text)
    else:
        with pytest.raises(re.error):
            is_pattern(text)


@given(st.text(), st.text())
def test_whatever_is_looked_for_is_found_or_not(pattern: str, text: str) -> None:
    assert finds(pattern, text) in {True, False, None}


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_a_text_is_found_in_itself(text: str) -> None:
    quoted = "".join(f"\\x{{{ord(char):x}}}" for char in text)
    assert finds(f"^{quoted}$", text)


@pytest.mark.parametrize(
    ("schema", "patterns"),
    [
        (None, []),
        ({"properties": {"pattern": {"type": "string", "pattern": "(?=a)"}}}, ["(?=a)"]),
        ({"anyOf": [{"patternProperties": {"(?=b)": {"pattern": "a{2000}"}, "c": {}}}]}, ["(?=b)", "a{2000}"]),
        ({"enum": [{"pattern": "(?=a)"}], "pattern": 5, "patternProperties": 5}, []),
    ],
)
def test_what_cannot_be_looked_for_is_told(schema: Any, patterns: list[str]) -> None:
    assert list(unchecked(schema)) == patterns
