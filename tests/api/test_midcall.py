"""What operators ask of a conversation, over HTTP: who may, what is read, and how it is answered."""

import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest
from aiohttp import ClientSession, web
from pytest_aiohttp.plugin import AiohttpClient

from api import midcall
from api.webhooks import Webhooks, guard
from media.effects import How, Outcome
from tests.calls.exchange import LLM, SECRET, Exchange, settings_of
from tests.calls.test_obeying import talking

TOKEN = "token of the operators"
SETTINGS = settings_of({"verbs": [LLM]}, server={"admin_token": TOKEN})
PATHS = ("items", "events", "input", "interrupt", "reset")


class Desk:
    def __init__(self, exchange: Exchange, client: ClientSession, url: str) -> None:
        self.exchange = exchange
        self._client = client
        self._url = f"{url}/api/calls/c-1"

    async def ask(self, path: str, body: Any = None, *, method: str = "POST", token: str = TOKEN) -> tuple[int, Any]:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._client.request(method, f"{self._url}/{path}", data=data, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def desk(aiohttp_client: AiohttpClient) -> AsyncIterator[Desk]:
    exchange = Exchange(SETTINGS)
    app = web.Application(middlewares=[guard(lambda _: None)])
    webhooks = Webhooks(exchange.switchboard, secret=SECRET, base_url=lambda: "http://127.0.0.1", count=lambda _: None)
    app.add_routes(midcall.routes(exchange.switchboard, webhooks))
    client = await aiohttp_client(app)
    yield Desk(exchange, client.session, str(client.make_url("")).rstrip("/"))
    await exchange.switchboard.close()


async def test_only_who_shows_the_admin_token_is_heard(desk: Desk) -> None:
    for path in PATHS:
        assert (await desk.ask(path, {}, token="another"))[0] == 401
    assert (await desk.ask("items/i1", method="GET", token=""))[0] == 401


async def test_what_is_asked_of_nobody_and_what_cannot_be_read_say_so(desk: Desk) -> None:
    assert (await desk.ask("interrupt"))[1]["error"]["code"] == "call_unknown"
    await talking(desk.exchange)
    status, answer = await desk.ask("input", {"paused": 5})
    assert (status, answer["error"]["code"]) == (422, "bad_request")
    status, answer = await desk.ask("events", b"{")
    assert (status, answer["error"]["message"]) == (422, "not JSON")


async def test_what_is_done_is_told(desk: Desk) -> None:
    await talking(desk.exchange)
    assert await desk.ask("input", {"paused": True}) == (200, {"call_sid": "c-1", "paused": True})
    assert await desk.ask("interrupt") == (200, {"call_sid": "c-1", "interrupted": False})
    status, answer = await desk.ask("items/i1", method="GET")
    assert (status, answer["error"]["code"]) == (409, "no_session")
    status, answer = await desk.ask("events", {"type": "response.create"})
    assert (status, answer["error"]["code"]) == (409, "no_session")


def test_every_way_in_which_a_request_can_end_has_a_status() -> None:
    assert {how: Outcome(how, {}) for how in midcall.STATUS}.keys() == set(get_args(How))
