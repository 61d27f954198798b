"""What is asked of a call's conversation, by whomever, reaches it and is answered."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.control import CallUnknownError, NobodyTalksError, OrderError
from calls.lost import nobody
from calls.requested import ASKED, MAX_PAUSE_S, request_of
from hookswitch import Agent, Hangup, NotDoneError, Say
from media.effects import Outcome
from media.ends import TOO_LONG
from media.requests import AddItem, Interrupt, PauseInput, Request, Reset, RetrieveItem, SendEvent
from tests.calls.exchange import HANGUP, LLM, SAY, Exchange, JsonObject, in_virtual_time, settings_of, settled
from tests.calls.test_obeying import heed, leg_of, talking
from tests.properties import changed, tries

TALK = settings_of({"verbs": [LLM, HANGUP]})
MENU = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
PNG = "data:image/png;base64,iVBORw0KGgo="
TEXT = {"type": "input_text", "text": "Hello."}
IMAGE = {"type": "input_image", "image_url": PNG, "detail": "auto"}
EVENT = {"type": "input_audio_buffer.commit"}


def message(*content: JsonObject, role: str = "user", **more: Any) -> JsonObject:
    return {"type": "message", "role": role, "content": list(content), **more}


def connect(exchange: Exchange) -> Any:
    """Let the model's session begin, and the platform come; give the line."""
    line, bridge = leg_of(exchange).line, leg_of(exchange).line._bridge
    line._redial = lambda nth, dial: None
    line.tell(bridge.model_opened)
    line.tell(bridge.platform_opened)
    line.tell(bridge.platform_said, json.dumps({"callSid": "c-1", "mixType": "mono"}))
    for type_ in ("session.created", "session.updated"):
        line.tell(bridge.model_said, json.dumps({"type": type_, "session": {}}).encode())
    return line


def agent_of(exchange: Exchange) -> Agent:
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    return live.call.agent


# Shapes


@pytest.mark.parametrize(
    ("name", "told", "request_"),
    [
        ("items", {"text": "Hello."}, AddItem(message(TEXT))),
        ("items", {"image_url": PNG}, AddItem(message(IMAGE))),
        (
            "items",
            {"text": "Hello.", "image_url": PNG, "detail": "low", "previous_item_id": "root"},
            AddItem(message(TEXT, {**IMAGE, "detail": "low"}), "root"),
        ),
        (
            "items",
            {"role": "assistant", "text": "Hello."},
            AddItem(message({**TEXT, "type": "output_text"}, role="assistant")),
        ),
        ("items", {"item": message(TEXT, role="system", id="i1")}, AddItem(message(TEXT, role="system", id="i1"))),
        ("items", {"item": {"role": "user", "content": [TEXT]}}, AddItem(message(TEXT))),
        ("item", {"item_id": "i1"}, RetrieveItem("i1")),
        ("events", {"event": EVENT}, SendEvent(EVENT)),
        ("input", {"paused": True}, PauseInput(paused=True)),
        ("input", {"paused": True, "for_s": 2}, PauseInput(paused=True, for_s=2.0)),
        ("input", {"paused": False, "for_s": None}, PauseInput(paused=False)),
        ("interrupt", {}, Interrupt()),
        ("reset", {}, Reset()),
        ("reset", {"history": "keep"}, Reset()),
        ("reset", {"history": False}, Reset(history=False)),
        ("reset", {"history": "drop"}, Reset(history=False)),
    ],
)
def test_what_is_asked_is_read(name: str, told: JsonObject, request_: Request) -> None:
    assert request_of(name, told) == request_


