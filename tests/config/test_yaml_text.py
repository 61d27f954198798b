import codecs
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.complaints import ConfigError
from config.nodes import json_of
from config.reading import MOST_BYTES, read_bytes, text_of
from config.yaml_text import parse
from tests.properties import edited, tried_with

FILE = Path("c.yaml")
MOST_CHARS = 1000


def value_of(text: str) -> Any:
    root, complaints = parse(f"key: {text}\n", file="c.yaml", environ={})
    assert complaints == []
    return json_of(root)["key"]


def refusal(raw: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text_of(raw, FILE), file="c.yaml", environ={})
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("+15551234567", "+15551234567"),
        ("15551234567", 15551234567),
        ("0123", "0123"),
        ("12:30:45", "12:30:45"),
        ("2026-01-02", "2026-01-02"),
        ("yes", "yes"),
        ("off", "off"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ('"true"', "true"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("1e3", 1000.0),
        ("-0.5", -0.5),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".5", ".5"),
        ("'5'", "5"),
        ("9" * 400, "9" * 400),
        ("null", None),
        ("~", None),
        ("", None),
        ('""', ""),
        ("|\n  two\n  lines", "two\nlines\n"),
        (r'"\ud83d\ude00 \/"', "😀 /"),
        ("{a: [1, {b: }]}", {"a": [1, {"b": None}]}),
    ],
)
def test_only_what_json_would_type_is_typed(written: str, value: object) -> None:
    assert value_of(written) == value
    assert type(value_of(written)) is type(value)


def test_keys_are_text_as_written() -> None:
    root, complaints = parse("{+15551: a, 15551: b, on: c, 0123: d, null: e, 1.0: f}", file="c", environ={})
    assert complaints == []
    assert list(json_of(root)) == ["+15551", "15551", "on", "0123", "null", "1.0"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="$\x85\u2028\u2029\ufeff\ufffe\uffff")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc+0 ", max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(json_values, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_pasted_json_is_what_it_was(value: Any, indent: int | str | None, ascii_only: bool) -> None:  # noqa: FBT001
    assert value_of(json.dumps(value, indent=indent, ensure_ascii=ascii_only)) == value


def test_windows_files_with_a_byte_order_mark_are_read() -> None:
    raw = codecs.BOM_UTF8 + b"a: 1\r\nb: 2\r\n"
    root, _ = parse(text_of(raw, FILE), file="c.yaml", environ={})
    assert [(entry.key, entry.line, entry.column) for entry in root.entries] == [("a", 1, 1), ("b", 2, 1)]


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "c.yaml:1:1: the file is empty; it needs at least `routes:`"),
        (b"# nothing\n", "c.yaml:2:1: the file is empty; it needs at least `routes:`"),
        ("a: 1\n".encode("utf-16"), "c.yaml:1:1: written as UTF-16: save the file as UTF-8"),
        (b"a: 1\nb: \xff\n", "c.yaml:2:4: not UTF-8 from here on: save the file as UTF-8"),
        (codecs.BOM_UTF8 + b"\xff", "c.yaml:1:1: not UTF-8 from here on: save the file as UTF-8"),
        (b"a: 1\nb: x\0\n", "c.yaml:2:5: the control character U+0000 stands here: remove it"),
        (b"a: \x1b[0m", "c.yaml:1:4: the control character U+001B stands here: remove it"),
        (b"a" * (MOST_BYTES + 1), "c.yaml:1:1: larger than 1048576 bytes; is this the configuration?"),
        (b"[" * 200_000, "c.yaml:1:34: [0]: nested more than 32 levels deep"),
        (b"- " * 200_000, "c.yaml:1:67: [0]: nested more than 32 levels deep"),
        (b"{a: " * 200_000, "c.yaml:1:130: a: nested more than 32 levels deep"),
        (b"{" * 200_000, "nested more than 32 levels deep"),
        (b'a: "\\UFFFFFFFF"', "c.yaml:1:7: not valid YAML: \\U stands before the number of no character"),
        (b"%YAML " + b"9" * 5000 + b".1\n---\na: 1", "there is no such version of YAML"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
@pytest.mark.timeout(10)
def test_what_is_no_usable_text_is_refused_at_once(raw: bytes, complaint: str) -> None:
    assert complaint in refusal(raw)


def test_thirty_two_levels_are_enough_and_allowed() -> None:
    text = "[" * 31 + "]" * 31
    assert json.dumps(value_of(text)) == text


def test_a_built_in_text_stands_in_no_line() -> None:
    root, _ = parse("a: 1", file="", environ={})
    assert (root.line, root.entries[0].value.column) == (0, 0)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml:1:1: cannot be read: No such file"):
        read_bytes(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)


def test_no_more_than_the_allowed_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"x" * (MOST_BYTES + 100))
    assert len(read_bytes(path)) == MOST_BYTES + 1


