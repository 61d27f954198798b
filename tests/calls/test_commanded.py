"""Verbs that shall replace what a call does are looked at before anything is ended for them."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.calls.exchange import HANGUP, LLM, SAY, Exchange, JsonObject, in_virtual_time, settings_of
from tests.calls.test_commands import Socket
from tests.calls.test_obeying import heed
from verbs import DocumentError

TYPO: JsonObject = {"verb": "sya", "text": "x"}
BOGUS: JsonObject = SAY | {"bogus": 1}
LATER: JsonObject = {"verb": "agent", "stt": {"vendor": "a"}, "tts": {"vendor": "b"}, "llm": {"vendor": "c"}}
KEYLESS: JsonObject = LLM | {"vendor": "microsoft"}


def of_version(version: str, mode: str = "bridge") -> Any:
    return settings_of({"verbs": [LLM, HANGUP], "llm_mode": mode} | OPTIONS[mode], platform={"version": version})


OPTIONS: dict[str, JsonObject] = {
    "bridge": {},
    "native": {"verbs": [LLM | {"auth": {"apiKey": "k1234567"}, "connectOptions": {"host": "llm.example.com"}}]},
}


@pytest.mark.parametrize(
    ("version", "verb", "complaint"),
    [
        ("0.9", TYPO, "unknown verb 'sya' (did you mean 'say'?)"),
        ("0.9", BOGUS, "unknown property 'bogus'"),
        ("0.9", LATER, "needs a later platform"),
        ("0.9", {"verb": "say", "text": 7}, "must be text"),
        ("0.9", KEYLESS, "microsoft"),
        ("10", TYPO, "unknown verb 'sya'"),
        ("10", BOGUS, "unknown property 'bogus'"),
    ],
)
@pytest.mark.parametrize("socket", [None, Socket()])
def test_an_operators_mistake_harms_no_call(
    version: str, verb: JsonObject, complaint: str, socket: Socket | None
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(of_version(version))
        line = await exchange.open(await exchange.ring(control=socket))
        with pytest.raises(DocumentError, match=complaint.partition("(")[0]):
            await exchange.switchboard.redirect("c-1", [SAY, verb])
        assert line is not None
        assert not line.over.is_set()
        assert (exchange.switchboard.active, socket.said if socket else []) == (1, [])

    story()


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("verb", [TYPO, BOGUS, LATER, KEYLESS])
def test_an_application_is_told_what_a_finished_platform_would_refuse_and_its_call_goes_on(
    verb: JsonObject, queued: Any
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(of_version("0.9"))
        line = await exchange.open(await exchange.ring())
        assert await heed(exchange, "redirect", [verb], queued=queued)
        assert line is not None
        assert not line.over.is_set()
        assert exchange.switchboard.active == 1

    story()


@pytest.mark.parametrize(
    ("version", "verb"), [("10", TYPO), ("10", BOGUS), ("10", LATER), ("0.9", LLM | {"responseTimeoutMs": 9, "new": 1})]
)
def test_what_its_platform_may_take_is_passed_on(version: str, verb: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(of_version(version))
        verbs = await exchange.ring()
        await exchange.open(verbs)
        assert await heed(exchange, "redirect", [verb]) is None
        [first, *_] = await exchange.ended(verbs)
        assert first["verb"] == ("listen" if verb["verb"] == "llm" else verb["verb"])

    story()


@pytest.mark.parametrize(
    "verb",
    [
        {"verb": "gather", "input": ["dtmf"], "actionHook": "/g"},
        {"verb": "config", "vad": {"enable": True, "mode": 5}},
        {"verb": "dial", "target": []},
        {"verb": "dial", "target": [{"type": "phone", "number": "+1", "headers": {"X-Order": 7}}]},
        {"verb": "sip:refer", "referTo": "sip:x@y", "headers": {"X-Vip": True}},
        {"verb": "gather", "input": ["speech"], "recognizer": {"vendor": "google", "language": "en", "hints": [1]}},
        {"verb": "conference", "name": "c", "statusEvents": [1]},
        {"verb": "gather", "input": ["digits"], "actionHook": {"method": "POST"}},
    ],
)
@in_virtual_time
async def test_what_a_finished_platform_takes_though_we_would_not_is_passed_on_and_told(verb: JsonObject) -> None:
    """All of them pass the validator of jambonz 0.9 (@jambonz/verb-specifications 0.1.13)."""
    exchange = Exchange(of_version("0.9"))
    verbs = await exchange.ring()
    await exchange.open(verbs)
    assert await heed(exchange, "redirect", [verb]) is None
    with capture_logs() as logs:
        [first, *_] = await exchange.ended(verbs)
    assert first["verb"] == verb["verb"]
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["hook_verbs_unknown"]


def test_of_an_agent_that_the_platform_carries_out_it_sees_what_we_make_of_it() -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(of_version("0.9", "native"))
        exchange.authenticated = True
        socket = Socket()
        await exchange.ring(control=socket)
        [verb] = OPTIONS["native"]["verbs"]
        assert await heed(exchange, "redirect", [verb | {"new": 1}]) is None
        [[left, *_]] = socket.said
        assert (left["verb"], "new" in left) == ("llm", False)
        assert "no key" in str(await heed(exchange, "redirect", [verb | {"auth": {}}]))

    story()
