"""What operators read of calls, over HTTP: what may be asked, and what is wrong with what is asked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from api import records, streams
from api.paging import Query, entry_cursor, place_cursor, sought
from api.webhooks import Refused, guard
from calls.dispatchers import Dispatchers
from calls.journal import MAX_EVENTS
from store.summaries import Entry, Place, Sought
from tests.calls.exchange import LLM, Applications, Exchange, settings_of
from tests.store.test_store import END, call, delivery

TOKEN = "token of the operators"
SETTINGS = settings_of({"verbs": [LLM]}, server={"admin_token": TOKEN, "heartbeat_s": 0.05, "send_timeout_s": 0.2})
ASKED = {"Authorization": f"Bearer {TOKEN}"}


class Desk:
    def __init__(self, exchange: Exchange, client: ClientSession, url: str) -> None:
        self.exchange = exchange
        self.url = url
        self.client = client

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.client.get(self.url + path, headers=ASKED) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def desk(aiohttp_client: AiohttpClient) -> AsyncIterator[Desk]:
    exchange = Exchange(SETTINGS)
    clock = asyncio.get_running_loop().time
    dispatchers = Dispatchers({"https": Applications()}, clock=clock, observe=lambda _: None, store=exchange.store)
    dispatchers.make(SETTINGS)
    app = web.Application(middlewares=[guard(lambda _: None)])
    app.add_routes(records.routes(exchange.switchboard, dispatchers))
    client = await aiohttp_client(app)
    yield Desk(exchange, client.session, str(client.make_url("")).rstrip("/"))
    await exchange.switchboard.close()


async def test_a_list_is_gone_on_with_by_its_cursor_until_there_is_none(desk: Desk) -> None:
    for n in range(5):
        await desk.exchange.store.create(call(id=bytes([n] * 12), call_sid=f"c-{n}", created_at_s=1000.0 + n // 2))
    seen, query = list[str](), "limit=2"
    while query:
        status, page = await desk.get(f"/api/calls?{query}")
        assert (status, page.keys()) == (200, {"calls", "next"})
        seen += [one["call_sid"] for one in page["calls"]]
        query = f"limit=2&cursor={page['next']}" if page["next"] else ""
    assert seen == ["c-4", "c-3", "c-2", "c-1", "c-0"]


async def test_a_list_shows_what_its_parameters_say(desk: Desk) -> None:
    await desk.exchange.store.create(call(state="completed", end=END))
    await desk.exchange.ring("c-1")
    for query, found in (
        ("", ["c-1", call().call_sid]),
        ("?state=completed&reason_code=caller_hung_up", [call().call_sid]),
        ("?number=15557654321", ["c-1"]),
        ("?from=+15557654321", ["c-1"]),
        ("?to=%2B15551230001&since=2001-01-01T00:00:00Z", ["c-1"]),
        ("?until=2001-01-01", [call().call_sid]),
        ("?route=route-0&direction=outbound", []),
    ):
        status, page = await desk.get(f"/api/calls{query}")
        assert (status, [one["call_sid"] for one in page["calls"]]) == (200, found), query


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("limit=0", "limit: must be a whole number from 1 to 200"),
        ("limit=201", "limit: "),
        ("limit=²", "limit: "),
        ("limit=", "limit: "),
        ("limit=1&limit=2", "limit: is said twice"),
        ("state=over", "state: must be one of ringing, in_progress, completed"),
        ("direction=up", "direction: must be one of inbound, outbound"),
        ("since=yesterday", "since: must be a moment such as"),
        ("until=2026-13-01", "until: must be a moment"),
        ("cursor=x", "cursor: was not given by this server"),
        ("cursor=%C3%A9", "cursor: "),
        (f"cursor={place_cursor(Place(float('nan'), bytes(12)))}", "cursor: "),
        (f"cursor={entry_cursor(Entry(1.0, 1, 'msg_1'))}", "cursor: "),
        ("number=" + "1" * 300, "number: is longer than 256 characters"),
        ("stat=completed", "stat: is unknown; there are limit, cursor, state"),
    ],
)
async def test_a_bad_parameter_is_named(desk: Desk, query: str, complaint: str) -> None:
    status, answer = await desk.get(f"/api/calls?{query}")
    assert (status, answer["error"]["code"]) == (422, "bad_request")
    assert answer["error"]["message"].startswith(complaint)


class Asked:
    def __init__(self, *query: tuple[str, str]) -> None:
        self.query = MultiDict(query)


def query_of(*said: tuple[str, str]) -> Query:
    return Query(Asked(*said), records.LIST)  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False), st.binary(min_size=12, max_size=12))
def test_a_place_comes_back_from_its_cursor(at_s: float, row_id: bytes) -> None:
    place = Place(at_s, row_id)
    assert query_of(("cursor", place_cursor(place))).place() == place


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**60), st.text("abc_019", max_size=40))
def test_an_entry_comes_back_from_its_cursor(at_s: float, seq: int, webhook_id: str) -> None:
    entry = Entry(at_s, seq, webhook_id)
    assert query_of(("cursor", entry_cursor(entry))).entry() == entry


@given(st.dictionaries(st.sampled_from(records.LIST), st.text(max_size=40)))
def test_whatever_is_asked_is_read_or_refused(said: dict[str, str]) -> None:
    refused = None
    try:
        query = query_of(*said.items())
        assert isinstance(sought(query), Sought)
        assert isinstance(query.place(), Place | None)
        assert 1 <= query.limit() <= 200
    except Refused as refusal:
        refused = refusal.response.status
    assert refused in {None, 422}


def test_a_moment_is_read_as_it_is_written() -> None:
    for text, at_s in (
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:01:00 01:00", 60.0),
        ("1970-01-01T00:01:00", 60.0),
        ("60.5", 60.5),
    ):
        assert query_of(("since", text)).moment("since") == at_s


async def test_only_operators_are_answered(desk: Desk) -> None:
    for path in ("/api/calls", "/api/calls/c-1", "/api/calls/c-1/events", "/api/calls/c-1/recording.wav", "/api/hooks"):
        async with desk.client.get(desk.url + path) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (401, "unauthorized")
    async with desk.client.post(desk.url + "/api/hooks/msg_1/replay") as answer:
        assert answer.status == 401


async def test_an_unknown_call_is_404_in_json_and_one_without_sound_says_why(desk: Desk) -> None:
    for path in ("", "/events", "/recording.wav"):
        status, answer = await desk.get(f"/api/calls/nobody{path}")
        assert (status, answer["error"]["code"]) == (404, "call_unknown")
    await desk.exchange.ring("c-1")
    status, answer = await desk.get("/api/calls/c-1/recording.wav")
    assert (status, answer["error"]["code"]) == (404, "not_recorded")
    assert "media.record: true" in answer["error"]["message"]
    assert (await desk.get("/api/calls/c-1"))[1]["recording"] is None


async def test_the_outbox_is_paged_by_its_link(desk: Desk) -> None:
    for seq in range(1, 4):
        desk.exchange.store.keep(delivery(seq, state="dead", created_at=float(seq)))
    seen, path = list[str](), "/api/hooks?limit=2"
    while path:
        async with desk.client.get(desk.url + path, headers=ASKED) as answer:
            assert answer.status == 200
            seen += [entry["id"] for entry in await answer.json()]
            path = URL(answer.links["next"]["url"]).path_qs if answer.links else ""
    assert seen == ["msg_1", "msg_2", "msg_3"]
    assert (await desk.get("/api/hooks"))[1][0]["url"] == "https://app/event"
    assert (await desk.get("/api/hooks?state=dead"))[0] == 422


# Streams


async def test_a_quiet_call_beats_and_one_that_was_loud_says_what_is_lost(desk: Desk) -> None:
    await desk.exchange.ring("c-1")
    live = desk.exchange.switchboard._calls.by_sid("c-1")
    assert live
    for n in range(MAX_EVENTS + 6):
        live.journal.add("turn", {"n": n})
    async with desk.client.get(f"{desk.url}/api/calls/c-1/events", headers=ASKED) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        first = (await answer.content.readuntil(b"\n\n")).decode()
        assert first == 'event: dropped\ndata: {"count": 7}\n\n'
        second = (await answer.content.readuntil(b"\n\n")).decode()
        assert second.splitlines()[0] == f"id: {live.journal.name}-8"
        for _ in range(MAX_EVENTS - 1):
            await answer.content.readuntil(b"\n\n")
        assert await answer.content.readuntil(b"\n\n") == b": nothing new\n\n"
        live.journal.add("hook", {"seq": 1})
        news = b""
        while b"event: hook" not in news:
            news = await answer.content.readuntil(b"\n\n")
        assert len(live.journal.listeners) == 1
    async with asyncio.timeout(5):
        while live.journal.listeners:  # noqa: ASYNC110  # the next beat finds nobody there
            await asyncio.sleep(0.01)


async def test_who_comes_back_gets_what_is_new_to_them(desk: Desk) -> None:
    await desk.exchange.ring("c-1")
    live = desk.exchange.switchboard._calls.by_sid("c-1")
    assert live
    journal = live.journal
    journal.add("turn", {"n": 2})
    journal.end({})
    for last, kinds in (("", ["state", "turn", "end"]), (f"{journal.name}-1", ["turn", "end"]), ("other-1", None)):
        stream = "".join([part async for part in streams._news(journal, seen(last, journal.name), 1.0)])
        found = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
        assert found == (kinds or ["state", "turn", "end"])
    assert journal.listeners == set()


def seen(last: str, name: str) -> int:
    asking = make_mocked_request("GET", "/", headers={"Last-Event-ID": last})
    return streams._seen(asking, name)


async def test_there_are_only_so_many_listeners(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_LISTENERS", 1)
    await desk.exchange.ring("c-1")
    async with desk.client.get(f"{desk.url}/api/calls/c-1/events", headers=ASKED) as answer:
        await answer.content.readuntil(b"\n\n")
        status, refusal = await desk.get("/api/calls/c-1/events")
        assert (status, refusal["error"]["code"]) == (503, "too_many_listeners")


async def test_a_listener_that_does_not_read_is_cut_off_and_the_others_are_not(desk: Desk) -> None:
    await desk.exchange.ring("c-1")
    live = desk.exchange.switchboard._calls.by_sid("c-1")
    assert live
    deaf = await desk.client.get(f"{desk.url}/api/calls/c-1/events", headers=ASKED)
    async with asyncio.timeout(10):
        while not live.journal.listeners:  # noqa: ASYNC110  # until it listens
            await asyncio.sleep(0.01)
        while live.journal.listeners:
            live.journal.add("turn", {"much": "x" * 1_000_000})
            await asyncio.sleep(0.01)
    deaf.close()
    assert live.journal.since(0)[1]


async def test_a_call_that_nobody_has_and_that_is_not_over_has_no_stream_yet(desk: Desk) -> None:
    await desk.exchange.store.create(call())
    status, answer = await desk.get(f"/api/calls/{call().call_sid}/events")
    assert (status, answer["error"]["code"]) == (409, "call_state")
