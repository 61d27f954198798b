"""A delivery of the outbox as a row, and what is known of the endpoint that it goes to. `hooks/` decides about both."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Kind = Literal["event", "tool", "action", "status"]
State = Literal["pending", "delivered", "dead"]

NUMBERS = 1_000
"""Of a call's hooks, in a block. What is not kept has a number too, so blocks are written down before they are used up,
and a process that takes over a call begins behind the last of them. The first block of a call goes without saying."""


def shown(url: str) -> str:
    """Give a URL without what may be secret in it: user, password, query. A document may hold one that is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition(':')[0][:16]}:…"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class Delivery(NamedTuple):
    """One thing to tell an application. Everything but the last six fields stays as it is over all attempts.

    A tuple, since each attempt makes two more of it, and of a dataclass that takes five times as long.
    """

    webhook_id: str
    kind: Kind
    call_sid: str
    seq: int
    "Its place among all hooks of the call, from 1, in order of creation."
    url: str
    body: bytes | None
    "None: it is in the store only, and is read for each attempt."
    created_at: float
    "Unix time in seconds."
    headers: Mapping[str, str] = MappingProxyType({})
    "What the configuration sends with every request to this URL: keys, often."
    trusted: bool = False
    "Whether the operator's own code has written where the URL leads; where the configuration leads it says itself."
    attempts: int = 0
    next_at: float = 0.0
    state: State = "pending"
    last_error: str | None = None
    last_status: int | None = None
    "The HTTP status that the last attempt was answered with; None: there was no answer."
    tried_at: float | None = None
    "When the last attempt was over."

    def __repr__(self) -> str:
        return f"<{self.kind} {self.webhook_id} {self.state}>"  # headers and body may hold what nobody shall read

    @property
    def endpoint(self) -> str:
        return shown(self.url)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a URL has fared, over all calls. Times are Unix seconds."""

    url: str
    failures: int = 0
    "In a row, of those that say that it is down."
    fail_since: float | None = None
    breaker_until: float = 0.0
    "Reports wait until then."
    disabled_at: float | None = None
    "When it has said that it is gone (410)."


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was said or done in a conversation; of two of the same kind and key the later one is true."""

    row_id: bytes
    nth: int
    "Which of the call's `llm` verbs, from 0."
    kind: Literal["line", "tool", "turn", "usage"]
    key: str
    value: Mapping[str, object]
