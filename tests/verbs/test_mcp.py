from typing import Any

import pytest

from verbs import lint
from verbs.mcp import check_server

URL = "https://tools.example.com/mcp"
LLM = {"verb": "llm", "vendor": "openai", "llmOptions": {"response_create": {}}}


@pytest.mark.claim("J31", "mcpServers")
@pytest.mark.parametrize(
    "server",
    [
        {"url": URL},
        {"url": "http://10.0.0.7:8000/sse", "transport": "sse", "auth": {}},
        {"url": URL, "transport": "http", "auth": {"token": "{{env_vars.TOKEN}}"}},
        {"url": "https://{{env_vars.HOST}}/mcp", "auth": {"username": "u", "password": "p"}, "roots": [{"uri": "x"}]},
        {"url": URL, "auth": {"token": None, "headers": {"X-Api-Key": "k"}}},
    ],
)
def test_a_server_may_be_named_so(server: dict[str, Any]) -> None:
    assert lint([LLM | {"mcpServers": [server]}], version="0.9") == []


@pytest.mark.claim("J31", "mcpServers")
@pytest.mark.parametrize(
    ("server", "told"),
    [
        ({}, "url: is missing"),
        ({"url": 5}, "url: must be text"),
        ({"url": "tools.example.com"}, "url: must be an http:// or https:// URL"),
        ({"url": "ws://x/mcp"}, "url: must be an http:// or https:// URL"),
        ({"url": "https://x:99999/"}, "url: must be an http:// or https:// URL"),
        ({"url": "https:///mcp"}, "url: must be an http:// or https:// URL"),
        ({"url": URL, "auth": "key"}, "auth: must be an object"),
        ({"url": URL, "auth": {"tokn": "key"}}, "auth.tokn: unknown property 'tokn' (did you mean 'token'?)"),
        ({"url": URL, "auth": {"token": "a\nb"}}, "auth.token: must be a text that an HTTP header can carry"),
        ({"url": URL, "auth": {"username": "u"}}, "auth: must have both username and password"),
        ({"url": URL, "auth": {"username": "u", "password": "p", "token": "t"}}, "auth: must be a token, or username"),
        ({"url": URL, "auth": {"headers": {"X Y": "1"}}}, "auth.headers: must be an object of texts"),
        ({"url": URL, "transport": "stdio"}, "transport: unknown value 'stdio'; it can be http, sse"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told_where(server: dict[str, Any], told: str) -> None:
    found = [str(complaint) for complaint in lint([LLM | {"mcpServers": [server]}], version="0.9")]
    assert len(found) == 1
    assert found[0].startswith(f"verbs[0].mcpServers[0].{told}"), found
    assert "a\nb" not in found[0]


@pytest.mark.parametrize("servers", [5, {}, ["x"]])
def test_what_is_no_list_of_servers_is_told_once(servers: Any) -> None:
    assert len(lint([LLM | {"mcpServers": servers}], version="0.9")) == 1


def test_the_platform_takes_no_transport() -> None:
    [complaint] = lint([LLM | {"mcpServers": [{"url": URL, "transport": "sse"}]}], version="10", native=True)
    assert complaint.path == (0, "mcpServers", 0, "transport")


def test_one_server_is_checked_alone() -> None:
    assert [finding.path for finding in check_server({"url": "x"})] == [("url",)]
