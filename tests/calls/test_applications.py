"""Applications that give a call's verbs when it comes, in virtual time."""

import asyncio

import pytest
from structlog.testing import capture_logs

from hooks.transports.base import HookReply
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)

ASKED = settings_of({"url": "https://app.example.com/call#rc=2", "status_hook": "/status"}, hooks={"base_url": None})
AUTH: JsonObject = {"auth": {"apiKey": "sk-of-the-app"}}


@in_virtual_time
async def test_an_application_is_told_all_that_the_platform_told_and_its_llm_is_carried_out() -> None:
    applications = Applications({"/call": verbs_reply(LLM | AUTH), "/final": verbs_reply(SAY)})
    exchange = Exchange(ASKED, applications)
    sip = {"raw": "INVITE", "headers": {"X-A": "b"}}
    verbs = await exchange.ring(env_vars={"KEY": "sk-of-the-portal"}, sip=sip)
    assert names(verbs) == ["listen", "say", "hangup"]
    [body] = applications.bodies("/call")
    assert (body["env_vars"], body["sip"], body["call_sid"]) == ({"KEY": "sk-of-the-portal"}, sip, "c-1")
    assert exchange.lines.made[0]._dials[0].headers["Authorization"] == "Bearer sk-of-the-app"
    assert names(await exchange.ended(verbs)) == ["say", "hangup"]
    [end] = applications.bodies("/final")
    assert end["call_sid"] == "c-1"


@in_virtual_time
async def test_its_statuses_and_its_other_hooks_come_to_its_own_origin() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    applications = Applications({"/call": verbs_reply(menu), "/menu": verbs_reply(SAY)})
    exchange = Exchange(ASKED, applications)
    [gather, _] = await exchange.ring()
    assert await exchange.hook(gather["actionHook"], digits="1") == [SAY, HANGUP]
    exchange.status("completed")
    await settled()
    assert [path for path, _ in applications.asked] == ["/call", "/menu", "/status"]


@in_virtual_time
async def test_the_same_webhook_while_the_application_thinks_waits_for_the_same_answer() -> None:
    applications = Applications({"/call": verbs_reply(LLM, after_s=3)})
    exchange = Exchange(ASKED, applications)
    with capture_logs() as logs:
        first, second = await asyncio.gather(exchange.ring(), exchange.ring())
        third = await exchange.ring()
    assert first == second == third
    assert [path for path, _ in applications.asked] == ["/call"]
    assert (len(exchange.lines.made), exchange.counts.started) == (1, 1)
    assert [line["event"] for line in logs] == ["webhook_duplicate"] * 2


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (verbs_reply(LLM, after_s=9), "application_failed"),
        ((0.0, HookReply(200, "text/html", b"<html>")), "application_failed"),
        ((0.0, HookReply(500)), "application_failed"),
        (verbs_reply(), "application_failed"),
        (verbs_reply({"verb": "say", "text": 7}), "document_refused"),
        (verbs_reply(LLM | {"vendor": "microsoft"}), "model_not_configured"),
    ],
)
def test_an_application_that_gives_nothing_to_do_brings_the_fallback(
    answer: tuple[float, HookReply], event: str
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(ASKED, Applications({"/call": answer}))
        with capture_logs() as logs:
            assert await exchange.ring() == SORRY
        assert [line["event"] for line in logs if not line["event"].startswith("hook.")] == [event]

    story()


@in_virtual_time
async def test_what_only_a_newer_platform_knows_is_told_of_and_passes() -> None:
    newer = SAY | {"shout": True}
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(newer)}))
    with capture_logs() as logs:
        assert await exchange.ring() == [newer, HANGUP]
    assert [line["event"] for line in logs] == ["application_verbs_unknown"]
    assert "shout" in logs[0]["complaint"]


@in_virtual_time
async def test_an_application_is_not_asked_for_a_call_that_there_is_no_room_for() -> None:
    exchange = Exchange(settings_of({"url": "https://app.example.com/call"}, server={"max_calls": 0}))
    assert await exchange.ring() == [{"verb": "sip:decline", "status": 486}]
    assert exchange.applications.asked == []
