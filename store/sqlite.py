"""What SQLite is told, and nothing else is: its file, its pragmas, its health."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from store.errors import StoreError

if sys.platform != "win32":
    import fcntl

SCHEME = "sqlite:///"
FILE_MODE = 0o600
BUSY_MS = 5_000
SERVING_BUSY_MS = 250
"How long one that serves waits for somebody else who holds the file: callers wait, and memory can answer them."
CONNECTIONS = 4
"""Each has a thread and two file descriptors, and opening one takes longer than most reads: in a crowd of calls a read
waits for another one, and not for a connection of its own."""
PRAGMAS = {"journal_mode": "WAL", "synchronous": "FULL"}
"FULL: a commit survives the loss of power, too. With WAL readers never wait for the writer."


def file_of(url: str, folder: Path) -> Path:
    """Return the file that `sqlite:///…` names; a relative path starts at `folder`."""
    return folder / url.removeprefix(SCHEME)


Begin = Literal["BEGIN", "BEGIN IMMEDIATE"]
"A transaction that will write says so at once: one that has read first could not wait for another writer."


def engine_for(file: Path, begin: Begin, busy_ms: int = SERVING_BUSY_MS) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}", pool_size=CONNECTIONS, max_overflow=0)
    _set_up(engine.sync_engine, begin, busy_ms)
    return engine


def blocking_engine_for(file: Path) -> Engine:
    """Give an engine for a command, which has nothing else to do."""
    engine = create_engine(f"sqlite:///{file}")
    _set_up(engine, "BEGIN", BUSY_MS)
    return engine


def _set_up(engine: Engine, begin: Begin, busy_ms: int) -> None:
    def connected(dbapi: Any, _: object) -> None:
        dbapi.isolation_level = None  # the driver shall begin nothing: it would not for a table's change
        cursor = dbapi.cursor()
        for name, value in {"busy_timeout": busy_ms, **PRAGMAS}.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def make_private(file: Path) -> None:
    """Make the file, if there is none, and let nobody else read it: it holds numbers, transcripts and hooks' keys.

    :raises StoreError: that cannot be done
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, FILE_MODE))
        file.chmod(FILE_MODE)
    except OSError as error:
        raise StoreError(f"store {file}: {error.strerror}; name a file that can be written, or memory://") from error


@contextmanager
def owned(file: Path) -> Iterator[None]:
    """Be the one server on this file; the operating system lets go of it however the process ends.

    :raises StoreError: another one is
    """
    descriptor = os.open(f"{file}-lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StoreError(f"store {file}: another server has it; give each its own file") from None
    finally:
        os.close(descriptor)


def check(file: Path) -> None:
    """See whether the file is whole.

    :raises StoreError: it is not
    """
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_MS / 1000)) as connection:
            [(found,)] = connection.execute("PRAGMA quick_check(1)")
    except sqlite3.OperationalError as error:
        raise StoreError(f"store {file}: {error}; end whatever holds the file") from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise StoreError(f"store {file}: {found}; put a backup in its place, or move it away to begin anew")


def back_up(file: Path, copy: Path) -> None:
    """Write a whole copy of the file."""
    make_private(copy)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
