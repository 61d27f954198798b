"""What crosses to the network and back, and how it can fail.

HookFailure            no complete answer came
├── HookTimeout        not within the request's time
├── HookUnreachable    no connection: nothing was sent, so sending again is safe
│   └── HookBlocked    and there must be none: egress/guard.py
└── HookBroken         the connection was lost after the request may have arrived
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Protocol

from egress.guard import STRANGERS, Reach


class HookFailure(Exception):  # noqa: N818  # a failure is an ordinary answer to a hook; the dispatcher returns it
    """No complete answer. str() is one short line for the log and the outbox, without the peer's own text."""


class HookTimeout(HookFailure):
    pass


class HookUnreachable(HookFailure):
    pass


class HookBlocked(HookUnreachable):
    """It leads where it must not. What is configured may change, so it is tried again as any failure is."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"blocked: {host} {why}")
        self.host = host
        self.why = why


class HookBroken(HookFailure):
    pass


@dataclass(frozen=True, slots=True)
class HookRequest:
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float
    "For everything together: connecting, sending, and the whole answer."
    max_reply_bytes: int
    "A longer answer is cut off unread and marked `unreadable`."
    kind: str = "action"
    "What it is: an event, a tool call, an action (whose answer is verbs) or a status."
    reach: Reach = STRANGERS
    "How far its URL may lead."


@dataclass(frozen=True, slots=True)
class HookReply:
    status: int
    content_type: str = ""
    "As the header gives it, parameters and all; empty where there is none."
    body: bytes = b""
    retry_after_s: float | None = None
    unreadable: str | None = None
    "Why the body must not be used (too long, compressed), or None. The status holds all the same."

    @property
    def ok(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def media_type(self) -> str:
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        return self.media_type in {"application/json", "text/json"} or self.media_type.endswith("+json")


class Transport(Protocol):
    """One way to reach applications; a file here whose class names the URL schemes it serves."""

    schemes: tuple[str, ...]

    async def send(self, request: HookRequest) -> HookReply:
        """Return what the application answered, whatever its status; raise HookFailure where nothing whole came."""

    async def close(self) -> None:
        """Let go of connections; `send` must not be called any more."""


def retry_after_s(header: str | None, *, now_s: float) -> float | None:
    """Seconds to wait, from a Retry-After header in either form of RFC 9110 §10.2.3; None where it says nothing."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # a year, or a zone, of twenty digits
        return None
    if moment.tzinfo is None:  # "-0000": a time in UTC of unknown origin, as the standard library reads it
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now_s)
