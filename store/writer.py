"""One connection that writes, and one task on it: changes of many calls share a commit.

Theory. A commit that is on the disk costs milliseconds, most of it waiting, and no call waits for another one's. So
whatever is handed over while a commit is under way is written together by the next, in the order in which it came;
`GROUP_S` keeps commits apart where there are many, and the few changes of a call that takes a step are written at once.

When nothing can be written (the disk is full, somebody holds the file), calls go on: changes are answered from memory,
rows in `unwritten`, everything else in a backlog, and both are written when that works again. What a bound cuts off the
backlog is delivered all the same, for deliveries are in memory too; it would not survive this process. Nobody waits for
a database that is known not to work: changes are answered first, and then it is tried again. One that is broken is let
be until a restart, which finds out what is wrong with it: of calls only what is in memory is known from then on.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from sqlalchemy import Executable, delete, insert
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.base import CallRow
from store.faults import blames_database
from store.tables import calls

log = structlog.get_logger("store")

GROUP_S = 0.005
"On the average: 200 commits a second at most."
FREE_COMMITS = 50
"So many may come at once after a quiet time."
RETRY_S = 1.0
MAX_BACKLOG = 4_000

T = TypeVar("T")
Then = Callable[[], None]


class Write(NamedTuple):
    """One statement with its values; `row` where that is what it writes."""

    statement: Executable
    values: Mapping[str, Any]
    row: CallRow | None = None
    then: Then | None = None


Made = tuple[T, list[Write]]
Change = Callable[[AsyncConnection | None], Awaitable[Made[T]]]
"""Reads what it must, and says what it returns and what is to be written. It may be called again, or raise.
Without a connection nothing can be read."""


@dataclass(eq=False, slots=True)
class _Asked(Generic[T]):
    change: Change[T]
    done: "asyncio.Future[T]"


_Job = Write | _Asked[Any]


class Writer:
    """Make it in a running loop. `reader`: a second connection, for when the first one cannot write."""

    def __init__(
        self, connection: AsyncConnection, reader: AsyncConnection, row_values: Callable[[CallRow], Mapping[str, Any]]
    ) -> None:
        """`row_values` gives a row's columns."""
        self.unwritten: dict[bytes, CallRow] = {}
        "Rows that are newer than those in the database."
        self.written: dict[bytes, CallRow] = {}
        "As they are in the database, the rows of calls that go on: for when it cannot be read."
        self.failing: str | None = None
        self.blind = False
        "Whether it cannot be read either."
        self._broken = False
        self._connection = connection
        self._reader = reader
        self._row_values = row_values
        self._queue: list[_Job] = []
        self._waiting = asyncio.Event()
        self._backlog: deque[Write] = deque(maxlen=MAX_BACKLOG)
        self._loop = asyncio.get_running_loop()
        self._next_at = self._retry_at = 0.0
        self._closing = False
        self._task = self._loop.create_task(self._run(), name="store writer")

    def write(self, *writes: Write) -> None:
        self._queue += writes
        self._waiting.set()

    async def change(self, change: Change[T]) -> T:
        """Let this change happen, alone; return when it is written. Raises whatever the change raises."""
        asked = _Asked(change, self._loop.create_future())
        self._queue.append(asked)
        self._waiting.set()
        return await asyncio.shield(asked.done)

    async def close(self) -> None:
        """Write what there is, once more also what could not be written, and stop."""
        self._closing = True
        self._waiting.set()
        await self._task
        if self.failing:
            log.error("store.lost", calls=len(self.unwritten), writes=len(self._backlog))

    async def _run(self) -> None:
        while not (self._closing and not self._queue):
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S if self.failing else None):
                    await self._waiting.wait()
            await self._my_turn()
            group, self._queue = self._queue, []
            if not self._closing:
                self._waiting.clear()
            try:
                if group or self.failing:
                    await self._commit(group)
            except Exception as error:
                log.exception("store.crashed")
                self._answer([], [(job, error) for job in group if isinstance(job, _Asked) and not job.done.done()])

    async def _my_turn(self) -> None:
        """Let more changes come together where there were many commits of late (as a leaky bucket does)."""
        now = self._loop.time()
        self._next_at = max(self._next_at, now - FREE_COMMITS * GROUP_S) + GROUP_S
        await asyncio.sleep(max(0.0, self._next_at - now))

    async def _commit(self, group: list[_Job]) -> None:
        if self.failing:
            await self._remember(group)
            if self._closing or self._loop.time() >= self._retry_at:
                await self._catch_up()
            return
        try:
            async with self._connection.begin():
                answers, rows = await self._perform(group)
        except Exception as error:  # noqa: BLE001  # a value that cannot be written: it alone shall fail
            if self.blame(error):
                await self._remember(group)
            else:
                await self._part(group, error)
        else:
            self._learn(rows)
            self._answer(group, answers)

    async def _perform(self, group: list[_Job]) -> tuple[list[tuple[_Asked[Any], Any]], list[CallRow]]:
        """Write a group; return what each change returns, or raises, and the rows that were written."""
        answers: list[tuple[_Asked[Any], Any]] = []
        rows: list[CallRow] = []
        for asked, jobs in groupby(group, key=lambda job: isinstance(job, _Asked)):
            if not asked:
                await self._execute(job for job in jobs if isinstance(job, Write))
                continue
            for job in (job for job in jobs if isinstance(job, _Asked)):
                answer, writes = await self._made(job, self._connection)
                await self._execute(writes)
                answers.append((job, answer))
                rows += [write.row for write in writes if write.row]
        return answers, rows

    def _learn(self, rows: Iterable[CallRow]) -> None:
        for row in rows:
            if row.state == "completed":
                self.written.pop(row.id, None)
            else:
                self.written[row.id] = row

    @staticmethod
    async def _made(asked: _Asked[Any], connection: AsyncConnection | None) -> Made[Any]:
        """Ask a change what it comes to; its own error is an answer too."""
        try:
            return await asked.change(connection)
        except Exception as error:
            if blames_database(error):
                raise
            return error, []  # told to who asked

    async def _execute(self, writes: Iterable[Write]) -> None:
        for statement, same in groupby(writes, key=lambda write: write.statement):
            values = [write.values for write in same]
            if values == [{}]:
                await self._connection.execute(statement)
            else:
                await self._connection.execute(statement, values)

    @staticmethod
    def _answer(group: list[_Job], answers: list[tuple[_Asked[Any], Any]]) -> None:
        for asked, answer in answers:
            if isinstance(answer, Exception):
                asked.done.set_exception(answer)
                asked.done.exception()  # seen: who asked may be gone
            else:
                asked.done.set_result(answer)
        for job in group:
            if isinstance(job, Write) and job.then:
                job.then()

    # When it does not work

    def blame(self, error: Exception, *, reading: bool = False) -> bool:
        """Tell whether the database is at fault; then it is degraded, and not even read if `reading` it has failed."""
        if not blames_database(error):
            return False
        broken = not isinstance(error, OperationalError)
        message = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        if self.failing is None or broken > self._broken:
            remedy = "stop, and put a backup in its place" if broken else "make room, or end whatever locks the file"
            log.error("store.degraded", message=message, remedy=remedy)
        self._broken |= broken
        self.blind |= reading or broken
        self.failing = message
        self._retry_at = self._loop.time() + RETRY_S
        self._waiting.set()  # from now on it looks again by itself
        return True

    async def _catch_up(self) -> None:
        """Write what could not be written before; of what never can be, each for itself is told."""
        if self._broken:
            return
        try:
            await self._write_unwritten()
        except DBAPIError as error:
            self.blame(error)
            return
        log.warning("store.recovered", calls=len(self.unwritten), writes=len(self._backlog))
        self._learn(self.unwritten.values())
        self.failing, self.blind = None, False
        self.unwritten.clear()
        self._backlog.clear()

    async def _write_unwritten(self) -> None:
        try:
            async with self._connection.begin():
                for row in self.unwritten.values():
                    await self._replace(row)
                await self._execute(self._backlog)
        except Exception as error:
            if blames_database(error):
                raise
            async with self._connection.begin():
                await self._write_each()

    async def _write_each(self) -> None:
        rows = [partial(self._replace, row) for row in self.unwritten.values()]
        for write in [*rows, *(partial(self._execute, [write]) for write in self._backlog)]:
            try:
                async with self._connection.begin_nested():
                    await write()
            except Exception as error:
                if blames_database(error):
                    raise
                log.exception("store.refused")

    async def _replace(self, row: CallRow) -> None:
        await self._connection.execute(delete(calls).where(calls.c.id == row.id))
        await self._connection.execute(insert(calls), [self._row_values(row)])

    async def _remember(self, group: list[_Job]) -> None:
        """Keep a group in memory, and answer it."""
        answers: list[tuple[_Asked[Any], Any]] = []
        for job in group:
            if isinstance(job, Write):
                self._put_aside([job])
                continue
            try:
                answer, writes = await self._made(job, None if self.blind else self._reader)
            except DBAPIError as error:
                self.blame(error, reading=True)
                answer, writes = await self._made(job, None)
            self._put_aside(writes)
            answers.append((job, answer))
        with suppress(DBAPIError):
            await self._reader.rollback()  # its reads have begun a transaction
        self._answer(group, answers)

    def _put_aside(self, writes: Iterable[Write]) -> None:
        for write in writes:
            if write.row is not None:
                self.unwritten[write.row.id] = write.row
            else:
                self._backlog.append(write)

    async def _part(self, group: list[_Job], error: Exception) -> None:
        """Write each of a group for itself; of one alone say what is wrong with it."""
        if len(group) > 1:
            for job in group:
                await self._commit([job])
            return
        log.error("store.refused", exc_info=error)
        self._answer(group, [(job, error) for job in group if isinstance(job, _Asked)])
