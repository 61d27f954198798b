"""What is asked of the tables, in words that SQLite and PostgreSQL share."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_

from store.summaries import Entry, Place, Sought
from store.tables import calls, deliveries

LISTED = (
    *("id", "call_sid", "created_at_s", "state", "route", "caller", "called", "direction"),
    *("ended_at_s", "reason_code"),
)
BODILESS = [column for column in deliveries.c if column.name != "body"]
LEFT = ("pending", "dead", "replayed")


def calls_sought(sought: Sought, after: Place | None, *, limit: int, but: Collection[bytes]) -> Select[Any]:
    """`but`: calls of which a newer version is elsewhere."""
    said = [
        getattr(calls.c, name) == value
        for name in ("state", "route", "direction", "reason_code")
        if (value := getattr(sought, name)) is not None
    ]
    if after is not None:
        said.append(tuple_(calls.c.created_at_s, calls.c.id) < tuple(after))
    if sought.since_s is not None:
        said.append(calls.c.created_at_s >= sought.since_s)
    if sought.until_s is not None:
        said.append(calls.c.created_at_s < sought.until_s)
    if but:
        said.append(calls.c.id.not_in(but))
    newest_first = calls.c.created_at_s.desc(), calls.c.id.desc()
    listed = select(*(calls.c[name] for name in LISTED)).where(*said, *_numbers(sought))
    return listed.order_by(*newest_first).limit(limit)


def _numbers(sought: Sought) -> list[ColumnElement[bool]]:
    said: list[ColumnElement[bool]] = []
    if sought.caller:
        said.append(calls.c.caller.in_(sought.caller))
    if sought.called:
        said.append(calls.c.called.in_(sought.called))
    if sought.number:
        said.append(or_(calls.c.caller.in_(sought.number), calls.c.called.in_(sought.number)))
    return said


def pending(after: tuple[str, int], *, limit: int) -> Select[Any]:
    place = tuple_(deliveries.c.call_sid, deliveries.c.seq)
    behind = and_(deliveries.c.state == "pending", place > after)
    return select(*BODILESS).where(behind).order_by(deliveries.c.call_sid, deliveries.c.seq).limit(limit)


def of_call(call_sid: str, *, limit: int) -> Select[Any]:
    """The newest first."""
    mine = select(*BODILESS).where(deliveries.c.call_sid == call_sid)
    return mine.order_by(deliveries.c.seq.desc(), deliveries.c.webhook_id).limit(limit)


def left(after: Entry | None, *, limit: int) -> Select[Any]:
    order = deliveries.c.created_at, deliveries.c.seq, deliveries.c.webhook_id
    rows = select(*BODILESS).where(deliveries.c.state.in_(LEFT)).order_by(*order).limit(limit)
    return rows if after is None else rows.where(tuple_(*order) > tuple(after))
