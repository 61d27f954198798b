"""What a model's socket can be opened with."""

from typing import Any

import pytest

from verbs.connecting import FIELDS, faults


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"host": "api.openai.com"},
        {"host": "127.0.0.1:9000"},
        {"host": "[::1]"},
        {"host": "[2001:db8::1]:9000"},
        {"host": "voice_agent"},
        {"host": "bücher.example:443"},
        {"host": "example.com."},
        {"host": ""},
        {"host": None, "headers": None, "query": {}},
        {"url": "wss://voice.example/v1/realtime?model=x", "path": "openai/realtime?api-version=1"},
        {"url": "ws://[::1]:9000"},
        {"headers": {"X-A": "b", "x_1": "caf\xe9\t!"}, "query": {"": "any\r\nthing"}},
    ],
)
def test_with_these_it_can(options: dict[str, Any]) -> None:
    assert list(faults(options)) == []


@pytest.mark.parametrize(
    "host",
    [
        *("a..b", ".a", "h:99999", "h:0", "h:x", "h:", ":9", "h:1:2", "a b", "a/b", "a?b", "a#b", "https://h"),
        *(
            "[",
            "[::1",
            "::1",
            "[h]",
            "[::1]x",
            "u:p@h",
            "@h",
            "a\nb",
            "h\r",
            "h\t",
            "a" * 64,
            "a%b",
            "\ud800",
            "h\uff0fx",
        ),
    ],
)
def test_a_host_that_is_none_is_named_and_not_repeated(host: str) -> None:
    assert list(faults({"host": host})) == ["connectOptions.host must be a host's name, and :port"]
    assert list(faults({"url": f"wss://{host}/v1"})) in (
        ["connectOptions.url must be a ws:// or wss:// URL"],
        [] if host in {"a/b", "a?b"} else None,
    )


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("url", url) for url in ("https://", "https://h", "wss:", "wss://", "h", "wss://h/a b", "wss://h/#x")),
        *(("path", path) for path in ("a b", "a#b", "a\r\nb", "a\x00")),
        *(("headers", {name: "x"}) for name in ("", "a b", "a:", "a\r\nb", "é")),
        *(("headers", {"X": value}) for value in ("a\r\nY: 1", "a\n", "\x00", "\u20ac", 5, None)),
        *(("query", {"a": value}) for value in (5, None, ["x"])),
        *((field, 5) for field in FIELDS),
    ],
)
def test_what_cannot_be_used_is_named(field: str, value: object) -> None:
    [fault] = faults({field: value})
    assert fault.startswith(f"connectOptions.{field} must be ")
