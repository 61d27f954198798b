"""Rows in this process; gone with it. For tests, trials and a single server that may lose its past."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import time

from store.base import CallRow, Change, checked, claimed, repeats, summary
from store.deliveries import NUMBERS, Delivery, Endpoint, Note
from store.errors import RowTakenError, RowUnknownError
from store.spending import DaySum, day_of
from store.summaries import Entry, Place, Sought, Summary, entry, merged

MAX_DEAD = 1_000
"The newest are kept."
MAX_TRACES = 100
"Of the deliveries of one call."


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator["MemoryStore"]:  # noqa: ARG001  # there is no file
    yield MemoryStore()


class MemoryStore:
    """A Store without an `await` inside its methods: that alone makes each of them atomic."""

    durable = False
    degraded: str | None = None

    def __init__(self) -> None:
        self._rows: dict[bytes, CallRow] = {}
        self._newest: dict[str, bytes] = {}
        self._notes: dict[bytes, dict[tuple[int, str, str], Note]] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._traces: dict[str, deque[Delivery]] = {}
        self._dead: dict[str, None] = {}
        self._replayed: list[str] = []
        self._reserved: dict[str, int] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._secrets: dict[str, bytes] = {}
        self._spending: dict[tuple[str, str], DaySum] = {}

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def create(self, row: CallRow) -> CallRow:
        earlier = self._newest_of(row.call_sid)
        if earlier is not None and repeats(row, earlier):
            return earlier
        if row.id in self._rows:
            raise RowTakenError(row.id)
        self._rows[row.id] = row
        self._newest[row.call_sid] = row.id
        return row

    async def by_row(self, row_id: bytes) -> CallRow | None:
        return self._rows.get(row_id)

    async def by_sid(self, call_sid: str) -> CallRow | None:
        return self._newest_of(call_sid)

    async def update(self, row_id: bytes, change: Change) -> CallRow:
        row = self._rows.get(row_id)
        if row is None:
            raise RowUnknownError(row_id)
        self._rows[row_id] = after = checked(row, change(row))
        return after

    async def claim_media(self, row_id: bytes, nth: int, *, owner: str) -> bool:
        row = self._rows.get(row_id)
        after = None if row is None else claimed(row, nth, owner=owner)
        if after is None:
            return False
        self._rows[row_id] = after
        return True

    async def calls(self, sought: Sought, after: Place | None = None, *, limit: int) -> list[Summary]:
        found = [call for call in map(summary, self._rows.values()) if sought.fits(call)]
        return merged([], found, after=after, limit=limit)

    async def forget(self, before_s: float) -> list[bytes]:
        old = [row for row in self._rows.values() if row.state == "completed" and row.created_at_s < before_s]
        for row in old:
            del self._rows[row.id]
            self._notes.pop(row.id, None)
            self._reserved.pop(row.call_sid, None)
            self._traces.pop(row.call_sid, None)
            if self._newest[row.call_sid] == row.id:
                del self._newest[row.call_sid]
        for webhook_id in [id_ for id_ in self._dead if self._deliveries[id_].created_at < before_s]:
            self._forget_delivery(webhook_id)
        for place in [place for place in self._spending if place[0] < day_of(before_s)]:
            del self._spending[place]
        return [row.id for row in old]

    async def orphans(self, owner: str) -> list[CallRow]:
        live = [row for row in self._rows.values() if row.state != "completed" and row.owner != owner]
        return sorted(live, key=lambda row: row.created_at_s)

    def note(self, note: Note) -> None:
        self._notes.setdefault(note.row_id, {})[note.nth, note.kind, note.key] = note

    async def notes(self, row_id: bytes, nth: int) -> list[Note]:
        return [note for note in self._notes.get(row_id, {}).values() if note.nth == nth]

    def keep(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._deliveries[delivery.webhook_id] = delivery
        self._become(delivery)
        if then:
            then()

    def rewrite(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._deliveries[delivery.webhook_id] = delivery
        if then:
            then()

    def settle(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._become(delivery)
        if then:
            then()

    def trace(self, delivery: Delivery) -> None:
        traces = self._traces.setdefault(delivery.call_sid, deque(maxlen=MAX_TRACES))
        traces.append(delivery if delivery.body is None else delivery._replace(body=None))

    async def body(self, webhook_id: str) -> bytes | None:
        delivery = self._deliveries.get(webhook_id)
        return delivery.body if delivery else None

    async def undelivered(self, after: tuple[str, int] = ("", 0), *, limit: int) -> list[Delivery]:
        pending = [row for row in self._deliveries.values() if row.state == "pending"]
        pending = sorted((row for row in pending if _place(row) > after), key=_place)
        return [row._replace(body=None) for row in pending[:limit]]

    def reserve(self, call_sid: str, seq: int) -> None:
        self._reserved[call_sid] = seq

    async def number_on(self, call_sid: str) -> int:
        taken = self._reserved.get(call_sid, NUMBERS)
        self.reserve(call_sid, taken + NUMBERS)
        return taken

    async def deliveries_of(self, call_sid: str, *, limit: int) -> list[Delivery]:
        mine = [row for row in self._deliveries.values() if row.call_sid == call_sid]
        rows = sorted([*self._traces.get(call_sid, ()), *mine], key=lambda row: row.seq)
        return [row._replace(body=None) for row in rows[-limit:]]

    async def outbox(self, after: Entry | None = None, *, limit: int) -> list[Delivery]:
        rows = sorted(self._deliveries.values(), key=entry)
        return [row._replace(body=None) for row in rows if after is None or entry(row) > after][:limit]

    async def replay(self, webhook_id: str) -> bool:
        row = self._deliveries.get(webhook_id)
        if row is not None and row.state == "dead":
            del self._dead[webhook_id]
            self._deliveries[webhook_id] = row._replace(
                state="pending", attempts=0, created_at=time(), next_at=time(), last_error=None
            )
            self._replayed.append(webhook_id)
        return row is not None

    async def replayed(self) -> list[Delivery]:
        ids, self._replayed = self._replayed, []
        return [row._replace(body=None) for row in map(self._deliveries.get, ids) if row]

    def endpoint(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint.url] = endpoint

    async def endpoints(self) -> Sequence[Endpoint]:
        return list(self._endpoints.values())

    def spend(self, spent: DaySum) -> None:
        before = self._spending.get(spent[:2], DaySum(spent.day, spent.route, 0, 0))
        total = before._replace(tokens=before.tokens + spent.tokens, usd_e12=before.usd_e12 + spent.usd_e12)
        self._spending[spent[:2]] = total

    async def spending(self, since: str) -> list[DaySum]:
        return sorted(each for each in self._spending.values() if each.day >= since)

    async def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._secrets:
            self._secrets[name] = make()
        return self._secrets[name]

    def _newest_of(self, call_sid: str) -> CallRow | None:
        row_id = self._newest.get(call_sid)
        return None if row_id is None else self._rows[row_id]

    def _become(self, delivery: Delivery) -> None:
        if delivery.state == "delivered":
            self._forget_delivery(delivery.webhook_id)
            self.trace(delivery)
        elif delivery.webhook_id in self._deliveries:
            body = self._deliveries[delivery.webhook_id].body
            self._deliveries[delivery.webhook_id] = delivery._replace(body=body)
        if delivery.state == "dead":
            self._dead[delivery.webhook_id] = None
            if len(self._dead) > MAX_DEAD:
                self._forget_delivery(next(iter(self._dead)))

    def _forget_delivery(self, webhook_id: str) -> None:
        self._deliveries.pop(webhook_id, None)
        self._dead.pop(webhook_id, None)


def _place(delivery: Delivery) -> tuple[str, int]:
    return delivery.call_sid, delivery.seq
