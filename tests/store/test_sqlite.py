"""What only a store on disk does: its file, its schema, and days on which it cannot be written."""

import asyncio
import json
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from structlog.testing import capture_logs

from store import CallRow, Note, Store, StoreError, schema, sql, sqlite
from store.base import summary
from store.coding import encode
from store.opening import opened
from store.spending import DaySum
from store.summaries import Sought
from store.writer import MAX_BACKLOG
from tests.store.test_store import END, ID, OTHER_ID, all_kept, call, delivery

URL = "sqlite:///calls.db"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)


async def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    row = call(
        document=bytes(range(256)),
        legs=(*call().legs, replace(call().legs[0], ended_answer=b"[]", end=replace(END, transcript=({"text": "é"},)))),
        end=END,
        trusted=(("http", "10.0.0.5", 80, False),),
        owner="run 1",
    )
    async with opened(URL, tmp_path) as store:
        await store.create(row)
        store.note(Note(ID, 0, "line", "0", {"text": "said last"}))
        store.keep(delivery(trusted=True))
    async with opened(URL, tmp_path) as store:
        assert await store.by_row(ID) == row
        assert [note.value for note in await store.notes(ID, 0)] == [{"text": "said last"}]
        assert await store.undelivered(limit=9) == [delivery(body=None, trusted=True)]
        assert await store.secret("ticket", lambda: b"1") == b"1"


async def test_the_file_is_the_servers_alone_to_read(tmp_path: Path) -> None:
    (tmp_path / "calls.db").touch(mode=0o644)
    async with opened(URL, tmp_path) as store:
        await store.create(call())
        assert modes(tmp_path) == {
            "calls.db": 0o600,
            "calls.db-lock": 0o600,
            "calls.db-shm": 0o600,
            "calls.db-wal": 0o600,
        }


async def test_an_absolute_path_stays_where_it_is(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/deep.db", Path("/nowhere")):
        assert (tmp_path / "deep.db").exists()


async def test_one_file_has_one_server(tmp_path: Path) -> None:
    async with opened(URL, tmp_path):
        with pytest.raises(StoreError, match="another server has it"):
            async with opened(URL, tmp_path):
                raise AssertionError
    async with opened(URL, tmp_path):
        """And is free when that one has gone."""


async def test_a_file_that_cannot_be_made_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory; name a file that can be written"):
        async with opened("sqlite:///missing/calls.db", tmp_path):
            raise AssertionError


async def test_a_kind_of_store_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="knows no postgresql://; name a file"):
        opened("postgresql://u:p@db/x", tmp_path)


@pytest.mark.parametrize("fault", ["no database", "torn"])
async def test_a_broken_file_is_refused(tmp_path: Path, fault: str) -> None:
    file = tmp_path / "calls.db"
    if fault == "torn":
        async with opened(URL, tmp_path) as store:
            for n in range(300):
                await store.create(call(id=n.to_bytes(12, "big"), call_sid=f"c-{n}", document=b"x" * 1000))
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    else:
        file.write_bytes(b"this is a letter, and no database at all. " * 99)
    with pytest.raises(StoreError, match="put a backup in its place, or move it away"):
        async with opened(URL, tmp_path):
            raise AssertionError


async def test_a_file_that_is_locked_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StoreError, match="database is locked; end whatever holds the file"):
        async with opened(URL, tmp_path):
            raise AssertionError


async def test_a_newer_servers_file_is_refused(tmp_path: Path) -> None:
    async with opened(URL, tmp_path):
        """A file of today."""
    at(tmp_path, "UPDATE settings SET value = '9' WHERE name = 'schema'")
    with pytest.raises(StoreError, match="its schema is version 9, and this server knows 5 at most"):
        async with opened(URL, tmp_path):
            raise AssertionError


