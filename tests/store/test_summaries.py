"""Lists of calls and of deliveries, of every store: pages that neither lose nor repeat, whatever comes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import CallRow, Store
from store.base import summary
from store.summaries import Entry, Place, Sought, Summary, entry
from tests.store.test_store import END, STORES, a_store, all_kept, call, delivery, settled

ROWS = [
    call(id=b"1" * 12, call_sid="c-1", created_at_s=1.0, caller="+1", called="+2", state="completed", end=END),
    call(id=b"2" * 12, call_sid="c-2", created_at_s=2.0, caller="+3", called="+1", route="sales", ended_at_s=9.0),
    call(id=b"3" * 12, call_sid="c-3", created_at_s=2.0, caller="+3", called="+2", direction="outbound"),
    call(id=b"4" * 12, call_sid="c-4", created_at_s=4.0, caller="+4", called="+5", state="in_progress"),
]


@pytest.fixture(params=sorted(STORES))
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with a_store(request.param, tmp_path) as store:
        for row in ROWS:
            await store.create(row)
        yield store


async def sids(kept: Store, sought: Sought, after: Place | None = None, limit: int = 9) -> list[str]:
    return [call.call_sid for call in await kept.calls(sought, after, limit=limit)]


async def test_the_newest_call_comes_first_and_of_two_at_one_moment_the_greater_id(kept: Store) -> None:
    assert await sids(kept, Sought()) == ["c-4", "c-3", "c-2", "c-1"]


async def test_a_summary_says_what_the_row_says(kept: Store) -> None:
    await kept.update(ROWS[3].id, lambda row: replace(row, state="completed", end=END, ended_at_s=7.0))
    found = {call.id: call for call in await kept.calls(Sought(), limit=9)}
    assert list(found.values()) == [summary(row) for row in [*(await rows(kept))]]
    assert (found[ROWS[3].id].ended_at_s, found[ROWS[3].id].reason_code) == (7.0, "caller_hung_up")
    assert (found[ROWS[0].id].ended_at_s, found[ROWS[2].id].ended_at_s) == (END.at_s, None)


async def rows(kept: Store) -> list[CallRow]:
    found = [await kept.by_sid(sid) for sid in ("c-4", "c-3", "c-2", "c-1")]
    return [row for row in found if row]


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (Sought(state="in_progress"), ["c-4"]),
        (Sought(route="sales"), ["c-2"]),
        (Sought(direction="outbound"), ["c-3"]),
        (Sought(reason_code="caller_hung_up"), ["c-1"]),
        (Sought(since_s=2.0), ["c-4", "c-3", "c-2"]),
        (Sought(until_s=2.0), ["c-1"]),
        (Sought(since_s=0.0, until_s=4.0), ["c-3", "c-2", "c-1"]),
        (Sought(caller=("3", "+3")), ["c-3", "c-2"]),
        (Sought(called=("+2",)), ["c-3", "c-1"]),
        (Sought(number=("+1",)), ["c-2", "c-1"]),
        (Sought(number=("+1",), route="sales"), ["c-2"]),
        (Sought(route="nobody's"), []),
    ],
)
async def test_only_what_is_sought_is_found(kept: Store, sought: Sought, found: list[str]) -> None:
    assert await sids(kept, sought) == found


@settings(max_examples=25, deadline=None)
@given(
    moments=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    limit=st.integers(1, 5),
    newcomers=st.lists(st.integers(0, 6), max_size=4),
)
@pytest.mark.parametrize("name", sorted(STORES))
async def test_pages_hold_each_call_once_in_order_also_while_others_come(
    name: str, moments: list[int], limit: int, newcomers: list[int]
) -> None:
    with TemporaryDirectory() as folder:
        async with a_store(name, Path(folder)) as kept:
            for n, at in enumerate(moments):
                await kept.create(call(id=bytes([n] * 12), call_sid=f"c-{n}", created_at_s=float(at)))
            expected = [one.id for one in await kept.calls(Sought(), limit=99)]
            seen = await paged(kept, limit, [(n, float(at)) for n, at in enumerate(newcomers)])
    places = [one.place for one in seen]
    assert places == sorted(set(places), reverse=True)
    assert [one.id for one in seen if one.call_sid.startswith("c-")] == expected


async def paged(kept: Store, limit: int, coming: list[tuple[int, float]]) -> list[Summary]:
    """Read all pages; one more call comes after each of them."""
    seen: list[Summary] = []
    while page := await kept.calls(Sought(), seen[-1].place if seen else None, limit=limit):
        assert len(page) <= limit
        seen += page
        for n, at in coming[:1]:
            await kept.create(call(id=bytes([99 + n] * 12), call_sid=f"n-{n}", created_at_s=at))
        del coming[:1]
    return seen


# Deliveries


async def test_a_calls_deliveries_are_told_whatever_became_of_them(kept: Store) -> None:
    await all_kept(kept, delivery(2), delivery(3), delivery(4, call_sid="another"))
    fate = {"attempts": 2, "last_status": 503, "tried_at": 5.0, "last_error": "HTTP 503"}
    await settled(kept, delivery(2, state="delivered", attempts=1, last_status=204, tried_at=4.0))
    await settled(kept, delivery(3, state="dead", **fate))
    kept.trace(delivery(1, kind="tool", state="delivered"))
    await asyncio.sleep(0)
    await kept.update(ROWS[0].id, lambda row: row)  # what was handed over before is written
    found = await kept.deliveries_of("c-1", limit=9)
    assert [(row.seq, row.state, row.last_status) for row in found] == [
        (1, "delivered", None),
        (2, "delivered", 204),
        (3, "dead", 503),
    ]
    assert found[2] == delivery(3, state="dead", body=None, **fate)
    assert [row.seq for row in await kept.deliveries_of("c-1", limit=2)] == [2, 3]
    assert await kept.deliveries_of("nobody", limit=2) == []


async def test_the_outbox_is_paged_and_what_is_dead_in_it_sent_again(kept: Store) -> None:
    await all_kept(kept, *(delivery(seq, created_at=float(seq // 2)) for seq in range(1, 6)))
    await settled(kept, delivery(2, created_at=1.0, state="delivered"))
    await settled(kept, delivery(4, created_at=2.0, state="dead", attempts=7, last_error="HTTP 422"))
    whole = await kept.outbox(limit=9)
    assert [(row.seq, row.state) for row in whole] == [(1, "pending"), (3, "pending"), (4, "dead"), (5, "pending")]
    after: Entry | None = None
    for row in whole:
        assert await kept.outbox(after, limit=1) == [row]
        after = entry(row)
    assert await kept.outbox(after, limit=1) == []
    assert [await kept.replay(f"msg_{seq}") for seq in (1, 2, 4, 4, 9)] == [True, False, True, True, False]
    assert (await kept.outbox(limit=9))[-1].state == "pending"
    [again] = await kept.replayed()
    assert (again.webhook_id, again.state, again.attempts, again.last_error) == ("msg_4", "pending", 0, None)
    assert await kept.replayed() == []
    assert await kept.body("msg_4") == b'{"n": 1}'


async def test_what_is_forgotten_is_in_no_list(kept: Store) -> None:
    kept.trace(delivery(1, state="delivered", created_at=1.0))
    assert await kept.forget(2.0) == [ROWS[0].id]
    assert await sids(kept, Sought()) == ["c-4", "c-3", "c-2"]
    assert await kept.deliveries_of("c-1", limit=9) == []
