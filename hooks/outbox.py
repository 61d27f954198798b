"""One call's deliveries, in lanes. Pure: it says what to send now and when to be asked again.

Theory. Every kind of hook at every URL has its lane, so an end never waits behind a slow eventHook. In a serial
lane (events, status) one delivery is under way at a time and the next waits for its success: order is kept. Where
the endpoint is down everybody waits behind the first, since nobody would fare better. Where the endpoint answers
but refuses this very row, the row is *parked* as soon as its next wait is long: it keeps its own schedule and lets
the others pass. In a parallel lane (tools, ends) nobody waits for anybody, since a conversation waits for each.

    put ──▶ waiting ──due──▶ under way ──succeeded──▶ gone
               ▲  ▲                │
               │  └──── failed ────┼──▶ parked ──due──▶ under way
               └── endpoint down ──┘         └── schedule over, 410 ──▶ dead

Deltas are worth less than memory, and no report is worth all of it: beyond a bound the oldest that were never
attempted are dropped, deltas soon and the others late, and an `events.dropped` event stands in the place of the
first, so the gap in `seq` is announced.

Where deliveries are kept on disk (`hooks/kept.py`) the machine is told of it. What is *held* has its place and is not
due: it is still being written, or what it says is not yet final. A lane goes on when what became of its last attempt is
written: so no crash repeats more than was under way. And nothing but deltas is dropped: beyond the bound bodies are
left on disk.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from zlib import crc32

from egress.origins import Origin, origin_of
from hooks.delivery import (
    PARK_WAIT_S,
    Delivery,
    Kind,
    Result,
    after_failure,
    after_success,
    is_endpoint_down,
    is_gone,
)
from hooks.endpoints import Endpoints
from hooks.lane import Lane, Marker
from store.deliveries import NUMBERS

# Nobody waits for these, and their order matters. A tool call and an end are asked for by somebody: each is
# attempted at once, whatever became of an earlier one.
REPORTS: frozenset[Kind] = frozenset({"event", "status"})

SPREAD_S = 2.0
"Over which calls look again at an endpoint that was left alone, each at its own moment: there may be thousands."


class Outbox:
    """All deliveries of one call, and the counter they share."""

    def __init__(
        self,
        call_sid: str,
        *,
        retry_s: Sequence[float],
        marker: Marker,
        endpoints: Endpoints | None = None,
        attempt_s: float = 5.0,
        durable: bool = False,
    ) -> None:
        """`retry_s`: the wait before each further attempt, in seconds; after the last one a delivery is dead.

        `attempt_s`: how long an attempt at a report may take. `endpoints` are those of all calls. `durable`: whatever
        is put is kept elsewhere too, and what is put held is released when that is so.
        """
        self.trusted: Collection[Origin] = ()
        "Where its deliveries may lead whatever the configuration says, for its application is the operator's own code."
        self._call_sid = call_sid
        self._retry_s = tuple(retry_s)
        self._marker = marker
        self._endpoints = endpoints or Endpoints()
        self._attempt_s = attempt_s
        self._durable = durable
        self._later_s = SPREAD_S * (crc32(call_sid.encode(errors="replace")) % 1000) / 1000
        self._seq = 0
        self.reserve: Callable[[int], None] | None = None
        "Is told up to where numbers may be given, long before they are: what is not kept has a number too."
        self._reserved = NUMBERS
        self._lanes: dict[tuple[Kind, str], Lane] = {}

    def __len__(self) -> int:
        """How many are neither delivered nor dead."""
        return sum(map(len, self._lanes.values()))

    def __iter__(self) -> Iterator[Delivery]:
        return iter(sorted(chain(*self._lanes.values()), key=lambda row: row.seq))

    @property
    def dropped(self) -> int:
        """How many reports there was no room for."""
        return sum(lane.dropped for lane in self._lanes.values())

    @property
    def numbered(self) -> int:
        """How many hooks the call has had."""
        return self._seq

    def number_from(self, seq: int) -> None:
        """Number on from there: no earlier process that had this call has got so far, and a block is reserved."""
        self._seq = max(self._seq, seq)
        self._reserved = max(self._reserved, seq + NUMBERS)

    def number(
        self,
        kind: Kind,
        url: str,
        body: bytes,
        *,
        webhook_id: str,
        now: float,
        headers: Mapping[str, str] | None = None,
    ) -> Delivery:
        """Make a delivery with the call's next number without keeping it: for what is asked once, on the spot."""
        self._seq += 1
        if self.reserve and self._seq > self._reserved - NUMBERS // 2:
            self._reserved += NUMBERS
            self.reserve(self._reserved)
        return Delivery(
            webhook_id,
            kind,
            self._call_sid,
            self._seq,
            url,
            body,
            created_at=now,
            next_at=now,
            trusted=bool(self.trusted) and origin_of(url) in self.trusted,
            headers=headers or {},
        )

    def put(
        self,
        kind: Kind,
        url: str,
        body: bytes,
        *,
        webhook_id: str,
        now: float,
        headers: Mapping[str, str] | None = None,
        droppable: bool = False,
        held: bool = False,
    ) -> Delivery:
        """Take in a delivery. It is returned dead where its endpoint has said that it is gone."""
        delivery = self.number(kind, url, body, webhook_id=webhook_id, now=now, headers=headers)
        lane = self._lane(delivery)
        if self._is_gone(lane):
            return _given_up(delivery)
        lane.put(delivery, droppable=droppable, held=held)
        return delivery

    def restore(self, delivery: Delivery) -> None:
        """Take back in what an earlier process has left, behind all that is there."""
        self._seq = max(self._seq, delivery.seq)
        self._lane(delivery).put(delivery, droppable=False)

    def release(self, delivery: Delivery) -> None:
        """Let one that was put held be sent, as it is now."""
        self._lane(delivery).release(delivery)

    def unsettled(self, delivery: Delivery) -> None:
        """Let its lane rest until settled(): what became of it is being written."""
        self._lane(delivery).unsettled(delivery)

    def settled(self, delivery: Delivery) -> None:
        self._lane(delivery).settled(delivery)

    def due(self, now: float) -> Delivery | None:
        """Take one delivery to send now; ask again until None. Each must come back by succeeded() or failed()."""
        for lane in self._lanes.values():
            if lane.serial and self._endpoints.free_at(lane.url) > now:
                continue
            if (due := lane.due(now)) is not None:
                if lane.serial:
                    self._endpoints.trying(lane.url, until=now + self._attempt_s)
                return due
        return None

    def next_due(self) -> float | None:
        """When due() will next have something, if nothing happens until then."""
        return min((at for lane in self._lanes.values() if (at := self._next_due(lane)) is not None), default=None)

    def bury(self) -> list[Delivery]:
        """Give up what waits for an endpoint that is gone: another call may have been told so."""
        gone = [lane for lane in self._lanes.values() if self._is_gone(lane) and lane.at_rest]
        return [_given_up(row) for lane in gone for row in lane.clear()]

    def succeeded(self, delivery: Delivery, result: Result, *, now: float) -> Delivery:
        done = after_success(delivery, result, now=now)
        self._endpoints.succeeded(delivery.url)
        self._lane(delivery).settle(done)
        return done

    def failed(self, delivery: Delivery, result: Result, *, now: float, jitter: float) -> list[Delivery]:
        """Return the delivery as it is now (pending or dead), then all others that died with it."""
        after = after_failure(delivery, result, retry_s=self._retry_s, now=now, jitter=jitter)
        self._lane(delivery).settle(after, park=not is_endpoint_down(result) and after.next_at - now > PARK_WAIT_S)
        if is_endpoint_down(result):
            self._endpoints.failed(delivery.url, now)
        elif is_gone(result) and delivery.kind in REPORTS:
            self._endpoints.disable(delivery.url, now)
            return [after, *self.bury()]
        else:
            self._endpoints.succeeded(delivery.url)
        return [after]

    def _lane(self, delivery: Delivery) -> Lane:
        key = delivery.kind, delivery.url
        if key not in self._lanes:
            serial = delivery.kind in REPORTS
            self._lanes[key] = Lane(delivery.url, serial=serial, durable=self._durable, marker=self._marker)
        return self._lanes[key]

    def _is_gone(self, lane: Lane) -> bool:
        return lane.serial and self._endpoints.is_disabled(lane.url)

    def _next_due(self, lane: Lane) -> float | None:
        at, free_at = lane.next_due(), self._endpoints.free_at(lane.url)
        return free_at + self._later_s if at is not None and lane.serial and free_at > at else at


def _given_up(delivery: Delivery) -> Delivery:
    return delivery._replace(state="dead", last_error="not sent: the endpoint answered 410 Gone before")
