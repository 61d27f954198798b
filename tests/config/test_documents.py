import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from config import ConfigError
from config.draft import Draft, without_values
from config.nodes import Mapping, Scalar
from tests.config.conftest import Load
from tests.verbs.seed import SEED

LLM: dict[str, Any] = deepcopy({key: value for key, value in SEED.items() if key != "verb"})
LLM["llmOptions"]["session_update"]["tools"][0]["parameters"]["properties"]["weatherHook"] = {"type": "string"}
START = "hooks: {base_url: 'https://app.example.com'}\nroutes: [{name: a, verbs: %s}]"


@pytest.mark.claim("J4")
@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("item", [{"verb": "llm", **LLM}, {"llm": LLM}], ids=["verb", "item"])
def test_the_example_of_the_llm_page_is_accepted_as_json(loaded: Load, item: Any, indent: int | str | None) -> None:
    settings = loaded(START % json.dumps([{"verb": "answer"}, item], indent=indent))
    assert settings.routes[0].verbs[1] == item


@pytest.mark.claim("J4")
def test_the_example_of_the_llm_page_is_accepted_as_javascript(loaded: Load) -> None:
    script = re.sub(r'"(\w+)":', r"\1:", json.dumps(LLM, indent=2)).replace('"', "'")
    assert loaded(START % f"[{{llm: {script} }}]").routes[0].verbs == [{"llm": LLM}]


@pytest.mark.parametrize(
    ("verb", "environ", "expected"),
    [
        ("{verb: pause, length: '${N}'}", {"N": "7"}, {"verb": "pause", "length": 7}),
        ("{verb: pause, length: '${N:-2}'}", {"N": "0.5"}, {"verb": "pause", "length": 0.5}),
        ("{verb: say, text: 15551234567}", {}, {"verb": "say", "text": "15551234567"}),
        ("{verb: say, text: '${N}'}", {"N": "7"}, {"verb": "say", "text": "7"}),
        ("{say: {text: true}}", {}, {"say": {"text": "true"}}),
        ("{pause: {length: '${N}'}}", {"N": "2"}, {"pause": {"length": 2}}),
        (
            "{verb: dial, target: [{type: phone, number: 15551234567}]}",
            {},
            {"verb": "dial", "target": [{"type": "phone", "number": "15551234567"}]},
        ),
    ],
)
def test_a_verb_gets_the_reading_that_it_wants(
    loaded: Load, verb: str, environ: dict[str, str], expected: dict[str, Any]
) -> None:
    assert loaded(f"routes: [{{name: a, verbs: [{verb}, {{verb: hangup}}]}}]", environ).routes[0].verbs[0] == expected


