from typing import Any

import pytest

from hooks.mcp.server import McpServer, read
from verbs.tools import ToolError

URL = "https://tools.example.com/mcp"


@pytest.mark.claim("J31")
@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (None, {}),
        ({}, {}),
        ({"token": "t-1"}, {"Authorization": "Bearer t-1"}),
        ({"token": None, "username": "me", "password": "p:w"}, {"Authorization": "Basic bWU6cDp3"}),
        ({"headers": {"X-Api-Key": "k"}}, {"X-Api-Key": "k"}),
        ({"token": "t-1", "headers": {"X-Tenant": "a"}}, {"Authorization": "Bearer t-1", "X-Tenant": "a"}),
    ],
)
def test_a_server_lets_us_in_by_a_header(auth: Any, headers: dict[str, str]) -> None:
    assert read({"url": URL, "auth": auth}) == McpServer(URL, headers=headers)


def test_who_stands_in_the_url_is_a_user_and_is_shown_to_nobody() -> None:
    server = read({"url": "https://me:p%40w@tools.example.com:8443/mcp?key=k-1#x"})
    assert (server.url, server.name) == (
        "https://tools.example.com:8443/mcp?key=k-1",
        "https://tools.example.com:8443",
    )
    assert server.headers == {"Authorization": "Basic bWU6cEB3"}
    assert "k-1" not in repr(server)
    assert "Basic" not in repr(server)
    assert read({"url": "https://me@x/mcp", "auth": {"token": "t"}}).headers == {"Authorization": "Bearer t"}


def test_a_key_in_the_path_is_shown_to_nobody() -> None:
    server = read({"url": "https://mcp.example.com/s/key-1/mcp"})
    assert "key-1" not in server.name + repr(server)


@pytest.mark.parametrize(
    ("told", "tried"), [({}, ("http", "sse")), ({"transport": "sse"}, ("sse",)), ({"transport": "http"}, ("http",))]
)
def test_streamable_http_is_tried_first(told: dict[str, str], tried: tuple[str, ...]) -> None:
    assert read({"url": URL, **told}).transports == tried


def test_what_a_document_only_warns_of_cannot_be_asked() -> None:
    with pytest.raises(ToolError, match="http://"):
        read({"url": "ftp://x"})