CORPUS = [path.read_text("utf-8") for path in sorted(Path("tests/config/corpus").glob("*.yaml"))]
PIECES = [
    *("[", "]", "{", "}", ":", ": ", "- ", "? ", ", ", "\n", "\n  ", "\t", "#", "'", '"', "\\", "\\x", "|", ">-", "|9"),
    *("&a ", "*a", "!", "!!int ", "!<%FF> ", "<<: ", "---\n", "...\n", "%YAML 1.1\n", "%TAG ! x\n", "@", "`", "%"),
    *("~", "=", "0x", "1:2", "1e999", "9" * 50, "+1555", "${A}", "${", "$${", "${A:-", "\ufeff", "\u2028", "\x85", "é"),
    *('"\\ud800"', '"\\ud83d\\ude00"', '"\\U0001F600"', "[" * 40, "- " * 40, "{a: " * 40, "a: " * 40),
]
BROKE_IT = [
    *('a: "\\UFFFFFFFF"', 'a: "\\U00110000"', '"\\U80000000": 1', "%YAML 1." + "9" * 5000 + "\n---\na: 1"),
    *('"\\ud800": 1', 'a: {"\\udfff": {b: 1}}', "a: !<%FF> 1", "a: |99\n x", "? [a]\n: 1", "? {a: *b}\n: 1"),
]
"What PyYAML's own parser stumbles over, or passes on."


@tried_with("text", BROKE_IT)
@settings(deadline=None)
@given(text=edited([*CORPUS, "a: 1", ""], PIECES))
def test_any_text_is_read_as_json_could_say_it_or_refused_at_a_place(text: str) -> None:
    try:
        root, complaints = parse(text_of(text.encode(), FILE), file="c.yaml", environ={"A": "s3cr3t-value"})
    except ConfigError as error:
        complaints = error.complaints
        assert complaints
    else:
        value = json_of(root)
        written = json.dumps(value, allow_nan=False)
        assert json.loads(written) == value
        assert complaints or json.dumps(value, ensure_ascii=False).encode()  # holds no half of a character
    for complaint in complaints:
        line = str(complaint)
        assert re.match(r"c\.yaml:[1-9]\d*:[1-9]\d*: ", line)
        assert line.isprintable()
        assert len(line) < MOST_CHARS
        assert "s3cr3t" not in line


@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_text_or_refused_at_a_place(raw: bytes) -> None:
    try:
        assert text_of(raw, FILE).encode() == raw.removeprefix(codecs.BOM_UTF8)
    except ConfigError as error:
        assert re.match(r"c\.yaml:[1-9]\d*:[1-9]\d*: ", str(error))  # noqa: PT017


def test_an_emoji_in_a_key_may_be_written_as_json_writes_it() -> None:
    root, complaints = parse('"\\ud83d\\ude00": 1', file="c", environ={})
    assert (json_of(root), complaints) == ({"😀": 1}, [])
