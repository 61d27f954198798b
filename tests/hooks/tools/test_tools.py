"""From an entry of a route's `tools` to what serves it."""

from pathlib import Path
from typing import Any

import pytest

from hooks.tools import KINDS, Tool, ToolError, read
from hooks.tools import python as python_tools
from hooks.tools.http import HttpTool
from tests.hooks.modules import Write

WEATHER = '''
"""Tools of a test."""

class Kitchen:
    def cook(self, dish: str) -> str:
        """Cook."""
        return dish

kitchen = Kitchen()
NUMBER = 5

def get_weather(location: str) -> str:
    """Get the weather."""
    return location

def bare(a): ...
'''
DECLARED = {
    "type": "function",
    "name": "t",
    "description": "Get the weather.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
}


def made(entry: dict[str, Any], folder: Path, name: str = "t", base_url: str | None = None) -> Tool:
    return read(name, entry, folder=folder, base_url=base_url)


def test_the_kinds_of_tools_are_found_by_their_files() -> None:
    assert sorted(KINDS) == ["python", "url"]


@pytest.mark.parametrize(
    ("entry", "path", "words"),
    [
        ({}, (), "must say what serves it: python: … or url: …$"),
        ({"phyton": "a:b"}, (), r"must say what serves it: .* \(did you mean 'python'\?\)"),
        ({"python": "a:b", "url": "https://x"}, (), "must be one of python and url"),
        ({"url": "https://x", "header": {}}, ("header",), r"unknown key 'header' \(did you mean 'headers'\?\)"),
        ({"url": 5}, ("url",), "must be a URL"),
        ({"url": ""}, ("url",), "must be a URL"),
        ({"url": "ftp://x"}, ("url",), "must be an http:// or https:// URL"),
        ({"url": "/weather"}, ("url",), "a path needs hooks.base_url"),
        ({"url": "https://x", "headers": []}, ("headers",), "must be an object of texts that HTTP can carry"),
        ({"url": "https://x", "headers": {"X": "a\r\nb"}}, ("headers",), "that HTTP can carry, each in one line"),
        ({"url": "https://x", "headers": {"X": 5}}, ("headers",), "that HTTP can carry"),
        ({"url": "https://x", "parameters": 5}, ("parameters",), "must be an object, not 5"),
        ({"url": "https://x", "parameters": {"type": "array"}}, ("parameters", "type"), "must be object"),
        ({"url": "https://x", "confirm": "yes"}, ("confirm",), "must be true or false, not 'yes'"),
        ({"python": "a:b", "confirm": 1}, ("confirm",), "must be true or false, not 1"),
        ({"python": "a:b", "timeout": 5}, ("timeout",), "unknown key 'timeout'"),
        ({"python": 5}, ("python",), "must name a module and a function in it, such as my_tools:get_weather"),
        ({"python": "weather"}, ("python",), "must name a module and a function"),
        ({"python": "a b:c"}, ("python",), "must name a module and a function"),
        ({"python": "a:b:c"}, ("python",), "must name a module and a function"),
    ],
)
def test_an_entry_that_is_no_tool_is_told_where_and_what_to_write(
    tmp_path: Path, entry: dict[str, Any], path: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ToolError, match=words) as caught:
        made(entry, tmp_path)
    assert caught.value.path == path


@pytest.mark.parametrize("entry", [{"url": "https://x"}, {"url": "https://x", "description": "d"}])
def test_a_tools_name_is_one_that_a_model_can_say(tmp_path: Path, entry: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="must be 1 to 64 of letters, digits, _ and -, not 'a b'") as caught:
        made(entry, tmp_path, name="a b")
    assert caught.value.path == ()


# A URL


def test_a_url_that_says_nothing_of_the_tool_leaves_that_to_the_verb(tmp_path: Path) -> None:
    tool = made({"url": "https://x/y", "headers": None}, tmp_path)
    assert tool == HttpTool("https://x/y", {}, None)
    assert (tool.target, tool.declaration) == ("https://x/y", None)


def test_a_url_can_say_what_the_tool_does_and_takes(tmp_path: Path) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}}}
    whole = made({"url": "https://x", "description": "Look.", "parameters": parameters}, tmp_path)
    assert whole.declaration == {"type": "function", "name": "t", "description": "Look.", "parameters": parameters}
    bare = made({"url": "https://x", "description": "Look."}, tmp_path)
    assert bare.declaration == {
        "type": "function",
        "name": "t",
        "description": "Look.",
        "parameters": {"type": "object", "properties": {}},
    }