@pytest.mark.parametrize(
    ("verb", "complaint"),
    [
        ("{verb: pause, length: '7'}", "routes[0].verbs[0].length: must be a number, not '7'"),
        ("{verb: pause, length: true}", "routes[0].verbs[0].length: must be a number, not"),
        ("{verb: pause, length: '${N}'}", "routes[0].verbs[0].length: must be a number, not '${N}'"),
        ("{sya: {text: hi}}", "1:29: routes[0].verbs[0].sya: unknown verb 'sya' (did you mean 'say'?)"),
        ("{pause: {}}", "1:36: routes[0].verbs[0].pause.length: is missing and required"),
        ("{verb: pause}", "1:28: routes[0].verbs[0].length: is missing and required"),
        (
            "{verb: llm, vendor: openai, mcpServers: [{auth: {token: x}}], llmOptions: {}}",
            "routes[0].verbs[0].mcpServers[0].url: is missing and required",
        ),
        (
            "{verb: llm, vendor: openai, llmOptions: {session_update: {tools: [{type: function}]}}}",
            "routes[0].verbs[0].llmOptions.session_update.tools[0].name: is missing and required",
        ),
    ],
)
def test_what_no_reading_mends_is_a_complaint(loaded: Load, verb: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(f"routes: [{{name: a, verbs: [{verb}, {{verb: hangup}}]}}]", {"N": "hidden-value"})
    assert complaint in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("hook", ["https://app.example.com/x", "{url: 'http://10.0.0.1:8080/x', method: POST}", "null"])
def test_a_whole_url_is_a_hook_without_a_base(loaded: Load, hook: str) -> None:
    settings = loaded(f"routes: [{{name: a, verbs: [{{verb: gather, input: [digits], actionHook: {hook}}}]}}]")
    assert "actionHook" in settings.routes[0].verbs[0]


@pytest.mark.parametrize("hook", ["wss://other.example.com/ws", "{url: 'ws://other.example.com/ws'}"])
def test_a_hook_is_not_reached_over_a_websocket(loaded: Load, hook: str) -> None:
    for verb in ("{verb: redirect, actionHook: %s}", "{verb: gather, input: [digits], actionHook: %s}"):
        with pytest.raises(ConfigError, match="the hook must begin with 'https://' or 'http://'"):
            loaded(START % f"[{verb % hook}]")


def scalar(text: str, *, written: str = "", values: tuple[tuple[str, str], ...] = ()) -> Scalar:
    return Scalar(1, 1, (), text, plain=False, written=written or text, values=values)


@pytest.mark.parametrize(
    ("message", "value", "shown"),
    [
        ("unknown vendor 'opnai'", "opnai", "unknown vendor '${V}'"),
        ("must be at most 100, not 1000", "1000", "must be at most 100, not ${V}"),
        ("not 'two\\nlines'", "two\nlines", "not '${V}'"),
        ("not 'abcdefghij…'", "abcdefghijklm", "the value of ${V} is not accepted here"),
        ("not 'ABCDEFGHIJ'", "abcdefghij", "the value of ${V} is not accepted here"),
        ("is missing", "opnai", "is missing"),
    ],
)
def test_a_message_never_repeats_what_the_environment_supplied(message: str, value: str, shown: str) -> None:
    assert without_values(message, scalar(value, written="${V}", values=(("V", value),)), set()) == shown


def test_a_message_about_another_place_hides_values_too() -> None:
    assert without_values("like xopnai-1 and a", scalar("x"), {("V", "opnai-1")}) == "like x${V} and a"


def test_a_place_that_the_file_does_not_have_is_complained_of_above_it() -> None:
    draft = Draft("c.yaml", Mapping(3, 5, (), ()), [])
    draft.complain(("a", 0), "is missing")
    assert [str(complaint) for complaint in draft.complaints] == ["c.yaml:3:5: a[0]: is missing"]


def test_the_templates_of_a_route_are_checked_where_they_stand(loaded: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml:1:47: routes\[0\]\.verbs\[0\]\.text: unknown template"):
        loaded("routes: [{name: a, verbs: [{verb: say, text:  '{{callsid}}'}]}]")


def test_a_verb_in_short_is_told_of_where_it_stands(loaded: Load) -> None:
    text = "routes:\n  - name: a\n    verbs:\n      - verb: answer\n      - llm: {}/gpt-realtime-2.1\n"
    assert loaded(text.format("openai")).routes[0].verbs[1] == {"llm": "openai/gpt-realtime-2.1"}
    with pytest.raises(ConfigError) as refused:
        loaded(text.format("opnai"))
    [complaint] = refused.value.complaints
    assert str(complaint).endswith(
        ":5:14: routes[0].verbs[1].llm.vendor: unknown vendor 'opnai' (did you mean 'openai'?)"
    )


@pytest.mark.parametrize("url", ["https://app.example.com/call", "wss://app.example.com/ws"])
@pytest.mark.parametrize("hook", ["amd_hook", "status_hook"])
def test_a_path_among_the_hooks_of_a_route_with_a_url_is_its_applications(loaded: Load, url: str, hook: str) -> None:
    [route] = loaded(f"routes: [{{name: a, url: '{url}', {hook}: /told}}]").routes
    assert getattr(route, hook) == "/told"
