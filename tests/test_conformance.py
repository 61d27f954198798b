"""The conformance tables that are kept (docs/llm-verb.md, docs/settings.md) are of these lists and of these tests."""

import re
from pathlib import Path
from typing import Any, Literal

import pytest

from media.settings import ELSEWHERE
from tests import scenes
from tests.claims import CHECKLIST, OPTIONS, Claim
from tests.claims_of_brains import BRAINS, LIVEKIT, TAVUS, VAPI
from tests.claims_of_pipecat import PIPECAT
from tests.conformance import LLM_VERB, NEWER, PAGES, ROOT, SETTINGS, Collected, Page, marked, properties
from tests.verbs.seed import SEED

CLAIMS = [claim for page in PAGES for claim in page.claims]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)


def paths(value: Any, stem: str = "") -> list[str]:
    """Give the path of each option that a document names; the tools of a list are one."""
    if isinstance(value, list):
        return [path for inner in value if isinstance(inner, dict) for path in paths(inner, stem)]
    if not isinstance(value, dict) or stem.endswith(".parameters"):
        return []
    named = [(f"{stem}.{name}".lstrip("."), inner) for name, inner in value.items()]
    return [path for name, inner in named for path in (name, *paths(inner, name))]


def test_every_option_of_the_documented_verb_is_claimed_and_no_other() -> None:
    documented = {*paths({name: value for name, value in SEED.items() if name != "verb"}), "connectOptions"}
    assert {claim.id for claim in OPTIONS} == documented


def test_every_line_of_the_checklist_is_claimed() -> None:
    assert [claim.id for claim in CHECKLIST] == [f"J{number}" for number in range(1, 32)]
    assert [claim.id for claim in PIPECAT] == [f"P{number}" for number in range(1, 40)]
    assert [claim.id for claim in VAPI] == [f"V{number}" for number in range(1, 20)]
    assert [claim.id for claim in LIVEKIT] == [f"L{number}" for number in range(1, 25)]
    assert [claim.id for claim in TAVUS] == [f"T{number}" for number in range(1, 24)]
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)


def test_every_claim_has_a_test_and_every_mark_is_a_claim() -> None:
    without = {claim.id for claim in CLAIMS if claim.level in "MS" and claim.id not in marked()}
    assert without <= {claim.id for claim in (*PIPECAT, *BRAINS) if claim.lacking}
    assert marked().keys() - {claim.id for claim in CLAIMS} == set()


def test_every_line_of_somebodys_page_that_must_or_should_be_so_has_a_test_of_its_name() -> None:
    def named(claim: Claim) -> bool:
        return any(claim.id.lower() in test.partition("::")[2].split("_") for test in marked().get(claim.id, ()))

    unnamed = [claim.id for claim in (*PIPECAT, *BRAINS) if claim.level in "MS" and not (named(claim) or claim.lacking)]
    assert unnamed == []


def test_every_line_of_somebodys_page_that_could_be_so_is_done_or_explained() -> None:
    could = [claim for claim in (*PIPECAT, *BRAINS) if claim.level in "CX"]
    assert [claim.id for claim in could if claim.id not in marked() and not claim.lacking] == []


def rows_of(page: Page) -> dict[str, str]:
    return dict(re.findall(r"^\| \*\*(.+?)\*\*[^|]*\| ([^|]*)\|", page.kept, re.MULTILINE))


@each_page
def test_the_table_has_every_claim_and_nothing_that_fails(page: Page) -> None:
    rows = rows_of(page)
    assert rows.keys() == {claim.id for claim in page.claims}, "run `make conformance`"
    assert {claim: result for claim, result in rows.items() if "FAILS" in result} == {}


@each_page
def test_the_table_says_of_what_is_not_done_what_the_list_says(page: Page) -> None:
    said = {claim: result.partition(": ")[2].strip() for claim, result in rows_of(page).items()}
    assert said == {claim.id: claim.lacking for claim in page.claims}, "run `make conformance`"


@each_page
def test_the_table_names_no_test_that_there_is_not(page: Page) -> None:
    there_are = {test.removeprefix("tests/") for tests in marked().values() for test in tests}
    assert set(re.findall(r"`([\w/]+\.py::\w+)`", page.kept)) <= there_are, "run `make conformance`"


@each_page
def test_what_stands_before_the_claims_is_the_newest(page: Page) -> None:
    assert page.kept.startswith("\n".join([page.head, *page.tables()])), "run `make conformance`"


def table_of_properties(text: str) -> dict[str, tuple[bool, str]]:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| (.+) \|$", text, re.MULTILINE)
    return {name: (required == "yes", words) for name, required, words in rows}


