"""A path to which audio is forked is one of the application's own server."""

from typing import Any

import pytest

from verbs.origin import from_origin

LISTEN: dict[str, Any] = {"verb": "listen", "url": "/audio", "wsAuth": {"username": "u", "password": "p"}}


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://app.example.com", "wss://app.example.com/audio"),
        ("http://app.example.com:8080", "ws://app.example.com:8080/audio"),
        ("http://app.example.com/below/", "ws://app.example.com/below/audio"),
        ("wss://app.example.com", "wss://app.example.com/audio"),
        ("ws://app.example.com", "ws://app.example.com/audio"),
        (None, "/audio"),
    ],
)
@pytest.mark.parametrize("verb", ["listen", "stream"])
def test_a_path_becomes_a_whole_url_on_the_origin(verb: str, origin: str | None, url: str) -> None:
    assert from_origin([LISTEN | {"verb": verb}], origin) == [LISTEN | {"verb": verb, "url": url}]


@pytest.mark.parametrize("inside", ["listen", "stream"])
@pytest.mark.parametrize("verb", ["dial", "config", "conference"])
def test_so_it_does_inside_of_another_verb(verb: str, inside: str) -> None:
    [made] = from_origin([{"verb": verb, inside: {"url": "/fork"}}], "https://app.example.com")
    assert made == {"verb": verb, inside: {"url": "wss://app.example.com/fork"}}


@pytest.mark.parametrize(
    "verb",
    [
        LISTEN | {"url": "wss://elsewhere.example/audio"},
        LISTEN | {"url": 7},
        {"verb": "play", "url": "/clip.wav"},
        {"verb": "say", "text": "x", "stream": True},
        {"verb": "tag", "data": {"listen": {"url": "/mine"}}},
    ],
)
def test_nothing_else_is_touched(verb: dict[str, Any]) -> None:
    assert from_origin([verb], "https://app.example.com") == [verb]


def test_an_applications_own_user_and_password_open_its_socket() -> None:
    [made] = from_origin([LISTEN], "ws://user:p%40ss@app.example.com:8080")
    auth = {"username": "user", "password": "p@ss"}
    assert made == LISTEN | {"url": "ws://app.example.com:8080/audio", "wsAuth": auth}