async def test_an_older_file_is_brought_up_to_date_and_a_copy_of_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(URL, tmp_path) as store:
        await store.create(call())

    def step(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE calls ADD COLUMN cost FLOAT"))

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
    async with opened(URL, tmp_path):
        """The next version of this server."""
    assert at(tmp_path, "SELECT value FROM settings") == [("6",)]
    assert at(tmp_path, "SELECT cost FROM calls") == [(None,)]
    [(copy, mode)] = [(name, mode) for name, mode in modes(tmp_path).items() if name.startswith("calls.db-v5-")]
    assert mode == 0o600
    assert at(tmp_path, "SELECT value FROM settings", copy) == [("5",)]
    assert at(tmp_path, "SELECT count(*) FROM calls", copy) == [(1,)]


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(URL, tmp_path):
        """A file of today."""

    def step(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE calls ADD COLUMN cost FLOAT"))
        connection.execute(text("ALTER TABLE calls ADD COLUMN cost FLOAT"))

    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
    with pytest.raises(StoreError, match="duplicate column"):
        async with opened(URL, tmp_path):
            raise AssertionError
    assert at(tmp_path, "SELECT value FROM settings") == [("5",)]
    assert "cost" not in str(at(tmp_path, "SELECT sql FROM sqlite_master"))


VERSION_1 = """
CREATE TABLE settings (name VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE secrets (name VARCHAR NOT NULL PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE calls (id BLOB NOT NULL PRIMARY KEY, call_sid VARCHAR NOT NULL, created_at_s FLOAT NOT NULL,
    state VARCHAR NOT NULL, owner VARCHAR, value TEXT NOT NULL);
CREATE INDEX calls_by_sid ON calls (call_sid, created_at_s);
CREATE INDEX calls_by_state ON calls (state, created_at_s);
CREATE TABLE notes (place INTEGER NOT NULL PRIMARY KEY, row_id BLOB NOT NULL, nth INTEGER NOT NULL,
    kind VARCHAR NOT NULL, "key" VARCHAR NOT NULL, value TEXT NOT NULL);
CREATE INDEX notes_by_call ON notes (row_id, place);
CREATE TABLE deliveries (webhook_id VARCHAR NOT NULL PRIMARY KEY, kind VARCHAR NOT NULL, call_sid VARCHAR NOT NULL,
    seq INTEGER NOT NULL, url TEXT NOT NULL, body BLOB, created_at FLOAT NOT NULL, headers TEXT NOT NULL,
    attempts INTEGER NOT NULL, next_at FLOAT NOT NULL, state VARCHAR NOT NULL, last_error TEXT);
CREATE INDEX deliveries_by_state ON deliveries (state, call_sid, seq);
CREATE INDEX deliveries_by_call ON deliveries (call_sid, seq);
CREATE TABLE endpoints (url TEXT NOT NULL PRIMARY KEY, failures INTEGER NOT NULL, fail_since FLOAT,
    breaker_until FLOAT NOT NULL, disabled_at FLOAT);
INSERT INTO settings VALUES ('schema', '1');
INSERT INTO deliveries VALUES ('msg_1', 'event', 'c-1', 1, 'https://app/event', x'7b7d', 1, '{}', 1, 2, 'dead', 'x');
"""
"The tables of the first version, as it made them."


async def test_a_file_of_the_first_version_is_listed_like_one_of_today(tmp_path: Path) -> None:
    row = call(state="completed", end=END)
    old = json.loads(encode(row))
    del old["answered_at_s"], old["ended_at_s"], old["end"]["turns"], old["end"]["tools"], old["end"]["duration_s"]
    with closing(sqlite3.connect(tmp_path / "calls.db")) as connection, connection:
        connection.executescript(VERSION_1)
        values = (row.id, row.call_sid, row.created_at_s, row.state, None, json.dumps(old))
        connection.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)", values)
    async with opened(URL, tmp_path) as store:
        assert await store.calls(Sought(), limit=9) == [summary(row)]
        assert await store.by_row(row.id) == row
        [left] = await store.deliveries_of("c-1", limit=9)
        assert (left.state, left.trusted) == ("dead", False)
        new = await store.create(call(id=OTHER_ID, created_at_s=9_000.0))
        assert await store.calls(Sought(), limit=1) == [summary(new)]
    assert at(tmp_path, "SELECT value FROM settings") == [("5",)]
    assert at(tmp_path, "SELECT * FROM numbers") == [("c-1", 1_001)]


async def test_a_file_of_the_fourth_version_counts_what_is_spent_from_now_on(tmp_path: Path) -> None:
    async with opened(URL, tmp_path) as store:
        await store.create(call())
    at(tmp_path, "DROP TABLE spending")
    at(tmp_path, "UPDATE settings SET value = '4' WHERE name = 'schema'")
    async with opened(URL, tmp_path) as store:
        assert await store.by_row(ID) == call()
        assert await store.spending("") == []
        store.spend(DaySum("2026-01-31", "support", 3, 5))
        await store.update(ID, lambda row: replace(row, owner="run 2"))  # written together with it
        assert await store.spending("") == [DaySum("2026-01-31", "support", 3, 5)]
    [copy] = [name for name in modes(tmp_path) if name.startswith("calls.db-v4-")]
    assert at(tmp_path, "SELECT count(*) FROM sqlite_master WHERE name = 'spending'", copy) == [(0,)]


# Days on which it cannot be written


@asynccontextmanager
async def full(tmp_path: Path) -> AsyncIterator[sql.SqlStore]:
    """Open a store on a disk that is full from now on."""
    async with sql.opened(URL, tmp_path) as store:
        await store.create(call())
        await fill(store)
        yield store


async def fill(store: sql.SqlStore, pages: int = 1) -> None:
    connection = store._writer._connection
    await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # SQLite: not less than there are
    await connection.rollback()


async def test_on_a_full_disk_calls_go_on_in_memory_and_are_written_when_there_is_room(tmp_path: Path) -> None:
    large = {"said": "x" * 100_000}
    with capture_logs() as logs:
        async with full(tmp_path) as store:
            after = await store.update(ID, lambda row: replace(row, state="in_progress", attributes=large))
            assert "full" in str(store.degraded)
            assert (await store.by_row(ID), await store.by_sid(call().call_sid)) == (after, after)
            new = await store.create(call(id=OTHER_ID, call_sid="c-2", attributes=large))
            assert await store.by_sid("c-2") == await store.by_row(OTHER_ID) == new
            listed = [summary(row) for row in sorted([after, new], key=lambda row: row.id, reverse=True)]
            assert await store.calls(Sought(), limit=9) == listed
            assert await store.calls(Sought(state="ringing"), listed[0].place, limit=9) == []
            assert await store.calls(Sought(state="in_progress"), limit=9) == [summary(after)]
            assert await store.create(call(id=b"x" * 12, call_sid="c-2")) == new
            assert await store.claim_media(OTHER_ID, 0, owner="me")
            assert not await store.claim_media(OTHER_ID, 0, owner="you")
            with pytest.raises(IndexError):
                await store.update(OTHER_ID, lambda row: row.with_leg(9, end=END))
            await all_kept(store, delivery())
            await fill(store, 1_000_000)
            await writable(store)
    assert [entry["event"] for entry in logs if entry["event"].startswith("store.")][1:] == [
        "store.degraded",
        "store.recovered",
    ]
    async with opened(URL, tmp_path) as store:
        assert await store.by_row(ID) == after
        row = await store.by_row(OTHER_ID)
        assert row is not None
        assert row.legs[0].media_state == "open"
        assert await store.undelivered(limit=9) == [delivery(body=None)]


async def test_what_does_not_fit_into_memory_either_is_the_oldest(tmp_path: Path) -> None:
    async with full(tmp_path) as store:
        for n in range(MAX_BACKLOG + 10):
            store.note(Note(ID, 0, "line", str(n), {"text": "x" * 100}))
        await store.update(ID, lambda row: replace(row, attributes={"x": "x" * 100_000}))
        assert store.degraded
        await fill(store, 1_000_000)
    async with opened(URL, tmp_path) as store:
        kept = [int(note.key) for note in await store.notes(ID, 0)]
        assert kept == list(range(10, MAX_BACKLOG + 10))


async def test_what_is_still_unwritten_at_the_end_is_told(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with full(tmp_path) as store:
            await store.update(ID, lambda row: replace(row, attributes={"x": "x" * 100_000}))
    assert [entry["calls"] for entry in logs if entry["event"] == "store.lost"] == [1]


async def test_while_somebody_holds_the_file_calls_go_on(tmp_path: Path) -> None:
    async with opened(URL, tmp_path) as store:
        await store.create(call())
        with locked(tmp_path):
            after = await store.update(ID, lambda row: replace(row, state="in_progress"))
            assert "locked" in str(store.degraded)
            assert await store.by_row(ID) == after
        await writable(store)
    assert at(tmp_path, "SELECT state FROM calls") == [("in_progress",)]


async def test_while_somebody_holds_the_file_nobody_waits_for_it_again_and_again(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    took_s = []
    async with opened(URL, tmp_path) as store:
        with locked(tmp_path):
            for n in range(30):
                began = loop.time()
                await store.create(call(id=bytes([n] * 12), call_sid=f"c-{n}"))
                assert await store.by_sid(f"c-{n}")
                took_s.append(loop.time() - began)
                await asyncio.sleep(0.05)
            assert store.degraded
        await writable(store)
    assert max(took_s) < 0.9
    assert at(tmp_path, "SELECT count(*) FROM calls") == [(30,)]


async def test_what_can_never_be_written_does_not_keep_back_what_can(tmp_path: Path) -> None:
    half = "\ud83d"
    with capture_logs() as logs:
        async with opened(URL, tmp_path) as store:
            await store.create(call())
            with locked(tmp_path):
                await store.update(ID, lambda row: replace(row, state="in_progress"))
                await store.create(call(id=OTHER_ID, call_sid="c-2", caller=half))
                store.keep(delivery(1))
                store.keep(delivery(2, call_sid=half))
                store.keep(delivery(3))
                await store.create(call(id=b"3" * 12, call_sid="c-3"))
            await writable(store)
            async with asyncio.timeout(5):
                assert await store.secret("ticket", lambda: b"1") == b"1"
    assert [entry["event"] for entry in logs].count("store.refused") == 2
    assert at(tmp_path, "SELECT state FROM calls ORDER BY call_sid") == [("in_progress",), ("ringing",)]
    assert at(tmp_path, "SELECT webhook_id FROM deliveries") == [("msg_1",), ("msg_3",)]


async def test_a_fault_of_the_writer_itself_is_told_and_not_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a fault")

    with capture_logs() as logs:
        async with sql.opened(URL, tmp_path) as store:
            monkeypatch.setattr(store._writer, "_commit", broken)
            with pytest.raises(RuntimeError, match="a fault"):
                await store.create(call())
            monkeypatch.undo()
            assert await store.create(call()) == call()
    assert [entry["event"] for entry in logs].count("store.crashed") == 1


async def test_what_a_model_names_by_half_a_character_is_noted(tmp_path: Path) -> None:
    async with opened(URL, tmp_path) as store:
        store.note(Note(ID, 0, "tool", "call_\ud800", {"name": "\ud800"}))
        store.note(Note(ID, 0, "tool", "call_\ud800", {"name": "\ud800", "output": "done"}))
        await store.create(call())
        [note] = await store.notes(ID, 0)
    assert (note.key, note.value) == ("call_?", {"name": "\ud800", "output": "done"})


async def spoil(store: sql.SqlStore, folder: Path) -> None:
    """Let other bytes stand in every page but the first, as a disk does that fails."""
    connection = store._writer._connection
    await connection.exec_driver_sql("SELECT 1")
    await connection.rollback()
    at(folder, "PRAGMA wal_checkpoint(TRUNCATE)")
    file = folder / "calls.db"
    with file.open("r+b") as opened_file:
        opened_file.seek(4096)
        opened_file.write(b"\xa5" * (file.stat().st_size - 4096))


@pytest.mark.parametrize("first", ["reads", "writes"])
async def test_a_database_that_breaks_while_it_serves_is_done_without(tmp_path: Path, first: str) -> None:
    with capture_logs() as logs:
        async with sql.opened(URL, tmp_path) as store:
            row = await store.create(call())
            await store.create(call(id=b"0" * 12, call_sid="c-0"))
            await store.update(b"0" * 12, lambda row: replace(row, state="completed"))
            await spoil(store, tmp_path)
            if first == "reads":
                assert await store.by_sid(row.call_sid) == row
                assert "malformed" in str(store.degraded)
            new = await store.create(call(id=OTHER_ID, call_sid="c-2"))
            assert "malformed" in str(store.degraded)
            assert await store.by_sid("c-2") == new
            assert await store.create(call(id=b"x" * 12, call_sid="c-2")) == new
            assert (await store.update(ID, lambda row: replace(row, state="in_progress"))).state == "in_progress"
            assert await store.by_sid("c-0") is None
            with pytest.raises(StoreError, match="cannot be read now"):
                await store.calls(Sought(), limit=9)
            with pytest.raises(StoreError, match="cannot be read now"):
                await store.forget(9e9)
            assert await store.replayed() == []
            await all_kept(store, delivery())
            await asyncio.sleep(1.2)
            assert store.degraded
    said = [entry for entry in logs if entry["event"].startswith("store.")]
    assert [entry["event"] for entry in said] == ["store.schema", "store.degraded", "store.lost"]
    assert "backup" in said[1]["remedy"]


async def test_one_value_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    half = "\ud83d"
    with capture_logs() as logs:
        async with opened(URL, tmp_path) as store:
            outcomes = await asyncio.gather(
                store.create(call(call_sid="c-1")),
                store.create(call(id=OTHER_ID, call_sid=half)),
                store.create(call(id=b"3" * 12, call_sid="c-3")),
                return_exceptions=True,
            )
            store.keep(delivery(call_sid=half))
            await all_kept(store, delivery(2))
            assert store.degraded is None
    assert [type(outcome) for outcome in outcomes] == [CallRow, UnicodeEncodeError, CallRow]
    assert [entry["event"] for entry in logs].count("store.refused") == 1
    assert at(tmp_path, "SELECT webhook_id FROM deliveries") == [("msg_2",)]


async def test_changes_that_come_together_share_a_commit_and_what_is_handed_over_at_once_is_never_parted(
    tmp_path: Path,
) -> None:
    async with sql.opened(URL, tmp_path) as store:
        commits: list[object] = []
        connection = store._writer._connection.sync_connection
        assert connection is not None
        event.listen(connection.engine, "commit", commits.append)
        await asyncio.gather(*(store.create(call(id=bytes([n] * 12), call_sid=f"c-{n}")) for n in range(200)))
        assert len(commits) <= 3
        del commits[:]
        store.keep(delivery())
        await store.update(bytes(12), lambda row: replace(row, state="completed"))
        assert len(commits) == 1


async def writable(store: Store) -> None:
    """Wait until it is."""
    async with asyncio.timeout(10):
        while store.degraded:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.05)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in sorted(folder.iterdir())}


def at(folder: Path, statement: str, name: str = "calls.db") -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / name)
    with connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


class locked:  # noqa: N801  # reads as what it does
    """Hold the write lock of the file."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "calls.db", isolation_level=None)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._connection.close()
