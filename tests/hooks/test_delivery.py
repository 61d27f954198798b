from math import inf
from typing import Literal

import pytest

from hooks.delivery import Delivery, Kind, Result, after_failure, after_success, error_of, is_refusal
from hooks.options import HookOptions
from hooks.transports.base import HookBroken, HookReply, HookTimeout, HookUnreachable

RETRY_S = (0.5, 2.0, 5.0, 300.0)
REFUSED = HookUnreachable("no connection: Connection refused")


def row(kind: Kind = "event", attempts: int = 1, created_at: float = 0.0) -> Delivery:
    return Delivery("msg_1", kind, "c-1", 1, "https://app/hook", b"{}", created_at=created_at, attempts=attempts)


def failed(delivery: Delivery, result: Result, *, now: float = 10.0, jitter: float = 1.0) -> Delivery:
    return after_failure(delivery, result, retry_s=RETRY_S, now=now, jitter=jitter)


@pytest.mark.parametrize(("attempts", "next_at"), [(1, 10.5), (2, 12.0), (3, 15.0), (4, 310.0)])
def test_each_attempt_waits_for_its_own_time_in_the_schedule(attempts: int, next_at: float) -> None:
    after = failed(row(attempts=attempts), HookReply(500))
    assert (after.state, after.next_at, after.last_error) == ("pending", next_at, "HTTP 500")


def test_after_the_last_wait_a_delivery_is_dead() -> None:
    assert failed(row(attempts=5), REFUSED).state == "dead"


def test_a_day_old_delivery_is_not_tried_again() -> None:
    assert failed(row(), REFUSED, now=86_399.0).state == "pending"
    assert failed(row(), REFUSED, now=86_400.0).state == "dead"


@pytest.mark.parametrize(
    ("retry_after_s", "wait_s"), [(None, 0.4), (0.1, 0.4), (30.0, 30.0), (3_600.0, 3_600.0), (1e9, 3_600.0)]
)
def test_retry_after_lengthens_the_wait_up_to_an_hour(retry_after_s: float | None, wait_s: float) -> None:
    after = failed(row(), HookReply(503, retry_after_s=retry_after_s), now=0.0, jitter=0.8)
    assert after.next_at == pytest.approx(wait_s)


@pytest.mark.parametrize("kind", ["event", "tool", "action", "status"])
def test_gone_is_the_end(kind: Kind) -> None:
    assert failed(row(kind), HookReply(410)).state == "dead"


@pytest.mark.parametrize(
    ("result", "attempts", "state"),
    [
        (REFUSED, 1, "pending"),
        (REFUSED, 2, "dead"),
        (HookTimeout("t"), 1, "dead"),
        (HookBroken("b"), 1, "dead"),
        (HookReply(503), 1, "dead"),
    ],
)
def test_a_tool_is_called_again_once_and_only_if_it_was_not_reached(
    result: Result, attempts: int, state: Literal["pending", "dead"]
) -> None:
    assert failed(row("tool", attempts), result).state == state


@pytest.mark.parametrize(("kind", "state"), [("action", "dead"), ("event", "pending"), ("status", "pending")])
@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 404, 422])
def test_an_end_that_was_refused_is_not_told_again(status: int, kind: Kind, state: Literal["pending", "dead"]) -> None:
    assert failed(row(kind), HookReply(status)).state == state


@pytest.mark.parametrize("result", [REFUSED, HookTimeout("t"), HookReply(429), HookReply(500), HookReply(503)])
def test_an_end_that_was_not_taken_is_told_again(result: Result) -> None:
    assert failed(row("action"), result).state == "pending"


def test_without_a_schedule_nothing_is_tried_twice() -> None:
    assert after_failure(row("tool"), REFUSED, retry_s=(), now=0.0, jitter=1.0).state == "dead"
    assert after_failure(row("event"), REFUSED, retry_s=(), now=0.0, jitter=1.0).state == "dead"


def test_success_clears_the_error() -> None:
    after = after_success(failed(row(), REFUSED), HookReply(204), now=11.0)
    assert (after.state, after.last_error) == ("delivered", None)
    assert (after.last_status, after.tried_at) == (204, 11.0)


def test_what_was_delivered_has_no_body_any_more() -> None:
    assert after_success(row(), HookReply(200), now=0.0).body is None
    assert failed(row(), REFUSED).body == b"{}"


def test_errors_are_one_line_and_say_what_to_do_about_a_redirect() -> None:
    assert error_of(REFUSED) == "no connection: Connection refused"
    assert error_of(HookReply(404, body=b"secret")) == "HTTP 404"
    assert error_of(HookReply(302)) == "HTTP 302: redirects are not followed; configure the final URL"


@pytest.mark.parametrize(
    ("result", "refusal"),
    [
        (REFUSED, False),
        (HookReply(200), False),
        (HookReply(301), True),
        (HookReply(401), True),
        (HookReply(422), True),
        (HookReply(408), False),
        (HookReply(429), False),
        (HookReply(500), False),
        (HookReply(503), False),
    ],
)
def test_a_refusal_is_what_would_be_said_again(result: Result, *, refusal: bool) -> None:
    assert is_refusal(result) is refusal


def test_the_endpoint_shown_of_a_url_that_is_none_is_its_scheme() -> None:
    torn = Delivery("m", "event", "c", 1, "http://me:pw@[::1/hook?key=1", b"", created_at=0.0)
    assert torn.endpoint == "http:…"


def test_the_endpoint_shown_has_no_password_and_no_query() -> None:
    secret = Delivery("m", "event", "c", 1, "https://me:pw@app:8443/hook?key=1#x", b"", created_at=0.0)
    assert secret.endpoint == "https://app:8443/hook"


@pytest.mark.parametrize(
    ("kind", "deadline_s", "attempt_s"), [("event", inf, 5), ("status", inf, 5), ("tool", 6, 36), ("action", 7, 37)]
)
def test_an_answer_may_come_after_the_deadline(kind: Kind, deadline_s: float, attempt_s: float) -> None:
    options = HookOptions(timeout_s=5, tool_timeout_s=6, action_timeout_s=7)
    assert (options.deadline_s(kind), options.attempt_timeout_s(kind)) == (deadline_s, attempt_s)


def test_where_a_delivery_is_shown_neither_its_headers_nor_its_body_are() -> None:
    made = Delivery("m", "event", "c", 1, "https://app/hook?key=1", b"words", 0.0, {"X-Key": "secret"})
    assert repr(made) == "<event m pending>"