@pytest.mark.claim("P30")
@pytest.mark.parametrize(
    ("name", "told", "words"),
    [
        ("items", [], "valid dictionary"),
        ("items", {}, "text, image_url or item must be there"),
        ("items", {"text": "Hello.", "item": message(TEXT)}, "item says all of it"),
        ("items", {"text": ""}, "at least 1 character"),
        ("items", {"text": "Hello.", "role": "tool"}, "role: Input should be 'user', 'system' or 'assistant'"),
        ("items", {"image_url": "https://example.com/a.png"}, "image_url must begin with data:image/png;base64,"),
        ("items", {"image_url": "data:image/png;base64,iVB?"}, "image_url must hold an image in base64"),
        ("items", {"image_url": "data:image/png;base64,"}, "image_url must hold an image in base64"),
        ("items", {"image_url": PNG, "detail": "odd"}, "detail: Input should be 'auto', 'low' or 'high'"),
        ("items", {"image_url": PNG, "role": "system"}, "a message of the system holds input_text only"),
        ("items", {"item": message()}, "content: List should have at least 1 item"),
        ("items", {"item": message({"type": "input_audio"})}, "content.0: Input tag 'input_audio'"),
        ("items", {"item": {"type": "function_call_output"}}, "type: Input should be 'message'"),
        ("items", {"item": message(TEXT), "previous_item_id": ""}, "previous_item_id: "),
        ("item", {"item_id": "x" * 65}, "item_id: "),
        ("events", {"event": []}, "event: "),
        ("input", {}, "paused: Field required"),
        ("input", {"paused": "yes"}, "paused: "),
        ("input", {"paused": True, "for_s": 0}, "for_s: "),
        ("input", {"paused": True, "for_s": MAX_PAUSE_S + 1}, "for_s: "),
        ("interrupt", {"now": True}, "now: Extra inputs are not permitted"),
        ("reset", {"history": "all"}, "history."),
    ],
)
def test_what_cannot_be_read_says_what_is_wrong(name: str, told: Any, words: str) -> None:
    with pytest.raises(OrderError) as refusal:
        request_of(name, told)
    assert words in str(refusal.value)


# The way to the conversation


@in_virtual_time
async def test_a_call_without_a_conversation_has_nobody_to_ask() -> None:
    exchange = Exchange(settings_of({"verbs": [MENU]}))
    with pytest.raises(CallUnknownError):
        await exchange.switchboard.midcall.ask("c-1", Interrupt())
    await exchange.ring()
    with pytest.raises(NobodyTalksError):
        await exchange.switchboard.midcall.ask("c-1", Interrupt())
    assert await heed(exchange, "llm:interrupt") == "there is no conversation to steer"


@in_virtual_time
async def test_who_waits_is_answered_by_the_model_or_by_the_end() -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    line = connect(exchange)
    ask = exchange.switchboard.midcall.ask
    first, second = (asyncio.create_task(ask("c-1", RetrieveItem(item))) for item in ("i1", "i2"))
    left = asyncio.create_task(ask("c-1", RetrieveItem("i1")))
    await settled()
    left.cancel()
    await settled()
    told = {"type": "conversation.item.retrieved", "item": {"id": "i1"}}
    line.tell(line._bridge.model_said, json.dumps(told).encode())
    assert await first == Outcome("done", {"item": {"id": "i1"}})
    line.finish(TOO_LONG)
    assert (await second).how == "over"


@in_virtual_time
async def test_who_waits_for_a_conversation_that_fails_is_answered_too() -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    line = connect(exchange)
    waiting = leg_of(exchange).ask(RetrieveItem("i1"))
    line._do(lambda: line.nothing_of_the_kind)
    assert (await leg_of(exchange).ask(RetrieveItem("i1"))).how == "over"
    assert (await waiting).told["message"] == "the conversation has ended: internal_error"


def test_what_a_restart_has_lost_answers_that() -> None:
    told: list[Outcome] = []
    nobody(Interrupt(), told.append)
    assert told[0].told["message"] == "the conversation has ended: server_restart"


# Applications


