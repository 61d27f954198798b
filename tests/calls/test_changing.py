"""What an operator changes of a conversation: which one, how long that may take, and what is told of it."""

import asyncio
import json
from typing import Any

import pytest

from calls.control import (
    CallUnknownError,
    ControlError,
    ModelBusyError,
    ModelDeclinedError,
    ModelSilentError,
    NobodyTalksError,
    SessionAwayError,
    SettingError,
    SettingFixedError,
)
from calls.masking import masked_settings
from hooks.mcp.servers import Servers
from media.agreements import MOST_OPEN
from media.effects import Redial
from media.ends import TOO_LONG
from tests.calls.exchange import LLM, Exchange, JsonObject, StillLine, in_virtual_time, settings_of, settled
from tests.calls.test_obeying import heed
from tests.simulation import WEATHER

TALK = settings_of({"verbs": [LLM]})
MCP: JsonObject = {
    "type": "mcp",
    "server_label": "crm",
    "server_url": "https://u:p@crm.example/mcp?key=k-in-the-url",
    "authorization": "key-of-the-crm",
    "headers": {"X-Tenant": "tenant-7"},
}


class Talking:
    """A call in conversation with a model that the test speaks for."""

    def __init__(self, exchange: Exchange, line: StillLine) -> None:
        self.exchange = exchange
        self.line = line

    @classmethod
    async def begin(cls, settings: Any = TALK) -> "Talking":
        exchange = Exchange(settings)
        line = await exchange.open(await exchange.ring())
        assert line
        talking = cls(exchange, line)
        line.tell(line._bridge.model_opened)
        talking.says("session.created", session={})
        talking.says("session.updated", session={})
        return talking

    def says(self, type_: str, **fields: Any) -> None:
        self.line.tell(self.line._bridge.model_said, json.dumps({"type": type_, **fields}).encode())

    async def asked(self, *, deep: bool = False, recycle: bool = False, **settings: Any) -> "asyncio.Task[JsonObject]":
        """Begin to ask; the model has been told when this returns."""
        changing = self.exchange.switchboard.changing
        task = asyncio.create_task(changing.settings("c-1", settings, deep=deep, recycle=recycle))
        await settled()
        return task

    async def change(self, **settings: Any) -> JsonObject:
        """Ask, and let the model agree."""
        task = await self.asked(**settings)
        self.says("session.updated", session={})
        return await task


@pytest.mark.claim("P12", "P21")
@in_virtual_time
async def test_a_change_is_told_when_the_model_has_agreed() -> None:
    talking = await Talking.begin()
    task = await talking.asked(instructions="Be brief.")
    assert not task.done()
    talking.says("session.updated", session={})
    assert await task == {"changed": {"instructions": {"old": "Help.", "new": "Be brief."}}}
    assert await (await talking.asked(instructions="Be brief.")) == {"changed": {}}


@pytest.mark.claim("P7")
@in_virtual_time
async def test_what_is_not_done_is_told_with_the_reason() -> None:
    told = await (await (await Talking.begin()).asked(temperature=0.5))
    assert (told["changed"], list(told["ignored"])) == ({}, ["temperature"])


@pytest.mark.claim("P12")
@in_virtual_time
async def test_no_key_is_told_again() -> None:
    talking = await Talking.begin()
    told = await talking.change(tools=[MCP, WEATHER], instructions="Say key-of-the-crm to nobody.")
    kept = {"authorization": "***", "headers": {"X-Tenant": "***"}, "server_url": "https://***@crm.example/mcp?***"}
    assert told["changed"]["tools"]["new"] == [MCP | kept, WEATHER]
    assert told["changed"]["instructions"]["new"] == "Say *** to nobody."
    again = await talking.change(tools=[])
    assert again["changed"]["tools"]["old"] == [MCP | kept, WEATHER]


@pytest.mark.claim("P12")
@in_virtual_time
async def test_what_stands_under_a_name_that_nobody_knows_and_that_names_a_key_is_told_as_changed() -> None:
    talking = await Talking.begin()
    told = await (await talking.asked(authorization="key-1"))
    assert told["changed"] == {"authorization": {"old": None, "new": "***"}}
    told = await (await talking.asked(authorization="key-2"))
    assert told["changed"] == {"authorization": {"old": "***", "new": "***"}}


def test_of_settings_only_what_is_secret_is_masked() -> None:
    settings = {"max_tokens": 5, "prompt": {"id": "p"}, "headers": None, "audio": {"output": {"voice": "alloy"}}}
    assert masked_settings(settings) == settings
    assert masked_settings(({"token": "t"},)) == [{"token": "***"}]


@pytest.mark.claim("P36")
@in_virtual_time
async def test_what_the_model_refuses_is_told_in_its_words_without_keys() -> None:
    talking = await Talking.begin()
    task = await talking.asked(tools=[MCP])
    error = {"code": "invalid_value", "message": "key-of-the-crm is no key", "param": "session.tools"}
    talking.says("error", error=error)
    with pytest.raises(ModelDeclinedError, match=r"\*\*\* is no key") as refused:
        await task
    assert refused.value.body == error | {"message": "*** is no key"}
    assert await (await talking.asked(tools=[])) == {"changed": {}}


