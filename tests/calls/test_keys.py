"""A key that comes to a call while it goes on is seen by its model, and by nobody else."""

import asyncio
import json
from typing import Any

import pytest

from calls.control import OrderError
from calls.keys import MOST_KEYS, Keys
from hooks.redaction import Redactor
from hookswitch import NotDoneError
from media.effects import End, Outcome
from media.requests import SendEvent
from tests.calls.exchange import LLM, Exchange, JsonObject, in_virtual_time, settings_of, settled
from tests.calls.test_changing import Talking
from tests.calls.test_natively import Told, a_call
from tests.calls.test_obeying import heed

OWN: JsonObject = {"type": "mcp", "server_label": "own", "authorization": "key-of-the-verb"}
BROUGHT: JsonObject = {
    "type": "mcp",
    "server_label": "crm",
    "server_url": "https://u:pass-word@crm.example/mcp?key=asked-with",
    "authorization": "key-of-crm",
    "headers": {"X-Tenant": "tenant-7"},
}
SECRETS = ("key-of-the-verb", "key-of-crm", "pass-word", "asked-with", "tenant-7")
VERB = LLM | {"events": ["*"], "llmOptions": {"session_update": {"tools": [OWN]}}}
TALK = settings_of({"verbs": [VERB]})
UPDATE: JsonObject = {"type": "session.update", "session": {"tools": [BROUGHT]}}
ECHO: JsonObject = {"tools": [OWN, BROUGHT], "instructions": f"Never say {BROUGHT['authorization']}."}


def clean(told: Any) -> bool:
    text = json.dumps(told)
    return "***" in text and not [secret for secret in SECRETS if secret in text]


async def events(talking: Talking) -> list[JsonObject]:
    await settled()
    return [body for path, body in talking.exchange.applications.asked if path == "/event"]


def keys_of(exchange: Exchange) -> Keys:
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    return live.keys


def ask(talking: Talking, event: JsonObject) -> "asyncio.Task[Outcome]":
    return asyncio.create_task(talking.exchange.switchboard.midcall.ask("c-1", SendEvent(event)))


@pytest.mark.claim("P36", "J7")
@in_virtual_time
async def test_what_the_model_confirms_is_told_without_the_keys_of_the_verb_and_of_the_event() -> None:
    talking = await Talking.begin(TALK)
    waiting = ask(talking, UPDATE)
    await settled()
    assert set(SECRETS[1:]) < set(talking.exchange.hidden)
    talking.says("session.updated", session=ECHO)
    outcome = await waiting
    assert outcome.how == "done"
    assert clean(outcome.told)
    assert clean(await events(talking))


@pytest.mark.claim("P12", "J7")
@in_virtual_time
async def test_keys_that_an_operator_gives_are_not_told_to_hooks_nor_to_whoever_asks_later() -> None:
    talking = await Talking.begin(TALK)
    task = await talking.asked(tools=[BROUGHT])
    talking.says("session.updated", session=ECHO)
    assert clean(await task)
    waiting = ask(talking, {"type": "session.update", "session": {"instructions": "now"}})
    await settled()
    talking.says("session.updated", session=ECHO)
    assert clean((await waiting).told)
    assert clean(await events(talking))


@pytest.mark.claim("J31", "J7")
@in_virtual_time
async def test_keys_that_an_application_gives_are_told_to_nobody_either() -> None:
    talking = await Talking.begin(TALK)
    assert await heed(talking.exchange, "llm:update", UPDATE) is None
    talking.says("session.updated", session=ECHO)
    assert clean(await events(talking))
    refusal = await heed(talking.exchange, "llm:update", {"type": "session.update", "session": {"tools": "key-of-crm"}})
    assert refusal is None or "key-of-crm" not in refusal


@in_virtual_time
async def test_what_a_function_of_the_application_hears_has_no_keys() -> None:
    talking = await Talking.begin(TALK)
    live = talking.exchange.switchboard._calls.by_sid("c-1")
    assert live
    sending = asyncio.ensure_future(live.call.agent.send_event(UPDATE))
    await settled()
    talking.says("error", error={"code": "no", "message": "key-of-crm is none", "event_id": "session-2"})
    with pytest.raises(NotDoneError) as refused:
        await sending
    assert clean(str(refused.value))


@in_virtual_time
async def test_a_refusal_that_quotes_a_key_is_kept_without_it() -> None:
    talking = await Talking.begin(TALK)
    talking.exchange.switchboard._calls.by_sid("c-1").keys.learn(UPDATE)  # type: ignore[union-attr]
    talking.line.finish(End("server error", "x", "model", {"message": "key-of-crm is none"}))
    await settled()
    row = await talking.exchange.store.by_sid("c-1")
    assert row
    assert clean(str(row.legs[0].end))
    assert talking.exchange.hidden == []


@pytest.mark.claim("J31", "J7")
@pytest.mark.parametrize("by_operator", [True, False])
def test_keys_for_a_conversation_of_the_platforms_are_kept_from_its_hooks(*, by_operator: bool) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, live = await a_call(
            Told(), settings_of({"llm_mode": "native", "verbs": [VERB]}, platform={"version": "10"})
        )
        if by_operator:
            await exchange.switchboard.midcall.ask("c-1", SendEvent(UPDATE))
        else:
            assert await heed(exchange, "llm:update", UPDATE) is None
        live.native_legs[0].event({"type": "session.updated", "session": ECHO})
        await settled()
        told = [body for path, body in exchange.applications.asked if path == "/event"]
        assert told
        assert "key-of-crm" not in str(told)

    story()


def test_a_call_can_be_told_so_many_keys() -> None:
    keys = Keys()
    told: dict[str, str] = {f"x-{n}-key": f"secret-{n}" for n in range(MOST_KEYS)}
    keys.learn(told)
    keys.learn(told)
    with pytest.raises(OrderError, match=f"{MOST_KEYS} keys"):
        keys.learn({"api_key": "another"})
    redactor = Redactor(())
    keys.kept_from(redactor)
    assert redactor.shown("secret-0") == "***"


def test_what_stands_too_deep_to_be_looked_at_is_not_told() -> None:
    keys = Keys()
    deep: JsonObject = {}
    keys.kept_from(Redactor(["secret"]))
    assert keys.shown({"a": float("nan")}) == {}
    for _ in range(100_000):
        deep = {"a": deep}
    keys.kept_from(Redactor(["secret"]))
    assert keys.shown(deep) == {}
