"""jambonz' REST API: the requests that it takes, and what its replies mean."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.platforms.jambonz.rest import JambonzRest
from media.remote import Access, Application, Order, RemoteRefused, RemoteReply
from tests.properties import NEARLY_JSON, changed, json_values, tried_with

REST = JambonzRest()
ACCESS = Access("https://jambonz.example.com/v1", "acc/1", "key")
PHONE = {"type": "phone", "number": "+15551230001"}
ORDER = Order(PHONE, "+15557654321", "app-1", {"a": 1})


@pytest.mark.parametrize(
    ("to", "destination"),
    [
        ("+15551230001", PHONE),
        ("sip:ann@example.com", {"type": "sip", "sipUri": "sip:ann@example.com"}),
        ("sips:ann@example.com", {"type": "sip", "sipUri": "sips:ann@example.com"}),
        ("ann@realm.example.com", {"type": "user", "name": "ann@realm.example.com"}),
        ({**PHONE, "trunk": "t"}, {**PHONE, "trunk": "t"}),
        ({"type": "user", "name": "ann"}, {"type": "user", "name": "ann"}),
        ("", None),
        ("Ann", None),
        ("+1 555", None),
        ("sip:a b", None),
        ("x@y\n", None),
        (f"sip:{'x' * 300}", None),
        ({"type": "phone"}, None),
        ({"type": "phone", "number": ""}, None),
        ({"type": "fax", "number": "1"}, None),
        ({"type": 5}, None),
        (5, None),
    ],
)
def test_whom_to_call_is_a_number_an_address_or_what_the_platform_takes(
    to: object, destination: dict[str, Any] | None
) -> None:
    assert REST.destination(to) == destination


def test_a_call_is_placed_with_the_portals_application() -> None:
    request = REST.place(ACCESS, ORDER)
    assert (request.method, request.path) == ("POST", "/Accounts/acc%2F1/Calls")
    assert request.body == {"from": "+15557654321", "to": PHONE, "tag": {"a": 1}, "application_sid": "app-1"}


def test_or_with_hooks_of_ours_and_the_speech_that_the_platform_demands_then() -> None:
    ours = Application("https://v.example/call", "https://v.example/call/status", ("u", "p"))
    body = REST.place(ACCESS, Order(PHONE, "1", ours, {}, {"actionHook": "x"})).body
    assert body["call_hook"] == {
        "url": "https://v.example/call",
        "method": "POST",
        "username": "u",
        "password": "p",
    }
    assert body["call_status_hook"]["url"] == "https://v.example/call/status"
    assert len([name for name in body if name.startswith("speech_")]) == 5
    assert body["amd"] == {"actionHook": "x"}
    bare = REST.place(ACCESS, Order(PHONE, "1", Application("a", "b"), {})).body
    assert bare["call_hook"] == {"url": "a", "method": "POST"}
    assert "application_sid" not in bare
    assert "amd" not in bare


def test_a_call_is_told_by_its_sid() -> None:
    path = "/Accounts/acc%2F1/Calls/c%2F..%2F1"
    redirect = REST.redirect(ACCESS, "c/../1", "https://v.example/call/hook/t")
    assert (redirect.method, redirect.path) == ("PUT", path)
    assert redirect.body == {"call_hook": {"url": "https://v.example/call/hook/t", "method": "POST"}}
    assert REST.hang_up(ACCESS, "c/../1", answered=True).path == path
    assert REST.hang_up(ACCESS, "c-1", answered=True).body == {"call_status": "completed"}
    assert REST.hang_up(ACCESS, "c-1", answered=False).body == {"call_status": "no-answer"}


def test_a_new_call_has_a_sid() -> None:
    assert REST.placed(RemoteReply(201, b'{"sid": "c-1", "callId": "x"}')) == "c-1"
    for body in (b"", b"{}", b'{"sid": ""}', b'{"sid": 5}', b"[" * 100_000):
        with pytest.raises(RemoteRefused, match="without telling its sid") as caught:
            REST.placed(RemoteReply(201, body))
        assert caught.value.why == "platform"


@pytest.mark.parametrize(
    ("status", "body", "why", "told"),
    [
        (400, b'{"msg": "missing from parameter"}', "request", "the platform refused it: missing from parameter"),
        (401, b"Unauthorized", "platform", "HTTP status 401 (look at platform.api.api_key)"),
        (403, b'{"msg": "forbidden"}', "platform", "forbidden (look at platform.api.api_key and .account_sid)"),
        (422, b'{"msg": "call session is gone"}', "state", "call session is gone"),
        (480, b'{"msg": "no available feature servers at this time"}', "platform", "no available feature servers"),
        (500, b"<html>", "platform", "HTTP status 500"),
        (302, b"", "platform", "HTTP status 302"),
        (799, b'{"msg": 5}', "platform", "HTTP status 799"),
        (400, b'{"msg": "two\\nlines"}', "request", "HTTP status 400"),
    ],
)
def test_a_refusal_says_whose_fault_it_is_and_what_to_look_at(status: int, body: bytes, why: str, told: str) -> None:
    reads: list[Callable[[RemoteReply], object]] = [REST.placed, REST.done]
    for read in reads:
        with pytest.raises(RemoteRefused) as caught:
            read(RemoteReply(status, body))
        assert (caught.value.why, told in str(caught.value)) == (why, True)


def test_what_is_not_found_is_a_call_or_the_api_itself() -> None:
    for read, why in ((REST.done, "unknown"), (REST.placed, "platform")):
        with pytest.raises(RemoteRefused, match=r"404 \(look at platform\.api\.base_url and \.account_sid\)") as caught:
            read(RemoteReply(404, b"Not Found"))
        assert caught.value.why == why


@pytest.mark.parametrize("status", [200, 202, 204])
def test_what_was_accepted_is_done(status: int) -> None:
    REST.done(RemoteReply(status, b"Accepted"))


def test_no_request_and_no_access_shows_its_secrets() -> None:
    ours = Application("a", "b", ("user", "pass of the platform"))
    order = Order(PHONE, "1", ours, {})
    assert "pass" not in repr(order)
    assert "pass" not in repr(REST.place(ACCESS, order))
    assert "key" not in repr(ACCESS).replace("api_key", "")


@given(st.integers(0, 999), st.binary(max_size=50))
def test_no_reply_is_too_strange(status: int, body: bytes) -> None:
    try:
        REST.done(RemoteReply(status, body))
        assert 200 <= status < 300
    except RemoteRefused as refusal:
        assert str(refusal).isprintable()  # noqa: PT017


WHO: list[Any] = [PHONE, {"type": "sip", "sipUri": "sip:ann@example.com"}, {"type": "user", "name": "ann@example.com"}]
TEXTS = st.sampled_from(["+15551230001", "sip:a@b", "a@b", "sip:", "a@b\r\nX: y", "sip:" + "x" * 300]) | st.text()


@given(to=TEXTS | changed(WHO, json_values(TEXTS)) | json_values())
def test_whoever_is_to_be_called_can_be_called_by_the_platform_or_by_nobody(to: Any) -> None:
    who = REST.destination(to)
    if who is not None:
        address = who[{"phone": "number", "teams": "number", "user": "name", "sip": "sipUri"}[who["type"]]]
        assert address.isprintable()
        assert 0 < len(address) <= 256
        assert REST.destination(who) == who


@tried_with("body", NEARLY_JSON)
@given(body=changed([{"sid": "c-1"}, {"msg": "no"}], json_values()).map(json.dumps).map(str.encode))
def test_a_call_that_was_placed_has_a_sid_or_is_refused_in_one_line(body: bytes) -> None:
    for status in (201, 400):
        try:
            assert REST.placed(RemoteReply(status, body))
        except RemoteRefused as refusal:
            told = str(refusal)
            assert told.isprintable()
            assert len(told) < 500
