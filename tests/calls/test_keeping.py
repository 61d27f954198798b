"""A call's documents without their keys: on the disk, and for who asks."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.keeping import again, configured, filled_in, kept, withheld
from media.ends import HANGUP as MODEL_HUNG_UP
from tests.calls import application_socket
from tests.calls.application_socket import ApplicationSocket
from tests.calls.exchange import HANGUP, LLM, SAY, Exchange, JsonObject, in_virtual_time, listen_in, settings_of
from tests.calls.test_restart import Town, row_of

SIP: JsonObject = {"type": "sip", "sipUri": "sip:a@b", "auth": {"username": "u", "password": "sip-password"}}
DIAL: JsonObject = {"verb": "dial", "target": [SIP], "actionHook": "/dialled"}
BARE: JsonObject = DIAL | {"target": [{"type": "sip", "sipUri": "sip:a@b"}]}
SIGNED: Any = {"webhook_secrets": ["whsec"]}


def signed(*verbs: JsonObject) -> Any:
    return settings_of({"verbs": list(verbs)}, platform=SIGNED)


@pytest.mark.parametrize("authenticated", [True, False])
@in_virtual_time
async def test_the_password_of_an_applications_url_leaves_to_who_has_shown_a_secret_and_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, *, authenticated: bool
) -> None:
    monkeypatch.setattr(application_socket, "URL", url := "wss://u:pw-of-the-app@app.example.com/ws")
    ApplicationSocket(monkeypatch, {"verb": "listen", "url": "/audio"})
    exchange = Exchange(settings_of({"url": url}, platform=SIGNED if authenticated else {}))
    exchange.authenticated = authenticated
    with capture_logs() as logs:
        listen = listen_in(await exchange.ring())
    assert listen["url"] == "wss://app.example.com/audio"
    assert listen.get("wsAuth") == ({"username": "u", "password": "pw-of-the-app"} if authenticated else None)
    assert [line["event"] for line in logs] == ([] if authenticated else ["key_withheld"])
    assert "pw-of-the-app" not in repr(await exchange.store.by_sid("c-1"))


@in_virtual_time
async def test_a_password_for_a_sip_target_is_not_kept_and_leaves_once_more_after_a_restart() -> None:
    town = Town(signed(DIAL))
    async with town.server() as server:
        server.authenticated = True
        first = await server.ring()
        assert await server.ring() == first
    assert first[0]["target"][0]["auth"] == SIP["auth"]
    assert "sip-password" not in repr(await row_of(town))
    async with town.server() as server:
        server.authenticated = True
        assert await server.ring() == first


@in_virtual_time
async def test_nor_is_it_where_a_call_is_turned_away() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM], "max_calls": 1, "busy": [{"verb": "dial", "target": [SIP]}]}))
    exchange.authenticated = True
    await exchange.ring()
    assert "sip-password" in repr(await exchange.ring("c-2"))
    assert "sip-password" not in repr(await exchange.store.by_sid("c-2"))


@in_virtual_time
async def test_after_a_restart_a_conversation_leads_on_with_the_configurations_keys() -> None:
    town = Town(signed(LLM, DIAL))
    async with town.server() as server:
        server.authenticated = True
        first = await server.ring()
    async with town.server() as server:
        line = await server.open(first)
        assert line is not None
        line.finish(MODEL_HUNG_UP)
        after = await server.ended(first)
        assert after[0]["target"][0]["auth"] == SIP["auth"]
        assert await server.ended(first) == after
        assert "sip-password" not in repr(await row_of(town))
    assert "sip-password" not in repr(await row_of(town))
    async with town.server() as server:
        assert await server.ended(first) == after


@in_virtual_time
async def test_a_configuration_that_says_otherwise_now_gives_none() -> None:
    town = Town(signed(LLM, DIAL | {"target": [SIP | {"sipUri": "sip:other@b"}]}))
    async with town.server() as server:
        first = await server.ring()
    town.settings = signed(LLM, DIAL)
    async with town.server() as server:
        await server.open(first)
        live = server.switchboard._calls.by_sid("c-1")
        assert live is not None
        assert live.remaining[0] == [DIAL | {"target": [{"type": "sip", "sipUri": "sip:other@b"}]}]


def test_what_is_kept_is_told_again_with_the_keys_that_are_known_and_without_the_others() -> None:
    other = {"verb": "dial", "target": [SIP, SIP]}
    document = kept([DIAL, other, SAY, LLM | {"auth": {"apiKey": "sk"}}])
    assert b"sip-password" not in document
    assert b"sk" not in document
    assert json.loads(again(document, [HANGUP, SAY, DIAL]))[0] == DIAL
    assert json.loads(again(document)) == [BARE, other | {"target": BARE["target"] * 2}, SAY, LLM]
    assert again(b'[{"verb":"say", "text": "x"}]') == b'[{"verb":"say", "text": "x"}]'


def test_a_key_in_a_url_is_filled_in_as_well() -> None:
    llm = LLM | {"connectOptions": {"proxy": "http://u:pw@proxy.example.com"}}
    assert filled_in(json.loads(kept([llm])), [llm]) == [llm]


def test_what_only_an_application_reads_is_no_key_of_its_platforms() -> None:
    tag = {"verb": "tag", "data": {"authKey": "of its own"}}
    assert withheld([DIAL, tag, LLM | {"auth": {"apiKey": "sk"}}]) == [BARE, tag, LLM | {"auth": {"apiKey": "sk"}}]


def test_verbs_that_are_no_document_have_no_keys() -> None:
    [route] = settings_of({"verbs": [DIAL]}).routes
    assert DIAL in configured(route, {})
    assert configured(route.model_copy(update={"verbs": [DIAL, {"verb": 7}]}), {}) == []
