"""The rules of trying again. Pure; times are unix seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from hooks.transports.base import HookFailure, HookReply, HookUnreachable
from store.deliveries import Delivery, Kind

__all__ = ["Delivery", "Kind", "Outcome", "Result"]

MAX_WAIT_S = 3_600.0  # the longest Retry-After that is honoured
MAX_AGE_S = 86_400.0  # rows behind a dead endpoint wait for each other's schedules; a day ends that
PARK_WAIT_S = 60.0  # a row that has to wait longer than this lets later ones pass

# Said by an endpoint that is down or overloaded, not about this row: later rows would meet the same.
ENDPOINT_DOWN = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

Result = HookReply | HookFailure


def error_of(result: Result) -> str:
    """Say in one line why this result is not a delivery."""
    if isinstance(result, HookFailure):
        return str(result)
    if HTTPStatus.MULTIPLE_CHOICES <= result.status < HTTPStatus.BAD_REQUEST:
        return f"HTTP {result.status}: redirects are not followed; configure the final URL"
    return f"HTTP {result.status}"


def status_of(result: Result) -> int | None:
    return None if isinstance(result, HookFailure) else result.status


def is_delivered(result: Result) -> bool:
    return isinstance(result, HookReply) and result.ok


def is_gone(result: Result) -> bool:
    """410: the endpoint wants nothing more (Standard Webhooks, "Disabling endpoints")."""
    return isinstance(result, HookReply) and result.status == HTTPStatus.GONE


def is_endpoint_down(result: Result) -> bool:
    return isinstance(result, HookFailure) or result.status in ENDPOINT_DOWN


def is_refusal(result: Result) -> bool:
    """Whether asking again in a second or two would get the same answer: a redirect, or an error of ours."""
    if isinstance(result, HookFailure) or result.status in ENDPOINT_DOWN:
        return False
    return HTTPStatus.MULTIPLE_CHOICES <= result.status < HTTPStatus.INTERNAL_SERVER_ERROR


def after_success(delivery: Delivery, result: Result, *, now: float) -> Delivery:
    """Return the row as it is remembered: without its body."""
    return delivery._replace(body=None, state="delivered", last_error=None, last_status=status_of(result), tried_at=now)


def after_failure(
    delivery: Delivery, result: Result, *, retry_s: Sequence[float], now: float, jitter: float
) -> Delivery:
    """Return the row with its next attempt, or dead. `jitter` is a factor around 1 on the schedule's wait."""
    failed = delivery._replace(last_error=error_of(result), last_status=status_of(result), tried_at=now)
    if is_gone(result) or not _may_retry(delivery, result, len(retry_s), now):
        return failed._replace(state="dead")
    wait_s = retry_s[delivery.attempts - 1] * jitter
    if isinstance(result, HookReply) and result.retry_after_s is not None:
        wait_s = max(wait_s, min(result.retry_after_s, MAX_WAIT_S))
    return failed._replace(next_at=now + wait_s)


def _may_retry(delivery: Delivery, result: Result, retries: int, now: float) -> bool:
    if delivery.kind == "tool":  # a tool may have side effects: only what surely never arrived is sent again, once
        return isinstance(result, HookUnreachable) and delivery.attempts == 1 and retries > 0
    if delivery.kind == "action" and is_refusal(result):  # an answer, and the call has gone on by it
        return False
    return delivery.attempts <= retries and now - delivery.created_at < MAX_AGE_S


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to; or, with `took_s` 0, a delivery that was given up without one."""

    delivery: Delivery
    "As it is now: delivered, pending with `next_at` and `last_error`, or dead."
    took_s: float
    late: bool = False
    "A tool's or an end's result came after the deadline of whoever had asked."
