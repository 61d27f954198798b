"""The conformance tables: which tests show what is claimed to be done, and how they ended.

Tests name their claims (`@pytest.mark.claim("J14", "drop by 1006")`); the lists of claims are `tests/claims.py`, of the
`llm` verb, `tests/claims_of_pipecat.py` and `tests/claims_of_brains.py`. A run with `--conformance=FOLDER` writes the
tables there (`make conformance`, the whole suite with all scenes). `make test` holds those that are kept against the
lists and the tests.
"""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests import brains_page, settings_page
from tests.claims import CHECKLIST, OPTIONS, SINCE, TURNS, Claim
from tests.claims_of_brains import BRAINS, LIVEKIT, TAVUS, VAPI
from tests.claims_of_pipecat import PIPECAT
from verbs.llm import Llm

ROOT = Path(__file__).parent.parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NEWER = "accepted; not carried out yet"

HEAD = """\
# The `llm` verb, claim by claim

Made by `make conformance`, not by hand. Every option of the verb in jambonz' own documentation, every line of the
checklist that was read off that page and off the platform's source, and every turn that a conversation can take, each
with the tests that show it and how they ended. The tests of a claim: `pytest -m claim` runs them all.

| result | means |
|---|---|
| holds | all of its tests passed |
| in part | they passed, and something of the claim is not done, which is said |
| not done | with the reason |
| FAILS | a test did not pass, or there is none |
"""


@cache
def marked(root: Path = ROOT) -> dict[str, list[str]]:
    """Read the tests' marks off their source: claim → tests, in order."""
    found: dict[str, list[str]] = {}
    for file in sorted((root / "tests").rglob("test_*.py")):
        source = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "pytest.mark.claim" in source else ():
            for claim in _claims_of(node) if isinstance(node, FUNCTIONS) else ():
                found.setdefault(claim, []).append(f"{file.relative_to(root).as_posix()}::{node.name}")  # type: ignore[attr-defined]  # a function
    return {claim: sorted(tests) for claim, tests in sorted(found.items())}


def _claims_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    marks = [mark for mark in function.decorator_list if isinstance(mark, ast.Call)]
    named = [mark for mark in marks if ast.unparse(mark.func) == "pytest.mark.claim"]
    return [ast.literal_eval(argument) for mark in named for argument in mark.args]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of claims; `tables` are what stands before them."""

    file: str
    head: str
    tables: Callable[[], list[str]]
    sections: tuple[tuple[str, tuple[Claim, ...]], ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(claim for _, claims in self.sections for claim in claims)

    @property
    def kept(self) -> str:
        return (ROOT / "docs" / self.file).read_text(encoding="utf-8")

    def text(self, tests: Mapping[str, list[str]], outcomes: Mapping[str, str]) -> str:
        """Write the page. `outcomes`: what became of each test; one that is not in it was not run."""
        parts = [self.head, *self.tables()]
        for title, claims in self.sections:
            rows = [
                f"| {_cell(one)} | {_result(one, tests.get(one.id, []), outcomes)} | {_tests(tests.get(one.id, []))} |"
                for one in claims
            ]
            parts += [f"## {title}\n", "\n".join(["| claim | result | tests |", "|---|---|---|", *rows]) + "\n"]
        return "\n".join(parts)


def _properties() -> str:
    words = {one.id: one.words for one in (*OPTIONS, *SINCE)}
    rows = [
        f"| `{name}` | {'yes' if required else 'no'} | {words.get(name, NEWER)} |"
        for name, required in properties().items()
    ]
    return "\n".join(["| property | required | |", "|---|---|---|", *rows]) + "\n"


def properties() -> dict[str, bool]:
    """Give the verb's properties as a document names them, and whether each is required."""
    fields = {field.alias or name: field.is_required() for name, field in Llm.model_fields.items()}
    # A document may leave these out: `Llm.completed` says what they are then.
    fields |= {"vendor": False, "llmOptions": False}
    return {name: required for name, required in fields.items() if name not in {"verb", "id"}}


def _cell(claim: Claim) -> str:
    level = f" ({claim.level})" if claim in (*CHECKLIST, *PIPECAT, *BRAINS) else ""
    return f"**{claim.id}**{level} {claim.words}"


def _tests(tests: Iterable[str]) -> str:
    return "<br>".join(f"`{test.removeprefix('tests/')}`" for test in tests) or "none"


def _result(claim: Claim, tests: list[str], outcomes: Mapping[str, str]) -> str:
    ended = {outcomes.get(test, "not run") for test in tests}
    if not tests:
        return f"not done: {claim.lacking}" if claim.lacking else "**FAILS**: no test"
    if ended != {"passed"}:
        return "**FAILS**: " + ", ".join(sorted(ended - {"passed"}))
    return f"in part: {claim.lacking}" if claim.lacking else "holds"


LLM_VERB = Page(
    "llm-verb.md",
    HEAD,
    lambda: ["## Properties\n", _properties()],
    (
        ("The documentation's example, option by option", OPTIONS),
        ("What came after it, property by property", SINCE),
        ("The checklist", CHECKLIST),
        ("Turns, and faults", TURNS),
    ),
)
SETTINGS = Page(
    "settings.md",
    settings_page.HEAD,
    settings_page.tables,
    (("pipecat's service, line by line", PIPECAT),),
)
OF_BRAINS = Page(
    "brains.md",
    brains_page.HEAD,
    brains_page.tables,
    (
        ("Vapi's guide to custom models, line by line", VAPI),
        ("LiveKit's LLM layer, line by line", LIVEKIT),
        ("Tavus' LLM layer, line by line", TAVUS),
    ),
)
PAGES = (LLM_VERB, SETTINGS, OF_BRAINS)


class Collected:
    """A pytest plugin: gathers what became of the tests that show a claim, and writes the pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid.partition("[")[0]
        if report.failed or report.when == "call" or report.skipped:
            worse = self.outcomes.get(test) in {None, "passed"}
            self.outcomes[test] = report.outcome if worse else self.outcomes[test]

    def pytest_sessionfinish(self) -> None:
        for page in PAGES:
            (self._folder / page.file).write_text(page.text(marked(), self.outcomes), encoding="utf-8")
