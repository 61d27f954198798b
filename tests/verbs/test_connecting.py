"""What a model's socket can be opened with."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import verbs
from tests.properties import changed, json_values
from verbs.connecting import FIELDS, faults

CA = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"


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
        {"subprotocols": ["realtime", "openai-insecure-api-key.sk-1"]},
        *({"proxy": f"http{url}"} for url in ("://h:3128", "s://h/", "://u:p%40%3A@h", "://[::1]:1")),
        {"tls": {"ca": CA + CA, "server_name": "voice.internal"}},
        {"tls": {"ca": None, "server_name": ""}},
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
        *(("subprotocols", names) for names in (["a b"], [""], ["x", "x"], [5], "realtime", {"realtime": 1})),
        *(("proxy", url) for url in ("h:3128", "socks5://h", "http://", "http://h/x", "http://h?x", "http://h#x")),
        *(("proxy", f"http://{who}@h") for who in ("u", "u:", ":p", "", "u%3Ax:p", "u:%ff", "a b:c", "a\nb:c")),
        *(("proxy", url) for url in ("http://[", "http://h:99999")),
        *(("tls", {"ca": ca}) for ca in ("/etc/ca.pem", CA[:-9], f"words {CA}", 5)),
        *(("tls", {"server_name": name}) for name in ("a b", "h:443", 5)),
        *(("tls", {name: "x"}) for name in ("verify", "client_cert", "client_key", "cert")),
        ("tls", {"verify": False}),
        *((field, 5) for field in FIELDS),
    ],
)
def test_what_cannot_be_used_is_named(field: str, value: object) -> None:
    [fault] = faults({field: value})
    assert fault.startswith(f"connectOptions.{field} must be ")


def test_a_proxys_password_is_in_no_complaint() -> None:
    verb = {"verb": "llm", "vendor": "openai", "connectOptions": {"proxy": "socks5://u:s3cret@h"}}
    with pytest.raises(
        verbs.DocumentError, match=r"connectOptions\.proxy: must be the http:// or https:// URL"
    ) as caught:
        verbs.parse([verb], version="0.9")
    assert "s3cret" not in str(caught.value)


WHOLE: dict[str, Any] = {
    "host": "[::1]:9000",
    "path": "v1/realtime?model=x",
    "url": "wss://voice.example/v1/realtime?model=x",
    "headers": {"X-A": "b"},
    "query": {"a": "b"},
    "subprotocols": ["realtime", "api-key.sk-1"],
    "proxy": "http://user:s3cr3t@proxy.example:3128",
    "tls": {"ca": CA, "server_name": "m.internal"},
}
PIECES = [
    "s3cr3t",
    "://",
    ":",
    "@",
    "[",
    "]",
    "::1",
    "%zz",
    "%",
    ".",
    "a" * 64,
    "é",
    "\udc80",
    "\r\n",
    "\0",
    "99999",
    "²",
]
TEXTS = st.lists(st.sampled_from([*PIECES, "ws", "https"]), max_size=6).map("".join) | st.text(max_size=5)


@given(options=changed([WHOLE], json_values(TEXTS)))
def test_whatever_the_options_are_each_is_of_use_or_named_and_none_repeated(options: dict[str, Any]) -> None:
    found = list(faults(options))
    assert all(any(fault.startswith(f"connectOptions.{name} must be ") for name in FIELDS) for fault in found)
    assert not any("s3cr3t" in fault for fault in found)
    assert len(found) <= len(FIELDS)
