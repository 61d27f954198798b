"""The outbox's commands, beside a server and without one."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import cli
from store import StoreError
from store.opening import ledger, opened
from tests.store.test_store import all_kept, delivery, settled

URL = "sqlite:///calls.db"
CONFIG = "store: sqlite:///calls.db\nroutes: [{name: a, verbs: [{verb: hangup}]}]\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
async def filled(config: Path) -> Path:
    """A store with one delivery of each kind of fate."""
    async with opened(URL, config.parent) as store:
        await all_kept(store, *(delivery(seq, created_at=seq) for seq in (1, 2, 3)))
        await settled(store, delivery(1, state="dead", attempts=7, next_at=1.5, last_error="HTTP 422"))
        await settled(store, delivery(2, state="delivered", attempts=1))
    return config


def run(config: Path, *arguments: str) -> int:
    def never(config: Path, *, host: str | None, port: int | None) -> int:
        raise AssertionError("nothing is to be served")

    return cli.main(["outbox", *arguments, "--config", str(config)], serve=never)


def test_list_shows_what_is_pending_or_dead_and_no_key(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(filled, "list", "--json") == 0
    dead, pending = json.loads(capsys.readouterr().out)
    assert dead == {
        "id": "msg_1",
        "kind": "event",
        "call_sid": "c-1",
        "seq": 1,
        "url": "https://app/event",
        "state": "dead",
        "attempts": 7,
        "next_at": 1.5,
        "last_error": "HTTP 422",
    }
    assert (pending["id"], pending["state"], pending["last_error"]) == ("msg_3", "pending", None)
    assert run(filled, "list") == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert first == "msg_1  dead  event 1 of c-1  https://app/event  attempts: 7  HTTP 422"


async def test_what_is_replayed_is_taken_up_once_by_the_server_that_runs(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(URL, filled.parent) as store:
        assert await store.replayed() == []
        assert run(filled, "replay", "msg_1", "msg_3") == 0
        assert "2 to be sent again" in capsys.readouterr().out
        assert run(filled, "list", "--json") == 0
        assert [entry["state"] for entry in json.loads(capsys.readouterr().out)] == ["pending", "pending"]
        [again] = await store.replayed()
        assert (again.webhook_id, again.state, again.attempts, again.last_error) == ("msg_1", "pending", 0, None)
        assert await store.replayed() == []
        assert await store.body("msg_1") == b'{"n": 1}'


async def test_what_is_replayed_while_no_server_runs_is_taken_up_when_one_starts(filled: Path) -> None:
    assert run(filled, "replay", "msg_1") == 0
    async with opened(URL, filled.parent) as store:
        assert [row.webhook_id for row in await store.replayed()] == ["msg_1"]


def test_replay_says_which_it_does_not_know(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(filled, "replay", "msg_1", "msg_2", "msg_9") == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == ["msg_2: neither dead nor pending", "msg_9: neither dead nor pending"]
    assert "1 to be sent again" in told.out


def test_purge_forgets_what_is_dead_and_nothing_else(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(filled, "purge") == 0
    assert "1 dead" in capsys.readouterr().out
    assert run(filled, "list", "--json") == 0
    assert [entry["id"] for entry in json.loads(capsys.readouterr().out)] == ["msg_3"]


def test_where_there_is_nothing_to_see_it_is_said_why(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "list") == 1
    assert "there is no such file; it is made when the server first starts" in capsys.readouterr().err
    (config.parent / "calls.db").touch()
    assert run(config, "list") == 1
    assert "it has no outbox" in capsys.readouterr().err
    config.write_text(CONFIG.replace("sqlite:///calls.db", "memory://"), encoding="utf-8")
    assert run(config, "list") == 1
    assert "memory:// keeps nothing that a command could see" in capsys.readouterr().err
    config.write_text("stor: x", encoding="utf-8")
    assert run(config, "list") == 2
    assert "unknown key 'stor'" in capsys.readouterr().out


def test_nothing_is_done_to_a_newer_servers_file(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(filled.parent / "calls.db")) as connection, connection:
        connection.execute("UPDATE settings SET value = '99' WHERE name = 'schema'")
    for command in (["list"], ["replay", "msg_1"], ["purge"]):
        assert run(filled, *command) == 1
        assert "its schema is version 99, and this server knows 5 at most" in capsys.readouterr().err
    with closing(sqlite3.connect(filled.parent / "calls.db")) as connection:
        assert connection.execute("SELECT count(*) FROM deliveries WHERE state = 'dead'").fetchall() == [(1,)]


async def test_a_file_that_cannot_be_written_now_is_said_so(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.sqlite.BUSY_MS", 50)
    async with opened(URL, filled.parent) as store:
        connection = store._writer._connection  # type: ignore[attr-defined]
        async with connection.begin():
            with pytest.raises(StoreError, match="database is locked; try again"), ledger(URL, filled.parent) as rows:
                rows.purge()
