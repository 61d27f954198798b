import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from api import health
from calls.admission import Means
from tests.calls.exchange import LLM, Exchange, in_virtual_time, settings_of
from tests.calls.test_arriving import Scarce


def serving(states: list[str | None]) -> web.Application:
    app = web.Application()
    app.add_routes(health.routes(lambda: states.pop(0)))
    return app


async def test_a_server_is_alive_whatever_its_state(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serving([]))
    answer = await client.get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_readiness_is_asked_anew_each_time(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serving(["starting", None, "draining"]))
    assert [(await client.get("/readyz")).status for _ in range(3)] == [503, 200, 503]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        *health.REASONS.items(),
        ("degraded: the store answers no more", "the store answers no more"),
        ("degraded:", health.REASONS["degraded"]),
        ("frozen", "frozen"),
    ],
)
async def test_one_who_is_not_ready_says_why(aiohttp_client: AiohttpClient, state: str, message: str) -> None:
    client = await aiohttp_client(serving([state]))
    answer = await client.get("/readyz")
    code = state.partition(":")[0]
    assert (answer.status, await answer.json()) == (503, {"error": {"code": code, "message": message}})
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_probe_may_ask_for_the_head_only(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serving([None]))
    assert (await client.head("/readyz")).status == 200


@in_virtual_time
async def test_what_keeps_a_server_from_taking_calls_is_told_the_gravest_first() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}, server={"max_calls": 1}))
    told: list[str | None] = []

    def look() -> None:
        told.append(health.state_of(exchange.switchboard, exchange.store))

    look()
    await exchange.ring()
    look()
    scarce = exchange.switchboard._arriving._machine = Scarce()
    scarce.now = Means(3)
    look()
    exchange.store.degraded = "database or disk is full"
    look()
    await exchange.switchboard.drain(0)
    look()
    assert told[:2] == [None, "full"]
    assert str(told[2]).startswith("degraded: 3 file descriptors are left")
    assert told[3:] == [
        "degraded: nothing can be written to the store (database or disk is full); calls go on in memory",
        "draining",
    ]
