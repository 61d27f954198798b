"""The contract of every store found in `store/`: a new one takes these tests before its author writes any."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store
from store import (
    DUPLICATE_WITHIN_S,
    CallRow,
    Delivery,
    End,
    Endpoint,
    LlmLeg,
    Note,
    RowTakenError,
    RowUnknownError,
    Store,
    StoreError,
    memory,
    sql,
)
from store.coding import encode
from store.deliveries import NUMBERS
from tests.properties import tries

Open = Callable[[str, Path], AbstractAsyncContextManager[Store]]
# How each is opened.
STORES: dict[str, tuple[Open, str]] = {
    "memory": (memory.opened, "memory://"),
    "sqlite": (sql.opened, "sqlite:///calls.db"),
}

ID = bytes(range(12))
OTHER_ID = bytes(range(12, 24))
LLM = {"verb": "llm", "vendor": "openai", "model": "gpt-realtime-2.1"}
HANG_UP = {"verb": "hangup"}
END = End("caller_hung_up", "normal conversation end", "caller", at_s=1060.0)


def call(**changes: Any) -> CallRow:
    row = CallRow(
        id=ID,
        call_sid="9d0c3a3e-3b73-4d7a-8c3f-0d7a5b1c2e4f",
        platform="jambonz",
        route="support",
        caller="+15550001111",
        called="+15551230001",
        direction="inbound",
        attributes={"call_sid": "9d0c3a3e-3b73-4d7a-8c3f-0d7a5b1c2e4f", "customerData": {"tier": "gold"}},
        created_at_s=1000.0,
        document=b'[{"verb":"listen"}]',
        legs=(LlmLeg(LLM, remaining=(HANG_UP,)), LlmLeg(LLM)),
        hooks=("https://customer.example.com/dtmf",),
        hook_names={0: "waitHook"},
    )
    return replace(row, **changes)


def a_store(name: str, folder: Path) -> AbstractAsyncContextManager[Store]:
    opened, url = STORES[name]
    return opened(url, folder)


@pytest.fixture(params=sorted(STORES))
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with a_store(request.param, tmp_path) as store:
        yield store


async def test_every_store_found_takes_these_tests(tmp_path: Path) -> None:
    modules = [m.name for m in iter_modules(store.__path__, "store.") if m.name != "store.base"]
    found = {
        cls
        for name in modules
        for _, cls in inspect.getmembers(import_module(name), inspect.isclass)
        if cls.__module__ == name and hasattr(cls, "claim_media")
    }
    taking = set()
    for name in STORES:
        async with a_store(name, tmp_path) as opened:
            taking.add(type(opened))
    assert taking == found


async def test_a_row_comes_back_as_it_was_kept(kept: Store) -> None:
    row = call()
    assert await kept.create(row) == row
    assert await kept.by_row(ID) == row
    assert await kept.by_sid(row.call_sid) == row


async def test_what_was_never_kept_is_not_found(kept: Store) -> None:
    assert await kept.by_row(ID) is None
    assert await kept.by_sid("nobody") is None


@pytest.mark.parametrize("later_s", [0.0, 1.0, DUPLICATE_WITHIN_S - 0.001, -5.0])
async def test_the_same_webhook_again_finds_the_first_row(kept: Store, later_s: float) -> None:
    first = await kept.create(call())
    again = call(id=OTHER_ID, created_at_s=1000.0 + later_s, document=b"[]")
    assert await kept.create(again) == first
    assert await kept.by_row(OTHER_ID) is None


async def test_the_first_rows_news_are_in_what_a_repetition_gets(kept: Store) -> None:
    await kept.create(call())
    await kept.update(ID, lambda row: replace(row, state="in_progress"))
    assert (await kept.create(call(id=OTHER_ID))).state == "in_progress"


async def test_an_old_sid_may_begin_a_new_call(kept: Store) -> None:
    first = await kept.create(call())
    later = call(id=OTHER_ID, created_at_s=1000.0 + DUPLICATE_WITHIN_S)
    assert await kept.create(later) == later
    assert await kept.by_sid(later.call_sid) == later
    assert await kept.by_row(ID) == first


async def test_two_calls_never_share_an_id(kept: Store) -> None:
    first = await kept.create(call())
    with pytest.raises(RowTakenError, match="make a new random id"):
        await kept.create(call(call_sid="another"))
    assert await kept.by_row(ID) == first
    assert await kept.by_sid("another") is None


async def test_an_update_is_kept_and_returned(kept: Store) -> None:
    await kept.create(call())
    after = await kept.update(ID, lambda row: row.with_leg(1, ended_answer=b"[]", end=END))
    assert after.legs == (LlmLeg(LLM, remaining=(HANG_UP,)), LlmLeg(LLM, ended_answer=b"[]", end=END))
    assert await kept.by_row(ID) == await kept.by_sid(after.call_sid) == after


async def test_an_update_that_raises_changes_nothing(kept: Store) -> None:
    row = await kept.create(call())
    with pytest.raises(IndexError):
        await kept.update(ID, lambda row: replace(row, state="completed").with_leg(7, end=END))
    assert await kept.by_row(ID) == row


async def test_an_unknown_row_cannot_be_updated(kept: Store) -> None:
    with pytest.raises(RowUnknownError, match="000102030405060708090a0b"):
        await kept.update(ID, lambda row: row)


@pytest.mark.parametrize("changes", [{"id": OTHER_ID}, {"call_sid": "another"}, {"created_at_s": 0.0}])
async def test_what_identifies_a_row_never_changes(kept: Store, changes: dict[str, Any]) -> None:
    row = await kept.create(call())
    with pytest.raises(StoreError, match="may not touch"):
        await kept.update(ID, lambda row: replace(row, **changes))
    assert await kept.by_row(ID) == row


async def test_media_is_claimed_once_and_names_its_owner(kept: Store) -> None:
    await kept.create(call())
    assert await kept.claim_media(ID, 0, owner="node-1")
    assert not await kept.claim_media(ID, 0, owner="node-2")
    row = await kept.by_row(ID)
    assert row is not None
    assert (row.owner, row.state) == ("node-1", "in_progress")
    assert [leg.media_state for leg in row.legs] == ["open", "unopened"]


async def test_each_llm_has_its_own_claim(kept: Store) -> None:
    await kept.create(call())
    assert await kept.claim_media(ID, 1, owner="node-1")
    assert await kept.claim_media(ID, 0, owner="node-1")


@pytest.mark.parametrize("nth", [-1, 2])
async def test_a_leg_that_does_not_exist_cannot_be_claimed(kept: Store, nth: int) -> None:
    await kept.create(call())
    assert not await kept.claim_media(ID, nth, owner="node-1")
    assert not await kept.claim_media(OTHER_ID, 0, owner="node-1")


@pytest.mark.parametrize(
    "change",
    [
        lambda row: replace(row, state="completed"),
        lambda row: row.with_leg(0, end=END),
        lambda row: row.with_leg(0, media_state="closed"),
    ],
    ids=["call completed", "leg ended", "media closed"],
)
async def test_media_cannot_be_claimed_after_the_end(kept: Store, change: Callable[[CallRow], CallRow]) -> None:
    await kept.create(call())
    before = await kept.update(ID, change)
    assert not await kept.claim_media(ID, 0, owner="node-1")
    assert await kept.by_row(ID) == before


async def test_of_many_claims_at_once_one_succeeds(kept: Store) -> None:
    await kept.create(call())
    claims = [kept.claim_media(ID, 0, owner=f"node-{n}") for n in range(20)]
    assert sorted(await asyncio.gather(*claims)) == [False] * 19 + [True]


async def test_of_many_webhooks_at_once_one_makes_the_row(kept: Store) -> None:
    rows = [call(id=bytes([n] * 12)) for n in range(20)]
    stored = await asyncio.gather(*(kept.create(row) for row in rows))
    assert len({row.id for row in stored}) == 1


def also_said(row: CallRow, what: str) -> CallRow:
    return replace(row, attributes={"said": [*row.attributes["said"], what]})


@settings(max_examples=tries(20), deadline=None)
@given(tasks=st.lists(st.integers(min_value=1, max_value=8), min_size=1, max_size=12))
@pytest.mark.parametrize("name", sorted(STORES))
async def test_many_tasks_updating_one_row_lose_nothing(name: str, tasks: list[int]) -> None:
    with TemporaryDirectory() as folder:
        async with a_store(name, Path(folder)) as kept:
            said = await said_by(kept, tasks)
    assert sorted(said) == sorted(f"{who}:{nth}" for who, times in enumerate(tasks) for nth in range(times))
    for who, times in enumerate(tasks):  # and each task's own updates stand in its order
        assert [s for s in said if s.startswith(f"{who}:")] == [f"{who}:{nth}" for nth in range(times)]


async def said_by(kept: Store, tasks: list[int]) -> list[str]:
    await kept.create(call(attributes={"said": []}))

    async def say(who: int, times: int) -> None:
        for nth in range(times):
            await kept.update(ID, partial(also_said, what=f"{who}:{nth}"))
            await asyncio.sleep(0)

    await asyncio.gather(*(say(who, times) for who, times in enumerate(tasks)))
    row = await kept.by_row(ID)
    assert row is not None
    return list(row.attributes["said"])


async def test_only_old_and_completed_calls_are_forgotten(kept: Store) -> None:
    await kept.create(call(state="completed"))
    await kept.create(call(id=OTHER_ID, call_sid="still talking"))
    young = await kept.create(call(id=b"y" * 12, call_sid="young", state="completed", created_at_s=2000.0))
    assert await kept.forget(1000.0) == []
    assert await kept.forget(2000.0) == [ID]
    assert await kept.by_row(ID) is None
    assert await kept.by_sid(call().call_sid) is None
    assert await kept.by_sid("still talking") is not None
    assert await kept.by_sid("young") == young


async def test_forgetting_an_old_call_keeps_the_newer_one_of_the_same_sid(kept: Store) -> None:
    await kept.create(call(state="completed"))
    newer = await kept.create(call(id=OTHER_ID, created_at_s=5000.0))
    assert await kept.forget(2000.0) == [ID]
    assert await kept.by_sid(newer.call_sid) == newer


async def test_a_secret_is_made_once(kept: Store) -> None:
    assert await kept.secret("ticket", lambda: b"first") == b"first"
    assert await kept.secret("ticket", lambda: b"second") == b"first"
    assert await kept.secret("other", lambda: b"third") == b"third"


async def test_all_who_ask_at_once_get_the_same_secret(kept: Store) -> None:
    values = await asyncio.gather(*(kept.secret("ticket", partial(bytes, [n])) for n in range(10)))
    assert len(set(values)) == 1


# Of a server that has died


async def test_calls_of_another_run_of_the_server_are_orphans(kept: Store) -> None:
    await kept.create(call(owner="now"))
    await kept.create(call(id=b"o" * 12, call_sid="over", owner="before", state="completed"))
    talking = await kept.create(call(id=b"t" * 12, call_sid="t", owner="before", state="in_progress", created_at_s=9.0))
    ringing = await kept.create(call(id=b"r" * 12, call_sid="r", created_at_s=8.0))
    assert await kept.orphans("now") == [ringing, talking]


async def test_of_a_conversation_the_last_word_on_each_line_is_told_in_the_order_of_the_first(kept: Store) -> None:
    await kept.create(call())
    notes = [
        Note(ID, 0, "line", "0", {"text": "Hel"}),
        Note(ID, 1, "line", "0", {"text": "of another llm"}),
        Note(ID, 0, "tool", "call_1", {"output": None}),
        Note(ID, 0, "line", "0", {"text": "Hello."}),
    ]
    for note in notes:
        kept.note(note)
    await kept.update(ID, lambda row: row)  # what comes behind is not written before
    assert await kept.notes(ID, 0) == [notes[3], notes[2]]
    assert await kept.notes(OTHER_ID, 0) == []


# Deliveries


def delivery(seq: int = 1, **changes: Any) -> Delivery:
    made = Delivery(f"msg_{seq}", "event", "c-1", seq, "https://app/event?key=1", b'{"n": 1}', 1000.0, {"X-Key": "k"})
    return made._replace(**changes)


async def all_kept(kept: Store, *rows: Delivery) -> None:
    for row in rows:
        written = asyncio.Event()
        kept.keep(row, written.set)
        await written.wait()


async def settled(kept: Store, row: Delivery) -> None:
    written = asyncio.Event()
    kept.settle(row, written.set)
    await written.wait()


async def test_undelivered_ones_come_back_in_order_and_their_bodies_when_they_are_asked_for(kept: Store) -> None:
    rows = [delivery(2), delivery(1), delivery(3, call_sid="b-9", kind="action")]
    await all_kept(kept, *rows)
    bodiless = [row._replace(body=None) for row in (rows[2], rows[1], rows[0])]
    assert await kept.undelivered(limit=9) == bodiless
    assert await kept.undelivered(limit=1) == bodiless[:1]
    assert await kept.undelivered(("b-9", 3), limit=9) == bodiless[1:]
    assert await kept.undelivered(("c-1", 1), limit=9) == bodiless[2:]
    assert await kept.body("msg_2") == b'{"n": 1}'
    assert await kept.body("unheard of") is None


async def test_a_body_can_be_written_anew(kept: Store) -> None:
    await all_kept(kept, delivery())
    written = asyncio.Event()
    kept.rewrite(delivery(body=b"[]"), written.set)
    await written.wait()
    assert await kept.body("msg_1") == b"[]"


async def test_what_became_of_a_delivery_is_kept(kept: Store) -> None:
    await all_kept(kept, delivery(1), delivery(2), delivery(3))
    failed = delivery(1, attempts=2, next_at=1060.0, last_error="HTTP 503", body=None)
    await settled(kept, failed)
    await settled(kept, delivery(2, state="delivered", attempts=1))
    await settled(kept, delivery(3, state="dead", attempts=7, last_error="HTTP 422"))
    assert await kept.undelivered(limit=9) == [failed]
    assert [await kept.body(f"msg_{seq}") for seq in (1, 2, 3)] == [b'{"n": 1}', None, b'{"n": 1}']


async def test_who_takes_over_a_call_numbers_on_behind_all_numbers_that_may_have_been_given(kept: Store) -> None:
    assert [await kept.number_on("c-1") for _ in range(2)] == [NUMBERS, 2 * NUMBERS]
    kept.reserve("c-1", 7 * NUMBERS)
    assert (await kept.number_on("c-1"), await kept.number_on("c-2")) == (7 * NUMBERS, NUMBERS)
    await kept.create(call(call_sid="c-1", state="completed", created_at_s=1000.0))
    await kept.forget(2000.0)
    assert await kept.number_on("c-1") == NUMBERS, "the call is forgotten"


async def test_what_is_dead_goes_with_the_calls_of_its_age(kept: Store) -> None:
    await all_kept(kept, delivery(1), delivery(2), delivery(3, created_at=3000.0))
    for row in (delivery(2), delivery(3, created_at=3000.0)):
        await settled(kept, row._replace(state="dead"))
    await kept.forget(2000.0)
    assert [await kept.body(f"msg_{seq}") is not None for seq in (1, 2, 3)] == [True, False, True]


async def test_what_is_known_of_an_endpoint_is_kept(kept: Store) -> None:
    assert await kept.endpoints() == []
    down = Endpoint("https://app/event", 5, fail_since=1000.0, breaker_until=1060.0)
    for endpoint in (down, Endpoint("https://b/event", disabled_at=7.0), replace(down, failures=6)):
        kept.endpoint(endpoint)
    await kept.create(call())
    assert sorted(await kept.endpoints(), key=lambda each: each.url) == [
        replace(down, failures=6),
        Endpoint("https://b/event", disabled_at=7.0),
    ]


def test_what_is_no_json_is_not_written_into_a_row() -> None:
    with pytest.raises(TypeError, match="a call row holds a set, which is not JSON"):
        encode(call(attributes={"odd": {1}}))


async def test_memory_keeps_the_newest_dead_letters_only() -> None:
    kept = memory.MemoryStore()
    for seq in range(memory.MAX_DEAD + 5):
        kept.keep(delivery(seq, state="dead"))
    assert await kept.body("msg_4") is None
    assert await kept.body("msg_5") is not None
    kept.rewrite(delivery(5, body=b"[]"))
    assert await kept.body("msg_5") == b"[]"
    kept.settle(delivery(9_999, last_error="nobody has kept it"))
    assert await kept.body("msg_9999") is None
    assert await kept.replayed() == []
    await kept.close()
