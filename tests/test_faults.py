"""The tables that are kept (docs/faults.md) name every fault and every parser, and only tests that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "faults.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([EFP]\d+) \|.+\| ([^|]+) \|$", TEXT, re.MULTILINE)
PARSERS = re.findall(r"^\| (P\d+) \|[^|]+\| ([^|]+) \|.+\| ([^|]+) \|$", TEXT, re.MULTILINE)

ENTRIES = range(1, 12)
"By the platform, by applications, operators and models."
FAULTS = [*range(1, 19), *range(40, 51)]
"On the platform's side, and on that of hooks."
READS = {"loads", "read_json", "read_mended_json", "b64decode", "a2b_base64", "parse_stream", "parsedate_to_datetime"}
"Functions by which what somebody has written is read."
OWN_WORDS = {
    *("calls/agents.py", "calls/keeping.py", "calls/orphans.py"),
    *("hooks/redaction.py", "hooks/applications/python.py", "hooks/applications/websocket.py", "store/sql.py"),
    *("media/deeds.py", "media/updating.py", "store/rows.py"),
    *("verbs/tables/__init__.py", "verbs/tools.py"),
}
"What reads what we have written ourselves."


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@cache
def written() -> dict[str, bool]:
    """Give the tests that there are: name → whether it is a property.

    Read where it is asked for: every process of pytest's imports this file, and one or two of them ask.
    """
    files = (ROOT / "tests").rglob("test_*.py")
    tests = [function for file in files for function in functions(file) if function.name.startswith("test_")]
    return {test.name: any("given(" in ast.unparse(by) for by in test.decorator_list) for test in tests}


def test_every_fault_has_its_row_and_the_parsers_are_numbered() -> None:
    faults = [*(f"E{n}" for n in ENTRIES), *(f"F{n:02}" for n in FAULTS)]
    faults += ["E16", *(f"F{n}" for n in range(60, 69)), *(f"F{n}" for n in range(70, 76))]
    assert [row for row, _ in ROWS] == [*faults, *(f"P{n:02}" for n in range(1, len(PARSERS) + 1))]


def test_the_tables_name_no_test_that_there_is_not_and_each_row_has_one() -> None:
    there_are = written().keys()
    named = {row: set(re.findall(r"`(test_\w+)`", tests)) for row, tests in ROWS}
    assert {row: tests - there_are for row, tests in named.items() if not tests or tests - there_are} == {}


@pytest.mark.parametrize(("row", "by", "tests"), PARSERS, ids=[row for row, _, _ in PARSERS])
def test_every_parser_of_ours_is_there_and_has_a_property(row: str, by: str, tests: str) -> None:
    files = re.findall(r"`([\w/]+\.py)`", by)
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert not files or any(written().get(test) for test in re.findall(r"`(test_\w+)`", tests))


def test_what_reads_the_words_of_others_is_in_the_table() -> None:
    rooms = [room for room in ROOT.iterdir() if (room / "__init__.py").is_file() and room.name not in {"bench", "sim"}]
    reading = {
        path.relative_to(ROOT).as_posix()
        for path in (path for room in rooms for path in room.rglob("*.py"))
        if READS & set(re.findall(r"\b(\w+)\(", path.read_text("utf-8")))
    }
    assert reading - set(re.findall(r"`([\w/]+\.py)`", TEXT)) == OWN_WORDS
