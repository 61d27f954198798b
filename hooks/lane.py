"""One kind of a call's hooks at one URL: the deliveries in their order. Pure; see `hooks/outbox.py`."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from store.deliveries import Delivery

MAX_DELTAS = 200
MAX_DELTA_BYTES = 256 * 1024
MAX_LANE_BYTES = 8 * 1024 * 1024
"Of all that a serial lane keeps: hours of events, unless they are enormous."

Marker = Callable[[int], bytes]
"The body that announces how many events were dropped."


class Lane:
    """The deliveries of one kind to one URL. Their order is the order in which they were put."""

    def __init__(self, url: str, *, serial: bool, durable: bool, marker: Marker) -> None:
        self.url = url
        self.serial = serial
        self.dropped = 0
        self._durable = durable
        self._marker = marker
        self._waiting: OrderedDict[str, Delivery] = OrderedDict()  # those under way keep their place here
        self._parked: OrderedDict[str, Delivery] = OrderedDict()
        self._under_way: set[str] = set()
        self._unsettled: set[str] = set()  # attempted, and the outcome not yet written
        self._held: set[str] = set()
        self._fresh: OrderedDict[str, Delivery] = OrderedDict()  # never attempted, so nobody has seen their ids
        self._deltas: OrderedDict[str, Delivery] = OrderedDict()  # of the fresh ones
        self._bytes = 0
        self._delta_bytes = 0
        self._gap: tuple[str, int] | None = None  # the marker not yet attempted: its id, how many it stands for

    def __len__(self) -> int:
        return len(self._waiting) + len(self._parked)

    def __iter__(self) -> Iterator[Delivery]:
        return chain(self._waiting.values(), self._parked.values())

    @property
    def at_rest(self) -> bool:
        return not (self._under_way or self._unsettled)

    def put(self, delivery: Delivery, *, droppable: bool, held: bool = False) -> None:
        self._waiting[delivery.webhook_id] = delivery
        if held:
            self._held.add(delivery.webhook_id)
        if droppable or not self._durable:
            self._fresh[delivery.webhook_id] = delivery
        self._bytes += _size(delivery)
        if droppable:
            self._deltas[delivery.webhook_id] = delivery
            self._delta_bytes += _size(delivery)
        while len(self._deltas) > MAX_DELTAS or self._delta_bytes > MAX_DELTA_BYTES:
            self._drop(next(iter(self._deltas.values())))
        while self.serial and self._bytes > MAX_LANE_BYTES and self._fresh:
            self._drop(next(iter(self._fresh.values())))

    def release(self, delivery: Delivery) -> None:
        """Let a held one go, as it is now; leave its body on disk where there are too many."""
        if delivery.webhook_id not in self._held:
            return
        self._held.discard(delivery.webhook_id)
        self._bytes += _size(delivery) - _size(self._waiting[delivery.webhook_id])
        if self._durable and self._bytes > MAX_LANE_BYTES:
            self._bytes -= _size(delivery)
            delivery = delivery._replace(body=None)
        self._waiting[delivery.webhook_id] = delivery

    def unsettled(self, delivery: Delivery) -> None:
        self._unsettled.add(delivery.webhook_id)

    def settled(self, delivery: Delivery) -> None:
        self._unsettled.discard(delivery.webhook_id)

    def due(self, now: float) -> Delivery | None:
        """Take the delivery to send now, counted as one more attempt; None where nothing is due."""
        delivery = next((ready for ready in self._ready() if ready.next_at <= now), None)
        if delivery is None:
            return None
        self._under_way.add(delivery.webhook_id)
        self._is_fresh_no_more(delivery)
        if self._gap and self._gap[0] == delivery.webhook_id:
            self._gap = None
        tried = delivery._replace(attempts=delivery.attempts + 1)
        self._rows_with(tried)[tried.webhook_id] = tried
        return tried

    def next_due(self) -> float | None:
        return min((ready.next_at for ready in self._ready()), default=None)

    def settle(self, delivery: Delivery, *, park: bool = False) -> None:
        """Put back what was under way, or forget it if its state is final."""
        self._under_way.discard(delivery.webhook_id)
        if delivery.state != "pending":
            self._bytes -= _size(self._rows_with(delivery).pop(delivery.webhook_id))
        elif park:
            self._waiting.pop(delivery.webhook_id, None)
            self._parked[delivery.webhook_id] = delivery
        else:
            self._rows_with(delivery)[delivery.webhook_id] = delivery

    def clear(self) -> list[Delivery]:
        """Take out everything; nothing may be under way."""
        rows = list(self)
        for rest in (self._waiting, self._parked, self._fresh, self._deltas, self._held):
            rest.clear()
        self._bytes, self._delta_bytes, self._gap = 0, 0, None
        return rows

    def _ready(self) -> Sequence[Delivery]:
        if not self.serial:
            barred = self._under_way | self._unsettled | self._held
            return [row for row in self._waiting.values() if row.webhook_id not in barred]
        if not self.at_rest:
            return ()
        first = [row for row in islice(self._waiting.values(), 1) if row.webhook_id not in self._held]
        return [*first, *self._parked.values()] if self._parked else first

    def _rows_with(self, delivery: Delivery) -> OrderedDict[str, Delivery]:
        return self._waiting if delivery.webhook_id in self._waiting else self._parked

    def _is_fresh_no_more(self, delivery: Delivery) -> None:
        self._fresh.pop(delivery.webhook_id, None)
        if self._deltas.pop(delivery.webhook_id, None):
            self._delta_bytes -= _size(delivery)

    def _drop(self, delivery: Delivery) -> None:
        """Let the marker stand for one more; its place is that of the first which it stands for."""
        self._is_fresh_no_more(delivery)
        self.dropped += 1
        place, count = delivery, 1
        if self._gap:
            marker, count = self._waiting[self._gap[0]], self._gap[1] + 1
            place, other = (delivery, marker) if delivery.seq < marker.seq else (marker, delivery)
            self._bytes -= _size(self._waiting.pop(other.webhook_id))
        self._gap = place.webhook_id, count
        body = self._marker(count)
        self._bytes += len(body) - _size(place)
        self._waiting[place.webhook_id] = place._replace(body=body)


def _size(delivery: Delivery) -> int:
    return len(delivery.body) if delivery.body is not None else 0
