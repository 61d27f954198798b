"""Who has written where a call's hooks and models lead: the operator, the operator's code, or somebody else."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from config import Settings
from hookswitch import Call, Hangup, Llm, Verb
from tests.calls.exchange import (
    HANGUP,
    LLM,
    Applications,
    Exchange,
    in_virtual_time,
    listen_in,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.test_restart import Town

PRIVATE = "https://10.0.0.5:8443"
MODEL = {"host": "10.0.0.6:9000"}
TALK: dict[str, Any] = {
    **LLM,
    "eventHook": f"{PRIVATE}/event",
    "actionHook": f"{PRIVATE}/final",
    "auth": {"apiKey": "k"},
}
WITH_MODEL = {**TALK, "connectOptions": MODEL}


def by_code(**more: Any) -> Settings:
    """Make a route whose application is a function: it names what the configuration does not."""

    def answer(_: Call) -> list[Verb]:
        options: dict[str, Any] = {"response_create": {}}
        verb = Llm(vendor="openai", model="m", llm_options=options, auth={"apiKey": "k"}, connect_options=MODEL)
        hooked = verb.model_copy(update={"event_hook": f"{PRIVATE}/event", "action_hook": f"{PRIVATE}/final"})
        return [hooked, Hangup()]

    settings = settings_of({"python": "os:getpid"}, **more)
    return settings.model_copy(update={"applications": {"route-0": answer}})


def by_file() -> Settings:
    return settings_of({"verbs": [WITH_MODEL, HANGUP]})


def by_another() -> Settings:
    return settings_of({"url": "https://app.example.com/call"})


def by_a_model_of_the_file() -> Settings:
    return settings_of({"url": "https://app.example.com/call"}, vendors={"openai": {"url": "wss://10.0.0.6:9000/v1"}})


@pytest.mark.parametrize(
    ("settings", "hooks", "model"),
    [(by_file, True, True), (by_code, True, True), (by_another, False, False), (by_a_model_of_the_file, False, True)],
)
@in_virtual_time
async def test_trust_is_of_whoever_has_written_where_it_leads(
    settings: Callable[[], Settings],
    *,
    hooks: bool,
    model: bool,
) -> None:
    applications = Applications({"/call": verbs_reply(WITH_MODEL, HANGUP)})
    exchange = Exchange(settings(), applications)
    verbs = await exchange.ring()
    line = await exchange.open(verbs)
    assert line
    [dial] = line._dials
    assert (dial.url.split("?")[0], dial.reach.trusted) == ("wss://10.0.0.6:9000/v1/realtime", model)
    line._hooks.report("session.created", {"type": "session.created"})
    await settled()
    assert applications.trusted[f"{PRIVATE}/event"] is hooks
    assert applications.trusted.get("https://app.example.com/call", True)
    await exchange.ended(verbs)
    assert applications.trusted[f"{PRIVATE}/final"] is hooks


@in_virtual_time
async def test_what_a_request_redirects_a_call_to_is_a_strangers() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM, HANGUP]}))
    verbs = await exchange.ring()
    await exchange.open(verbs)
    await exchange.switchboard.redirect("c-1", [WITH_MODEL])
    again = await exchange.ended(verbs)
    line = await exchange.open(again)
    assert line
    assert not line._dials[0].reach.trusted
    await exchange.ended(again)
    assert exchange.applications.trusted == {"https://app.example.com/final": True, f"{PRIVATE}/final": False}


@in_virtual_time
async def test_what_the_operators_code_has_named_is_still_known_after_a_restart() -> None:
    town = Town(by_code(server={"orphan_grace_s": 5}))
    async with town.server() as server:
        verbs = await server.ring()
        assert listen_in(verbs)
        await server.open(verbs)
    town.applications.trusted.clear()
    async with town.server():
        await asyncio.sleep(20)
    assert town.applications.trusted == {f"{PRIVATE}/final": True}
