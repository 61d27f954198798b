"""What operators read of calls that go on, that are over, and that an earlier process has left. No sockets."""

import asyncio
from dataclasses import replace
from time import time
from typing import Any

import pytest

from calls import account
from calls.records import Found
from calls.states import write_answered, write_end
from hooks.delivery import Outcome
from store.base import CallRow, Change, LlmLeg
from store.base import End as KeptEnd
from store.deliveries import Delivery, Note
from store.memory import MemoryStore
from store.summaries import Sought
from tests.calls.exchange import LLM, SAY, Exchange, in_virtual_time, settings_of, settled
from tests.store.test_store import call, delivery

SETTINGS = settings_of({"verbs": [LLM]})
LINE = {"role": "assistant", "text": "Hello.", "heard_ms": 500, "interrupted": False, "at": 0.5}
TOOL = {"call_id": "1", "name": "look_up", "args": "{}", "at": 0.7, "output": "ok", "ms": 5, "late": False}
BILL = {
    "at": 0.6,
    "model": "openai/gpt-realtime-2.1",
    "of": "response",
    "usage": {"input": 3, "cached": 1, "output": 0, "text": {"input": 3, "cached": 1, "output": 0}},
    "usd": 0.25,
}
TURN = {"at": 0.9, "latency_ms": 350}
END = KeptEnd(
    "caller_hung_up",
    "normal conversation end",
    "caller",
    at_s=1012.5,
    usage={"input_tokens": 3, "details": {"cached": 1}},
    bills=(BILL,),
    transcript=(LINE,),
    turns=(TURN,),
    tools=(TOOL,),
    duration_s=10.0,
)


async def found(exchange: Exchange, call_sid: str = "c-1") -> Found:
    there = await exchange.switchboard.records.find(call_sid)
    assert there
    return there


def told(found: Found, hooks: list[Delivery] | None = None) -> dict[str, Any]:
    return account.listed(found.summary, now_s=time()) | account.whole(found.row, found.said, hooks or [])


@in_virtual_time
async def test_a_call_is_shown_from_its_webhook_to_its_end() -> None:
    exchange = Exchange(SETTINGS)
    records = exchange.switchboard.records
    assert await records.find("c-1") is None
    document = await exchange.ring()
    journal = records.journal("c-1")
    assert journal
    shown = told(await found(exchange))
    assert {name: shown[name] for name in ("call_sid", "route", "from", "to", "direction", "state", "reason_code")} == {
        "call_sid": "c-1",
        "route": "route-0",
        "from": "+15557654321",
        "to": "+15551230001",
        "direction": "inbound",
        "state": "ringing",
        "reason_code": None,
    }
    assert (shown["transcript"], shown["usage"], shown["error"]) == ([], {}, None)
    await exchange.open(document)
    await settled()
    row, _ = await found(exchange)
    assert row.state == "in_progress"
    assert row.answered_at_s == pytest.approx(time(), abs=5)
    record = exchange.switchboard._calls.by_sid("c-1").legs[0].record  # type: ignore[union-attr]
    record.tool_called("1", "look_up", "{}", 1000.0)
    record.turn(0.35, 1000.0)
    record.interrupted(1000.0)
    record.unspoken("Written.", 1000.0)
    shown = told(await found(exchange))
    assert [line["text"] for line in shown["transcript"]] == ["Written."]
    assert (shown["tools"][0]["name"], shown["turns"][0]["latency_ms"]) == ("look_up", 350)
    assert shown["conversations"][0]["media"] == "open"
    outcome = Outcome(delivery(state="delivered", last_status=204, tried_at=1001.0), took_s=0.1)
    records.delivered(outcome)
    records.delivered(replace(outcome, delivery=delivery(call_sid="nobody's")))
    exchange.status("completed")
    await asyncio.sleep(30)
    shown = told(await found(exchange))
    assert (shown["state"], shown["reason_code"], shown["ended_by"]) == ("completed", "caller_hung_up", "caller")
    assert [state["state"] for state in shown["states"]] == ["ringing", "in_progress", "completed"]
    assert records.journal("c-1") is None
    lost, events = journal.since(0)
    assert lost == 0
    assert [event.kind for event in events if event.kind != "hook"] == [
        *("state", "state", "tool", "turn", "barge_in", "transcript"),
        *("state", "end"),
    ]
    assert events[-1].data["reason_code"] == "caller_hung_up"
    assert await exchange.store.notes(row.id, 0) == [
        Note(row.id, 0, "tool", "1", record.tools[0]),
        Note(row.id, 0, "turn", "1", record.turns[0]),
        *[note for note in await exchange.store.notes(row.id, 0) if note.kind == "line"],
    ]
    await exchange.switchboard.close()


