from pathlib import Path

import pytest

from config import ConfigError, Reloader, Settings

GOOD = "server: {{port: {port}}}\nroutes: [{{name: a, verbs: [{{verb: hangup}}]}}]\n"


class File:
    """A configuration file that is written as editors write, and what a reloader that polls each second says."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.yaml"
        self.now = 0.0
        self.write("3000")
        self.reloader = Reloader(self.path, {"PORT": "9"})
        assert self.port(self.reloader.reload()) == 3000

    def write(self, port: str) -> None:
        self.path.write_text(GOOD.format(port=port))

    def replace(self, text: str) -> None:
        """Write beside it and rename, as vim and Kubernetes do."""
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        beside.rename(self.path)

    def poll(self, after_s: float = 1.0) -> object:
        self.now += after_s
        return self.port(self.reloader.poll(self.now))

    @staticmethod
    def port(outcome: Settings | ConfigError | None) -> object:
        return outcome.server.port if isinstance(outcome, Settings) else outcome


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


def test_an_unchanged_file_is_nothing_new(file: File) -> None:
    assert [file.poll(), file.poll()] == [None, None]


def test_a_changed_file_is_taken_up_once_it_has_settled(file: File) -> None:
    file.replace(GOOD.format(port="4000"))
    assert [file.poll(), file.poll(0.1), file.poll(), file.poll()] == [None, None, 4000, None]


def test_a_file_that_is_still_written_is_waited_for(file: File) -> None:
    file.write("4000")
    assert file.poll() is None
    file.write("40001")
    assert [file.poll(), file.poll()] == [None, 40001]


def test_a_touched_file_with_the_same_bytes_is_nothing_new(file: File) -> None:
    file.replace(GOOD.format(port="3000"))
    assert [file.poll(), file.poll(), file.poll()] == [None, None, None]


def test_a_swapped_link_is_a_change(tmp_path: Path) -> None:
    for port, folder in (("3000", "one"), ("4000", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.yaml").write_text(GOOD.format(port=port))
    data, linked = tmp_path / "data", tmp_path / "data" / "config.yaml"
    data.symlink_to("one")
    reloader = Reloader(linked, {})
    reloader.reload()
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(data)
    assert reloader.poll(1) is None
    assert File.port(reloader.poll(2)) == 4000


def test_a_bad_file_is_reported_once_and_the_next_good_one_is_taken(file: File) -> None:
    file.write("x")
    assert file.poll() is None
    complaint = file.poll()
    assert isinstance(complaint, ConfigError)
    assert "server.port: must be a whole number, is 'x'" in str(complaint)
    assert file.poll() is None
    file.write("3000")
    assert [file.poll(), file.poll()] == [None, 3000]


def test_a_file_that_vanishes_is_a_complaint_and_one_that_returns_is_taken_up(file: File) -> None:
    file.path.unlink()
    assert file.poll() is None
    assert "cannot be read" in str(file.poll())
    file.write("3000")
    assert [file.poll(), file.poll()] == [None, 3000]


def test_a_changed_dotenv_file_counts(file: File) -> None:
    file.replace("server: {port: '${P:-1}'}\nroutes: [{name: a, verbs: [{verb: hangup}]}]\n")
    assert [file.poll(), file.poll()] == [None, 1]
    (file.path.parent / ".env").write_text("P=2\n")
    assert [file.poll(), file.poll()] == [None, 2]


def test_a_reload_by_hand_reads_an_unchanged_file_too(file: File) -> None:
    assert file.port(file.reloader.reload()) == 3000


def test_the_first_poll_reads_without_a_reload(tmp_path: Path) -> None:
    reloader = Reloader(File(tmp_path).path, {})
    assert reloader.poll(0) is None
    assert File.port(reloader.poll(1)) == 3000
