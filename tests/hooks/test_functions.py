"""Functions that stand beside the configuration."""

import sys
from pathlib import Path

import pytest

from hooks.functions import FunctionError, files, find, place_of
from tests.hooks.modules import Write


def say(folder: Path, target: str = "f_main:say") -> str:
    return str(find(target, folder, example="such as a:b")())


def test_what_a_module_brings_with_it_is_imported_anew_with_it(tmp_path: Path, write: Write) -> None:
    write("f_main.py", "import f_words\nimport json\ndef say(): return f_words.WORD")
    write("f_words.py", "WORD = 'one'")
    assert say(tmp_path) == "one"
    assert sorted(file.name for file in files()) == ["f_main.py", "f_words.py"]
    kept = sys.modules["json"]
    write("f_words.py", "WORD = 'the other'")
    assert say(tmp_path) == "the other"
    assert sys.modules["json"] is kept, "what is not the application's stays"


def test_a_module_that_was_broken_is_looked_at_again_when_it_is_mended(tmp_path: Path, write: Write) -> None:
    write("f_main.py", "def say(): return 'one'")
    assert say(tmp_path) == "one"
    write("f_main.py", "def say( return 'one'")
    with pytest.raises(FunctionError, match="f_main:say: its module cannot be imported: SyntaxError"):
        say(tmp_path)
    assert [file.name for file in files()] == ["f_main.py"], "its file is still worth watching"
    write("f_main.py", "def say(): return 'mended'")
    assert say(tmp_path) == "mended"


def test_what_a_broken_module_had_imported_is_watched_with_it(tmp_path: Path, write: Write) -> None:
    write("f_words.py", "WORD = 'one'")
    write("f_main.py", "import f_words\nraise RuntimeError('half written')")
    with pytest.raises(FunctionError, match="half written"):
        say(tmp_path)
    assert sorted(file.name for file in files()) == ["f_main.py", "f_words.py"]
    write("f_main.py", "import f_words\ndef say(): return f_words.WORD")
    assert say(tmp_path) == "one"
    write("f_words.py", "WORD = 'the other'")
    assert say(tmp_path) == "the other"


def test_a_package_that_is_broken_from_the_start_is_watched(tmp_path: Path, write: Write) -> None:
    (tmp_path / "f_package").mkdir()
    write("f_package/__init__.py", "raise RuntimeError('half written')")
    with pytest.raises(FunctionError, match="half written"):
        say(tmp_path, "f_package:say")
    assert [file.name for file in files()] == ["__init__.py"]


@pytest.mark.parametrize("target", [None, "f_main", "f_main:", ":say", "f main:say", "f_main:say()"])
def test_what_names_no_function_is_told_with_an_example(tmp_path: Path, target: object) -> None:
    with pytest.raises(FunctionError, match=r"^must name a module and a function in it, such as a:b$"):
        find(target, tmp_path, example="such as a:b")


def test_a_module_without_a_file_is_not_watched(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("f_main.py", "import sys, types\nsys.modules['f_none'] = types.ModuleType('f_none')\ndef say(): return 1")
    assert say(tmp_path) == "1"
    assert [file.name for file in files()] == ["f_main.py"]


def test_a_fault_is_placed_by_file_and_line_alone() -> None:
    assert place_of(ValueError()) == place_of(None) == ""
    with pytest.raises(FunctionError) as caught:
        find(7, Path(), example="")
    assert place_of(caught.value).startswith("functions.py:")