@in_virtual_time
async def test_a_platform_that_tells_of_the_answer_says_when_it_was() -> None:
    exchange = Exchange(settings_of({"verbs": [SAY, {"verb": "gather", "actionHook": "/digits", "input": ["digits"]}]}))
    await exchange.ring()
    exchange.status("ringing")
    await settled()
    assert (await found(exchange)).row.answered_at_s is None
    exchange.status("in-progress")
    await settled()
    assert (await found(exchange)).row.state == "in_progress"
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    before = (await found(exchange)).row
    await write_answered(live, exchange.store)
    assert (await found(exchange)).row == before
    exchange.status("completed")
    await settled()
    live.answered = False
    await write_answered(live, exchange.store)  # too late to be news
    assert (await found(exchange)).row.state == "completed"
    await exchange.switchboard.close()


@in_virtual_time
async def test_an_end_that_cannot_be_written_is_the_end_of_those_who_look_on_too() -> None:
    class Broken(MemoryStore):
        async def update(self, row_id: bytes, change: Change) -> CallRow:
            raise OSError("no room")

    exchange = Exchange(SETTINGS)
    await exchange.ring()
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    live.legs.clear()
    broken = Broken()
    await broken.create((await found(exchange)).row)
    with pytest.raises(OSError, match="no room"):
        await write_end(live, broken, exchange.counts.call_ended)
    assert [event.data for event in live.journal.since(1)[1]] == [{"call_sid": "c-1"}]
    await exchange.switchboard.close()


async def test_pages_say_where_the_next_one_begins() -> None:
    exchange = Exchange(SETTINGS)
    for n in range(3):
        await exchange.store.create(call(id=bytes([n] * 12), call_sid=f"c-{n}"))
    records = exchange.switchboard.records
    first, next_ = await records.page(Sought(), None, limit=2)
    assert ([one.call_sid for one in first], next_) == (["c-2", "c-1"], first[1].place)
    assert await records.page(Sought(), next_, limit=2) == (
        [*(await exchange.store.calls(Sought(), limit=9))][2:],
        None,
    )
    await exchange.switchboard.close()


async def test_what_another_process_has_of_a_conversation_is_told_by_its_notes() -> None:
    exchange = Exchange(SETTINGS)
    row = call(legs=(LlmLeg(LLM, media_state="open"), LlmLeg(LLM)))
    await exchange.store.create(row)
    for note in (
        Note(row.id, 0, "line", "0", LINE),
        Note(row.id, 0, "tool", "1", {**TOOL, "output": None}),
        Note(row.id, 0, "turn", "1", TURN),
        Note(row.id, 0, "tool", "1", TOOL),
    ):
        exchange.store.note(note)
    shown = told(await found(exchange, row.call_sid))
    assert (shown["transcript"], shown["tools"], shown["turns"]) == ([LINE], [TOOL], [TURN])
    assert [one["duration_s"] for one in shown["conversations"]] == [0.9, None]
    await exchange.switchboard.close()


# What is told


def over(**changes: Any) -> Found:
    row = replace(
        call(legs=(LlmLeg(LLM, end=END),)), state="completed", end=END, answered_at_s=1002.0, ended_at_s=1013.0
    )
    row = replace(row, **changes)
    return Found(row, [account.conversation(leg, None, [], now=0.0) for leg in row.legs])


