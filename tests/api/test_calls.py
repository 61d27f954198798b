"""What operators ask of calls, over HTTP, and a platform's REST API that is asked in turn."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pytest_aiohttp.plugin import AiohttpClient

from api import calls
from api.webhooks import Webhooks, guard
from calls.control import ControlError
from config import Settings
from media.remote import RemoteReply, RemoteUnreachable
from tests.calls.exchange import SAY, SECRET, Applications, Exchange, JsonObject, settings_of, settled, verbs_reply
from tests.calls.test_remotely import DIAL, PLATFORM, SERVER

TOKEN = "token of the operators"
SETTINGS = settings_of(
    {"name": "sales", "verbs": [DIAL], "amd_hook": "/machine"},
    platform=PLATFORM,
    server=SERVER | {"admin_token": TOKEN},
)
ORDER: JsonObject = {"to": "+15551230001", "from": "+15557654321"}


class Desk:
    """A switchboard behind the operators' paths."""

    def __init__(self, exchange: Exchange, client: ClientSession, url: str) -> None:
        self.exchange = exchange
        self.url = url
        self._client = client

    async def ask(self, path: str, body: Any = None, token: str = TOKEN, method: str = "POST") -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        async with self._client.request(method, self.url + path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def refusal(
        self, path: str, body: Any = None, token: str = TOKEN, method: str = "POST"
    ) -> tuple[int, str, str]:
        status, answer = await self.ask(path, body, token, method)
        assert answer.keys() == {"error"}
        return status, answer["error"]["code"], answer["error"]["message"]


@pytest.fixture
async def desk_for(aiohttp_client: AiohttpClient) -> AsyncIterator[Any]:
    """Make a desk from settings."""
    made: list[Exchange] = []

    async def make(settings: Settings = SETTINGS, applications: Applications | None = None) -> Desk:
        made.append(Exchange(settings, applications))
        app = web.Application(middlewares=[guard(lambda _: None)])
        webhooks = Webhooks(
            made[-1].switchboard, secret=SECRET, base_url=lambda: "http://127.0.0.1:3000", count=lambda _: None
        )
        app.add_routes([*webhooks.routes(), *calls.routes(made[-1].switchboard, webhooks)])
        client = await aiohttp_client(app)
        return Desk(made[-1], client.session, str(client.make_url("")).rstrip("/"))

    yield make
    for exchange in made:
        await exchange.switchboard.close()


async def test_a_call_is_placed_and_what_answers_it_is_told_to_the_routes_hook(desk_for: Any) -> None:
    desk = await desk_for(applications=Applications({"/machine": verbs_reply(SAY)}))
    assert await desk.ask("/api/calls", {**ORDER, "route": "sales", "tag": {"a": 1}}) == (202, {"call_sid": "c-out"})
    [(_, _, body)] = desk.exchange.api.asked
    assert body["tag"]["a"] == 1
    webhook = {"call_sid": "c-out", "direction": "outbound", "customerData": body["tag"], "to": "x", "from": "y"}
    assert [verb["verb"] for verb in (await desk.ask("/call", webhook))[1]] == ["dial", "hangup"]
    machine = body["amd"]["actionHook"].removeprefix(SERVER["public_url"])
    told = {"call_sid": "c-out", "type": "amd_machine_detected"}
    assert await desk.ask(machine, told) == (200, [SAY, {"verb": "hangup"}])
    assert desk.exchange.applications.bodies("/machine") == [told]
    assert await desk.ask(machine, b"{") == (200, [])


async def test_a_call_is_hung_up_and_redirected(desk_for: Any) -> None:
    desk = await desk_for()
    await desk.exchange.ring()
    assert await desk.ask("/api/calls/c-1/redirect", {"verbs": [SAY]}) == (
        202,
        {"call_sid": "c-1", "state": "redirecting"},
    )
    assert await desk.ask("/api/calls/c-1/hangup") == (202, {"call_sid": "c-1", "state": "ending"})
    assert [method for method, _, _ in desk.exchange.api.asked] == ["PUT", "PUT"]


@pytest.mark.parametrize("path", ["/api/calls", "/api/calls/c-1/hangup", "/api/calls/c-1/redirect"])
async def test_only_who_shows_the_admin_token_is_heard(desk_for: Any, path: str) -> None:
    desk = await desk_for()
    for token in ("", "another"):
        assert (await desk.refusal(path, ORDER, token=token))[0] == 401
    assert desk.exchange.api.asked == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "the body: an object is wanted"),
        (b'{"to": NaN}', "number that is none"),
        ({"to": "+1"}, "from: Field required"),
        ({**ORDER, "to": 5}, "to."),
        ({**ORDER, "from": ""}, "from: "),
        ({**ORDER, "from": "+1555\r\nX-Header: 1"}, "`from` holds a line break"),
        ({**ORDER, "numbers": []}, "numbers: Extra inputs are not permitted"),
        ({**ORDER, "tag": {f"{key}": 1 for key in range(65)}}, "tag: "),
        ({**ORDER, "to": "Ann"}, "`to` must be"),
        ({**ORDER, "route": "sale"}, "did you mean 'sales'?"),
    ],
)
async def test_a_bad_order_says_what_is_wrong_with_it(desk_for: Any, body: Any, told: str) -> None:
    status, code, message = await (await desk_for()).refusal("/api/calls", body)
    assert (status, code, told in message) == (422, "bad_request", True), message


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (
            RemoteReply(400, b'{"msg": "no such carrier"}'),
            (422, "platform_refused", "the platform refused it: no such carrier"),
        ),
        (
            RemoteReply(401),
            (502, "platform_failed", "the platform refused it: HTTP status 401 (look at platform.api.api_key)"),
        ),
        (RemoteUnreachable("no answer"), (504, "platform_unreachable", "no answer")),
    ],
)
async def test_what_the_platform_says_is_passed_on(desk_for: Any, reply: Any, answer: tuple[int, str, str]) -> None:
    desk = await desk_for()
    desk.exchange.api.replies = [reply]
    assert await desk.refusal("/api/calls", ORDER) == answer


