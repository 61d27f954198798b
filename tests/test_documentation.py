"""The configurations of the documentation are ones that `check` and `explain` take."""

import re
from pathlib import Path

import pytest
import yaml

from calls.carrying import oddities
from calls.readers import READERS
from cli import document_for
from config.report import check_lines, explain_lines
from tests.hooks.modules import Write

ROOT = Path(__file__).parent.parent
NEEDS_MORE = ROOT / "docs" / "extending.md"
"Its configuration wants what it shows to be installed: tests/live/test_extending.py."
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {NEEDS_MORE})]
SECTIONS = {"server", "platform", "vendors", "brains", "hooks", "media", "routes", "store"}
A_ROUTE = "routes: [{name: a, numbers: ['+15551230001'], verbs: [{verb: hangup}]}]\n"
ENVIRON = {
    "APP_PASSWORD": "app-password",
    "JAMBONZ_API_KEY": "key-of-the-api",
    "JAMBONZ_PASSWORD": "platform-password",
    "JAMBONZ_WEBHOOK_SECRET": "secret-of-the-webhooks",
    "ULTRAVOX_API_KEY": "key-of-ultravox",
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


CONFIGURATIONS = [
    pytest.param(page, text, id=f"{page.relative_to(ROOT)}-{nth}")
    for page in PAGES
    for nth, text in enumerate(blocks(page, "yaml"))
    if SECTIONS & set(yaml.safe_load(text))
]


def test_there_are_configurations_in_the_documentation() -> None:
    assert len(CONFIGURATIONS) >= 6


@pytest.mark.parametrize(("page", "text"), CONFIGURATIONS)
def test_a_configuration_of_the_documentation_is_checked_and_explained(
    page: Path, text: str, tmp_path: Path, write: Write
) -> None:
    for module in blocks(page, "python"):
        name = re.match(r"# (\w+\.py)\n", module)
        if name:
            write(name[1], module)
    path = tmp_path / "config.yaml"
    path.write_text(text if "routes:" in text else f"{text}{A_ROUTE}", encoding="utf-8")
    code, lines = check_lines(path, ENVIRON, read=READERS, oddities=oddities)
    assert code == 0, lines
    for route in yaml.safe_load(path.read_text(encoding="utf-8"))["routes"]:
        number = route["numbers"][0]
        code, lines = explain_lines(
            path, ENVIRON, number=number, document_for=document_for, read=READERS, oddities=oddities
        )
        assert code == 0, lines
        assert any(line.startswith(f"{route['name']}: takes the call") for line in lines)
