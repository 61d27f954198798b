"""The outbox's rows as the commands see them: beside a server that runs, or where none does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any

from sqlalchemy import Engine, delete, inspect, select, update
from sqlalchemy.exc import OperationalError

from store import schema, sqlite
from store.deliveries import shown
from store.errors import StoreError
from store.tables import deliveries

PENDING, DEAD, REPLAYED = "pending", "dead", "replayed"
SHOWN = ("webhook_id", "kind", "call_sid", "seq", "url", "state", "attempts", "next_at", "last_error")


class Ledger:
    """Made by `opened`. What it changes is taken up by a running server within seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def undelivered(self) -> Iterator[dict[str, Any]]:
        """Yield what is pending or dead, the oldest first; no URL shows its user or query."""
        rows = (
            select(*(deliveries.c[name] for name in SHOWN))
            .where(deliveries.c.state.in_((PENDING, DEAD, REPLAYED)))
            .order_by(deliveries.c.created_at, deliveries.c.seq)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(rows):
                entry = row._asdict()
                state = PENDING if entry["state"] == REPLAYED else entry["state"]
                yield {"id": entry.pop("webhook_id"), **entry, "url": shown(entry["url"]), "state": state}

    def replay(self, ids: Sequence[str]) -> list[str]:
        """Let what is dead of these be sent again, from the start of its schedule; return those that are not known."""
        mine = deliveries.c.webhook_id.in_(ids)
        with self._engine.begin() as connection:
            connection.execute(
                update(deliveries)
                .where(mine, deliveries.c.state == DEAD)
                .values(state=REPLAYED, attempts=0, created_at=time(), next_at=time(), last_error=None)
            )
            known = select(deliveries.c.webhook_id).where(mine, deliveries.c.state.in_((PENDING, REPLAYED)))
            found = set(connection.execute(known).scalars())
        return [id_ for id_ in ids if id_ not in found]

    def purge(self) -> int:
        """Forget what is dead; return how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(deliveries).where(deliveries.c.state == DEAD)).rowcount


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Ledger]:
    """Open the store at `url`; a relative file is in `folder`.

    :raises StoreError: there is none, it is newer than this version, or it cannot be read or written now
    """
    if not url.startswith(sqlite.SCHEME):
        raise StoreError(
            f"store: {url.partition(':')[0]}:// keeps nothing that a command could see; use sqlite:///FILE"
        )
    file = sqlite.file_of(url, folder)
    if not file.exists():
        raise StoreError(f"store {file}: there is no such file; it is made when the server first starts")
    engine = sqlite.blocking_engine_for(file)
    try:
        if not inspect(engine).has_table(deliveries.name):
            raise StoreError(f"store {file}: it has no outbox; it is made when the server starts")
        _refuse_newer(engine, file)
        yield Ledger(engine)
    except OperationalError as error:
        raise StoreError(f"store {file}: {error.orig}; try again") from error
    finally:
        engine.dispose()


def _refuse_newer(engine: Engine, file: Path) -> None:
    try:
        with engine.connect() as connection:
            schema.refuse_newer(connection)
    except StoreError as error:
        raise StoreError(f"store {file}: {error}") from error
