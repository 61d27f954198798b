"""One connection that writes, and one task on it: changes of many calls share a commit.

Theory. A commit that is on the disk costs milliseconds, most of it waiting, and no call waits for another one's. So
whatever is handed over while a commit is under way is written together by the next, in the order in which it came;
`GROUP_S` keeps commits apart where there are many, and the few changes of a call that takes a step are written at once.

When nothing can be written (the disk is full, somebody holds the file), calls go on: changes are answered from memory,
rows in `unwritten`, everything else in a backlog, and both are written when that works again. What a bound cuts off the
backlog is delivered all the same, for deliveries are in memory too; it would not survive this process.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from sqlalchemy import Executable, delete, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.base import CallRow
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
Change = Callable[[AsyncConnection], Awaitable[Made[T]]]
"Reads what it must, and says what it returns and what is to be written. It may be called again, or raise."


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
        self.failing: str | None = None
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
            if group or self.failing:
                await self._commit(group)

    async def _my_turn(self) -> None:
        """Let more changes come together where there were many commits of late (as a leaky bucket does)."""
        now = self._loop.time()
        self._next_at = max(self._next_at, now - FREE_COMMITS * GROUP_S) + GROUP_S
        await asyncio.sleep(max(0.0, self._next_at - now))

    async def _commit(self, group: list[_Job]) -> None:
        if self.failing and not self._closing and self._loop.time() < self._retry_at:
            await self._remember(group)
            return
        try:
            async with self._connection.begin():
                await self._catch_up()
                answers = await self._perform(group)
        except OperationalError as error:
            self._fail(error)
            await self._remember(group)
        except Exception as error:  # noqa: BLE001  # a value that cannot be written: it alone shall fail
            await self._part(group, error)
        else:
            self._recovered()
            self._answer(group, answers)

    async def _perform(self, group: list[_Job]) -> list[tuple[_Asked[Any], Any]]:
        """Write a group; return what each change returns, or raises."""
        answers: list[tuple[_Asked[Any], Any]] = []
        for asked, jobs in groupby(group, key=lambda job: isinstance(job, _Asked)):
            if not asked:
                await self._execute(job for job in jobs if isinstance(job, Write))
                continue
            for job in (job for job in jobs if isinstance(job, _Asked)):
                answer, writes = await self._made(job, self._connection)
                await self._execute(writes)
                answers.append((job, answer))
        return answers

    @staticmethod
    async def _made(asked: _Asked[Any], connection: AsyncConnection) -> Made[Any]:
        """Ask a change what it comes to; its own error is an answer too."""
        try:
            return await asked.change(connection)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001  # told to who asked
            return error, []

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

    def _fail(self, error: OperationalError) -> None:
        if self.failing is None:
            log.error("store.degraded", message=str(error.orig), remedy="make room, or end whatever locks the file")
        self.failing = str(error.orig)
        self._retry_at = self._loop.time() + RETRY_S

    def _recovered(self) -> None:
        if self.failing is not None:
            log.warning("store.recovered", calls=len(self.unwritten), writes=len(self._backlog))
        self.failing = None
        self.unwritten.clear()
        self._backlog.clear()

    async def _catch_up(self) -> None:
        """Write what could not be written before."""
        for row in self.unwritten.values():
            await self._connection.execute(delete(calls).where(calls.c.id == row.id))
            await self._connection.execute(insert(calls), [self._row_values(row)])
        await self._execute(self._backlog)

    async def _remember(self, group: list[_Job]) -> None:
        """Keep a group in memory, and answer it."""
        answers: list[tuple[_Asked[Any], Any]] = []
        for job in group:
            if isinstance(job, Write):
                self._put_aside([job])
                continue
            try:
                answer, writes = await self._made(job, self._reader)
            except OperationalError as error:  # not even read
                answer, writes = error, []
            self._put_aside(writes)
            answers.append((job, answer))
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
        [job] = group
        log.error("store.refused", exc_info=error)
        self._answer(group, [] if isinstance(job, Write) else [(job, error)])
