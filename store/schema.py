"""The schema's version: an older file is brought up to date, a newer one is refused."""

from collections.abc import Callable

import structlog
from sqlalchemy import Connection, insert, inspect, select, update

from store.base import StoreError
from store.tables import metadata, settings

log = structlog.get_logger("store")

Step = Callable[[Connection], None]


def _whether_trusted(connection: Connection) -> None:
    """2: a delivery knows whether its URL was written by the operator's own code."""
    connection.exec_driver_sql("ALTER TABLE deliveries ADD COLUMN trusted BOOLEAN NOT NULL DEFAULT FALSE")


STEPS: tuple[Step, ...] = (_whether_trusted,)
"From each version to the next, the first from 1 to 2. Only ever append; `tables.py` says what the last one leaves."
NAME = "schema"


def version_of(connection: Connection) -> int:
    """Return the version of the tables that there are; 0 where there are none."""
    there = inspect(connection).has_table(settings.name)
    if not there:
        return 0
    return int((connection.execute(select(settings.c.value).where(settings.c.name == NAME))).scalar_one())


def bring_up(connection: Connection, back_up: Callable[[int], None]) -> None:
    """Make the tables what this version of the server needs.

    `back_up` is told the version before anything of an older one is changed.

    :raises StoreError: a newer server has written them
    """
    current, latest = version_of(connection), 1 + len(STEPS)
    connection.rollback()
    if current > latest:
        raise StoreError(f"its schema is version {current}, and this server knows {latest} at most: use a newer server")
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