def test_a_record_says_all_that_is_known_of_a_call_and_no_key() -> None:
    hook = delivery(url="https://user:secret@app/event?key=1", next_at=1005.0)
    shown = told(over(), [hook])
    assert shown["started_at"] == "1970-01-01T00:16:40.000Z"
    assert (shown["duration_s"], shown["cost"]["usd"]) == (13.0, 0.25)
    assert shown["states"][1] == {"state": "in_progress", "at": "1970-01-01T00:16:42.000Z"}
    assert (shown["transcript"], shown["turns"], shown["tools"]) == ([LINE], [TURN], [TOOL])
    assert shown["hooks"] == [
        {
            "id": "msg_1",
            "kind": "event",
            "seq": 1,
            "url": "https://app/event",
            "state": "pending",
            "attempts": 0,
            "last_status": None,
            "last_error": None,
            "created_at": "1970-01-01T00:16:40.000Z",
            "last_attempt_at": None,
            "next_attempt_at": "1970-01-01T00:16:45.000Z",
        }
    ]
    assert shown["conversations"] == [
        {
            "vendor": "openai",
            "model": "gpt-realtime-2.1",
            "media": "unopened",
            "started_at": "1970-01-01T00:16:42.500Z",
            "duration_s": 10.0,
            "reason_code": "caller_hung_up",
            "ended_by": "caller",
            "error": None,
            "usage": END.usage,
            "cost": {"usd": 0.25, "models": [{"model": "openai/gpt-realtime-2.1", "usd": 0.25}]},
            "models": [{"model": "openai/gpt-realtime-2.1", "usage": BILL["usage"], "usd": 0.25}],
            "handovers": [],
            "transcript": 1,
            "turns": 1,
            "tools": 1,
            "bills": 1,
        }
    ]


def test_the_usage_of_several_conversations_is_added_up() -> None:
    twice = over(legs=(LlmLeg(LLM, end=END), LlmLeg(LLM, end=END)), end=None)
    shown = told(twice)
    assert shown["usage"] == {"input_tokens": 6, "details": {"cached": 2}}
    assert (len(shown["transcript"]), shown["ended_by"]) == (2, "caller")
    assert shown["cost"] == {"usd": 0.5, "models": [{"model": "openai/gpt-realtime-2.1", "usd": 0.5}]}
    assert shown["models"][0]["usage"]["text"] == {"input": 6, "cached": 2, "output": 0}
    assert shown["bills"] == [BILL, BILL]


def test_what_one_conversation_of_a_call_used_without_a_price_leaves_the_call_without_a_cost() -> None:
    unknown = replace(END, bills=({**BILL, "model": "openai/new", "usd": None},))
    shown = told(over(legs=(LlmLeg(LLM, end=END), LlmLeg(LLM, end=unknown)), end=None))
    assert shown["cost"] is None
    assert [each["cost"] and each["cost"]["usd"] for each in shown["conversations"]] == [0.25, None]
    assert [(each["model"], each["usd"]) for each in shown["models"]] == [
        ("openai/gpt-realtime-2.1", 0.25),
        ("openai/new", None),
    ]


def test_a_call_without_a_conversation_has_no_reason_and_one_from_before_no_duration() -> None:
    assert told(over(legs=(), end=None, ended_at_s=None))["duration_s"] is None
    assert told(over(legs=(), end=None))["ended_by"] is None
    assert account.end_of(over(end=None).row)["reason_code"] is None


def test_a_call_that_is_over_is_told_again_in_its_order() -> None:
    events = list(account.events(*over(), [delivery(state="delivered")]))
    assert [kind for kind, _ in events] == [
        *("state", "state", "transcript", "usage", "tool", "turn", "hook", "state", "end"),
    ]
    assert events[2] == ("transcript", {"conversation": 0, "line": 1, **LINE})
    assert events[-1][1] == {
        "call_sid": call().call_sid,
        "reason_code": "caller_hung_up",
        "completion_reason": "normal conversation end",
        "ended_by": "caller",
        "error": None,
        "duration_s": 13.0,
    }