async def test_calls_that_cannot_be_told_anything_say_why(desk_for: Any) -> None:
    desk = await desk_for()
    assert (await desk.refusal("/api/calls/nobody/redirect", {"verbs": [SAY]}))[:2] == (404, "call_unknown")
    desk.exchange.api.replies = [RemoteReply(404)]
    assert (await desk.refusal("/api/calls/nobody/hangup"))[:2] == (404, "call_unknown")
    desk.exchange.api.replies = [RemoteReply(400, b'{"msg": "Bad request"}')]
    assert await desk.refusal("/api/calls/no-uuid/hangup") == (
        404,
        "call_unknown",
        "the platform refused it: Bad request",
    )
    desk.exchange.api.replies = [RemoteReply(404)]
    status, code, message = await desk.refusal("/api/calls", ORDER)
    assert (status, code, "platform.api.base_url" in message) == (502, "platform_failed", True)
    desk.exchange.api.replies = [RemoteReply(422), RemoteReply(422)]
    await desk.exchange.ring()
    assert (await desk.refusal("/api/calls/c-1/hangup"))[:2] == (409, "call_state")
    assert (await desk.refusal("/api/calls/c-1/redirect", {"verbs": [{"verb": 5}]}))[:2] == (422, "bad_verbs")
    assert (await desk.refusal("/api/calls/c-1/redirect", {"verbs": []}))[:2] == (422, "bad_verbs")
    assert (await desk.refusal("/api/calls/c-1/redirect", {"verbs": "say"}))[:2] == (422, "bad_request")


async def test_a_call_that_is_over_or_elsewhere_is_not_unknown(desk_for: Any) -> None:
    desk = await desk_for(settings_of({"verbs": [DIAL]}, server={"admin_token": TOKEN}))
    await desk.exchange.ring()
    row = await desk.exchange.store.by_sid("c-1")
    assert row
    for sid, state in (("c-2", "in_progress"), ("c-3", "completed")):
        await desk.exchange.store.create(replace(row, id=sid.encode(), call_sid=sid, state=state))
    desk.exchange.status("completed")
    await settled()
    for path, body, method in (("llm", {}, "PATCH"), ("hangup", None, "POST"), ("redirect", {"verbs": [SAY]}, "POST")):
        codes = [
            (await desk.refusal(f"/api/calls/{sid}/{path}", body, method=method))[:2]
            for sid in ("c-1", "c-2", "c-3", "c-4")
        ]
        assert codes == [
            (409, "call_over"),
            (409, "call_elsewhere"),
            (409, "call_over"),
            (404, "call_unknown"),
        ]


async def test_a_call_that_the_platform_has_forgotten_is_over(desk_for: Any) -> None:
    desk = await desk_for()
    await desk.exchange.ring()
    desk.exchange.api.replies = [RemoteReply(404)]
    assert (await desk.refusal("/api/calls/c-1/hangup"))[:2] == (409, "call_over")