@in_virtual_time
async def test_an_application_steers_by_commands() -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    assert "no session" in str(await heed(exchange, "llm:reset", {"history": False}))
    connect(exchange)
    ear = leg_of(exchange).line._bridge._talk.ear
    assert await heed(exchange, "llm:input", {"paused": True}) is None
    assert ear.paused
    assert "paused: " in str(await heed(exchange, "llm:input", {}))
    assert await heed(exchange, "llm:interrupt") is None
    assert await heed(exchange, "llm:update", {"type": "input_audio_buffer.commit"}) is None
    assert "must be a text" in str(await heed(exchange, "llm:update", {"type": "conversation.item.retrieve"}))
    assert await heed(exchange, "llm:reset") is None


@in_virtual_time
async def test_a_function_of_the_application_steers_its_call() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    await exchange.open(verbs)
    line, agent = connect(exchange), agent_of(exchange)
    bridge, tell = line._bridge, line.tell

    async def answered(doing: Any, answer: JsonObject) -> Any:
        task = asyncio.create_task(doing)
        await settled()
        tell(bridge.model_said, json.dumps(answer).encode())
        return await task

    item = {"type": "conversation.item.added", "item": {"id": "op-1"}}
    assert await answered(agent.add_item("Hello.", role="system"), item) == "op-1"
    item = {"type": "conversation.item.retrieved", "item": {"id": "op-1"}}
    assert await answered(agent.retrieve_item("op-1"), item) == {"id": "op-1"}
    committed = {"type": "input_audio_buffer.committed", "item_id": "u1"}
    assert (await answered(agent.send_event(EVENT), committed))["event"] == committed
    await agent.pause_input(2.0)
    assert bridge._talk.ear.paused
    await agent.resume_input()
    assert not bridge._talk.ear.paused
    assert await agent.interrupt()  # the greeting that was asked for
    refused = {"type": "error", "error": {"code": "item_retrieve_invalid_item_id", "event_id": "op-5"}}
    with pytest.raises(NotDoneError) as refusal:
        await answered(agent.retrieve_item("nobody"), refused)
    assert refusal.value.error["code"] == "item_retrieve_invalid_item_id"
    with pytest.raises(NotDoneError, match="image_url must begin"):
        await agent.add_item(image_url="https://example.com/a.png")
    with pytest.raises(NotDoneError, match="verbs"):
        await agent.redirect([])
    await agent.redirect([Say(text="Hello."), {"verb": "hangup"}])
    assert await exchange.ended(verbs) == [SAY, HANGUP]


@in_virtual_time
async def test_a_function_hangs_up() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    await exchange.open(verbs)
    await agent_of(exchange).hang_up()
    assert await exchange.ended(verbs) == [Hangup().to_wire()]


async def test_a_function_in_a_thread_of_its_own_waits() -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    connect(exchange)
    agent = agent_of(exchange)
    assert await asyncio.to_thread(lambda: agent.wait(agent.interrupt()))
    with pytest.raises(RuntimeError, match="awaits"):
        agent.wait(agent.interrupt())
    reset = asyncio.create_task(agent.reset())
    await settled()
    leg_of(exchange).line.finish(TOO_LONG)
    with pytest.raises(NotDoneError, match="has ended"):
        await reset
    await exchange.switchboard.close()


async def test_an_agent_of_no_call_does_nothing() -> None:
    agent = Agent()
    with pytest.raises(NotDoneError, match="no verbs yet"):
        await agent.hang_up()
    with pytest.raises(NotDoneError, match="no verbs yet"):
        agent.wait(agent.hang_up())


@hypothesis.settings(max_examples=tries(100), deadline=None)
@given(
    st.sampled_from(sorted(ASKED)), changed([{"text": "Hello."}, {"image_url": PNG}, {"item": message(TEXT, IMAGE)}])
)
def test_whatever_is_asked_is_a_request_or_says_why(name: str, told: JsonObject) -> None:
    with suppress(OrderError):
        assert isinstance(request_of(name, told), Request)