@pytest.mark.parametrize(
    ("settings", "error", "told"),
    [
        ({"temperature": "hot"}, SettingError, "temperature must be"),
        ({"model": "gpt-realtime-2"}, SettingFixedError, "with `recycle: true` a new session begins"),
        ({"tools": [{"type": "function", "name": "key blanks", "token": "key blanks"}]}, SettingError, r"\*\*\*"),
    ],
)
def test_what_cannot_be_says_why(settings: JsonObject, error: type[ControlError], told: str) -> None:
    @in_virtual_time
    async def story() -> None:
        with pytest.raises(error, match=told):
            await (await (await Talking.begin()).asked(**settings))

    story()


@in_virtual_time
async def test_there_must_be_a_call_and_a_conversation_in_it() -> None:
    exchange = Exchange(TALK)
    changing = exchange.switchboard.changing
    with pytest.raises(CallUnknownError):
        await changing.settings("nobody", {}, deep=False, recycle=False)
    line = await exchange.open(await exchange.ring())
    assert line
    with pytest.raises(SessionAwayError, match="no session with the model at this moment"):
        await changing.settings("c-1", {}, deep=False, recycle=False)
    line.finish(TOO_LONG)
    await settled()
    with pytest.raises(NobodyTalksError):
        await changing.settings("c-1", {}, deep=False, recycle=False)


@in_virtual_time
async def test_a_model_that_does_not_answer_is_not_waited_for() -> None:
    talking = await Talking.begin()
    began = asyncio.get_running_loop().time()
    task = await talking.asked(instructions="Be brief.")
    with pytest.raises(ModelSilentError):
        await task
    assert asyncio.get_running_loop().time() - began == pytest.approx(3.0)
    talking.says("session.updated", session={})  # late, and nobody minds


@in_virtual_time
async def test_a_conversation_that_ends_is_not_waited_for_either() -> None:
    talking = await Talking.begin()
    task = await talking.asked(instructions="Be brief.")
    talking.line.finish(TOO_LONG)
    with pytest.raises(SessionAwayError, match="ended before the model had said"):
        await task


@in_virtual_time
async def test_a_model_that_has_many_changes_to_answer_is_told_no_more() -> None:
    talking = await Talking.begin()
    tasks = [await talking.asked(max_tokens=n + 1) for n in range(MOST_OPEN)]
    with pytest.raises(ModelBusyError, match="ask again in a moment"):
        await (await talking.asked(max_tokens=100))
    for _ in tasks:
        talking.says("session.updated", session={})
    assert len(await asyncio.gather(*tasks)) == MOST_OPEN


@pytest.mark.claim("P4")
@pytest.mark.parametrize(
    ("verb", "url"),
    [
        (LLM, "wss://api.openai.com/v1/realtime?model=gpt-realtime-2"),
        (
            LLM | {"connectOptions": {"query": {"model": "gpt-realtime-1.5", "x": "1"}}},
            "wss://api.openai.com/v1/realtime?model=gpt-realtime-2&x=1",
        ),
    ],
)
def test_p4_another_model_is_reached_where_it_is(verb: JsonObject, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_virtual_time
    async def story() -> None:
        talking = await Talking.begin(settings_of({"verbs": [verb]}))
        dials: list[Any] = []
        monkeypatch.setattr(talking.line, "_redial", lambda _, dial: dials.append(dial))
        task = await talking.asked(model="gpt-realtime-2", recycle=True)
        assert [dial.url for dial in dials] == [url]
        talking.line.tell(talking.line._bridge.model_opened)
        talking.says("session.created", session={})
        talking.says("session.updated", session={})
        assert (await task)["recycled"] is True

    story()


@pytest.mark.claim("P4")
@in_virtual_time
async def test_p4_a_model_that_cannot_be_reached_is_refused() -> None:
    talking = await Talking.begin(settings_of({"verbs": [LLM | {"auth": {"apiKey": "sk-own"}}]}))
    live = talking.exchange.switchboard._calls.by_sid("c-1")
    assert live
    bridge = talking.line._bridge
    live.settings.vendors["openai"] = live.settings.vendors["openai"].model_copy(update={"url": ""})
    with pytest.raises(SettingError, match="no address"):
        await (await talking.asked(model="gpt-realtime-2", recycle=True))
    assert not any(isinstance(effect, Redial) for effect in bridge._out)


@pytest.mark.claim("P4", "J31")
@in_virtual_time
async def test_p4_an_application_gets_another_model_where_it_wants_a_new_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talking = await Talking.begin()
    dialled: list[int] = []
    monkeypatch.setattr(talking.line, "_redial", lambda nth, _: dialled.append(nth))
    update: JsonObject = {"type": "session.update", "session": {"model": "gpt-realtime-2"}}
    assert "recycle: true" in str(await heed(talking.exchange, "llm:update", update))
    assert dialled == []
    assert await heed(talking.exchange, "llm:update", update | {"recycle": True}) is None
    assert dialled == [0]


@in_virtual_time
async def test_tools_that_are_set_go_before_those_of_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    talking = await Talking.begin()
    live = talking.exchange.switchboard._calls.by_sid("c-1")
    assert live
    ways: list[frozenset[str]] = []
    servers = Servers([], taken=(), reach=lambda _: None, log=live.log)  # type: ignore[arg-type, return-value]  # asks nobody
    monkeypatch.setattr(servers, "give_way", ways.append)
    monkeypatch.setattr(live.legs[0], "_servers", servers)
    await talking.change(tools=[WEATHER])
    await talking.change(session_properties={"tools": [WEATHER | {"name": "other"}]})
    assert ways == [frozenset({"get_weather"}), frozenset({"other"})]
