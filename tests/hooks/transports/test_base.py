import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.transports import TRANSPORTS, by_scheme
from hooks.transports.base import HookReply, retry_after_s
from tests.properties import edited, tried_with

NOW_S = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 08:50:37 -0000", 60.0),
        ("Sun, 06 Nov 1994 09:50:37 +0100", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("Sun, 99 Nov 1994 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header, now_s=NOW_S) == wait_s


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (302, False)])
def test_every_2xx_is_a_success(status: int, *, ok: bool) -> None:
    assert HookReply(status).ok is ok


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("text/json", True),
        ("text/plain", False),
        ("", False),
    ],
)
def test_json_goes_by_several_names(content_type: str, *, is_json: bool) -> None:
    assert HookReply(200, content_type).is_json is is_json


def test_each_file_is_a_transport_and_serves_its_schemes() -> None:
    assert "http" in TRANSPORTS
    found = by_scheme()
    assert found["http"] is found["https"]
    assert {scheme for kind in TRANSPORTS.values() for scheme in kind.schemes} == {*found}


DATES = [
    "Sun, 06 Nov 1994 08:50:37 GMT",
    "Sun, 06 Nov 1994 08:50:37 -0000",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "120",
    "",
]
PIECES = ["9" * 20, "0", "-", "+", ":", ",", " ", "GMT", "Nov", "(", ")", '"', "\\", "²", "٣", ".", "é", "1 "]
BROKE_IT = [
    *("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +99999999999999"),
    *("Sun, 06 Nov 1994 08:49:99999999999999999999 GMT", "9" * 400, "9" * 5000, "٣", "²", "1 Jan 1 0:0:0 +2300"),
]


@tried_with("header", BROKE_IT)
@given(header=edited(DATES, PIECES) | st.text(max_size=20))
def test_any_header_is_a_time_to_wait_or_says_nothing(header: str) -> None:
    wait_s = retry_after_s(header, now_s=NOW_S)
    assert wait_s is None or wait_s >= 0
