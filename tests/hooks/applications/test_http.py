"""An application asked over HTTP, in virtual time."""

import asyncio

import pytest

from hooks.applications.http import Http
from hooks.delivery import Result
from hooks.transports.base import HookFailure, HookReply, HookTimeout, HookUnreachable
from tests.calls.exchange import JsonObject, in_virtual_time

JSON = "application/json; charset=utf-8"
HANGUP = b'[{"verb": "hangup"}]'


class Asked:
    """What was asked, and the results to give, one after the other."""

    def __init__(self, *results: Result, after_s: float = 0.0) -> None:
        self.urls: list[str] = []
        self._results = list(results)
        self._after_s = after_s

    async def __call__(self, url: str, body: JsonObject) -> Result:
        self.urls.append(url)
        await asyncio.sleep(self._after_s)
        return self._results.pop(0)


def http(asked: Asked, url: str = "https://app.example.com/call") -> Http:
    return Http(url, ask=asked, patience_s=8)


@in_virtual_time
async def test_its_array_is_what_the_call_does_and_the_platforms_own_fragment_is_not_sent_on() -> None:
    asked = Asked(HookReply(200, JSON, HANGUP))
    assert await http(asked, "https://app.example.com/call?x=1#rc=3&rp=5xx").answer({}) == [{"verb": "hangup"}]
    assert asked.urls == ["https://app.example.com/call?x=1"]


@pytest.mark.parametrize(
    ("result", "complaint"),
    [
        (HookReply(200, JSON, b"[]"), "gave no verbs"),
        (HookReply(204), "gave no verbs"),
        (HookReply(200, JSON, b'{"verb": "hangup"}'), "JSON object"),
        (HookReply(200, "text/html", HANGUP), "content type is text/html"),
        (HookReply(200, "", HANGUP), "content type is missing"),
        (HookReply(200, JSON, b"<html>"), "not valid JSON"),
        (HookReply(302), "HTTP status 302"),
        (HookReply(500, JSON, HANGUP), "HTTP status 500"),
        (HookTimeout("no complete answer within 8 s"), "no complete answer"),
    ],
)
def test_what_jambonz_would_not_run_is_a_failure_that_says_what_came(result: Result, complaint: str) -> None:
    @in_virtual_time
    async def story() -> None:
        asked = Asked(result)
        with pytest.raises(HookFailure, match=complaint):
            await http(asked).answer({})
        assert len(asked.urls) == 1

    story()


@in_virtual_time
async def test_it_is_asked_once_more_where_nothing_was_sent() -> None:
    asked = Asked(HookUnreachable("no connection"), HookReply(200, JSON, HANGUP))
    assert await http(asked).answer({}) == [{"verb": "hangup"}]


@in_virtual_time
async def test_all_tries_together_have_one_deadline() -> None:
    asked = Asked(HookUnreachable("no connection"), HookReply(200, JSON, HANGUP), after_s=5)
    with pytest.raises(HookFailure, match="within 8 s"):
        await http(asked).answer({})


@pytest.mark.parametrize(
    ("hook", "url"),
    [
        ("/final", "https://u:p@app.example.com:8443/final"),
        ({"url": "/final?x=1"}, "https://u:p@app.example.com:8443/final?x=1"),
        ("http://other.example.com/y", "http://other.example.com/y"),
        (None, None),
    ],
)
def test_its_hooks_are_on_its_own_origin(hook: object, url: str | None) -> None:
    assert http(Asked(), "https://u:p@app.example.com:8443/jambonz/call?tenant=7").address(hook) == url
