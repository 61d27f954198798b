"""A route's tools: read where the file stands, by whoever can run them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from calls.readers import READERS
from config import ConfigError, Reloader, Route, Settings, load, secret_values
from config.report import check_lines, explain_lines
from hooks import functions
from hooks.tools.http import HttpTool
from hooks.tools.python import PythonTool
from tests.config.conftest import Load
from tests.hooks.modules import Write

TEXT = """
store: memory://
hooks: {base_url: "https://app.example.com"}
defaults:
  tools: {clock: {url: /clock}}
routes:
  - name: a
    numbers: ["1"]
    tools:
      weather: {python: i3_config_tools:get_weather}
      crm: {url: "https://crm.example.com/${KEY}", headers: {X-Api-Key: "secret of the crm"}}
    verbs: [{verb: hangup}]
  - {name: b, verbs: [{verb: hangup}]}
"""
WEATHER = "def get_weather(location: str, scale: str = 'C') -> str:\n    'Look.'\n    return location\n"
LLM = "{verb: llm, vendor: openai, model: gpt-realtime, llmOptions: {session_update: {tools: [%s]}}, auth: {apiKey: k}}"
NAMED = "{type: function, name: %s}"


@pytest.fixture
def file(tmp_path: Path, write: Write) -> Path:
    write("i3_config_tools.py", WEATHER)
    path = tmp_path / "c.yaml"
    path.write_text(TEXT)
    return path


def document_for(settings: Settings, route: Route, call: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return route.verbs


def test_each_route_has_its_own_tools_and_those_of_all(file: Path) -> None:
    settings = load(file, environ={"KEY": "k3y-of-the-crm"}, read=READERS)
    weather, crm, clock = settings.tools["a"].values()
    assert isinstance(weather, PythonTool)
    assert weather.function("Rome") == "Rome"
    assert crm == HttpTool("https://crm.example.com/k3y-of-the-crm", {"X-Api-Key": "secret of the crm"})
    assert clock == HttpTool("https://app.example.com/clock")
    assert settings.tools["b"] == {"clock": clock}
    assert {"secret of the crm", "k3y-of-the-crm"} <= secret_values(settings)


def test_the_tools_of_a_route_are_explained(file: Path) -> None:
    environ = {"KEY": "k3y-of-the-crm"}
    _, lines = explain_lines(file, environ, number="1", document_for=document_for, read=READERS)
    assert lines[2:5] == [
        "tool weather(location, scale?): i3_config_tools:get_weather",
        "tool crm(as the verb declares it): https://crm.example.com/***",
        "tool clock(as the verb declares it): https://app.example.com/clock",
    ]
    assert lines[5] == "["


def test_a_reload_takes_up_what_has_changed_in_a_function(file: Path) -> None:
    reloader = Reloader(file, {"KEY": "k"}, READERS)
    before = reloader.reload()
    (file.parent / "i3_config_tools.py").write_text(WEATHER.replace("return location", "return location * 2"))
    after = reloader.reload()
    assert isinstance(before, Settings)
    assert isinstance(after, Settings)
    assert (before.tools["a"]["weather"].function("a"), after.tools["a"]["weather"].function("a")) == ("a", "aa")
    (file.parent / "i3_config_tools.py").write_text("import nothing_of_the_sort")
    assert isinstance(reloader.reload(), ConfigError)


def test_where_nobody_can_run_tools_they_are_complained_of(file: Path) -> None:
    code, lines = check_lines(file, {"KEY": "k"})
    assert (code, len(lines)) == (2, 3)
    assert lines[0].endswith(":5:18: defaults.tools.clock: nobody here can run a tool")


@pytest.mark.parametrize(
    ("tool", "declared", "warning"),
    [
        ("{url: /x}", NAMED % "look", []),
        ("{url: /x, description: Look.}", "", []),
        ("{url: /x}", "", ["route 'a': the tool 'look' is declared nowhere, so no model will call it: give it"]),
        (
            "{url: /x, parameters: {}}",
            NAMED % "look",
            ["route 'a': the tool 'look' is declared by the verb and by its"],
        ),
    ],
)
def test_a_tool_that_is_declared_twice_or_nowhere_is_warned_of_once(
    loaded: Load, tool: str, declared: str, warning: list[str]
) -> None:
    verb = LLM % declared
    routes = f"routes: [{{name: a, tools: {{look: {tool}}}, verbs: [{verb}, {verb}]}}]"
    settings = loaded(f"store: memory://\nhooks: {{base_url: 'https://app.example.com'}}\n{routes}")
    assert [any(told.startswith(text) for told in settings.warnings) for text in warning] == [True] * len(warning)
    assert len(settings.warnings) == len(warning)


def test_a_route_without_a_name_is_the_only_complaint(loaded: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded("hooks: {base_url: 'https://x'}\nroutes: [{tools: {a: {url: /x}}, verbs: [{verb: hangup}]}, 5]")
    assert [complaint.path for complaint in caught.value.complaints] == ["routes[0].name", "routes[1]"]


def test_a_route_may_be_a_function(tmp_path: Path, write: Write) -> None:
    write("f_agent.py", "def answer(): ...")
    file = tmp_path / "config.yaml"
    file.write_text("store: memory://\nroutes: [{name: a, python: f_agent:answer}]\n")
    settings = load(file, environ={}, read=READERS)
    assert settings.applications["a"].__name__ == "answer"
    file.write_text("store: memory://\nroutes:\n  - name: a\n    python: f_agent:anser\n")
    with pytest.raises(ConfigError) as caught:
        load(file, environ={}, read=READERS)
    [complaint] = caught.value.complaints
    assert str(complaint).endswith(
        "4:13: routes[0].python: f_agent:anser: there is no 'anser' in it (did you mean 'answer'?)"
    )
    with pytest.raises(ConfigError, match="nobody here can run a function"):
        load(file, environ={})


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("def answer(call, *, voice='a', **more): ...", None),
        ("def answer(*calls): ...", None),
        ("def answer(call, voice='a'): ...", None),
        ("answer = min", None),
        ("def answer(call, voice): ...", "'voice' has no default"),
        ("def answer(call, *, voice, rate): ...", "'voice' and 'rate' have no default"),
        ("def answer(call, more, /, *rest, voice): ...", "'more' and 'voice' have no default"),
    ],
)
def test_a_function_that_wants_more_than_the_call_is_refused(
    tmp_path: Path, write: Write, written: str, complaint: str | None
) -> None:
    write("f_wanting.py", written)
    file = tmp_path / "config.yaml"
    file.write_text("store: memory://\nroutes: [{name: a, python: f_wanting:answer}]\n")
    if complaint is None:
        assert callable(load(file, environ={}, read=READERS).applications["a"])
        return
    with pytest.raises(ConfigError) as caught:
        load(file, environ={}, read=READERS)
    assert str(caught.value).endswith(f"f_wanting:answer: is called with the call alone, and {complaint}")


def test_a_change_of_the_function_is_a_change_of_the_configuration(tmp_path: Path, write: Write) -> None:
    write("f_changing.py", "def answer(): return 1")
    file = tmp_path / "config.yaml"
    file.write_text("store: memory://\nroutes: [{name: a, python: f_changing:answer}]\n")
    reloader = Reloader(file, {}, READERS, code=functions.files)
    settings = reloader.reload()
    assert isinstance(settings, Settings)
    assert settings.applications["a"]() == 1
    assert reloader.poll(1.0) is reloader.poll(2.0) is None
    write("f_changing.py", "def answer( return 22")
    assert reloader.poll(3.0) is None
    assert isinstance(reloader.poll(4.0), ConfigError)
    write("f_changing.py", "def answer(): return 333")
    assert reloader.poll(5.0) is None
    changed = reloader.poll(6.0)
    assert isinstance(changed, Settings)
    assert (changed.applications["a"](), settings.applications["a"]()) == (333, 1)
    assert reloader.poll(7.0) is reloader.poll(8.0) is None
