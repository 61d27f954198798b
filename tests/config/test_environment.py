import pytest

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
