"""The schema's version: an older file is brought up to date, a newer one is refused."""

from collections.abc import Callable

import structlog
from sqlalchemy import Connection, insert, inspect, select, text, update

from store.deliveries import NUMBERS
from store.errors import StoreError
from store.tables import metadata, settings

log = structlog.get_logger("store")

Step = Callable[[Connection], None]


def _whether_trusted(connection: Connection) -> None:
    """2: a delivery knows whether its URL was written by the operator's own code."""
    connection.exec_driver_sql("ALTER TABLE deliveries ADD COLUMN trusted BOOLEAN NOT NULL DEFAULT FALSE")


def _listed(connection: Connection) -> None:
    """3: lists of calls are read from columns; of a delivery it is known when it was tried, and with what status."""
    seen = {"route": "route", "caller": "caller", "called": "called", "direction": "direction"}
    seen |= {"ended_at_s": "end.at_s", "reason_code": "end.reason_code"}
    for name in seen:
        kind = "FLOAT" if name == "ended_at_s" else "VARCHAR"
        connection.execute(text(f"ALTER TABLE calls ADD COLUMN {name} {kind}"))
    values = ", ".join(f"{name} = json_extract(value, '$.{path}')" for name, path in seen.items())
    connection.execute(text(f"UPDATE calls SET {values}"))  # noqa: S608  # the names are those above
    connection.execute(text("CREATE INDEX calls_by_time ON calls (created_at_s, id)"))
    connection.execute(text("ALTER TABLE deliveries ADD COLUMN last_status INTEGER"))
    connection.execute(text("ALTER TABLE deliveries ADD COLUMN tried_at FLOAT"))


def _numbered(connection: Connection) -> None:
    """4: it is known up to where a call's hooks may be numbered."""
    connection.exec_driver_sql("CREATE TABLE numbers (call_sid VARCHAR NOT NULL PRIMARY KEY, seq INTEGER NOT NULL)")
    connection.exec_driver_sql(
        f"INSERT INTO numbers SELECT call_sid, max(seq) + {NUMBERS} FROM deliveries GROUP BY call_sid"  # noqa: S608  # a number
    )


def _summed_by_day(connection: Connection) -> None:
    """5: it is known what a route has spent in a day."""
    connection.exec_driver_sql(
        "CREATE TABLE spending (day VARCHAR NOT NULL, route VARCHAR NOT NULL, tokens BIGINT NOT NULL, "
        "usd_e12 BIGINT NOT NULL, PRIMARY KEY (day, route))"
    )


STEPS: tuple[Step, ...] = (_whether_trusted, _listed, _numbered, _summed_by_day)
"From each version to the next, the first from 1 to 2. Only ever append; `tables.py` says what the last one leaves."
NAME = "schema"


def version_of(connection: Connection) -> int:
    """Return the version of the tables that there are; 0 where there are none."""
    there = inspect(connection).has_table(settings.name)
    if not there:
        return 0
    return int((connection.execute(select(settings.c.value).where(settings.c.name == NAME))).scalar_one())


def refuse_newer(connection: Connection) -> int:
    """Return the tables' version.

    :raises StoreError: a newer server has written them
    """
    current, latest = version_of(connection), 1 + len(STEPS)
    if current > latest:
        raise StoreError(f"its schema is version {current}, and this server knows {latest} at most: use a newer server")
    return current


def bring_up(connection: Connection, back_up: Callable[[int], None]) -> None:
    """Make the tables what this version of the server needs.

    `back_up` is told the version before anything of an older one is changed.

    :raises StoreError: a newer server has written them
    """
    current, latest = refuse_newer(connection), 1 + len(STEPS)
    connection.rollback()
    if current == latest:
        return
    if current:
        back_up(current)
    with connection.begin():
        if current:
            for step in STEPS[current - 1 :]:
                step(connection)
            connection.execute(update(settings).where(settings.c.name == NAME).values(value=str(latest)))
        else:
            metadata.create_all(connection)
            connection.execute(insert(settings).values(name=NAME, value=str(latest)))
    log.info("store.schema", was=current, now=latest)
