"""What of a configuration is trusted, and what it says that nobody can know."""

import pytest

from config import ConfigError
from config.egress import egress_of
from egress.guard import TRUSTED, Reach
from tests.config.conftest import Load

FILE = """
hooks: {base_url: "http://10.0.0.1:8000/hooks"}
vendors: {openai: {api_key: k, url: "wss://model.internal/v1", proxy: "http://u:p@10.0.0.2:3128"}}
platform: {api: {base_url: "http://10.0.0.99/v1", account_sid: a, api_key: k}}
routes:
  - name: a
    numbers: ["1"]
    status_hook: http://10.0.0.3/status
    amd_hook: http://10.0.0.4/amd
    tools: {look: {url: "http://10.0.0.5/look"}}
    verbs:
      - {verb: gather, input: [digits], actionHook: "https://10.0.0.6/{{customerData.path}}"}
      - {verb: llm, vendor: openai, model: m, toolHook: {url: "http://10.0.0.7/t"}, auth: {apiKey: k},
         connectOptions: {host: "10.0.0.8:9000"}, llmOptions: {response_create: {}}}
    fallback: [{verb: dial, target: [{type: phone, number: "1"}], actionHook: "http://10.0.0.9/d"}, {verb: hangup}]
  - {name: b, numbers: ["2"], url: "ws://u:p@10.0.0.10:3000/ws"}
  - {name: c, numbers: ["3"], url: "http://10.0.0.11/call"}
"""


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8000/anything",
        "http://10.0.0.3/",
        "http://10.0.0.4/",
        "http://10.0.0.5/",
        "https://10.0.0.6/x",
        "http://10.0.0.7/",
        "wss://10.0.0.8:9000/v1/realtime",
        "http://10.0.0.9/",
        "ws://10.0.0.10:3000/ws",
        "http://10.0.0.11/",
        "wss://model.internal/v1?model=m",
        "wss://api.x.ai/v1/realtime",
    ],
)
def test_what_the_file_names_is_trusted(loaded: Load, url: str) -> None:
    assert egress_of(loaded(FILE)).reach(url) == TRUSTED


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://10.0.0.99/v1", "http://10.0.0.2:3128/", "http://10.0.0.8/"]
)
def test_what_it_does_not_name_is_not(loaded: Load, url: str) -> None:
    assert egress_of(loaded(FILE)).reach(url) == Reach()


def test_a_proxy_is_trusted_on_the_way_to_what_is(loaded: Load) -> None:
    egress = egress_of(loaded(FILE))
    assert egress.reach("wss://model.internal/v1", via="http://x:y@10.0.0.2:3128") == TRUSTED
    assert egress.reach("wss://other.internal/v1", via="http://x:y@10.0.0.2:3128") == Reach()


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ("[]", []),
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        ("[10.1.2.3, 'fd12::/16']", ["10.1.2.3/32", "fd12::/16"]),
        ("['0.0.0.0/0']", ["0.0.0.0/0"]),
    ],
)
def test_networks_are_allowed_for_others(loaded: Load, written: str, allowed: list[str]) -> None:
    settings = loaded(f"egress: {{allow_cidrs: {written}}}")
    assert [str(network) for network in egress_of(settings).allowed] == allowed


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("10.0.0.1/8", "must be a network such as 10.20.0.0/16 or fd12:3456::/32, or an address, is '10.0.0.1/8'"),
        ("example.com", "must be a network"),
        ("169.254.169.254", "is where clouds hand out credentials, which is never reached"),
        ("169.254.0.0/16", "is where clouds hand out credentials"),
        ("fd00:ec2::254", "is where clouds hand out credentials"),
    ],
)
def test_a_network_that_is_none_or_never_reached_is_refused(loaded: Load, written: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(f"egress: {{allow_cidrs: ['{written}']}}")
    [complaint] = refused.value.complaints
    assert words in str(complaint)


@pytest.mark.parametrize(
    ("hook", "chosen"),
    [
        ("http://{{customerData.host}}/x", "http://{{customerData.host}}"),
        ("https://app.{{env.DOMAIN}}:8080/x?y={{from}}", "https://app.{{env.DOMAIN}}:8080"),
        ("https://app.example.com{{sip.headers.X-A}}/x", "https://app.example.com{{sip.headers.X-A}}"),
        ("https://app.example.com/{{customerData.path}}", None),
        ("/{{customerData.path}}", None),
    ],
)
def test_a_host_that_the_call_chooses_is_warned_of(loaded: Load, hook: str, chosen: str | None) -> None:
    verb = f"{{verb: gather, input: [digits], actionHook: '{hook}'}}"
    settings = loaded(f"hooks: {{base_url: 'https://a.b'}}\nroutes: [{{name: a, verbs: [{verb}, {verb}]}}]")
    told = [warning for warning in settings.warnings if "the call chooses" in warning]
    begin = f"route 'a': the call chooses the host of {chosen}, so it reaches the internet, and nothing private "
    assert [warning.startswith(begin) for warning in told] == ([True] if chosen else [])
    if chosen:
        assert egress_of(settings).reach(hook) == Reach()


def test_a_models_host_that_the_call_chooses_is_warned_of(loaded: Load) -> None:
    options = "auth: {apiKey: k}, connectOptions: {host: '{{env.M}}'}, llmOptions: {}"
    verb = f"{{verb: llm, vendor: openai, model: m, {options}}}"
    settings = loaded(f"routes: [{{name: a, verbs: [{verb}]}}]")
    assert any("the call chooses the host of wss://{{env.M}}" in warning for warning in settings.warnings)
