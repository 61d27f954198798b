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
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

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

# Nobody waits for these, and their order matters. A tool call and an end are asked for by somebody: each is
# attempted at once, whatever became of an earlier one.
REPORTS: frozenset[Kind] = frozenset({"event", "status"})

MAX_DELTAS = 200
MAX_DELTA_BYTES = 256 * 1024
MAX_LANE_BYTES = 8 * 1024 * 1024
"Of all that a serial lane keeps: hours of events, unless they are enormous."

Marker = Callable[[int], bytes]
"The body that announces how many events were dropped."


class Lane:
    """The deliveries of one kind to one URL. Their order is the order in which they were put."""

    def __init__(self, *, serial: bool, marker: Marker) -> None:
        self.dropped = 0
        self._serial = serial
        self._marker = marker
        self._waiting: OrderedDict[str, Delivery] = OrderedDict()  # those under way keep their place here
        self._parked: OrderedDict[str, Delivery] = OrderedDict()
        self._under_way: set[str] = set()
        self._fresh: OrderedDict[str, Delivery] = OrderedDict()  # never attempted, so nobody has seen their ids
        self._deltas: OrderedDict[str, Delivery] = OrderedDict()  # of the fresh ones
        self._bytes = 0
        self._delta_bytes = 0
        self._gap: tuple[str, int] | None = None  # the marker not yet attempted: its id, how many it stands for

    def __len__(self) -> int:
        return len(self._waiting) + len(self._parked)

    def __iter__(self) -> Iterator[Delivery]:
        return chain(self._waiting.values(), self._parked.values())

    def put(self, delivery: Delivery, *, droppable: bool) -> None:
        self._waiting[delivery.webhook_id] = self._fresh[delivery.webhook_id] = delivery
        self._bytes += len(delivery.body)
        if droppable:
            self._deltas[delivery.webhook_id] = delivery
            self._delta_bytes += len(delivery.body)
        while len(self._deltas) > MAX_DELTAS or self._delta_bytes > MAX_DELTA_BYTES:
            self._drop(next(iter(self._deltas.values())))
        while self._serial and self._bytes > MAX_LANE_BYTES and self._fresh:
            self._drop(next(iter(self._fresh.values())))

    def due(self, now: float) -> Delivery | None:
        """Take the delivery to send now, counted as one more attempt; None where nothing is due."""
        delivery = next((ready for ready in self._ready() if ready.next_at <= now), None)
        if delivery is None:
            return None
        self._under_way.add(delivery.webhook_id)
        self._is_fresh_no_more(delivery)
        if self._gap and self._gap[0] == delivery.webhook_id:
            self._gap = None
        tried = replace(delivery, attempts=delivery.attempts + 1)
        self._replace(tried)
        return tried

    def next_due(self) -> float | None:
        return min((ready.next_at for ready in self._ready()), default=None)

    def settle(self, delivery: Delivery, *, park: bool = False) -> None:
        """Put back what was under way, or forget it if its state is final."""
        self._under_way.discard(delivery.webhook_id)
        if delivery.state != "pending":
            self._waiting.pop(delivery.webhook_id, None)
            self._parked.pop(delivery.webhook_id, None)
            self._bytes -= len(delivery.body)
        elif park:
            self._waiting.pop(delivery.webhook_id, None)
            self._parked[delivery.webhook_id] = delivery
        else:
            self._replace(delivery)

    def clear(self) -> list[Delivery]:
        """Take out everything; nothing may be under way."""
        rows = list(self)
        for rest in (self._waiting, self._parked, self._fresh, self._deltas):
            rest.clear()
        self._bytes, self._delta_bytes, self._gap = 0, 0, None
        return rows

    def _ready(self) -> Iterator[Delivery]:
        if not self._serial:
            return (row for row in self._waiting.values() if row.webhook_id not in self._under_way)
        if self._under_way:
            return iter(())
        return chain(islice(self._waiting.values(), 1), self._parked.values())

    def _replace(self, delivery: Delivery) -> None:
        rows = self._waiting if delivery.webhook_id in self._waiting else self._parked
        rows[delivery.webhook_id] = delivery

    def _is_fresh_no_more(self, delivery: Delivery) -> None:
        self._fresh.pop(delivery.webhook_id, None)
        if self._deltas.pop(delivery.webhook_id, None):
            self._delta_bytes -= len(delivery.body)

    def _drop(self, delivery: Delivery) -> None:
        """Let the marker stand for one more; its place is that of the first which it stands for."""
        self._is_fresh_no_more(delivery)
        self.dropped += 1
        place, count = delivery, 1
        if self._gap:
            marker, count = self._waiting[self._gap[0]], self._gap[1] + 1
            place, other = (delivery, marker) if delivery.seq < marker.seq else (marker, delivery)
            self._bytes -= len(self._waiting.pop(other.webhook_id).body)
        self._gap = place.webhook_id, count
        body = self._marker(count)
        self._bytes += len(body) - len(place.body)
        self._waiting[place.webhook_id] = replace(place, body=body)


