"""What `doctor` tries, and what it says."""

import pytest

from calls.diagnosis import (
    Line,
    Place,
    application_places,
    application_sockets,
    application_told,
    brain_places,
    brain_told,
    hook_places,
    hooks_told,
    model_told,
    place_of,
    public_told,
    settled,
    trials,
)
from tests.calls.exchange import LLM, JsonObject, settings_of

APP = Place("https", "app.example.com", 443)
CRM = Place("http", "crm.example.com", 8080)


def llm(**changes: object) -> JsonObject:
    return LLM | changes


def test_every_server_of_a_hook_is_tried_once() -> None:
    inner = {"verb": "gather", "actionHook": {"url": "https://app.example.com/gathered"}}
    settings = settings_of(
        {
            "name": "a",
            "numbers": ["1"],
            "verbs": [llm(toolHook="http://crm.example.com:8080/x?token=t", eventHook="/event"), inner],
            "fallback": [{"verb": "dial", "target": [{"type": "user", "name": "x"}], "confirmHook": "/confirm"}],
            "tools": {"look": {"url": "https://[::1]/look"}, "own": {"url": "/own"}},
            "status_hook": "https://app.example.com/status",
        },
        {"name": "b", "verbs": [llm(llmOptions={"extra": {"session_update": {"aHook": "https://no.example"}}})]},
        hooks={"base_url": "https://app.example.com"},
    )
    found = hook_places(settings)
    assert found == {APP: ["a", "b"], CRM: ["a"], Place("https", "::1", 443): ["a"]}
    assert str(Place("https", "::1", 443)) == "https://[::1]:443"


def test_every_server_of_an_application_is_tried_once() -> None:
    settings = settings_of(
        {"name": "a", "numbers": ["1"], "url": "wss://user:hunter22@ws.example.com/ws", "status_hook": "/status"},
        {"name": "b", "numbers": ["2"], "url": "http://crm.example.com:8080/call?k=key", "status_hook": "/status"},
        {"name": "d", "numbers": ["3"], "url": "wss://user:hunter22@ws.example.com/ws"},
        {"name": "c", "url": "http://crm.example.com:8080/other", "amd_hook": "https://app.example.com/amd"},
        hooks={"base_url": "https://never.example.com"},
    )
    socket = Place("wss", "ws.example.com", 443)
    assert application_places(settings) == {CRM: ["b", "c"]}
    assert application_sockets(settings) == {"wss://user:hunter22@ws.example.com/ws": ["a", "d"]}
    assert hook_places(settings) == {APP: ["c"]}, "their own paths are on their own origin"
    assert application_told(socket, ["a"], "") == Line("ok", "application of route 'a' at wss://ws.example.com:443")
    failed = application_told(CRM, ["b", "c"], "it does not speak TLS")
    assert failed.grade == "failure"
    told = "application of routes 'b', 'c' at http://crm.example.com:8080: it does not speak TLS; start the application"
    assert failed.text.startswith(told)


@pytest.mark.claim("L11", "T10")
def test_l11_t10_every_server_of_a_brain_is_tried_once_and_its_missing_key_is_told() -> None:
    mine = {"model": "m", "base_url": "http://crm.example.com:8080/v1", "fallback": ["groq/m", "groq/n", "basic"]}
    settings = settings_of(
        {"verbs": [{"verb": "hangup"}]}, brains={"mine": mine, "fast": "groq/m", "faq": {"form": "basic"}}
    )
    groq = Place("https", "api.groq.com", 443)
    places = brain_places(settings)
    assert places == {CRM: ["mine"], groq: ["mine", "fast"]}
    assert brain_told(groq, places[groq], "") == Line(
        "ok", "models of brains 'mine', 'fast' at https://api.groq.com:443"
    )
    assert brain_told(CRM, ["mine"], "no answer").text.endswith(
        "8080: no answer; start that server, or mend model or base_url of the brain"
    )
    warned = [line.text for line in settled(settings) if line.grade == "warning"]
    assert "brain 'fast': no key for groq/m: set GROQ_API_KEY, or api_key" in warned


@pytest.mark.parametrize("url", ["https://{{sip.headers.X-Host}}/x", "https:///x"])
def test_what_depends_on_the_call_is_not_tried(url: str) -> None:
    assert place_of(url) is None


@pytest.mark.claim("J7")
def test_every_model_is_tried_once_with_the_key_that_calls_would_have() -> None:
    settings = settings_of(
        {"name": "a", "numbers": ["1"], "verbs": [LLM, LLM, {"verb": "hangup"}], "llm_fallback": ["xai", "qwen"]},
        {"name": "b", "numbers": ["2"], "verbs": [LLM]},
        {"name": "c", "verbs": [llm(auth={"apiKey": "{{env.KEY}}"}), llm(auth={"apiKey": "sk-own"})]},
        vendors={"openai": {"api_key": "sk-ours"}, "qwen": {"api_key": "k"}},
        environ={},
    )
    tried = trials(settings)
    assert [trial.what.partition(" (")[2] for trial in tried] == ["routes 'a', 'b')", "route 'a')", "route 'c')"]
    assert [trial.dial.headers["Authorization"].split("-")[-1] for trial in tried] == ["ours", "Bearer k", "own"]
    assert tried[0].what.startswith("vendor 'openai' at wss://api.openai.com:443 (")
    assert "sk-" not in repr(tried)


@pytest.mark.claim("J7")
@pytest.mark.parametrize(
    ("server", "lines"),
    [
        ({}, [Line("warning", "server.public_url is not set, so only a platform on this machine reaches us")]),
        (
            {"public_url": "http://127.0.0.1:3000"},
            [Line("warning", "server.public_url is this machine, so only a platform on this machine reaches us")],
        ),
        (
            {"public_url": "http://voice.example.com", "insecure": True},
            [
                Line("warning", "server.insecure is true"),
                Line("warning", "server.public_url begins with http://, so calls can be heard"),
            ],
        ),
        ({"public_url": "https://voice.example.com", "insecure": True}, [Line("warning", "server.insecure is true")]),
    ],
)
def test_a_missing_key_is_a_failure_and_what_check_warns_of_is_a_warning(server: JsonObject, lines: list[Line]) -> None:
    settings = settings_of({"verbs": [LLM]}, server=server, environ={}, vendors={})
    failure, *others = settled(settings)
    assert failure.grade == "failure"
    assert failure.text.startswith("no key for vendor 'openai', calls get `fallback` in route")
    assert [line.grade for line in others] == [line.grade for line in lines]
    assert [line.text[: len(told.text)] for line, told in zip(others, lines, strict=True)] == [
        line.text for line in lines
    ]


def test_each_line_says_what_to_do() -> None:
    [trial, *_] = trials(settings_of({"verbs": [LLM]}))
    assert hooks_told(APP, ["a", "b"], "") == Line("ok", "hooks of routes 'a', 'b' at https://app.example.com:443")
    failed = hooks_told(APP, ["a"], "the name does not resolve")
    assert failed.grade == "failure"
    assert failed.text.startswith("hooks of route 'a' at https://app.example.com:443: the name does not resolve; start")
    assert public_told(APP, "") == Line("ok", "server.public_url at https://app.example.com:443")
    assert public_told(APP, "no").grade == "warning"
    assert model_told(trial, "") == Line("ok", trial.what)
    assert model_told(trial, "no").text.endswith("or at `connectOptions` and `auth` of the verb")
