"""The table of faults that is kept (docs/faults.md) names every fault, and only tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROWS = re.findall(r"^\| ([EF]\d+) \|.+\| ([^|]+) \|$", (ROOT / "docs" / "faults.md").read_text("utf-8"), re.MULTILINE)


def test_every_fault_of_the_platforms_side_has_its_row() -> None:
    assert [fault for fault, _ in ROWS] == [*(f"E{n}" for n in range(1, 7)), *(f"F{n:02}" for n in range(1, 19))]


def test_the_table_names_no_test_that_there_is_not_and_each_fault_has_one() -> None:
    files = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    there_are = {name for text in files for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE)}
    named = {fault: set(re.findall(r"`(test_\w+)`", tests)) for fault, tests in ROWS}
    assert {fault: tests - there_are for fault, tests in named.items() if not tests or tests - there_are} == {}