class Outbox:
    """All deliveries of one call, and the counter they share."""

    def __init__(self, call_sid: str, *, retry_s: Sequence[float], marker: Marker) -> None:
        """`retry_s`: the wait before each further attempt, in seconds; after the last one a delivery is dead."""
        self._call_sid = call_sid
        self._retry_s = tuple(retry_s)
        self._marker = marker
        self._seq = 0
        self._lanes: dict[tuple[Kind, str], Lane] = {}
        self._gone: set[Lane] = set()

    def __len__(self) -> int:
        """How many are neither delivered nor dead."""
        return sum(len(lane) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[Delivery]:
        return iter(sorted(chain(*self._lanes.values()), key=lambda row: row.seq))

    @property
    def dropped(self) -> int:
        """How many reports there was no room for."""
        return sum(lane.dropped for lane in self._lanes.values())

    def number(self, kind: Kind, url: str, body: bytes, *, webhook_id: str, now: float) -> Delivery:
        """Make a delivery with the call's next number without keeping it: for what is asked once, on the spot."""
        self._seq += 1
        return Delivery(webhook_id, kind, self._call_sid, self._seq, url, body, created_at=now, next_at=now)

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
    ) -> Delivery:
        """Take in a delivery. It is returned dead where its endpoint has said that it is gone."""
        delivery = replace(self.number(kind, url, body, webhook_id=webhook_id, now=now), headers=headers or {})
        lane = self._lane(delivery)
        if lane in self._gone:
            return _given_up(delivery)
        lane.put(delivery, droppable=droppable)
        return delivery

    def due(self, now: float) -> Delivery | None:
        """Take one delivery to send now; ask again until None. Each must come back by succeeded() or failed()."""
        return next((due for lane in self._lanes.values() if (due := lane.due(now)) is not None), None)

    def next_due(self) -> float | None:
        """When due() will next have something, if nothing happens until then."""
        return min((at for lane in self._lanes.values() if (at := lane.next_due()) is not None), default=None)

    def succeeded(self, delivery: Delivery) -> Delivery:
        done = after_success(delivery)
        self._lane(delivery).settle(done)
        return done

    def failed(self, delivery: Delivery, result: Result, *, now: float, jitter: float) -> list[Delivery]:
        """Return the delivery as it is now (pending or dead), then all others that died with it."""
        after = after_failure(delivery, result, retry_s=self._retry_s, now=now, jitter=jitter)
        lane = self._lane(delivery)
        lane.settle(after, park=not is_endpoint_down(result) and after.next_at - now > PARK_WAIT_S)
        if not is_gone(result) or delivery.kind not in REPORTS:
            return [after]
        self._gone.add(lane)
        return [after, *map(_given_up, lane.clear())]

    def _lane(self, delivery: Delivery) -> Lane:
        key = delivery.kind, delivery.url
        if key not in self._lanes:
            self._lanes[key] = Lane(serial=delivery.kind in REPORTS, marker=self._marker)
        return self._lanes[key]


def _given_up(delivery: Delivery) -> Delivery:
    return replace(delivery, state="dead", last_error="not sent: the endpoint answered 410 Gone before")
