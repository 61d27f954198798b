"""Where URLs lead, and which of them are read by nobody."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from egress.origins import Origin, names_user, origin_of, origins_in, proxy_of, urls_in


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://app.example.com/final", ("http", "app.example.com", 80)),
        ("HTTPS://App.Example.com", ("https", "app.example.com", 443)),
        ("https://app.example.com:8443?x=1", ("https", "app.example.com", 8443)),
        ("ws://10.0.0.5#x", ("ws", "10.0.0.5", 80)),
        ("wss://user:pass%40word@[FD00::1]:9/ws", ("wss", "[fd00::1]", 9)),
        ("http://BÜRO.example/x", ("http", "BÜRO.example", 80)),
    ],
)
def test_a_urls_origin_is_its_scheme_host_and_port(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == Origin(*origin)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/final",
        "ftp://app.example.com/",
        "file:///etc/passwd",
        "gopher://10.0.0.1:6379/_INFO",
        "app://c-1//final",
        "http:/app.example.com",
        "http://",
        "http:///x",
        "http://app.example.com:99999999/",
        "http://app.example.com:/x",
        "http://{{customerData.host}}/x",
        "http://app.example.com{{from}}/x",
        "http://app.example.com\\@10.0.0.1/",
        "http://a@b@10.0.0.1/",
        "http://app.example.com\r\nHost: x/",
        "http://app .example.com/",
        "http://app.example.com/a\nb",
        "http://10.0.0.1%2f.example.com/",
        "http://fe80::1/",
        "http://[fe80::1%25eth0]/",
        " http://app.example.com/",
    ],
)
def test_what_not_everybody_reads_alike_has_no_origin(url: str) -> None:
    assert origin_of(url) is None


@given(st.text(alphabet="abc.10:/@\\[]%#?{} \t\r\n‥İK。①", max_size=24))
def test_an_origin_is_where_the_parsers_that_dial_would_go(rest: str) -> None:
    url = f"http://{rest}"
    origin = origin_of(url)
    if origin is None or not origin.host.isascii():
        return
    try:
        dialled, split = URL(url), urlsplit(url)
        assert (dialled.host, dialled.port) == (origin.host.strip("[]"), origin.port)
        assert (split.hostname, 80 if split.port is None else split.port) == (origin.host.strip("[]"), origin.port)
    except ValueError:
        return  # one that is not dialled at all


@pytest.mark.parametrize(("url", "there_is"), [("http://u:p@a/", True), ("http://@a/", True), ("http://a/@", False)])
def test_a_user_is_seen(url: str, there_is: bool) -> None:  # noqa: FBT001  # a column of the table
    assert names_user(url) is there_is


def test_a_document_leads_where_its_hooks_models_and_servers_of_tools_are() -> None:
    document = [
        {"verb": "gather", "actionHook": "http://10.0.0.1/a", "say": {"text": "http://10.9.9.9/"}},
        {"verb": "dial", "target": [{"confirmHook": {"url": "https://10.0.0.2:8443/b", "method": "POST"}}]},
        {
            "verb": "llm",
            "eventHook": "/events",
            "toolHook": "http://{{to}}/t",
            "connectOptions": {"host": "10.0.0.3:9000", "proxy": "http://u:p@10.0.0.4:3128"},
            "mcpServers": [{"url": "http://10.0.0.5/mcp"}, "what is this?"],
            "llmOptions": {"toolHook": "http://10.9.9.9/"},
        },
        {"verb": "llm", "connectOptions": {"url": "ws://10.0.0.6/v1"}},
        {"verb": "llm", "connectOptions": {"host": "[::1"}, "mcpServers": None},
        {"verb": "llm", "connectOptions": {"host": "localhost:9"}},
    ]
    assert origins_in(document) == {
        Origin("http", "10.0.0.1", 80),
        Origin("https", "10.0.0.2", 8443),
        Origin("wss", "10.0.0.3", 9000),
        Origin("http", "10.0.0.4", 3128, proxy=True),
        Origin("http", "10.0.0.5", 80),
        Origin("ws", "10.0.0.6", 80),
        Origin("ws", "localhost", 9),
    }
    assert "http://{{to}}/t" in urls_in(document)
    assert origins_in("http://10.0.0.1/") == set()


def test_a_proxy_is_no_place_to_lead_to() -> None:
    assert proxy_of("http://10.0.0.4:3128") != origin_of("http://10.0.0.4:3128")
    assert proxy_of("") is None
