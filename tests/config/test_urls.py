from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.urls import SOCKET, WEB, host_of, is_loopback, url_fault, without_user


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://app.example.com/x?y=1#z", None),
        ("http://10.0.0.1:8080", None),
        ("https://[2001:db8::1]/", None),
        ("https://app.example.com/a b", "holds a space"),
        ("https://app.example.com/\n", "holds a space"),
        ("https://[::1", "is not a URL"),
        ("https://app.example.com:x/", "is not a URL"),
        ("https://app.example.com:0/", "names port 0"),
        ("https:///x", "names no host"),
        ("https://", "names no host"),
        ("wss://app.example.com", "must begin with"),
        ("app.example.com", "must begin with"),
        ("https://user@app.example.com", "holds a user name"),
        ("http://169.254.169.254/latest", "is a link-local address"),
        ("http://[fe80::1]/", "is a link-local address"),
    ],
)
def test_a_url_is_whole_and_holds_no_secret(url: str, fault: str | None) -> None:
    assert (url_fault(url, WEB) or "").startswith(fault or "")
    assert bool(url_fault(url, WEB)) == bool(fault)


@pytest.mark.parametrize("rest", ["?a=1", "#b", "x?"])
def test_a_base_ends_with_its_path(rest: str) -> None:
    assert bool(url_fault(f"https://app.example.com/{rest}", bare=True)) == (rest != "x?")


def test_a_user_and_a_password_may_stand_where_they_are_hidden() -> None:
    assert url_fault("https://user:pass@app.example.com", WEB, user=True) is None
    assert without_user("wss://user:p%40ss@app.example.com:8443/ws?x=1") == "wss://app.example.com:8443/ws?x=1"
    assert without_user("https://app.example.com") == "https://app.example.com"


@pytest.mark.parametrize("password", ["p@ss/w:rd#1", "pass/w", "pass?w", "pass#w", "1/w", "p@s?w@rd"])
def test_a_password_that_is_not_percent_encoded_is_refused_and_no_part_of_it_shown(password: str) -> None:
    url = f"wss://user:{password}@app.example.com/ws?x=1"
    assert "write @ as %40, / as %2F" in (url_fault(url, SOCKET, user=True) or "")
    assert without_user(url) == "wss://app.example.com/ws?x=1"


def test_a_model_is_reached_by_websocket() -> None:
    assert url_fault("https://x.example", SOCKET) == "must begin with 'wss://' or 'ws://'"


def test_the_host_of_what_is_not_yet_a_url_is_none() -> None:
    assert host_of("wss://voice.example:8443/v1") == "voice.example"
    assert [host_of(text) for text in ("", "x", "wss://[::{{env.HOST}}]/v1", "wss://[")] == [""] * 4


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("localhost", True), ("LOCALHOST.", True), ("app.localhost", True), ("127.0.0.1", True)),
        *(("127.9.9.9", True), ("::1", True), ("[::1]", True), ("10.0.0.1", False)),
        *(("::", False), ("localhost.example.com", False), ("", False)),
    ],
)
def test_loopback_is_this_machine_only(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) == loopback


PIECES = [
    "http",
    "https",
    "wss",
    "://",
    ":",
    "/",
    "@",
    "?",
    "#",
    "[",
    "]",
    "::1",
    "%",
    "%zz",
    "h.example",
    "169.254.1.1",
]
PIECES += ["169.254.1.1", "0", "65536", "999999", " ", "\n", "\0", "\u2028", "é", "²", "\udc80", "user:s3cr3t@"]


@given(text=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join), user=st.booleans())
def test_any_text_is_a_url_with_a_host_or_told_what_is_wrong_with_it(text: str, user: bool) -> None:  # noqa: FBT001
    fault = url_fault(text, WEB, user=user)
    if fault is None:
        assert urlsplit(text).scheme in WEB
        assert host_of(text)
        assert user or "@" not in urlsplit(text).netloc
    else:
        assert "s3cr3t" not in fault
        assert fault.isprintable()
    assert "s3cr3t" not in without_user(text) or "://" not in text.partition("s3cr3t@")[0]
    assert isinstance(is_loopback(text), bool)
