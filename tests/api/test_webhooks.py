"""What the platform asks over HTTP, and what it is answered."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient
from structlog.testing import capture_logs

from api.control import ControlSockets
from api.webhooks import MAX_BODY_BYTES, Webhooks, guard
from calls.document import FAULT
from calls.sessions import Sessions
from config import Settings
from media.ticket import Ticket, sign
from tests.calls.exchange import HANGUP, LLM, SAY, SECRET, SORRY, Exchange, listen_in, names, settings_of
from tests.live.serving import Platform
from tests.live.serving import sign as signature

WEBHOOK_SECRET = "secret of the webhooks"
PLAIN: dict[str, Any] = {"verbs": [LLM, SAY]}
SIGNED = {"webhook_secrets": [WEBHOOK_SECRET, "a newer secret"]}


class Desk:
    """A switchboard behind its webhooks, and a platform that asks."""

    def __init__(self, exchange: Exchange, platform: Platform, refusals: list[str]) -> None:
        self.exchange = exchange
        self.platform = platform
        self.refusals = refusals


@pytest.fixture
async def desk_for(aiohttp_client: AiohttpClient) -> AsyncIterator[Any]:
    """Make a desk from settings."""
    made: list[Exchange] = []

    async def make(settings: Settings, secret: str = "") -> Desk:
        made.append(Exchange(settings))
        refusals: list[str] = []
        count = refusals.append
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[guard(count)])
        address: list[str] = []
        webhooks = Webhooks(made[-1].switchboard, secret=SECRET, base_url=lambda: address[0], count=count)
        sessions = Sessions(made[-1].switchboard, secret=SECRET)
        app.add_routes([*webhooks.routes(), *ControlSockets(sessions, webhooks).routes()])
        client = await aiohttp_client(app)
        address.append(str(client.make_url("")).rstrip("/"))
        return Desk(made[-1], Platform(client.session, address[0], secret), refusals)

    yield make
    for exchange in made:
        await exchange.switchboard.close()


BODY = {"call_sid": "c-1", "from": "+15557654321", "to": "+15551230001", "direction": "inbound"}
RAW = json.dumps(BODY).encode()


async def test_a_call_gets_its_document_with_urls_of_this_server(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    status, document, headers = await desk.platform.post("/call", BODY)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert listen_in(document)["url"].startswith(f"ws{desk.platform.url.removeprefix('http')}/media/jambonz/")
    assert listen_in(document)["actionHook"].startswith(f"{desk.platform.url}/call/ended/")


async def test_a_public_url_goes_before_our_own_and_makes_any_platform_welcome(desk_for: Any) -> None:
    server = {"public_url": "https://voice.example.com/agent", "insecure": True}
    desk = await desk_for(settings_of(PLAIN, server=server))
    _, document, _ = await desk.platform.post("/call", BODY, Host="voice.example.com")
    assert listen_in(document)["url"].startswith("wss://voice.example.com/agent/media/")


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"Host": "voice.example.com"}, "http://voice.example.com"),
        ({"Host": "x.ngrok.app", "X-Forwarded-Proto": "https"}, "https://x.ngrok.app"),
    ],
)
async def test_a_platform_elsewhere_needs_a_public_url(
    desk_for: Any, capsys: pytest.CaptureFixture[str], headers: dict[str, str], url: str
) -> None:
    desk = await desk_for(settings_of(PLAIN, platform=SIGNED), WEBHOOK_SECRET)
    assert (await desk.platform.post("/call", BODY, **headers))[:2] == (200, SORRY)
    written = capsys.readouterr().out
    assert written.count("public_url_missing") == 1
    assert f"such as {url}" in written


async def test_repeated_webhooks_get_the_same_bytes(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    first = await asyncio.gather(*(desk.platform.post("/call", BODY) for _ in range(3)))
    await asyncio.sleep(0.05)
    again = await desk.platform.post("/call", BODY)
    assert {json.dumps(document) for _, document, _ in [*first, again]} == {json.dumps(again[1])}
    assert len(desk.exchange.lines.made) == 1


async def test_a_full_server_answers_at_once(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN, server={"max_calls": 1}))
    await desk.platform.post("/call", BODY)
    began = time.monotonic()
    _, document, _ = await desk.platform.post("/call", BODY | {"call_sid": "c-2"})
    assert (document, time.monotonic() - began < 0.05) == ([{"verb": "sip:decline", "status": 486}], True)


async def test_a_number_without_a_route_is_declined(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN | {"numbers": ["+1999"]}))
    assert (await desk.platform.post("/call", BODY))[:2] == (200, [{"verb": "sip:decline", "status": 404}])


@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, "a newer secret"])
async def test_what_is_signed_with_any_of_the_secrets_is_answered(desk_for: Any, secret: str) -> None:
    desk = await desk_for(settings_of(PLAIN, platform=SIGNED, server={"public_url": "https://v.example.com"}), secret)
    assert (await desk.platform.post("/call", BODY, Host="v.example.com"))[0] == 200


@pytest.mark.parametrize("path", ["/call", "/call/status", "/adulting"])
@pytest.mark.parametrize(
    ("header", "code"),
    [
        (lambda: signature(RAW, "another secret"), "wrong_signature"),
        (lambda: signature(RAW, WEBHOOK_SECRET, time.time() - 3000), "stale_signature"),
        (lambda: signature(RAW, WEBHOOK_SECRET, time.time() + 3000), "stale_signature"),
        (lambda: signature(RAW + b" ", WEBHOOK_SECRET), "wrong_signature"),
        (lambda: "nonsense", "wrong_signature"),
        (lambda: "", "unsigned"),
    ],
    ids=["of another", "of the past", "of the future", "of another body", "nonsense", "none"],
)
async def test_a_wrong_stale_or_absent_signature_is_refused(
    desk_for: Any, path: str, header: Callable[[], str], code: str
) -> None:
    desk = await desk_for(settings_of(PLAIN, platform=SIGNED))
    status, answer, _ = await desk.platform.post(path, RAW, **{"Jambonz-Signature": header()})
    assert (status, answer["error"]["code"]) == (401, code)
    assert desk.refusals == [code]
    assert desk.exchange.lines.made == []


@pytest.mark.parametrize("path", ["/call", "/call/status", "/adulting"])
@pytest.mark.parametrize(
    "said", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"]
)
async def test_what_is_not_posted_as_json_is_refused(desk_for: Any, path: str, said: str) -> None:
    desk = await desk_for(settings_of(PLAIN))
    status, answer, _ = await desk.platform.post(path, RAW, **{"Content-Type": said})
    assert (status, answer["error"]["code"]) == (415, "not_json")
    assert "application/json" in answer["error"]["message"]
    assert desk.exchange.counts.started == 0


async def test_json_may_say_how_it_is_written(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    status, _, _ = await desk.platform.post("/call", RAW, **{"Content-Type": "application/json; charset=utf-8"})
    assert status == 200


async def test_the_log_says_by_how_much_the_clocks_differ(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN, platform=SIGNED))
    stale = {"Jambonz-Signature": signature(RAW, WEBHOOK_SECRET, time.time() - 3600)}
    with capture_logs() as logs:
        await desk.platform.post("/call", RAW, **stale)
        await desk.platform.post("/call", RAW, **{"Jambonz-Signature": "t=1,v1=x"})
    [told, other] = logs
    assert (told["event"], told["code"]) == ("request_refused", "stale_signature")
    assert told["skew_s"] == pytest.approx(3600, abs=5)
    assert "skew_s" not in other


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Host": "voice.example.com"}, "foreign_host"),
        ({"X-Forwarded-For": "203.0.113.7"}, "proxied"),
        ({"Forwarded": "for=203.0.113.7"}, "proxied"),
        ({"CF-Connecting-IP": "203.0.113.7"}, "proxied"),
        ({"Origin": "https://evil.example.com"}, "foreign_origin"),
    ],
)
async def test_without_a_secret_only_a_direct_request_of_this_machine_is_answered(
    desk_for: Any, headers: dict[str, str], reason: str
) -> None:
    desk = await desk_for(settings_of(PLAIN))
    with capture_logs() as logs:
        status, answer, _ = await desk.platform.post("/call", BODY, **headers)
    assert (status, answer["error"]["code"]) == (403, "not_trusted")
    assert [(told["code"], told["reason"]) for told in logs] == [("not_trusted", reason)]
    assert (await desk.platform.post("/call", BODY))[0] == 200
    assert desk.refusals == [reason]


async def test_what_is_no_call_is_refused(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    for path in ("/call", "/call/status"):
        for body in (b"{", b"[]", b'{"call_sid": "a", "call_sid": "a"}', b'{"from": "x"}'):
            status, answer, _ = await desk.platform.post(path, body)
            assert (status, answer["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 400), (MAX_BODY_BYTES + 1, 413)])
async def test_a_body_may_have_256_kib(desk_for: Any, size: int, status: int) -> None:
    desk = await desk_for(settings_of(PLAIN))
    assert (await desk.platform.post("/call", b"[" + b" " * (size - 2) + b"]"))[0] == status


async def test_a_body_that_does_not_come_is_refused(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN, server={"body_timeout_s": 0.1}))

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    said = {"Content-Type": "application/json"}
    async with desk.platform.client.post(f"{desk.platform.url}/call", data=never(), headers=said) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (408, "slow_body")


async def test_a_body_that_is_not_what_its_headers_say_is_refused(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    assert (await desk.platform.post("/call", b"not gzip", **{"Content-Encoding": "gzip"}))[0] == 400


async def test_a_platform_that_asks_by_get_is_told_to_post(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    async with desk.platform.client.get(f"{desk.platform.url}/call") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")
        text = await answer.text()
    assert "configure POST" in text
    async with desk.platform.client.put(f"{desk.platform.url}/call") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (405, "method_not_allowed")


async def test_the_portal_is_shown_the_applications_variables(desk_for: Any) -> None:
    env = {"CITY": {"type": "string", "description": "Whose weather", "required": True}}
    desk = await desk_for(settings_of(PLAIN, platform={**SIGNED, "env": env}))
    async with desk.platform.client.options(f"{desk.platform.url}/call", headers={"Host": "v.example.com"}) as answer:
        assert (answer.status, await answer.json()) == (200, env)
    bare = await desk_for(settings_of(PLAIN))
    async with bare.platform.client.options(f"{bare.platform.url}/call", headers={"Host": "v.example.com"}) as answer:
        assert answer.status == 403


async def test_a_status_is_answered_at_once_and_with_nothing(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    await desk.platform.post("/call", BODY)
    for status in ("in-progress", "completed", "completed"):
        code, text, headers = await desk.platform.post("/call/status", {"call_sid": "c-1", "call_status": status})
        assert (code, text) == (204, "")
        assert "Content-Type" not in headers
    assert (await desk.platform.post("/call/status", {"call_sid": "nobody", "call_status": "completed"}))[0] == 204


async def test_what_comes_next_is_answered_for_a_good_ticket_and_nothing_for_others(desk_for: Any) -> None:
    desk = await desk_for(settings_of({"verbs": [LLM, HANGUP], "media": {"open_timeout_s": 0.05}}))
    _, document, _ = await desk.platform.post("/call", BODY)
    url = listen_in(document)["actionHook"]
    media_ticket = listen_in(document)["url"].rpartition("/")[2]
    unknown = sign(Ticket(bytes(12), 0, "ended"), SECRET)
    for wrong in ("nonsense", media_ticket, unknown, url.rpartition("/")[2][:-1]):
        assert (await desk.platform.post(f"/call/ended/{wrong}", {}))[:2] == (200, [])
        assert (await desk.platform.post(f"/call/hook/{wrong}", {}))[:2] == (200, [])
    # The unknown one is signed for /call/ended: a call that is forgotten is no forgery.
    assert desk.refusals == ["bad_ticket"] * 7
    first = await desk.platform.post(url, {"call_sid": "c-1"})
    assert (first[0], first[1], first[2]["Content-Type"]) == (200, SORRY, "application/json")
    assert (await desk.platform.post(url, b""))[1] == first[1]
    assert (await desk.platform.post(url, b"[]"))[1] == first[1]
    assert (await desk.platform.post(url, b"{"))[0] == 400


async def test_another_hook_is_passed_on(desk_for: Any) -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    desk = await desk_for(settings_of({"verbs": [menu]}))
    _, document, _ = await desk.platform.post("/call", BODY)
    assert names(document) == ["gather", "hangup"]
    assert (await desk.platform.post(document[0]["actionHook"], {"digits": "1"}))[:2] == (200, [])


async def test_a_leg_that_became_a_call_has_no_document(desk_for: Any) -> None:
    desk = await desk_for(settings_of(PLAIN))
    assert (await desk.platform.post("/adulting", BODY))[:2] == (200, [])


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        ("/call", 200, json.loads(FAULT)),
        ("/call/ended/x", 200, []),
        ("/call/hook/x", 200, []),
        ("/adulting", 200, []),
        ("/call/status", 400, {"error": {"code": "internal_error", "message": "internal error"}}),
        ("/media/jambonz/x", 400, {"error": {"code": "internal_error", "message": "internal error"}}),
        ("/api/calls", 500, {"error": {"code": "internal_error", "message": "internal error"}}),
    ],
)
async def test_a_fault_of_ours_is_answered_with_what_the_platform_can_work_with(
    aiohttp_client: AiohttpClient, path: str, status: int, answer: object
) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise ZeroDivisionError

    refusals: list[str] = []
    app = web.Application(middlewares=[guard(refusals.append)])
    app.router.add_post(path, broken)
    client = await aiohttp_client(app)
    async with client.post(path) as got:
        assert (got.status, await got.json()) == (status, answer)
    async with client.get("/nowhere") as got:
        assert (got.status, (await got.json())["error"]["code"]) == (404, "not_found")
    assert refusals == ["not_found"]
