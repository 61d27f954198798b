"""A process dies with calls under way, and the next one takes them over. In virtual time, over one store."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from calls.course import REAP_AFTER_S
from config import Settings
from hooks.transports.base import HookReply
from media.ends import HANGUP as AGENT_LEFT
from media.playout import Heard, Speech
from store.base import CallRow
from store.memory import MemoryStore
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    SORRY,
    Applications,
    Exchange,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.test_commands import Socket

JsonObject = dict[str, Any]
GRACE_S = 30.0
ROUTE: JsonObject = {"verbs": [LLM, SAY, HANGUP], "status_hook": "/status"}


class Disk(MemoryStore):
    """Memory that outlives the process."""

    durable = True


class Town:
    """The applications and the disk, which stay, and the servers, which come and go."""

    def __init__(
        self, settings: Settings | None = None, answers: dict[str, tuple[float, HookReply]] | None = None
    ) -> None:
        self.settings = settings or settings_of(ROUTE)
        self.applications = Applications(answers)
        self.disk = Disk()
        self._runs = 0

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Exchange]:
        """Serve, and die without a word."""
        self._runs += 1
        exchange = Exchange(self.settings, self.applications, self.disk, owner=f"run {self._runs}")

        async def take_back(call_sid: str) -> None:
            rows = await self.disk.undelivered((call_sid, -1), limit=1000)
            exchange.dispatcher.take_back(row for row in rows if row.call_sid == call_sid)

        await exchange.switchboard.recover(PLACE, take_back)
        yield exchange
        self.disk = _as_it_is(self.disk)
        exchange.store.settle = exchange.store.keep = lambda *_: None  # type: ignore[method-assign]
        await exchange.dispatcher.drain(0.0)
        await exchange.switchboard.close()

    @property
    def ends(self) -> list[JsonObject]:
        return self.applications.bodies("/final")


def _as_it_is(disk: Disk) -> Disk:
    copy = Disk()
    copy.__dict__.update({name: dict(value) for name, value in disk.__dict__.items()})
    return copy


async def row_of(town: Town, sid: str = "c-1") -> CallRow:
    row = await town.disk.by_sid(sid)
    assert row is not None
    return row


@in_virtual_time
async def test_a_conversation_that_a_crash_cut_gets_its_one_end_after_the_grace() -> None:
    town = Town()
    async with town.server() as server:
        line = await server.open(await server.ring())
        assert line is not None
        record, speech = line._bridge.record, Speech("item_1", 0)
        record.spoken(speech, "Hello.", final=True, now=asyncio.get_running_loop().time())
        record.heard(Heard(speech, 800.0, 800.0), interrupted=False, now=asyncio.get_running_loop().time())
        record.caller_text("item_2", "Hi.", asyncio.get_running_loop().time() + 2)
        record.spoken(Speech("item_3", 0), "Not heard", final=True, now=asyncio.get_running_loop().time() + 3)
    async with town.server() as server:
        await asyncio.sleep(GRACE_S - 1)
        assert (town.ends, (await row_of(town)).state) == ([], "in_progress")
        await asyncio.sleep(10)
        [end] = town.ends
        assert (end["reason_code"], end["ended_by"]) == ("server_restart", "server")
        assert end["completion_reason"] == "connection failure"
        assert [line["text"] for line in end["transcript"]] == ["Hello.", "Hi."]
        assert end["call_sid"] == "c-1"
        row = await row_of(town)
        assert (row.state, row.end and row.end.reason_code) == ("completed", "server_restart")
        assert server.counts.ended == [("route-0", "server_restart")]
    async with town.server():
        await asyncio.sleep(100)
        assert len(town.ends) == 1


@in_virtual_time
async def test_what_is_lost_can_neither_be_changed_nor_be_answered() -> None:
    town = Town()
    async with town.server() as server:
        await server.open(await server.ring())
    async with town.server() as server:
        live = server.switchboard._calls.by_sid("c-1")
        assert live is not None
        assert "was restarted" in str(live.legs[0].update({"type": "session.update"}))
        live.legs[0].line.tool_answered("call_1", "late")
        assert not live.legs[0].line.over.is_set()


@in_virtual_time
async def test_the_platform_that_comes_back_gets_the_fallback_and_the_end_goes_out_at_once() -> None:
    town = Town()
    async with town.server() as server:
        first = await server.ring()
        await server.open(first)
    async with town.server() as server:
        assert await server.ended(first) == SORRY
        assert await server.ended(first) == SORRY
        assert [end["reason_code"] for end in town.ends] == ["server_restart"]
        await asyncio.sleep(100)
        assert len(town.ends) == 1


@in_virtual_time
async def test_the_application_has_its_say_after_a_restart_too() -> None:
    town = Town(answers={"/final": verbs_reply({"verb": "say", "text": "Still here."})})
    async with town.server() as server:
        first = await server.ring()
        await server.open(first)
    async with town.server() as server:
        [said, _] = await server.ended(first)
        assert said["text"] == "Still here."


@in_virtual_time
async def test_an_answer_that_was_given_before_the_crash_is_given_again() -> None:
    town = Town(answers={"/final": verbs_reply(LLM)})
    async with town.server() as server:
        first = await server.ring()
        await server.open(first)
        second = await server.ended(first)
    async with town.server() as server:
        assert await server.ended(first) == second
        assert await server.ring() == first


@in_virtual_time
async def test_a_call_that_was_just_answered_goes_on_as_if_nothing_had_been() -> None:
    town = Town(settings_of(ROUTE, server={"orphan_grace_s": 2}))
    async with town.server() as server:
        first = await server.ring()
    async with town.server() as server:
        line = await server.open(first)
        assert line is not None
        await asyncio.sleep(5)
        assert (line.over.is_set(), town.ends) == (False, [])
        server.status("completed")
        await asyncio.sleep(5)
        assert [end["reason_code"] for end in town.ends] == ["caller_hung_up"]


@in_virtual_time
@pytest.mark.parametrize("before", [[], [{"verb": "answer"}]])
async def test_a_conversation_that_was_to_begin_at_once_and_did_not_is_an_end_after_the_grace(
    before: list[JsonObject],
) -> None:
    town = Town(settings_of({"verbs": [*before, LLM, SAY, HANGUP]}))
    async with town.server() as server:
        await server.ring()
    async with town.server():
        await asyncio.sleep(GRACE_S + 10)
        assert (await row_of(town)).state == "completed"
        assert [end["reason_code"] for end in town.ends] == ["server_restart"]


DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+15550009999"}], "actionHook": "/dialled"}


@in_virtual_time
async def test_a_caller_who_is_in_a_dial_before_the_conversation_keeps_the_call_over_all_restarts() -> None:
    town = Town(settings_of({"verbs": [DIAL, LLM, SAY, HANGUP]}))
    async with town.server() as server:
        document = await server.ring()
        server.status("in-progress")
    for _ in range(2):
        async with town.server():
            await asyncio.sleep(GRACE_S + 10)
            assert (await row_of(town)).state != "completed"
    async with town.server() as server:
        await server.hook(document[0]["actionHook"], dial_call_status="completed")
        assert [body["dial_call_status"] for body in town.applications.bodies("/dialled")] == ["completed"]
        line = await server.open([verb for verb in document if verb["verb"] == "listen"])
        assert line is not None
        server.status("completed")
        await asyncio.sleep(5)
        assert [end["reason_code"] for end in town.ends] == ["caller_hung_up"]


@in_virtual_time
async def test_a_caller_who_is_in_a_dial_after_the_conversation_keeps_the_call() -> None:
    town = Town(answers={"/final": verbs_reply(DIAL)})
    async with town.server() as server:
        first = await server.ring()
        line = await server.open(first)
        assert line is not None
        line.finish(replace_reason("agent_hung_up"))
        dial, *_ = await server.ended(first)
        state = (await row_of(town)).state
    async with town.server() as server:
        await asyncio.sleep(GRACE_S + 10)
        assert (await row_of(town)).state == state == "in_progress"
        await server.hook(dial["actionHook"], dial_call_status="completed")
        assert len(town.applications.bodies("/dialled")) == 1


@in_virtual_time
async def test_a_call_of_which_nothing_is_heard_after_a_restart_ends_when_no_call_may_go_on() -> None:
    town = Town(settings_of({"verbs": [DIAL, LLM, SAY, HANGUP], "max_call_s": 100}))
    async with town.server() as server:
        await server.ring()
    async with AsyncExitStack() as stack:
        with patch("calls.recovery.time", lambda: time.time() + 50):  # so long nobody served
            await stack.enter_async_context(town.server())
        await asyncio.sleep(50 + REAP_AFTER_S - 1)
        assert town.ends == []
        await asyncio.sleep(10)
        assert [end["completion_reason"] for end in town.ends] == ["connection failure"]
        assert (await row_of(town)).state == "completed"


@in_virtual_time
async def test_the_platforms_word_that_it_is_over_brings_the_end_at_once() -> None:
    town = Town()
    async with town.server() as server:
        await server.open(await server.ring())
    async with town.server() as server:
        server.status("completed")
        await asyncio.sleep(4)
        assert [end["reason_code"] for end in town.ends] == ["server_restart"]
        assert [body["call_status"] for body in town.applications.bodies("/status")] == ["completed"]


@in_virtual_time
async def test_an_end_that_was_written_before_the_crash_is_told_after_it_and_no_other() -> None:
    town = Town()
    async with town.server() as server:
        first = await server.ring()
        line = await server.open(first)
        assert line is not None
        line.finish(replace_reason("agent_hung_up"))
        await settled()
        assert town.ends == []
    async with town.server() as server:
        await asyncio.sleep(3)
        assert [end["reason_code"] for end in town.ends] == ["agent_hung_up"]
        assert names(await server.ended(first)) == ["say", "hangup"]
        await asyncio.sleep(100)
        assert len(town.ends) == 1
        assert (await row_of(town)).state == "completed"


def replace_reason(reason: str) -> Any:
    return replace(AGENT_LEFT, reason_code=reason)


@in_virtual_time
async def test_a_tool_of_which_no_outcome_is_known_is_noted_so_and_not_called_again() -> None:
    town = Town()
    async with town.server() as server:
        line = await server.open(await server.ring())
        assert line is not None
        line._bridge.record.tool_called("call_1", "book", "{}", asyncio.get_running_loop().time())
        line._bridge.record.tool_called("call_2", "look", "{}", asyncio.get_running_loop().time())
        line._bridge.record.tool_answered("call_2", '{"ok":true}', asyncio.get_running_loop().time())
    with capture_logs() as logs:
        async with town.server():
            await settled()
    assert [entry["tool"] for entry in logs if entry["event"] == "tool_outcome_unknown"] == ["book"]
    notes = {note.key: note.value["output"] for note in await town.disk.notes((await row_of(town)).id, 0)}
    assert "before the outcome was known" in str(notes["call_1"])
    assert notes["call_2"] == '{"ok":true}'


@in_virtual_time
async def test_a_verbs_own_key_is_not_written_down_and_the_configurations_is_used() -> None:
    own = {**LLM, "auth": {"apiKey": "sk-own"}}
    town = Town(settings_of({"verbs": [LLM, own]}))
    async with town.server() as server:
        first = await server.ring()
    assert b"sk-own" not in json.dumps((await row_of(town)).legs[0].llm).encode()
    async with town.server() as server:
        await server.open(first)
        live = server.switchboard._calls.by_sid("c-1")
        assert live is not None
        assert live.llms[0].auth in (None, {})


@in_virtual_time
async def test_a_route_that_is_gone_leaves_the_call_its_end() -> None:
    town = Town()
    async with town.server() as server:
        await server.open(await server.ring())
    town.settings = settings_of({"name": "another", "verbs": [SAY]})
    async with town.server():
        await asyncio.sleep(GRACE_S + 10)
        assert [end["reason_code"] for end in town.ends] == ["server_restart"]


@in_virtual_time
async def test_one_call_that_cannot_be_taken_over_does_not_keep_the_others() -> None:
    town = Town()
    async with town.server() as server:
        await server.open(await server.ring("c-1"))
        await server.open(await server.ring("c-2"))
    row = await row_of(town)
    await town.disk.update(row.id, lambda row: row.with_leg(0, llm={"verb": "llm", "vendor": 7}))
    with capture_logs() as logs:
        async with town.server():
            await asyncio.sleep(GRACE_S + 10)
    assert [end["call_sid"] for end in town.ends] == ["c-2"]
    assert [entry["call_sid"] for entry in logs if entry["event"] == "call_not_recovered"] == ["c-1"]


@in_virtual_time
async def test_who_asks_while_calls_are_taken_over_waits_for_it() -> None:
    town = Town()
    async with town.server() as server:
        first = await server.ring()
        await server.open(first)
    exchange = Exchange(town.settings, town.applications, town.disk, owner="late")
    held = asyncio.Event()

    async def take_back(_: str) -> None:
        await held.wait()

    recovering = asyncio.create_task(exchange.switchboard.recover(PLACE, take_back))
    await settled()
    asking = asyncio.create_task(exchange.ended(first))
    exchange.status("in-progress")
    await settled()
    assert not asking.done()
    held.set()
    assert await recovering == {"c-1"}
    assert await asking == SORRY
    await settled()
    assert [body["call_status"] for body in town.applications.bodies("/status")] == ["in-progress"]
    await exchange.switchboard.close()


@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.9, 2.1, 5.0])
def test_whenever_the_process_dies_after_a_hangup_there_is_one_end(after_s: float) -> None:
    @in_virtual_time
    async def story() -> None:
        town = Town()
        async with town.server() as server:
            first = await server.ring()
            line = await server.open(first)
            assert line is not None
            line.finish(replace_reason("caller_hung_up"))
            await asyncio.sleep(after_s)
        for _ in range(2):
            async with town.server():
                await asyncio.sleep(GRACE_S + 10)
        assert len({end["reason_code"] for end in town.ends}) == 1
        assert len(town.ends) == 1

    story()


@in_virtual_time
async def test_only_a_conversation_that_the_restart_has_cut_begins_anew() -> None:
    town = Town()
    async with town.server() as server:
        await server.ring("c-ringing")
        answered = await server.ring("c-answered")
        await server.open(answered)
        await server.ended(answered)
        await server.open(await server.ring("c-cut"))
        assert not await server.switchboard.resume("c-cut")  # nothing has cut it yet
    async with town.server() as server:
        assert not await server.switchboard.resume("unheard of")
        assert not await server.switchboard.resume("c-ringing")
        assert not await server.switchboard.resume("c-answered")
        socket = Socket()
        server.switchboard.attach("c-cut", socket)
        assert await server.switchboard.resume("c-cut")
        assert [names(verbs)[0] for verbs in socket.said] == ["listen"]
        await asyncio.sleep(5)
        assert [end["reason_code"] for end in town.ends if end["call_sid"] == "c-cut"] == ["server_restart"]


BETA: JsonObject = {"auth": {"apiKey": "sk-1"}, "connectOptions": {"host": "beta.example.com"}}
NATIVE: JsonObject = {"llm_mode": "native", "verbs": [{**LLM, **BETA}, SAY]}


@in_virtual_time
async def test_a_conversation_that_the_platform_carries_out_is_not_disturbed() -> None:
    town = Town(settings_of(NATIVE, platform={"webhook_secrets": ["secret of the webhooks"]}))
    async with town.server() as server:
        server.authenticated = True
        llm = next(verb for verb in await server.ring() if verb["verb"] == "llm")
        await server.answer(llm["eventHook"], type="response.done", n=1)
        await settled()
    async with town.server() as server:
        await asyncio.sleep(GRACE_S + 10)
        assert town.ends == []
        await server.answer(llm["eventHook"], type="response.done", n=2)
        await server.answer(llm["actionHook"], call_sid="c-1", completion_reason="normal conversation end")
        await asyncio.sleep(5)
        assert [event["n"] for event in town.applications.bodies("/event")] == [1, 2]
        assert len(town.ends) == 1
    async with town.server() as server:
        assert await server.answer(llm["actionHook"], call_sid="c-1") == []
        await asyncio.sleep(GRACE_S + 10)
        assert len(town.ends) == 1


# A human who is called to take a caller over

PHONE = {"type": "phone", "number": "+15085551212"}
WARM: JsonObject = {"mode": "warm", "target": [PHONE], "confirm": {"prompt": "Press 1.", "digit": "1"}}
WARM_ROUTE: JsonObject = {"verbs": [LLM | {"handoff": WARM}, SAY, HANGUP]}
API = {"base_url": "https://jambonz.example.com/api", "account_sid": "a", "api_key": "k"}


def a_town_with_humans() -> Town:
    served = {"public_url": "https://voice.example.com/agent", "insecure": True}
    return Town(settings_of(WARM_ROUTE, platform={"api": API}, server=served))


async def seek(server: Exchange) -> JsonObject:
    """Let the agent want a human; give the tag of their call."""
    line = await server.open(await server.ring())
    assert line
    line._hooks.call_tool("t-1", "transfer_to_human", {"briefing": "Ann."}, lambda _: None)
    await settled()
    [tag] = [body["tag"] for method, _, body in server.api.asked if method == "POST"]
    assert isinstance(tag, dict)
    return tag


@in_virtual_time
async def test_a_human_who_answers_after_a_restart_is_hung_up_on() -> None:
    town = a_town_with_humans()
    async with town.server() as server:
        tag = await seek(server)
    async with town.server() as server:
        assert await server.ring("c-out", direction="outbound", customerData=tag) == [HANGUP]


@in_virtual_time
async def test_a_human_who_is_being_briefed_as_the_server_restarts_is_hung_up_on() -> None:
    town = a_town_with_humans()
    async with town.server() as server:
        [gather, _] = await server.ring("c-out", direction="outbound", customerData=await seek(server))
    async with town.server() as server:
        assert await server.hook(gather["actionHook"], call_sid="c-out", digits="1") == [HANGUP]


@in_virtual_time
async def test_a_human_who_has_accepted_before_a_restart_meets_the_caller_after_it() -> None:
    town = a_town_with_humans()
    async with town.server() as server:
        [gather, _] = await server.ring("c-out", direction="outbound", customerData=await seek(server))
        [meeting, _] = await server.hook(gather["actionHook"], call_sid="c-out", digits="1")
        await settled()
        verbs = await server.ring()
    async with town.server() as server:
        [caller, _] = await server.ended(verbs, call_status="in-progress")
        assert (caller["verb"], caller["name"]) == ("conference", meeting["name"])
