import pytest
from pydantic import SecretStr

from config.rules import exposure, shadowed, takes_all_of
from config.settings import BasicAuth, Platform, Route, Server
from tests.config.conftest import Load

ANYWHERE = "0.0.0.0"  # noqa: S104  # nothing is bound here
PUBLIC = "https://voice.example.com"
LLM = "{verb: llm, vendor: openai, model: gpt-realtime, llmOptions: {response_create: {}}"


@pytest.mark.parametrize(
    ("server", "host", "exposed"),
    [
        (Server(), None, False),
        (Server(host="localhost"), None, False),
        (Server(host="::1"), None, False),
        (Server(host=ANYWHERE), None, True),
        (Server(host="voice.example.com"), None, True),
        (Server(), ANYWHERE, True),
        (Server(host=ANYWHERE), "127.0.0.1", False),
        (Server(public_url=PUBLIC), None, True),
        (Server(public_url="http://localhost:3000"), None, False),
        (Server(public_url="http://[::1]:3000/x"), None, False),
        (Server(public_url=PUBLIC, insecure=True), None, False),
    ],
)
def test_a_server_that_strangers_reach_needs_a_secret(server: Server, host: str | None, *, exposed: bool) -> None:
    assert bool(exposure(server, Platform(), host=host)) == exposed
    with_secret = Platform(webhook_secrets=(SecretStr("s"),))
    with_password = Platform(basic_auth=BasicAuth(username="u", password=SecretStr("p")))
    assert exposure(server, with_secret, host=host) is None
    assert exposure(server, with_password, host=host) is None


def route(*numbers: str, **conditions: object) -> Route:
    return Route.model_validate({"name": "a", "numbers": numbers, **conditions})


@pytest.mark.parametrize(
    ("wide", "narrow", "takes"),
    [
        (route(), route(), True),
        (route("*"), route(), True),
        (route(), route("1", **{"from": ["2"]}), True),
        (route("1*"), route(), False),
        (route("1*", "2"), route("+1 55", "2"), True),
        (route("1*"), route("1", "2"), False),
        (route("1"), route("1*"), False),
        (route(**{"from": ["1*"]}), route(**{"from": ["12"]}), True),
        (route(**{"from": ["1*"]}), route(), False),
        (route(direction="inbound"), route(direction="inbound"), True),
        (route(direction="inbound"), route(), False),
        (route(), route(direction="inbound"), True),
        (route(headers={"X-A": "b*"}), route(headers={"x-a": "bc", "X-B": "d"}), True),
        (route(headers={"X-A": "b*"}), route(headers={"x-a": "c"}), False),
        (route(headers={"X-A": "b*"}), route(), False),
    ],
)
def test_a_route_takes_all_of_another_when_no_condition_is_its_own(wide: Route, narrow: Route, *, takes: bool) -> None:
    assert takes_all_of(wide, narrow) == takes
    assert list(shadowed([(3, wide), (5, narrow)])) == ([(5, 3)] if takes else [])


def test_the_first_of_several_takers_is_named() -> None:
    routes = list(enumerate([route("1"), route("12*"), route(), route("123", "124"), route("9")]))
    assert list(shadowed(routes)) == [(3, 1), (4, 2)]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("store: memory://", []),
        ("store: sqlite:///x.db", []),
        (
            "store: postgresql://u:p@db/x",
            ["store: this version knows no postgresql://, and will not serve; name a file, sqlite:///hookswitch.db"],
        ),
        (
            "store: memory://\nserver: {insecure: true}",
            ["server.insecure is true: anyone who reaches the port can place calls on your account"],
        ),
        (
            f"store: memory://\nroutes: [{{name: a, verbs: [{LLM}}}]}}]",
            [
                (
                    "no key for vendor 'openai', calls get `fallback` in route 'a': "
                    "set OPENAI_API_KEY or vendors.openai.api_key"
                )
            ],
        ),
        (f"store: memory://\nroutes: [{{name: a, verbs: [{LLM}, auth: {{apiKey: sk-1}}}}]}}]", []),
        ("store: memory://\nroutes: [{name: a, verbs: [{llm: localai/gpt}, {llm: speaches/llama}]}]", []),
        (
            "store: memory://\nroutes: [{name: a, verbs: [{llm: xai}, {llm: qwen/x}, {llm: microsoft/my-gpt}]}]",
            [
                f"no key for vendor {vendor!r}, calls get `fallback` in route 'a': set {remedy}"
                for vendor, remedy in (
                    ("xai", "XAI_API_KEY or vendors.xai.api_key"),
                    ("qwen", "DASHSCOPE_API_KEY or vendors.qwen.api_key"),
                    ("microsoft", "AZURE_OPENAI_REALTIME_URL or vendors.microsoft.url, and its key"),
                )
            ],
        ),
        (
            (
                "store: memory://\nvendors: {openai: {api_key: k}}\nroutes: [{name: a, verbs: [{llm: openai}], "
                "llm_fallback: [openai/m, localai/m, xai, {vendor: qwen, auth: {apiKey: k}}]}]"
            ),
            [
                (
                    "no key for vendor 'xai', nothing falls back on it in route 'a': "
                    "set XAI_API_KEY or vendors.xai.api_key"
                )
            ],
        ),
        (
            (
                "store: memory://\nvendors: {microsoft: {url: wss://r.openai.azure.com/openai/v1/realtime}}\n"
                "routes: [{name: a, verbs: [{llm: microsoft/my-gpt}]}]"
            ),
            [
                (
                    "no key for vendor 'microsoft', calls get `fallback` in route 'a': "
                    "set AZURE_OPENAI_API_KEY or vendors.microsoft.api_key"
                )
            ],
        ),
        (
            (
                "store: memory://\nroutes: [{name: a, verbs: [{verb: llm, vendor: microsoft, model: d, "
                "connectOptions: {host: r.openai.azure.com, headers: {Authorization: Bearer x}}}]}]"
            ),
            [],
        ),
        (f"store: memory://\nvendors: {{openai: {{api_key: k}}}}\nroutes: [{{name: a, verbs: [{LLM}}}]}}]", []),
        (
            (
                "store: memory://\nvendors: {openai: {api_key: k}}\n"
                f"routes: [{{name: a, verbs: [{LLM}, connectOptions: {{host: other.example}}}}]}}]"
            ),
            [
                (
                    "no key for vendor 'openai', calls get `fallback` in route 'a': put `auth` into the verb, "
                    "for other.example is not the host of vendors.openai.url"
                )
            ],
        ),
        (
            (
                "store: memory://\nvendors: {openai: {api_key: k}}\n"
                f"routes: [{{name: a, verbs: [{LLM}, connectOptions: {{proxy: 'http://proxy.example'}}}}]}}]"
            ),
            [
                (
                    "no key for vendor 'openai', calls get `fallback` in route 'a': "
                    "put `auth` beside `proxy` and `tls`, or set vendors.openai.proxy and .tls instead"
                )
            ],
        ),
    ],
)
def test_what_an_operator_should_know_is_a_warning(loaded: Load, text: str, warnings: list[str]) -> None:
    assert list(loaded(text).warnings) == warnings


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://app.example.com/call", True),
        ("ws://app.example.com/ws", True),
        ("wss://app.example.com/ws", False),
        ("http://127.0.0.1:8000/call", False),
    ],
)
def test_an_application_elsewhere_is_better_asked_with_tls(loaded: Load, url: str, *, warned: bool) -> None:
    settings = loaded(f"store: memory://\nroutes: [{{name: a, url: '{url}', status_hook: /status}}]")
    assert any("without TLS" in text for text in settings.warnings) == warned
