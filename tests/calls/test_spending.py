"""What the calls of a route spend, in money and in a day, and what is told of it. No sockets."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.control import CallRefusedError
from calls.daybook import Daybook, DayPurse, Entry
from calls.lost import LostRecord
from calls.native_record import billed_by
from calls.remotely import Wanted
from config.settings import Route
from cost.budget import Spent
from media.ends import HUNG_UP
from store.deliveries import Note
from store.memory import MemoryStore
from store.spending import DaySum
from store.sql import opened
from tests.calls.exchange import LLM, PLACE, Exchange, in_virtual_time, names, settings_of, settled
from tests.calls.test_native import LLM as NATIVE
from tests.calls.test_native import SIGNED, talking
from verbs.llm import Llm

JsonObject = dict[str, Any]
BUSY = [{"verb": "say", "text": "Call again tomorrow."}, {"verb": "hangup"}]
PER_DAY = {"verbs": [LLM], "busy": BUSY, "budget": {"per_day_tokens": 100}}


def response(read: int, cached: int = 0, written: int = 0) -> JsonObject:
    return {
        "input_tokens": read,
        "output_tokens": written,
        "input_token_details": {"text_tokens": read, "cached_tokens_details": {"text_tokens": cached}},
        "output_token_details": {"text_tokens": written},
    }


def use(exchange: Exchange, usage: JsonObject, *, nth: int = -1, model: str = "openai/gpt-realtime-2.1") -> None:
    exchange.lines.made[nth]._bridge.record.used(usage, model, asyncio.get_running_loop().time())


async def record(exchange: Exchange, call_sid: str = "c-1") -> JsonObject:
    found = await exchange.switchboard.records.find(call_sid)
    assert found
    [said] = found.said
    return {"bills": said.bills, "usage": said.usage}


# A call


@in_virtual_time
async def test_a_conversation_is_told_what_it_has_cost_and_the_one_who_looks_on_each_response() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}))
    verbs = await exchange.ring()
    journal = exchange.switchboard.records.journal("c-1")
    assert journal
    use(exchange, response(1000, 500, 10))
    use(exchange, response(2000))
    exchange.lines.made[0].finish(HUNG_UP)
    await exchange.ended(verbs)
    [body] = exchange.applications.bodies("/final")
    assert body["usage"]["input_tokens"] == 3000
    assert body["cost"] == {"usd": 0.01044, "models": [{"model": "openai/gpt-realtime-2.1", "usd": 0.01044}]}
    _, events = journal.since(0)
    bills = [event.data for event in events if event.kind == "usage"]
    assert [(bill["conversation"], bill["model"], bill["usd"]) for bill in bills] == [
        (0, "openai/gpt-realtime-2.1", 0.00244),
        (0, "openai/gpt-realtime-2.1", 0.008),
    ]
    assert bills[0]["usage"]["text"] == {"input": 1000, "cached": 500, "output": 10}
    assert [route for route, _ in exchange.counts.bills] == ["route-0", "route-0"]
    assert exchange.counts.spent == {"input_tokens": 3000, "output_tokens": 10}


@in_virtual_time
async def test_a_model_without_a_price_is_warned_of_once_and_nothing_is_guessed() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM], "budget": {"per_call_usd": 1}}))
    with capture_logs() as logs:
        verbs = await exchange.ring()
        use(exchange, response(1000), model="openai/new")
        use(exchange, response(1000), model="openai/new")
        use(exchange, response(1000))
    [told] = [line for line in logs if line["event"] == "price_unknown"]
    assert (told["model"], told["not_kept_to"]) == ("openai/new", ["budget.per_call_usd"])
    assert told["remedy"] == "name what it costs under prices: openai/new, of each kind that it uses"
    exchange.lines.made[0].finish(HUNG_UP)
    await exchange.ended(verbs)
    [body] = exchange.applications.bodies("/final")
    assert (body["cost"], body["usage"]["input_tokens"]) == (None, 3000)


@in_virtual_time
async def test_where_no_money_is_counted_the_warning_says_nothing_of_a_budget() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}))
    with capture_logs() as logs:
        await exchange.ring()
        use(exchange, response(1), model="openai/new")
    [told] = [line for line in logs if line["event"] == "price_unknown"]
    assert "not_kept_to" not in told


@in_virtual_time
async def test_what_a_conversation_left_by_a_restart_has_used_is_not_lost_and_not_counted_twice() -> None:
    store = MemoryStore()
    exchange = Exchange(settings_of(PER_DAY), store=store)
    verbs = await exchange.ring()
    await exchange.open(verbs)
    use(exchange, response(60, 20, 5))
    await settled()
    after = Exchange(settings_of(PER_DAY), store=store, owner="next run")
    await after.switchboard.recover(PLACE, _nothing)
    live = after.switchboard._calls.by_sid("c-1")
    assert live
    assert live.purse.spent == Spent(65, Decimal("0.000288"))
    await after.ended(verbs)
    [body] = after.applications.bodies("/final")
    assert (body["reason_code"], body["usage"]) == (
        "server_restart",
        {"total_tokens": 65, "input_tokens": 60, "output_tokens": 5},
    )
    assert body["cost"]["usd"] == 0.000288
    assert after.counts.bills == []
    [spent] = await store.spending("")
    assert (spent.tokens, spent.usd_e12) == (65, 288_000_000)
    third = Exchange(settings_of(PER_DAY), store=store, owner="third run")
    await store.update(live.row_id, lambda row: row)
    assert (await record(third))["bills"][0]["usd"] == 0.000288


async def _nothing(_: str) -> None: ...


def test_a_lost_conversation_that_used_nothing_has_no_usage() -> None:
    transcription = {"of": "transcription", "model": "m", "usage": {"input": 1, "output": 1}, "usd": None, "at": 1.0}
    assert LostRecord([]).usage == LostRecord([Note(b"", 0, "usage", "1", transcription)]).usage == {}


# A day


@in_virtual_time
async def test_a_route_that_has_spent_its_day_takes_no_more_calls_and_says_so_by_busy() -> None:
    exchange = Exchange(settings_of(PER_DAY))
    await exchange.ring()
    use(exchange, response(99))
    assert names(await exchange.ring("c-2")) == ["listen", "say", "hangup"]
    use(exchange, response(1), nth=0)
    assert await exchange.ring("c-3") == BUSY
    await settled()
    assert exchange.counts.refused == [("route-0", "budget_per_day")]
    row = await exchange.store.by_sid("c-3")
    assert row
    assert row.end
    assert row.end.reason_code == "budget_per_day"
    with pytest.raises(CallRefusedError, match="what this route may spend in a day is spent"):
        await exchange.switchboard.place(Wanted("+1555", "+1556", "route-0"), PLACE)


@in_virtual_time
async def test_what_was_spent_today_survives_a_restart() -> None:
    store = MemoryStore()
    today, yesterday = datetime.now(UTC).date().isoformat(), "2020-01-01"
    store.spend(DaySum(yesterday, "route-1", 10**6, 10**15))
    store.spend(DaySum(today, "route-0", 60, 0))
    store.spend(DaySum(today, "route-0", 40, 0))
    two = settings_of({**PER_DAY, "numbers": ["+15551230001"]}, PER_DAY)
    exchange = Exchange(two, store=store)
    await exchange.switchboard.recover(PLACE, _nothing)
    assert await exchange.ring("c-1") == BUSY
    assert names(await exchange.ring("c-2", to="+15550000000")) == ["listen", "say", "hangup"]


async def test_the_sums_of_days_are_on_the_disk(tmp_path: Path) -> None:
    async with opened("sqlite:///calls.db", tmp_path) as store:
        for day, route in (("2026-01-30", "a"), ("2026-01-31", "a"), ("2026-01-31", "b"), ("2026-01-31", "a")):
            store.spend(DaySum(day, route, 3, 5))
        await store.secret("x", lambda: b"")  # what is written before it is there after it
    async with opened("sqlite:///calls.db", tmp_path) as store:
        sums = [DaySum("2026-01-31", "a", 6, 10), DaySum("2026-01-31", "b", 3, 5)]
        assert await store.spending("2026-01-31") == sums
        await store.forget(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
        assert await store.spending("") == sums


async def test_sums_of_old_days_are_forgotten_by_a_store_in_memory_too() -> None:
    store = MemoryStore()
    store.spend(DaySum("2026-01-30", "a", 3, 5))
    store.spend(DaySum("2026-01-31", "a", 3, 5))
    await store.forget(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
    assert await store.spending("") == [DaySum("2026-01-31", "a", 3, 5)]


def a_route(**budget: Any) -> Route:
    [route] = settings_of({"verbs": [LLM], "budget": budget}).routes
    return route


def test_a_days_purse_is_low_then_empty_and_full_again_at_midnight() -> None:
    now, kept = [datetime(2026, 1, 31, 23, tzinfo=UTC).timestamp()], list[Entry]()
    daybook = Daybook(lambda: now[0], kept.append)
    route = a_route(per_day_usd=1, time_zone="Europe/Berlin")
    purse = DayPurse(daybook, route)
    daybook.learn([Entry("2026-01-31", route.name, Spent(5, Decimal(9))), Entry("2026-02-01", "other", Spent(1))])
    assert (purse.low(), purse.empty(), daybook.spent(route)) == (False, False, Spent())
    purse.pay(Spent(1, Decimal("0.8")))
    assert (purse.low(), purse.empty()) == (True, False)
    purse.pay(Spent(1, Decimal("0.2")))
    assert (purse.low(), purse.empty()) == (True, True)
    assert [entry.day for entry in kept] == ["2026-02-01", "2026-02-01"]
    now[0] += 86_400
    assert (purse.low(), purse.empty()) == (False, False)
    purse.pay(Spent(1, Decimal("0.1")))
    assert daybook.spent(route) == Spent(1, Decimal("0.1"))
    assert set(daybook._spent) == {("2026-02-02", "route-0"), ("2026-02-01", "other")}


def test_a_route_without_a_limit_spends_what_it_likes() -> None:
    daybook = Daybook(lambda: 0.0, lambda _: None)
    purse = DayPurse(daybook, a_route())
    purse.pay(Spent(10**9, Decimal(10**6)))
    assert (purse.low(), purse.empty()) == (False, False)


# What the platform carries out


@in_virtual_time
async def test_what_the_platform_uses_for_us_is_billed_too() -> None:
    verb = {**NATIVE, "model": "gpt-realtime-2.1"}
    exchange, llm = await talking(settings_of({"llm_mode": "native", "verbs": [verb]}, platform=SIGNED))
    done = {"usage": response(1000)}
    await exchange.answer(llm["eventHook"], type="response.done", response=done)
    words = {"item_id": "u1", "transcript": "Hello?", "usage": {"type": "duration", "seconds": 60}}
    await exchange.answer(llm["eventHook"], type="conversation.item.input_audio_transcription.completed", **words)
    await exchange.answer(llm["eventHook"], type="response.output_audio_transcript.done", item_id="i", transcript="Hi.")
    told = await record(exchange)
    assert [(bill["model"], bill["usd"]) for bill in told["bills"]] == [
        ("openai/gpt-realtime-2.1", 0.004),
        ("openai/transcription", None),
    ]
    [spent] = await exchange.store.spending("")
    assert (spent.route, spent.tokens) == ("route-0", 1000)


@pytest.mark.parametrize(
    ("said", "billed"),
    [
        ({"vendor": "openai"}, ("openai/gpt-realtime-2.1", "openai/transcription")),
        ({"vendor": "google", "model": "live"}, ("google/live", "google/transcription")),
        ({"vendor": "google"}, ("google/unnamed", "google/transcription")),
        (
            {"vendor": "openai", "llmOptions": {"session_update": {"input_audio_transcription": {"model": "w"}}}},
            ("openai/gpt-realtime-2.1", "openai/w"),
        ),
        (
            {
                "vendor": "openai",
                "llmOptions": {"session_update": {"audio": {"input": {"transcription": {"model": "w"}}}}},
            },
            ("openai/gpt-realtime-2.1", "openai/w"),
        ),
        (
            {"vendor": "openai", "llmOptions": {"session_update": {"audio": 5, "input_audio_transcription": {}}}},
            ("openai/gpt-realtime-2.1", "openai/transcription"),
        ),
    ],
)
def test_whom_a_verb_is_billed_by_is_read_from_it(said: JsonObject, billed: tuple[str, str]) -> None:
    assert billed_by(Llm.model_validate({"llmOptions": {}, **said})) == billed
