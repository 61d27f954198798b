"""Applications that give a call's verbs when it comes, in virtual time."""

import asyncio

import pytest
from structlog.testing import capture_logs

from hooks.applications.http import Http
from hooks.transports.base import HookReply
from store.base import CallRow
from store.memory import MemoryStore
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
from tests.calls.test_obeying import Socket

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


@in_virtual_time
async def test_audio_that_it_forks_to_a_path_goes_to_its_own_origin() -> None:
    fork = {"url": "/audio", "actionHook": "/done", "wsAuth": {"username": "u", "password": "p"}}
    dial = {"verb": "dial", "target": [{"type": "phone", "number": "1"}], "listen": {"url": "/fork"}}
    applications = Applications({"/call": verbs_reply({"verb": "stream"} | fork, dial)})
    exchange = Exchange(ASKED, applications)
    exchange.authenticated = True
    first, second, _ = await exchange.ring()
    assert (first["url"], first["wsAuth"]) == ("wss://app.example.com/audio", fork["wsAuth"])
    assert second["listen"] == {"url": "wss://app.example.com/fork"}


@pytest.mark.parametrize(
    ("verb", "path", "told"),
    [
        ({"verb": "gather", "input": ["digits"]}, "/call", "treated as none"),
        ({"verb": "redirect"}, "/call", "a call cannot change to another websocket application"),
    ],
)
def test_a_hook_that_is_a_websocket_is_none_and_that_is_told_once(verb: JsonObject, path: str, told: str) -> None:
    @in_virtual_time
    async def story() -> None:
        hook = {"actionHook": "wss://user:hunter22@other.example.com/ws"}
        applications = Applications({"/call": verbs_reply(verb | hook)})
        exchange = Exchange(ASKED, applications)
        [asking, *_] = await exchange.ring()
        with capture_logs() as logs:
            assert await exchange.hook(asking["actionHook"], digits="1") == []
        assert [asked for asked, _ in applications.asked] == [path]
        [line] = logs
        assert (line["event"], line["log_level"], told in line["message"]) == ("hook_not_supported", "warning", True)
        assert "hunter22" not in str(line)

    story()


@in_virtual_time
async def test_an_llm_verb_whose_hook_is_a_websocket_is_carried_out_without_it() -> None:
    verb = LLM | AUTH | {"eventHook": None, "toolHook": None, "actionHook": "wss://other.example.com/ws"}
    applications = Applications({"/call": verbs_reply(verb)})
    exchange = Exchange(ASKED, applications)
    with capture_logs() as logs:
        verbs = await exchange.ring()
        await exchange.ended(verbs)
    assert [asked for asked, _ in applications.asked] == ["/call"]
    assert [line["event"] for line in logs].count("hook_not_supported") == 1


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
        assert [line["event"] for line in logs] == [event]

    story()


@in_virtual_time
async def test_a_platform_that_waits_for_an_ack_is_answered_in_time() -> None:
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(SAY, after_s=6)}))
    began = asyncio.get_running_loop().time()
    with capture_logs() as logs:
        assert await exchange.ring(control=Socket()) == SORRY
    assert asyncio.get_running_loop().time() - began < 5
    assert "in the platform's time" in logs[-1]["message"]


def test_an_application_is_let_go_where_its_call_cannot_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class BrokenStore(MemoryStore):
        async def create(self, row: CallRow) -> CallRow:
            raise ZeroDivisionError

    closed: list[Http] = []

    async def close(application: Http) -> None:
        closed.append(application)

    monkeypatch.setattr(Http, "close", close)

    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(ASKED, Applications({"/call": verbs_reply(SAY)}), BrokenStore())
        with pytest.raises(ZeroDivisionError):
            await exchange.ring()
        assert len(closed) == 1

    story()


@in_virtual_time
async def test_what_a_verb_tells_of_itself_is_no_webhook() -> None:
    exchange = Exchange(ASKED, Applications({"/call": verbs_reply(SAY)}))
    await exchange.ring()
    exchange.switchboard.pass_on("c-1", "verb:status", {"event": "starting"})
    exchange.switchboard.pass_on("c-2", "verb:status", {"event": "starting"})
    await settled()
    assert [path for path, _ in exchange.applications.asked] == ["/call"]


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
