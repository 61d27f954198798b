"""The states of a call, as they are written into its row and told to those who look on."""

from collections.abc import Callable
from dataclasses import replace
from time import time

from calls.account import end_of
from calls.ending import call_end
from calls.journal import Journal
from calls.live import LiveCall
from store.base import CallRow, Store


def _answered(row: CallRow, at_s: float) -> CallRow:
    if row.state == "completed":
        return row
    return replace(row, state="in_progress", answered_at_s=row.answered_at_s or at_s)


async def row_of(live: LiveCall, store: Store) -> CallRow:
    row = await store.by_row(live.row_id)
    assert row is not None  # noqa: S101  # a live call's row is never forgotten
    return row


async def write_answered(live: LiveCall, store: Store) -> None:
    """Somebody has taken the call; it was perhaps known before."""
    if live.answered:
        return
    live.answered, at_s = True, time()
    live.journal.add("state", {"state": "in_progress"})
    if await live.has_row():
        await store.update(live.row_id, lambda row: _answered(row, at_s))


async def write_end(live: LiveCall, store: Store, count: Callable[[str, str], None]) -> None:
    """The call is over, once the ends of its conversations are written; `count` is told of its route, and why.

    Those who look on hear of the last hooks too, before they hear that this was all.
    """
    legs, journal = list(live.legs.values()), live.journal
    if not await live.has_row():
        count(live.route.name, live.refusal.reason if live.refusal else "no_conversation")
        journal.end({"call_sid": live.sid})
        return
    for leg in live.all_legs:
        await leg.kept()
    if live.tape:
        live.tape.over = True  # before anybody can know that the call is over, and ask for all of it
    try:
        row = await _completed(live, store, count)
    except Exception:
        journal.end({"call_sid": live.sid})
        raise
    journal.add("state", {"state": "completed"})
    for leg in legs:
        await leg.told()
    journal.end(end_of(row))
    live.journal = Journal(over=True)


async def _completed(live: LiveCall, store: Store, count: Callable[[str, str], None]) -> CallRow:
    end = None
    try:
        row = await row_of(live, store)
        end = call_end(row, live.refusal)
        at_s = time()
        return await store.update(
            live.row_id,
            lambda row: replace(row, state="completed", end=end, ended_at_s=row.ended_at_s or at_s),
        )
    finally:
        count(live.route.name, end.reason_code if end else "no_conversation")