@pytest.mark.parametrize(
    ("url", "base_url", "whole"),
    [
        ("/weather", "https://app.example.com/x/", "https://app.example.com/x/weather"),
        ("https://y/z", "https://app.example.com", "https://y/z"),
        ("http://y/z", None, "http://y/z"),
    ],
)
def test_a_path_is_resolved_against_the_base_url(tmp_path: Path, url: str, base_url: str | None, whole: str) -> None:
    assert made({"url": url}, tmp_path, base_url=base_url).target == whole


def test_the_keys_of_a_tool_are_not_shown(tmp_path: Path) -> None:
    assert "k3y" not in repr(made({"url": "https://x", "headers": {"Authorization": "k3y"}}, tmp_path))


# A function


def test_a_function_beside_the_configuration_is_a_tool(tmp_path: Path, write: Write) -> None:
    write("i3_weather.py", WEATHER)
    write("i3_package/__init__.py", "")
    write("i3_package/inner.py", WEATHER)
    for target in ("i3_weather:get_weather", "i3_package.inner:get_weather"):
        tool = made({"python": target}, tmp_path)
        assert (tool.declaration, tool.target) == (DECLARED, target)
    cook = made({"python": "i3_weather:kitchen.cook"}, tmp_path).declaration
    assert cook is not None
    assert (cook["description"], list(cook["parameters"]["properties"])) == ("Cook.", ["dish"])


def test_a_function_without_words_is_declared_without_a_description(tmp_path: Path, write: Write) -> None:
    write("i3_silent.py", "def look() -> None: ...")
    assert made({"python": "i3_silent:look"}, tmp_path).declaration == {
        "type": "function",
        "name": "t",
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    }


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "i3_nothing:look",
            r"i3_nothing:look: there is no module 'i3_nothing' beside the configuration, nor on Python's path",
        ),
        ("i3_weather.more:look", "there is no module 'i3_weather.more'|'i3_weather' is not a package"),
        ("i3_needs:look", "its module needs 'i3_other', which is not installed"),
        ("i3_fails:look", r"its module cannot be imported: ZeroDivisionError: division by zero, at i3_fails.py:2$"),
        ("i3_syntax:look", "its module cannot be imported: SyntaxError"),
        ("i3_exits:look", "its module cannot be imported: SystemExit: 3, at i3_exits.py:1$"),
        ("i3_weather:get_wether", r"there is no 'get_wether' in it \(did you mean 'get_weather'\?\)"),
        ("i3_weather:kitchen.wash", "there is no 'wash' in it"),
        ("i3_weather:NUMBER", "is a int, not a function"),
        ("i3_weather:Kitchen", "is a class, not a function"),
        ("i3_weather:bare", r"i3_weather:bare: does not say what a must be: annotate it, such as `a: str`"),
        ("calendar:look", "another module named 'calendar' stands before .*calendar.py: give yours another name"),
    ],
)
def test_a_function_that_cannot_be_called_is_told_what_is_the_matter(
    tmp_path: Path, write: Write, target: str, words: str
) -> None:
    write("i3_weather.py", WEATHER)
    write("i3_needs.py", "import i3_other")
    write("i3_fails.py", "\n1 / 0")
    write("i3_syntax.py", "def (")
    write("i3_exits.py", "raise SystemExit(3)")
    write("calendar.py", WEATHER)
    with pytest.raises(ToolError, match=words) as caught:
        made({"python": target}, tmp_path)
    assert caught.value.path == ("python",)


def test_a_module_is_imported_anew_only_when_its_file_has_changed(tmp_path: Path, write: Write) -> None:
    write("i3_counts.py", "HERE = object()\ndef look() -> int:\n    return id(HERE)")
    first, second = (made({"python": "i3_counts:look"}, tmp_path) for _ in range(2))
    assert isinstance(first, python_tools.PythonTool)
    assert isinstance(second, python_tools.PythonTool)
    assert first.function is second.function
    write("i3_counts.py", "def look() -> str:\n    return 'new, and longer than it was before, by far'")
    third = made({"python": "i3_counts:look"}, tmp_path)
    assert isinstance(third, python_tools.PythonTool)
    assert third.function().startswith("new")
    assert isinstance(first.function(), int), "who has the old one keeps it"
    (tmp_path / "i3_counts.py").unlink()
    with pytest.raises(ToolError, match="there is no module 'i3_counts'"):
        made({"python": "i3_counts:look"}, tmp_path)


def test_a_module_without_a_file_is_as_good_as_any(tmp_path: Path, write: Write) -> None:
    write("i3_other.py", "")
    assert made({"python": "sys:getrecursionlimit"}, tmp_path).target == "sys:getrecursionlimit"