@pytest.mark.claim("J26")
def test_the_table_of_properties_is_made_from_the_verbs_own_model() -> None:
    table = table_of_properties(LLM_VERB.text({}, {}))
    assert {name: required for name, (required, _) in table.items()} == properties()
    assert {name for name, (_, words) in table.items() if words != NEWER} >= {name for name in SEED if name != "verb"}


@pytest.mark.claim("P21", "P6")
def test_p21_the_settings_are_all_of_pipecats_by_their_names() -> None:
    of_pipecat = {
        *("model", "system_instruction", "temperature", "max_tokens", "top_p", "top_k", "frequency_penalty"),
        *("presence_penalty", "seed", "filter_incomplete_user_turns", "user_turn_completion_config"),
        *("session_properties", "extra"),
    }
    assert (
        of_pipecat
        == set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", SETTINGS.kept, re.MULTILINE)) | ELSEWHERE
    )


@pytest.mark.claim("P27", "P7")
def test_p27_the_tables_of_what_vendors_have_and_can_do_are_made_from_their_flags() -> None:
    has, can = re.findall(r"^\| qwen \|.*$", SETTINGS.kept, re.MULTILINE)
    assert has == "| qwen | yes | yes | yes | no | yes | yes | no | no |"
    assert can == "| qwen | no | yes | no | no | yes | no | no | yes | no |"


def test_every_scene_is_played_by_a_test() -> None:
    tests = list((ROOT / "tests").rglob("test_scenes*.py"))
    played = {name for path in tests for name in re.findall(r'passed\("(\w+)"\)', path.read_text(encoding="utf-8"))}
    assert played == scenes.all_scenes()


# The table itself

CLAIMED = {
    "J1": ["tests/a/test_a.py::test_one", "tests/a/test_a.py::test_two"],
    "quota": ["tests/a/test_a.py::test_two"],
}


def row(claim: str, text: str) -> str:
    [found] = re.findall(rf"^\| \*\*{claim}\*\*.*$", text, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ({"tests/a/test_a.py::test_one": "passed", "tests/a/test_a.py::test_two": "passed"}, "holds"),
        ({"tests/a/test_a.py::test_one": "passed", "tests/a/test_a.py::test_two": "failed"}, "**FAILS**: failed"),
        ({"tests/a/test_a.py::test_one": "passed", "tests/a/test_a.py::test_two": "skipped"}, "**FAILS**: skipped"),
        ({"tests/a/test_a.py::test_one": "passed"}, "**FAILS**: not run"),
    ],
)
def test_a_claim_holds_where_all_of_its_tests_have_passed(outcomes: dict[str, str], result: str) -> None:
    assert f"| {result}" in row("J1", LLM_VERB.text(CLAIMED, outcomes))
    assert "`a/test_a.py::test_one`<br>`a/test_a.py::test_two`" in row("J1", LLM_VERB.text(CLAIMED, outcomes))


def test_a_claim_without_a_gap_holds_and_one_without_a_test_does_not() -> None:
    written = LLM_VERB.text(CLAIMED, {"tests/a/test_a.py::test_two": "passed"})
    assert "| holds |" in row("quota", written)
    assert "| **FAILS**: no test |" in row("J3", written)
    gap = next(claim for claim in LLM_VERB.claims if claim.lacking and claim.id not in CLAIMED)
    assert f"| not done: {gap.lacking} |" in row(gap.id, written)


def test_marks_are_read_off_the_source(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    marks = '@pytest.mark.claim("J1", "J2")\n@pytest.mark.x\n'
    source = f"import pytest\n\n{marks}async def test_a() -> None: ...\n\n@f\ndef g(): ...\n"
    (tmp_path / "tests" / "test_x.py").write_text(source, encoding="utf-8")
    assert marked(tmp_path) == {"J1": ["tests/test_x.py::test_a"], "J2": ["tests/test_x.py::test_a"]}


def test_a_run_keeps_the_worst_that_became_of_a_test(tmp_path: Path) -> None:
    def report(test: str, outcome: Literal["passed", "failed", "skipped"], when: Literal["setup", "call"]) -> None:
        run.pytest_runtest_logreport(pytest.TestReport(test, ("", 0, ""), {}, outcome, None, when))

    run = Collected(tmp_path)
    report("a.py::test_a[1]", "passed", "setup")
    assert run.outcomes == {}
    for outcome in ("passed", "failed", "passed"):
        report("a.py::test_a[1]", outcome, "call")
    report("a.py::test_b", "skipped", "setup")
    report("a.py::test_c", "failed", "setup")
    report("a.py::test_d", "passed", "call")
    run.pytest_sessionfinish()
    assert run.outcomes == {
        "a.py::test_a": "failed",
        "a.py::test_b": "skipped",
        "a.py::test_c": "failed",
        "a.py::test_d": "passed",
    }
    for page in PAGES:
        assert (tmp_path / page.file).read_text(encoding="utf-8") == page.text(marked(), run.outcomes)