@pytest.mark.parametrize("body", [b"garbage{", {"now": True}, []])
async def test_a_hang_up_has_nothing_to_say(desk_for: Any, body: Any) -> None:
    desk = await desk_for()
    await desk.exchange.ring()
    assert (await desk.refusal("/api/calls/c-1/hangup", body))[:2] == (422, "bad_request")
    assert desk.exchange.api.asked == []
    assert (await desk.ask("/api/calls/c-1/hangup", {}))[0] == 202


async def test_without_an_api_the_key_to_set_is_named(desk_for: Any) -> None:
    desk = await desk_for(settings_of({"verbs": [DIAL]}, server={"admin_token": TOKEN}))
    assert await desk.refusal("/api/calls", ORDER) == (
        409,
        "platform_api_missing",
        "calls are placed by the platform's REST API: set platform.api",
    )
    await desk.exchange.ring()
    for path, body in (("hangup", None), ("redirect", {"verbs": [SAY]})):
        status, code, message = await desk.refusal(f"/api/calls/c-1/{path}", body)
        assert (status, code, "platform.api" in message) == (409, "call_unreachable", True)


PATCH = "/api/calls/c-1/llm"


@pytest.mark.claim("P10", "P21")
async def test_settings_are_the_operators_alone_and_of_a_conversation(desk_for: Any) -> None:
    desk = await desk_for()
    assert (await desk.refusal(PATCH, {}, method="PATCH"))[:2] == (404, "call_unknown")
    await desk.exchange.ring()
    assert (await desk.refusal(PATCH, {}, method="PATCH"))[:2] == (409, "no_conversation")
    assert (await desk.refusal(PATCH, {}, token="", method="PATCH"))[0] == 401
    assert (await desk.refusal(PATCH, {}, token="x", method="PATCH"))[0] in {401, 403}


@pytest.mark.claim("P13")
@pytest.mark.parametrize(
    ("query", "body", "told"),
    [
        ("", [], "the body"),
        ("", {"recycle": "yes"}, "recycle: "),
        ("", {f"s{n}": n for n in range(65)}, "at most 64 settings"),
        ("?merge=shallow", {}, "merge: deep or replace"),
    ],
)
async def test_a_bad_change_says_what_is_wrong_with_it(desk_for: Any, query: str, body: Any, told: str) -> None:
    status, code, message = await (await desk_for()).refusal(PATCH + query, body, method="PATCH")
    assert (status, code, told in message) == (422, "bad_request", True), message


def test_every_way_in_which_a_call_cannot_be_told_has_an_answer() -> None:
    has_its_own = {"CallRefusedError"}
    answered = {kind.__name__ for kind in calls.ANSWERS} | has_its_own
    assert {kind.__name__ for kind in ControlError.__subclasses__()} == answered


@pytest.mark.parametrize(
    ("server", "status", "code", "retry_after"),
    [
        ({"max_calls": 0}, 503, "max_calls", "5"),
        ({"max_calls_per_s": 1}, 429, "max_calls_per_s", "1"),
    ],
)
async def test_a_call_for_which_there_is_no_room_is_not_placed_and_the_answer_says_why(
    desk_for: Any, server: JsonObject, status: int, code: str, retry_after: str
) -> None:
    settings = settings_of({"verbs": [DIAL]}, platform=PLATFORM, server=SERVER | {"admin_token": TOKEN} | server)
    desk = await desk_for(settings)
    for _ in range(server.get("max_calls_per_s", 0)):
        assert (await desk.ask("/api/calls", ORDER))[0] == 202
    assert (await desk.refusal("/api/calls", ORDER))[:2] == (status, code)
    answer = await desk._client.post(f"{desk.url}/api/calls", json=ORDER, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.headers["Retry-After"] == retry_after
    assert len(desk.exchange.api.asked) == server.get("max_calls_per_s", 0)


async def test_an_order_that_does_not_come_is_not_waited_for(desk_for: Any) -> None:
    settings = settings_of({"verbs": [DIAL]}, server={"body_timeout_s": 0.1})
    desk = await desk_for(settings)

    async def trickling() -> AsyncIterator[bytes]:
        yield b'{"to": '
        await asyncio.sleep(5)

    async with desk._client.post(f"{desk.url}/api/calls", data=trickling()) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (408, "slow_body")
