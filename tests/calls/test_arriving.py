"""Calls that find no room: what they are answered, what is remembered of them, and when there is room again."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.admission import Means
from calls.arriving import guest_of
from calls.control import CallRefusedError
from calls.machine import Machine
from calls.remotely import Wanted
from config.settings import Settings
from store.base import CallRow
from store.memory import MemoryStore
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    Applications,
    Exchange,
    JsonObject,
    a_call,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.test_remotely import PLATFORM, SERVER

DECLINED = [{"verb": "sip:decline", "status": 486}]
LATE: JsonObject = {"url": "https://app.example.com/call"}
"A route whose application takes its time."


class Scarce(Machine):
    """A machine that has what a test says."""

    now = Means()

    def means(self, now: float) -> Means:
        return self.now


async def row_of(exchange: Exchange, call_sid: str) -> CallRow:
    row = await exchange.store.by_sid(call_sid)
    assert row
    return row


@in_virtual_time
async def test_who_is_refused_leaves_one_row_that_is_over_and_nothing_else() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}, server={"max_calls": 1}))
    await exchange.ring()
    with capture_logs() as logs:
        refused = [await exchange.ring("c-2"), await exchange.ring("c-2")]
        exchange.status("failed", "c-2")
    assert refused == [DECLINED, DECLINED]
    row = await row_of(exchange, "c-2")
    assert row.end
    assert (row.state, row.end.reason_code, row.end.ended_by) == ("completed", "max_calls", "server")
    assert (exchange.counts.started, exchange.counts.ended) == (1, [])
    assert exchange.counts.refused == [("route-0", "max_calls")]
    assert "refusal" in exchange.counts.measured
    assert [line["event"] for line in logs] == ["call_refused_busy", "webhook_duplicate"]
    assert exchange.switchboard._calls.by_sid("c-2") is None


class Slow(MemoryStore):
    """A store on a disk that takes its time."""

    async def create(self, row: CallRow) -> CallRow:
        await asyncio.sleep(3)
        return await super().create(row)

    async def by_sid(self, call_sid: str) -> CallRow | None:
        await asyncio.sleep(3)
        return await super().by_sid(call_sid)


@in_virtual_time
async def test_who_is_refused_waits_for_no_disk_and_has_one_row_all_the_same() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}, server={"max_calls": 0}), store=Slow())
    began = asyncio.get_running_loop().time()
    assert [await exchange.ring(), await exchange.ring()] == [DECLINED, DECLINED]
    assert asyncio.get_running_loop().time() - began < 0.05
    await exchange.switchboard.drain(5)
    assert await exchange.ring() == DECLINED
    assert (await row_of(exchange, "c-1")).state == "completed"
    assert exchange.counts.refused == [("route-0", "max_calls")]


@in_virtual_time
async def test_who_is_refused_waits_for_no_disk_where_statuses_are_told_either() -> None:
    settings = settings_of({"verbs": [LLM], "status_hook": "/status"}, server={"max_calls": 0})
    exchange = Exchange(settings, store=Slow())
    began = asyncio.get_running_loop().time()
    assert [await exchange.ring(), await exchange.ring()] == [DECLINED, DECLINED]
    exchange.status("in-progress")
    exchange.status("failed")
    assert asyncio.get_running_loop().time() - began < 0.05
    await asyncio.sleep(0.1)
    assert [body["call_status"] for body in exchange.applications.bodies("/status")] == ["in-progress", "failed"]
    await asyncio.sleep(20)
    row = await row_of(exchange, "c-1")
    assert row.end
    assert (row.state, row.end.reason_code) == ("completed", "max_calls")
    assert (exchange.counts.started, exchange.counts.ended) == (1, [("route-0", "max_calls")])
    assert exchange.counts.measured.count("refusal") == 1
    assert await exchange.ring() == DECLINED


class Forgetful(MemoryStore):
    """A store that has heard of each call before, or cannot write any."""

    def __init__(self, fault: Exception | None) -> None:
        super().__init__()
        self._fault = fault

    async def create(self, row: CallRow) -> CallRow:
        if self._fault:
            raise self._fault
        return await super().create(replace(row, id=b"the first one"))


@pytest.mark.parametrize("fault", [None, OSError("no disk")])
@pytest.mark.parametrize("told", ["in-progress", "failed", ""])
@in_virtual_time
async def test_a_refused_call_that_has_no_row_of_its_own_is_over_and_leaves_nothing(
    fault: Exception | None, told: str
) -> None:
    settings = settings_of({"verbs": [LLM], "status_hook": "/status"}, server={"max_calls": 0})
    exchange = Exchange(settings, store=Forgetful(fault))
    with capture_logs() as logs:
        assert await exchange.ring() == DECLINED
        if told:
            exchange.status(told)
        await asyncio.sleep(1)
    assert exchange.counts.ended == [("route-0", "max_calls")]
    assert exchange.switchboard.active == 0
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["call_not_written"] * bool(fault)


@pytest.mark.parametrize("route", [{"verbs": [LLM]}, {"verbs": [LLM], "llm_mode": "native"}, LATE])
def test_a_crowd_at_one_moment_fills_the_places_and_no_more(route: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        applications = Applications({"/call": verbs_reply(LLM, HANGUP, after_s=2.0)})
        settings = settings_of(route, platform={"version": "10"}, server={"max_calls": 3})
        exchange = Exchange(settings, applications)
        exchange.authenticated = True
        answers = await asyncio.gather(*(exchange.ring(f"c-{n}") for n in range(20)))
        assert [answer == DECLINED for answer in answers] == [False] * 3 + [True] * 17
        assert exchange.switchboard.active == 3

    story()


@in_virtual_time
async def test_a_place_that_an_application_does_not_fill_is_free_again() -> None:
    applications = Applications({"/call": verbs_reply(after_s=2.0)})
    exchange = Exchange(settings_of(LATE, server={"max_calls": 1}), applications)
    first = asyncio.create_task(exchange.ring())
    await asyncio.sleep(1)
    assert await exchange.ring("c-2") == DECLINED
    assert names(await first) == ["say", "hangup"]
    assert await exchange.ring("c-3") != DECLINED


@in_virtual_time
async def test_a_call_by_control_socket_is_refused_as_any_other() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}, server={"max_calls": 0}))
    assert await exchange.ring(control=object()) == DECLINED
    exchange.switchboard.attach("c-1", object())  # type: ignore[arg-type]  # nobody looks at it
    assert exchange.counts.refused == [("route-0", "max_calls")]


@pytest.mark.parametrize(
    ("server", "route", "second", "reason"),
    [
        ({}, {"max_calls": 1}, {}, "max_calls_of_route"),
        ({"max_calls_per_caller": 1}, {}, {"from": "sip:+1-555-765-4321@host"}, "max_calls_per_caller"),
        ({"max_calls_per_caller": 1}, {}, {"from": "+15550000000"}, None),
        ({"max_calls_per_caller": 1}, {}, {"direction": "outbound"}, None),
        ({"max_calls_per_s": 1}, {}, {}, "max_calls_per_s"),
    ],
)
def test_each_limit_of_the_configuration_is_kept(
    server: JsonObject, route: JsonObject, second: JsonObject, reason: str | None
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": [LLM], **route}, server=server))
        assert await exchange.ring() != DECLINED
        assert (await exchange.ring("c-2", **second) == DECLINED) is (reason is not None)
        assert exchange.counts.refused == ([("route-0", reason)] if reason else [])

    story()


@in_virtual_time
async def test_the_next_second_has_its_own_calls_and_the_next_caller_a_place_when_one_is_over() -> None:
    server = {"max_calls_per_s": 1, "max_calls_per_caller": 1}
    exchange = Exchange(settings_of({"verbs": [LLM]}, server=server))
    await exchange.ring()
    await asyncio.sleep(1.01)
    assert await exchange.ring("c-2") == DECLINED
    exchange.status("completed")
    await settled()
    assert await exchange.ring("c-3") != DECLINED


def test_callers_without_a_number_are_not_one_and_the_same() -> None:
    [route] = settings_of({"verbs": [SAY]}).routes
    assert [guest_of(a_call(**{"from": caller}), route).caller for caller in ("anonymous", "", "+1 555")] == [
        "",
        "",
        "1555",
    ]


@pytest.mark.parametrize(("means", "reason"), [(Means(3), "file_descriptors"), (Means(None, 0.9), "memory")])
def test_what_the_machine_lacks_refuses_new_calls_and_says_so(
    monkeypatch: pytest.MonkeyPatch, means: Means, reason: str
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": [LLM]}))
        scarce = exchange.switchboard._arriving._machine = Scarce()
        first = await exchange.ring()
        scarce.now = means
        told = exchange.switchboard.shortage
        assert told is not None
        assert await exchange.ring("c-2") == DECLINED
        assert exchange.counts.refused == [("route-0", reason)]
        assert await exchange.ring() == first
        assert exchange.switchboard.active == 1
        scarce.now = Means()
        assert await exchange.ring("c-3") != DECLINED

    story()


# Who is refused, and still has something to ask or to be told

WAITING: JsonObject = {"verb": "enqueue", "name": "patience", "actionHook": "/queue"}


@in_virtual_time
async def test_busy_verbs_that_ask_are_answered_and_have_one_end() -> None:
    applications = Applications({"/queue": verbs_reply(SAY)})
    settings = settings_of({"verbs": [LLM], "busy": [WAITING]}, server={"max_calls": 1})
    exchange = Exchange(settings, applications)
    await exchange.ring()
    verbs = await exchange.ring("c-2")
    assert names(verbs) == ["enqueue", "hangup"]
    assert await exchange.hook(verbs[0]["actionHook"], call_sid="c-2") == [SAY, HANGUP]
    exchange.status("completed", "c-2")
    await settled()
    row = await row_of(exchange, "c-2")
    assert row.end
    assert (row.state, row.end.reason_code) == ("completed", "max_calls")
    assert exchange.counts.ended == [("route-0", "max_calls")]
    assert exchange.counts.refused == []


@in_virtual_time
async def test_the_status_of_a_call_that_was_refused_is_told_to_who_asked_for_statuses() -> None:
    settings = settings_of({"verbs": [LLM], "status_hook": "/status"}, server={"max_calls": 0})
    exchange = Exchange(settings)
    assert await exchange.ring() == DECLINED
    exchange.status("failed")
    await asyncio.sleep(0.1)
    assert [body["call_status"] for body in exchange.applications.bodies("/status")] == ["failed"]
    assert exchange.counts.ended == [("route-0", "max_calls")]


# Calls that we place


def outward(**server: Any) -> Settings:
    return settings_of({"name": "sales", "verbs": [SAY], "max_calls": 2}, platform=PLATFORM, server=SERVER | server)


WANTED = Wanted("+15551230001", "+15557654321", "sales")


@in_virtual_time
async def test_no_call_is_placed_that_would_find_no_room() -> None:
    exchange = Exchange(outward(max_calls=0))
    with pytest.raises(CallRefusedError, match=r"server\.max_calls") as refused:
        await exchange.switchboard.place(WANTED, PLACE)
    assert (refused.value.reason, exchange.api.asked) == ("max_calls", [])


@in_virtual_time
async def test_calls_that_are_placed_have_their_turn_then_and_not_again_when_they_are_answered() -> None:
    exchange = Exchange(outward(max_calls_per_s=1))
    await exchange.switchboard.place(WANTED, PLACE)
    with pytest.raises(CallRefusedError, match="within a second"):
        await exchange.switchboard.place(WANTED, PLACE)
    [(_, _, body)] = exchange.api.asked
    assert await exchange.ring("c-out", direction="outbound", customerData=body["tag"]) != DECLINED


@in_virtual_time
async def test_a_server_that_stops_places_no_calls() -> None:
    exchange = Exchange(outward())
    await exchange.switchboard.drain(0)
    with pytest.raises(CallRefusedError, match="shutting down"):
        await exchange.switchboard.place(WANTED, PLACE)
    assert await exchange.ring() == DECLINED
    assert exchange.counts.refused == [("sales", "draining")]
