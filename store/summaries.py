"""What a list of calls, or of deliveries, shows and is asked for. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from store.deliveries import Delivery


class Place(NamedTuple):
    """Where a call stands among all, by time and then by id: no other call ever takes its place."""

    created_at_s: float
    id: bytes


class Entry(NamedTuple):
    """Where a delivery stands among all of the outbox."""

    created_at: float
    seq: int
    webhook_id: str


def entry(delivery: Delivery) -> Entry:
    return Entry(delivery.created_at, delivery.seq, delivery.webhook_id)


@dataclass(frozen=True, slots=True)
class Summary:
    """One call, without what it takes to read its whole row."""

    id: bytes
    call_sid: str
    created_at_s: float
    state: str
    route: str
    caller: str
    called: str
    direction: str
    ended_at_s: float | None
    reason_code: str | None

    @property
    def place(self) -> Place:
        return Place(self.created_at_s, self.id)


@dataclass(frozen=True, slots=True)
class Sought:
    """What calls are sought: all of what is said here must be true of one."""

    state: str | None = None
    route: str | None = None
    direction: str | None = None
    reason_code: str | None = None
    since_s: float | None = None
    "Unix time: calls that began then, or later."
    until_s: float | None = None
    "Unix time: calls that began before."
    caller: tuple[str, ...] = ()
    "Any of these; none: whoever."
    called: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    "Any of these, as the caller or as the one called."

    def fits(self, call: Summary) -> bool:
        same = ("state", "route", "direction", "reason_code")
        return (
            all(getattr(self, name) in {None, getattr(call, name)} for name in same)
            and (self.since_s is None or self.since_s <= call.created_at_s)
            and (self.until_s is None or call.created_at_s < self.until_s)
            and (not self.caller or call.caller in self.caller)
            and (not self.called or call.called in self.called)
            and (not self.number or call.caller in self.number or call.called in self.number)
        )


def merged(stored: list[Summary], newer: list[Summary], *, after: Place | None, limit: int) -> list[Summary]:
    """Return the next page of two lists that have no call in common, the newest first."""
    both = [*stored, *(call for call in newer if after is None or call.place < after)]
    return sorted(both, key=lambda call: call.place, reverse=True)[:limit]
