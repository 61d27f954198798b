import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.environment import fill, read_dotenv

ENVIRON = {"A": "one", "B": "two", "EMPTY": "", "BRACES": "${A}"}
BROKEN = "'${' must read ${NAME} or ${NAME:-default}; write $${ for the two characters themselves"


@pytest.mark.parametrize(
    ("written", "text", "names"),
    [
        ("no variable", "no variable", []),
        ("${A}", "one", ["A"]),
        ("wss://${A}:${B}/${A}", "wss://one:two/one", ["A", "B", "A"]),
        ("${A:-x}", "one", ["A"]),
        ("${NONE:-x y}", "x y", []),
        ("${NONE:-}", "", []),
        ("${EMPTY:-x}", "x", []),
        ("$${A} $A {A}", "${A} $A {A}", []),
        ("${BRACES}", "${A}", ["BRACES"]),
    ],
)
def test_variables_are_filled_in(written: str, text: str, names: list[str]) -> None:
    filled = fill(written, ENVIRON)
    assert (filled.text, [name for name, _ in filled.values], filled.faults) == (text, names, ())


@pytest.mark.parametrize(
    ("written", "faults"),
    [
        ("${A", [BROKEN]),
        ("${}", [BROKEN]),
        ("${A-x}", [BROKEN]),
        ("${1}", [BROKEN]),
        ("${A:-${B}}", [BROKEN]),
        (
            "${NONE} ${EMPTY}",
            [
                f"the environment variable {name} is missing or empty: set it (or put it into .env), "
                f"or write ${{{name}:-default}}"
                for name in ("NONE", "EMPTY")
            ],
        ),
    ],
)
def test_what_cannot_be_filled_in_says_the_remedy(written: str, faults: list[str]) -> None:
    assert fill(written, ENVIRON).faults == tuple(faults)


def test_a_dotenv_file_is_read_as_it_is_written() -> None:
    text = "# keys\nA=1\nexport B='two words'\n\nC=\nD\nE=${A}\n"
    assert read_dotenv(text, file=".env") == ({"A": "1", "B": "two words", "C": "", "E": "${A}"}, [])


def test_a_broken_line_of_a_dotenv_file_is_named() -> None:
    values, complaints = read_dotenv("A=1\n\nB='open\nC=3\n", file="x/.env")
    assert values == {"A": "1", "C": "3"}
    assert [str(complaint) for complaint in complaints] == ["x/.env:3:1: this line does not read NAME=value"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_lines_of_a_dotenv_file_are_counted_whatever_ends_them(end: str) -> None:
    _, complaints = read_dotenv(end.join(["A=1", "=", "", "=", "B=2", "="]), file=".env")
    assert [complaint.line for complaint in complaints] == [2, 4, 6]


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
PIECES = [
    "A",
    "=",
    "'",
    '"',
    "\\",
    "\n",
    "\r",
    " ",
    "#",
    "export ",
    "${",
    "}",
    "$",
    ":-",
    "\0",
    "\ufeff",
    "é",
    "\u2028",
]


@example("=\r\n=")
@given(text=st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join))
def test_any_dotenv_file_is_read_and_its_broken_lines_are_named(text: str) -> None:
    values, complaints = read_dotenv(text, file=".env")
    assert all(isinstance(value, str) for value in values.values())
    assert all(1 <= complaint.line <= len(re.split("\r\n|\n|\r", text)) for complaint in complaints)
    assert all(str(complaint).endswith(":1: this line does not read NAME=value") for complaint in complaints)


@given(values=st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_is_quoted_in_a_dotenv_file_is_what_it_was(values: dict[str, str]) -> None:
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    text = "".join(f"{name}='{value}'\n" for name, value in quoted.items())
    assert read_dotenv(text, file=".env") == (values, [])


@given(text=st.lists(st.sampled_from(["${A}", "${A:-x}", *PIECES]) | st.text(max_size=3)).map("".join))
def test_any_text_is_filled_in_once_and_no_value_stands_in_a_fault(text: str) -> None:
    filled = fill(text, {"A": "s3cr3t ${A}"})
    assert filled.text.count("s3cr3t") == len(filled.values) + text.count("s3cr3t")
    assert not any("s3cr3t" in fault for fault in filled.faults)
    assert fill(text.replace("${", "$${"), {}).text == text
