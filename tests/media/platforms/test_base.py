import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.platforms.base import PlatformError, read_json, read_mended_json

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_what_is_json_is_read_as_it_is(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_platform_error(raw: bytes) -> None:
    try:
        read_json(raw)
    except PlatformError:
        return


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"secret": hunter2}', "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "text that is not UTF-8"),
        (b'"\xff"', "text that is not UTF-8"),
        (b'{"a": "\\ud800"}', "text that is not UTF-8"),
        (b'{"\\ud800": 1}', "text that is not UTF-8"),
        (b'{"a": 1, "a": 2}', "JSON with the same key twice in an object"),
        (b'{"a": NaN}', "JSON with a number that is none (NaN or Infinity)"),
        (b'{"a": -Infinity}', "JSON with a number that is none (NaN or Infinity)"),
        (b'{"a": 1e999}', "JSON with a number out of range"),
        (b'{"a": ' + b"9" * 20 + b"}", "JSON with a number out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "JSON with a number out of range"),
        (b"[" * 65 + b"]" * 65, "JSON nested deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "JSON nested deeper than 64"),
        (b"[" * 100_000 + b"]" * 100_000, "JSON nested deeper than 64"),
    ],
)
def test_what_is_almost_json_is_refused_without_repeating_it(raw: bytes, fault: str) -> None:
    with pytest.raises(PlatformError) as refused:
        read_json(raw)
    assert str(refused.value) == fault


def test_values_nested_as_deep_as_allowed_are_read() -> None:
    assert read_json("[" * 64 + "]" * 64)
    assert read_json(f"[{-(2**63)}]") == [-(2**63)]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": "\\ud800x", "id": "call_9"}', {"a": "?x", "id": "call_9"}),
        (b'{"\\ud800": 1}', {"?": 1}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    ],
)
def test_half_a_character_is_mended_where_that_is_asked_for(raw: bytes, value: object) -> None:
    assert read_mended_json(raw) == value


@pytest.mark.parametrize("raw", [b"{", b'{"a": NaN, "b": "\\ud800"}', b'{"a": "\\ud800", "a": 1}', b'"\xff"'])
def test_nothing_else_is_mended(raw: bytes) -> None:
    with pytest.raises(PlatformError):
        read_mended_json(raw)
