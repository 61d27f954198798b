import json
from contextlib import suppress
from dataclasses import replace
from math import inf

import pytest
from hypothesis import strategies as st

from media.allowance import MAX_PER_MINUTE, MAX_STUBBORN, MAX_UNHEARD
from media.arguments import MAX_ARGUMENTS_CHARS, RefusalError
from media.ends import HANGUP
from media.realtime.base import ToolCalled
from media.tooling import MAX_IN_FLIGHT, Tooling, leaving

WEATHER = {
    "type": "object",
    "properties": {"location": {"type": "string"}, "scale": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["location", "scale"],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def tooling(fillers_s: tuple[float, ...] = (1.5, 8)) -> Tooling:
    return Tooling({"get_weather": WEATHER, "any": {}}, fillers_s)


def call(call_id: str = "c1", name: str = "any", arguments: str = "{}") -> ToolCalled:
    return ToolCalled("r1", call_id, name, arguments)


@pytest.mark.claim("J22", "llmOptions.session_update.tools.parameters")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 5000, "not JSON"),
        ("[]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        (json.dumps({"x": "a" * MAX_ARGUMENTS_CHARS}), "longer than"),
        ('{"location":"Rome"}', "'scale' is a required property"),
        ('{"location":"Rome","scale":"kelvin"}', "scale: 'kelvin' is not one of"),
        ('{"location":7,"scale":"celsius"}', "location: 7 is not of type 'string'"),
    ],
)
def test_arguments_that_cannot_be_run_are_refused_in_words_that_help(arguments: str, words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        tooling().begin(call(name="get_weather", arguments=arguments), 0.0)


@pytest.mark.claim("J22")
def test_arguments_that_fit_are_run() -> None:
    asked = {"location": "Rome", "scale": "celsius"}
    assert tooling().begin(call(name="get_weather", arguments=json.dumps(asked)), 0.0) == asked


def test_a_tool_that_was_not_declared_does_not_exist() -> None:
    with pytest.raises(RefusalError, match="there is no tool named rm"):
        tooling().begin(call(name="rm"), 0.0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [('{"reason":"done"}', {"reason": "done"}), ("{}", {}), ("[]", {}), ("{", {}), ('"' + "a" * 20_000 + '"', {})],
)
def test_a_model_leaves_whatever_it_says_as_it_does(arguments: str, told: dict[str, str]) -> None:
    end = leaving(call(arguments=arguments), HANGUP)
    assert end == replace(HANGUP, told=told)
    assert bool(told) is (end is not HANGUP)


def test_no_more_calls_at_a_time_than_agreed() -> None:
    tools = tooling()
    for n in range(MAX_IN_FLIGHT):
        tools.begin(call(f"c{n}"), 0.0)
    with pytest.raises(RefusalError, match="under way"):
        tools.begin(call("one more"), 0.0)
    tools.ended("c0")
    tools.begin(call("one more"), 0.0)


def test_no_more_calls_in_a_minute_than_agreed() -> None:
    tools = tooling()
    for n in range(MAX_PER_MINUTE):
        tools.begin(call(f"c{n}"), n)
        tools.ended(f"c{n}")
    with pytest.raises(RefusalError, match="in a minute"):
        tools.begin(call("one more"), 59.9)
    tools.begin(call("one more"), 61.0)


def test_calls_that_were_refused_count_too() -> None:
    tools = tooling()
    for n in range(MAX_PER_MINUTE):
        with pytest.raises(RefusalError, match="there is no tool"):
            tools.begin(call(f"c{n}", name="rm"), n)
    with pytest.raises(RefusalError, match="in a minute"):
        tools.begin(call("one more"), 59.9)


def test_no_more_calls_than_agreed_without_a_word_to_the_caller_however_slowly_they_come() -> None:
    tools = tooling()
    for n in range(MAX_UNHEARD):
        tools.begin(call(f"c{n}"), n * 30, stirred=False)
        tools.ended(f"c{n}")
    with pytest.raises(RefusalError, match="without a word"):
        tools.begin(call("one more"), 1000, stirred=False)
    tools.begin(call("and another"), 2000, stirred=True)


def test_a_model_that_calls_on_and_on_is_in_a_loop_until_the_caller_hears_something() -> None:
    tools = tooling()
    for n in range(MAX_PER_MINUTE + MAX_STUBBORN - 1):
        assert not tools.allowance.in_a_loop
        with suppress(RefusalError):
            tools.begin(ToolCalled(f"r{n}", f"c{n}", "any", "{}"), n, stirred=False)
        tools.ended(f"c{n}")
    assert tools.allowance.in_a_loop
    with suppress(RefusalError):
        tools.begin(ToolCalled("r99", "c99", "any", "{}"), 30, stirred=True)
    assert not tools.allowance.in_a_loop


def test_many_calls_in_one_response_are_no_loop() -> None:
    tools = tooling()
    for n in range(MAX_PER_MINUTE * 2):
        with suppress(RefusalError):
            tools.begin(call(f"c{n}"), 0.0, stirred=False)
    assert tools.allowance.spent
    assert not tools.allowance.in_a_loop


def test_a_caller_who_waits_for_a_tool_is_told_so_at_each_agreed_moment_once() -> None:
    tools = tooling()
    assert tools.next_due() == inf
    tools.begin(call("c1"), 10.0)
    assert tools.next_due() == 11.5
    assert not tools.filler_due(11.4)
    assert tools.filler_due(11.5)
    tools.filled(11.5)
    assert tools.next_due() == 18.0
    tools.filled(18.0)
    assert tools.next_due() == inf
    assert not tools.filler_due(99.0)
    tools.ended("c1")
    tools.begin(call("c2"), 100.0)
    assert tools.next_due() == 101.5
    tools.ended("c2")
    assert not tools.filler_due(200.0)


def test_what_could_not_be_told_is_told_later_and_once_for_all_that_is_due_by_then() -> None:
    tools = tooling()
    tools.begin(call("c1"), 0.0)
    tools.not_filled(1.5)
    assert tools.next_due() == 1.75
    tools.not_filled(7.9)
    assert tools.filler_due(8.15)
    tools.filled(8.15)
    assert tools.next_due() == inf
