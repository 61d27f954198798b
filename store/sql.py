"""Rows in a database, by SQLAlchemy: SQLite today. What is only SQLite's is in `sqlite.py`."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from time import time
from typing import Any, TypeVar

from sqlalchemy import Row, Select, delete, insert, select, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import queries, schema, sqlite, tables
from store.base import CallRow, Change, checked, claimed, repeats, summary
from store.coding import storable
from store.deliveries import NUMBERS, Delivery, Endpoint, Note
from store.errors import RowTakenError, RowUnknownError, StoreError
from store.rows import CALLS, call_of, call_values, delivery_of, written
from store.spending import DaySum, day_of
from store.summaries import Entry, Place, Sought, Summary, merged
from store.tables import calls, deliveries, endpoints, notes, numbers, secrets, spending
from store.writer import Made, Write, Writer

T = TypeVar("T")

LIVE = ("ringing", "in_progress")
FORGET_AT_ONCE = 500
"Calls in one change: nobody shall wait for the removal of thousands."


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator["SqlStore"]:
    """Open the store; bring its tables up to date first.

    :raises StoreError: the file is another server's, broken, locked or newer than this server
    """
    file = sqlite.file_of(url, folder)
    async with AsyncExitStack() as stack:
        sqlite.make_private(file)
        stack.enter_context(sqlite.owned(file))
        sqlite.check(file)
        await _bring_up(file)
        writing, reading = sqlite.engine_for(file, "BEGIN IMMEDIATE"), sqlite.engine_for(file, "BEGIN")
        stack.push_async_callback(reading.dispose)
        stack.push_async_callback(writing.dispose)
        connection = await stack.enter_async_context(writing.connect())
        reader = await stack.enter_async_context(reading.connect())
        store = SqlStore(connection, reader, reading)
        stack.push_async_callback(store.close)
        yield store


async def _bring_up(file: Path) -> None:
    def back_up(version: int) -> None:
        sqlite.back_up(file, file.with_name(f"{file.name}-v{version}-{time():.0f}"))

    patient = sqlite.engine_for(file, "BEGIN IMMEDIATE", busy_ms=sqlite.BUSY_MS)
    try:
        async with patient.connect() as connection:
            await connection.run_sync(schema.bring_up, back_up)
    except OperationalError as error:
        raise StoreError(f"store {file}: {error.orig}; end whatever holds the file, or make room") from error
    except StoreError as error:
        raise StoreError(f"store {file}: {error}") from error
    finally:
        await patient.dispose()


class SqlStore:
    """See `store.base.Store`; made by `opened`."""

    durable = True

    def __init__(self, connection: AsyncConnection, reader: AsyncConnection, reading: AsyncEngine) -> None:
        self._writer = Writer(connection, reader, call_values)
        self._reading = reading

    @property
    def degraded(self) -> str | None:
        return self._writer.failing

    async def close(self) -> None:
        await self._writer.close()

    # Calls

    async def create(self, row: CallRow) -> CallRow:
        async def change(connection: AsyncConnection | None) -> Made[CallRow]:
            earlier = await self._newest(connection, row.call_sid)
            if earlier is not None and repeats(row, earlier):
                return earlier, []
            if await self._row(connection, row.id) is not None:
                raise RowTakenError(row.id)
            return row, [Write(tables.NEW_CALL, call_values(row), row)]

        return await self._writer.change(change)

    async def by_row(self, row_id: bytes) -> CallRow | None:
        return await self._read(lambda connection: self._row(connection, row_id))

    async def by_sid(self, call_sid: str) -> CallRow | None:
        return await self._read(lambda connection: self._newest(connection, call_sid))

    async def update(self, row_id: bytes, change: Change) -> CallRow:
        async def changed(connection: AsyncConnection | None) -> Made[CallRow]:
            before = await self._row(connection, row_id)
            if before is None:
                raise RowUnknownError(row_id)
            after = checked(before, change(before))
            return after, [written(after)] if after != before else []

        return await self._writer.change(changed)

    async def claim_media(self, row_id: bytes, nth: int, *, owner: str) -> bool:
        async def claim(connection: AsyncConnection | None) -> Made[bool]:
            row = await self._row(connection, row_id)
            after = None if row is None else claimed(row, nth, owner=owner)
            return after is not None, [written(after)] if after else []

        return await self._writer.change(claim)

    async def orphans(self, owner: str) -> list[CallRow]:
        others = CALLS.where(calls.c.state.in_(LIVE)).order_by(calls.c.created_at_s)
        return [call_of(row) for row in await self._all(others) if row.owner != owner]

    async def calls(self, sought: Sought, after: Place | None = None, *, limit: int) -> list[Summary]:
        newer = [summary(row) for row in self._writer.unwritten.values()]
        stored = queries.calls_sought(sought, after, limit=limit, but=[call.id for call in newer])
        listed = [Summary(**row._asdict()) for row in await self._all(stored)]
        return merged(listed, [call for call in newer if sought.fits(call)], after=after, limit=limit)

    async def forget(self, before_s: float) -> list[bytes]:
        forgotten: list[bytes] = []
        while some := await self._writer.change(lambda connection: _forget_some(connection, before_s)):
            forgotten += some
        return forgotten

    # What is said in them

    def note(self, note: Note) -> None:
        values = {"row_id": note.row_id, "nth": note.nth, "kind": note.kind, "key": storable(note.key)}
        self._writer.write(Write(tables.NEW_NOTE, {**values, "value": json.dumps(note.value)}))

    async def notes(self, row_id: bytes, nth: int) -> list[Note]:
        of = select(notes).where(notes.c.row_id == row_id, notes.c.nth == nth).order_by(notes.c.place)
        latest = {(row.kind, row.key): row for row in await self._all(of)}
        return [Note(row.row_id, row.nth, row.kind, row.key, json.loads(row.value)) for row in latest.values()]

    # Deliveries

    def keep(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        values = {**delivery._asdict(), "headers": json.dumps(dict(delivery.headers))}
        self._writer.write(Write(tables.NEW_DELIVERY, values, then=then))

    def rewrite(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        self._writer.write(Write(tables.BODY, {"of": delivery.webhook_id, "body": delivery.body}, then=then))

    def settle(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        values = {name: getattr(delivery, name) for name in tables.FATE}
        statement = tables.DELIVERED if delivery.state == "delivered" else tables.OUTCOME
        self._writer.write(Write(statement, {"of": delivery.webhook_id, **values}, then=then))

    def trace(self, delivery: Delivery) -> None:
        self.keep(delivery._replace(body=None))

    async def body(self, webhook_id: str) -> bytes | None:
        found = await self._all(select(deliveries.c.body).where(deliveries.c.webhook_id == webhook_id))
        return found[0].body if found else None

    async def undelivered(self, after: tuple[str, int] = ("", 0), *, limit: int) -> list[Delivery]:
        return [delivery_of(row) for row in await self._all(queries.pending(after, limit=limit))]

    def reserve(self, call_sid: str, seq: int) -> None:
        self._writer.write(*_reserved(call_sid, seq))

    async def number_on(self, call_sid: str) -> int:
        async def on(connection: AsyncConnection | None) -> Made[int]:
            kept = select(numbers.c.seq).where(numbers.c.call_sid == call_sid)
            taken = (await _there(connection).execute(kept)).scalar_one_or_none() or NUMBERS
            return taken, _reserved(call_sid, taken + NUMBERS)

        return await self._writer.change(on)

    async def deliveries_of(self, call_sid: str, *, limit: int) -> list[Delivery]:
        newest_first = [delivery_of(row) for row in await self._all(queries.of_call(call_sid, limit=limit))]
        return newest_first[::-1]

    async def outbox(self, after: Entry | None = None, *, limit: int) -> list[Delivery]:
        return [delivery_of(row) for row in await self._all(queries.left(after, limit=limit))]

    async def replay(self, webhook_id: str) -> bool:
        this = deliveries.c.webhook_id == webhook_id

        async def again(connection: AsyncConnection | None) -> Made[bool]:
            state = (await _there(connection).execute(select(deliveries.c.state).where(this))).scalar_one_or_none()
            anew = {"state": "replayed", "attempts": 0, "created_at": time(), "next_at": time(), "last_error": None}
            asked = [Write(update(deliveries).where(this).values(anew), {})] if state == "dead" else []
            return state in queries.LEFT, asked

        return await self._writer.change(again)

    async def replayed(self) -> list[Delivery]:
        asked = select(*queries.BODILESS).where(deliveries.c.state == "replayed").order_by(deliveries.c.seq)
        if self.degraded or not await self._all(asked):  # what is taken and not written would be taken again
            return []

        async def take(connection: AsyncConnection | None) -> Made[list[Delivery]]:
            rows = [delivery_of(row, state="pending") for row in await _there(connection).execute(asked)]
            again = update(deliveries).where(deliveries.c.state == "replayed").values(state="pending")
            return rows, [Write(again, {})]

        return await self._writer.change(take)

    def endpoint(self, endpoint: Endpoint) -> None:
        gone = delete(endpoints).where(endpoints.c.url == endpoint.url)
        self._writer.write(Write(gone, {}), Write(insert(endpoints), asdict(endpoint)))

    async def endpoints(self) -> Sequence[Endpoint]:
        return [Endpoint(*row) for row in await self._all(select(endpoints))]

    # The rest

    def spend(self, spent: DaySum) -> None:
        self._writer.write(Write(tables.SPEND, {**spent._asdict(), "route": storable(spent.route)}))

    async def spending(self, since: str) -> list[DaySum]:
        of = select(spending).where(spending.c.day >= since).order_by(spending.c.day, spending.c.route)
        return [DaySum(**row._asdict()) for row in await self._all(of)]

    async def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        async def give(connection: AsyncConnection | None) -> Made[bytes]:
            kept = select(secrets.c.value).where(secrets.c.name == name)
            if (there := (await _there(connection).execute(kept)).scalar_one_or_none()) is not None:
                return there, []
            made = make()
            return made, [Write(insert(secrets), {"name": name, "value": made})]

        return await self._writer.change(give)

    async def _all(self, statement: Select[Any]) -> list[Row[Any]]:
        async def rows(connection: AsyncConnection | None) -> list[Row[Any]]:
            return list(await _there(connection).execute(statement))

        return await self._read(rows)

    async def _read(self, ask: Callable[[AsyncConnection | None], Awaitable[T]]) -> T:
        """Ask the database, or without it where it cannot be read; that is found out here as well as by writing."""
        if not self._writer.blind:
            try:
                async with self._reading.connect() as connection:
                    return await ask(connection)
            except DBAPIError as error:
                if not self._writer.blame(error, reading=True):
                    raise
        return await ask(None)

    async def _row(self, connection: AsyncConnection | None, row_id: bytes) -> CallRow | None:
        if row_id in self._writer.unwritten:
            return self._writer.unwritten[row_id]
        if connection is None:
            return self._writer.written.get(row_id)
        found = (await connection.execute(CALLS.where(calls.c.id == row_id))).one_or_none()
        return None if found is None else call_of(found)

    async def _newest(self, connection: AsyncConnection | None, call_sid: str) -> CallRow | None:
        of = CALLS.where(calls.c.call_sid == call_sid).order_by(calls.c.created_at_s.desc()).limit(1)
        stored = [call_of(row) for row in await connection.execute(of)] if connection else self._writer.written.values()
        found = [row for row in (*stored, *self._writer.unwritten.values()) if row.call_sid == call_sid]
        newest = max(found, key=lambda row: row.created_at_s, default=None)
        return None if newest is None else self._writer.unwritten.get(newest.id, newest)


def _there(connection: AsyncConnection | None) -> AsyncConnection:
    """Give what can be asked. StoreError where nothing can."""
    if connection is None:
        raise StoreError("store: the database cannot be read now; /readyz says why")
    return connection


async def _forget_some(connection: AsyncConnection | None, before_s: float) -> Made[list[bytes]]:
    old = select(calls.c.id, calls.c.call_sid).where(calls.c.state == "completed", calls.c.created_at_s < before_s)
    rows = (await _there(connection).execute(old.limit(FORGET_AT_ONCE))).all()
    ids = [row.id for row in rows]
    done = deliveries.c.state.in_(("delivered", "dead"))
    return ids, [
        Write(delete(notes).where(notes.c.row_id.in_(ids)), {}),
        Write(delete(calls).where(calls.c.id.in_(ids)), {}),
        Write(delete(numbers).where(numbers.c.call_sid.in_([row.call_sid for row in rows])), {}),
        Write(delete(deliveries).where(done, deliveries.c.created_at < before_s), {}),
        Write(delete(spending).where(spending.c.day < day_of(before_s)), {}),
    ]


def _reserved(call_sid: str, seq: int) -> list[Write]:
    gone = delete(numbers).where(numbers.c.call_sid == call_sid)
    return [Write(gone, {}), Write(insert(numbers), {"call_sid": call_sid, "seq": seq})]
