"""Bad configurations, one a file. Each begins with its complaints as comments: all of them, in order."""

from pathlib import Path

import pytest

from calls.readers import READERS
from config import ConfigError, load

CORPUS = sorted(Path("tests/config/corpus").glob("*.yaml"))
ENVIRON = {"SET": "s3cr3t-value", "EMPTY": ""}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_bad_configuration_gets_all_its_complaints(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, environ=ENVIRON, read=READERS)
    found = [str(complaint).removeprefix(f"{path}:") for complaint in caught.value.complaints]
    lines = path.read_text().splitlines()
    assert found == [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    assert not any(value in str(caught.value) for value in ENVIRON.values() if value)


def test_the_complaints_of_the_dotenv_file_come_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A='open\n")
    (tmp_path / "c.yaml").write_text("routes: []\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "c.yaml", environ={})
    assert [str(complaint).removeprefix(f"{tmp_path}/") for complaint in caught.value.complaints] == [
        ".env:1:1: this line does not read NAME=value",
        "c.yaml:1:9: routes: must be a list of routes, at least one: - {name: …, verbs: [{verb: …}]}",
    ]


@pytest.mark.timeout(20)
def test_a_file_of_nonsense_is_refused_in_time(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("".join(f"k{number}: 1\n" for number in range(2_000)))
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert len(caught.value.complaints) == 500


def test_a_complaint_is_one_line_whatever_a_key_holds(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text('"a\\n\\e[1mb": 1\nroutes: [{name: a, verbs: [{verb: hangup}]}]\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert str(caught.value).startswith(rf"{path}:1:1: a\n\x1b[1mb: unknown key 'a\n\x1b[1mb'; known here:")
