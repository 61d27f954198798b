"""Calls that are placed by the platform's REST API, and told things by it."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.control import ApiMissingError, CallUnknownError, CallUnreachableError, OrderError
from calls.course import REAP_AFTER_S
from calls.outbound import TAG, Placed, seal, unseal
from calls.remotely import Wanted, access
from config.settings import PlatformApi
from media.remote import RemoteRefused, RemoteReply, RemoteUnreachable
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    SECRET,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    listen_in,
    names,
    settings_of,
    settled,
    verbs_reply,
)

API = {"base_url": "https://jambonz.example.com/api", "account_sid": "acc-1", "api_key": "key-of-the-api"}
PLATFORM: JsonObject = {"api": API}
SERVER = {"public_url": "https://voice.example.com/agent", "insecure": True}
DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+15550000000"}], "actionHook": "/dialled"}
SALES: JsonObject = {"name": "sales", "verbs": [DIAL], "numbers": ["+1999"]}
PLAIN = settings_of({"verbs": [SAY]}, platform=PLATFORM, server=SERVER)
TALK = settings_of(SALES, {"verbs": [LLM]}, platform=PLATFORM, server=SERVER)
ORDER = Wanted("+15551230001", "+15557654321")
GONE = RemoteReply(422, b'{"msg": "call session is gone for call_sid c-1"}')


async def placing(settings: Any = TALK, wanted: Wanted = ORDER) -> tuple[Exchange, JsonObject]:
    """Place a call, and give what the API was asked."""
    exchange = Exchange(settings)
    assert await exchange.switchboard.place(wanted, PLACE) == "c-out"
    [(method, path, body)] = exchange.api.asked
    assert (method, path) == ("POST", "/Accounts/acc-1/Calls")
    return exchange, body


# A call is placed


@in_virtual_time
async def test_a_call_is_placed_and_comes_back_as_any_other() -> None:
    exchange, body = await placing(wanted=Wanted("+15551230001", "+15557654321", tag={"order": 7}))
    assert body["to"] == {"type": "phone", "number": "+15551230001"}
    assert body["call_hook"]["url"] == f"{PLACE.public_url}/call"
    assert "amd" not in body
    [reach] = exchange.api.access
    assert (reach.base_url, reach.api_key) == ("https://jambonz.example.com/api/v1", "key-of-the-api")
    verbs = await exchange.ring("c-out", direction="outbound", customerData=body["tag"])
    assert names(verbs) == ["listen", "say", "hangup"]
    row = await exchange.store.by_sid("c-out")
    assert row
    assert (row.direction, row.route, row.attributes["customerData"]["order"]) == ("outbound", "route-1", 7)


@in_virtual_time
async def test_the_route_that_was_asked_for_is_taken_whatever_the_number() -> None:
    exchange, body = await placing(wanted=Wanted("+15551230001", "+1", route="sales"))
    assert names(await exchange.ring("c-out", direction="outbound", customerData=body["tag"])) == ["dial", "hangup"]


@in_virtual_time
async def test_nobody_but_us_chooses_a_route() -> None:
    exchange = Exchange(TALK)
    forged = seal(Placed("sales"), b"another secret", now_s=0.0)
    for nth, told in enumerate((forged, "sales", {"route": "sales"}, seal(Placed("sales"), SECRET, now_s=0.0))):
        verbs = await exchange.ring(f"c-{nth}", direction="outbound", customerData={TAG: told})
        assert names(verbs) == ["listen", "say", "hangup"]


@in_virtual_time
async def test_the_portals_application_is_named_where_it_is_known() -> None:
    named = {"api": API | {"application_sid": "app-1"}}
    _, body = await placing(settings_of({"verbs": [LLM]}, platform=named, server=SERVER))
    assert body["application_sid"] == "app-1"
    assert "call_hook" not in body


@pytest.mark.parametrize(
    ("settings", "wanted", "error", "told"),
    [
        (settings_of({"verbs": [LLM]}), ORDER, ApiMissingError, "set platform.api"),
        (settings_of({"verbs": [LLM]}, platform=PLATFORM), ORDER, ApiMissingError, "set server.public_url"),
        (TALK, Wanted("Ann", "+1"), OrderError, "`to` must be"),
        (TALK, Wanted("+1", "+1", route="sale"), OrderError, "no route 'sale' (did you mean 'sales'?)"),
        (TALK, Wanted("+1", "+1", tag={TAG: "x"}), OrderError, "`tag.hookswitch` is our own"),
    ],
)
def test_what_cannot_be_placed_says_why(settings: Any, wanted: Wanted, error: type[Exception], told: str) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings)
        with pytest.raises(error) as caught:
            await exchange.switchboard.place(wanted, PLACE)
        assert told in str(caught.value)
        assert exchange.api.asked == []

    story()


@in_virtual_time
async def test_what_the_platform_refuses_is_told() -> None:
    exchange = Exchange(TALK)
    exchange.api.replies = [
        RemoteReply(480, b'{"msg": "no available feature servers"}'),
        RemoteUnreachable("no answer"),
    ]
    with pytest.raises(RemoteRefused, match="no available feature servers"):
        await exchange.switchboard.place(ORDER, PLACE)
    with pytest.raises(RemoteUnreachable, match="no answer"):
        await exchange.switchboard.place(ORDER, PLACE)


@pytest.mark.parametrize(
    ("base_url", "whole"),
    [("https://x/v1", "https://x/v1"), ("https://x", "https://x/v1"), ("https://x/v", "https://x/v/v1")],
)
def test_the_apis_version_is_added_where_it_lacks(base_url: str, whole: str) -> None:
    assert access(PlatformApi.model_validate(API | {"base_url": base_url})).base_url == whole


# An answering machine


AMD = settings_of({"name": "sales", "verbs": [LLM], "amd_hook": "/machine"}, platform=PLATFORM, server=SERVER)


@pytest.mark.parametrize(
    ("settings", "wanted", "hook"),
    [
        (AMD, Wanted("+1", "+1", route="sales"), ""),
        (AMD, Wanted("+1", "+1", amd={"thresholdWordCount": 9}), ""),
        (TALK, Wanted("+1", "+1", amd={"actionHook": "/mine"}), "/mine"),
        (TALK, Wanted("+1", "+1", amd={"actionHook": {"url": "/mine"}}), "/mine"),
    ],
)
def test_what_has_answered_is_told_to_us_and_we_know_whose_it_is(settings: Any, wanted: Wanted, hook: str) -> None:
    @in_virtual_time
    async def story() -> None:
        _, body = await placing(settings, wanted)
        url = body["amd"].pop("actionHook")
        assert {name: value for name, value in (wanted.amd or {}).items() if name != "actionHook"} == body["amd"]
        assert url.startswith(f"{PLACE.public_url}/call/hook/")
        sealed = url.rpartition("/")[2]
        assert body["tag"][TAG] == sealed
        assert unseal(sealed, SECRET, now_s=0.0) == Placed(wanted.route, hook)

    story()


MACHINE = {"call_sid": "c-out", "type": "amd_machine_detected", "reason": "hint"}


@in_virtual_time
async def test_the_verbs_that_a_machine_is_answered_with_come_before_all_else() -> None:
    exchange = Exchange(AMD, Applications({"/machine": verbs_reply(SAY), "/other": verbs_reply({"verb": 5})}))
    verbs = await exchange.ring("c-out", direction="outbound")
    await exchange.open(verbs)
    with capture_logs() as logs:
        assert json.loads(await exchange.switchboard.machine(Placed("sales", "/other"), MACHINE)) == []
    assert "hook_verbs_refused" in [line["event"] for line in logs]
    assert json.loads(await exchange.switchboard.machine(Placed("sales", "/silent"), MACHINE)) == []
    assert json.loads(await exchange.switchboard.machine(Placed("sales"), MACHINE)) == [SAY, HANGUP]
    assert exchange.applications.bodies("/machine") == [MACHINE]
    assert await exchange.ended(verbs) == []
    await settled()
    assert [body["reason_code"] for body in exchange.applications.bodies("/final")] == ["redirected"]


@in_virtual_time
async def test_of_a_call_that_nobody_knows_no_machine_is_told() -> None:
    exchange = Exchange(AMD)
    for sid in ("nobody", None, 5):
        assert await exchange.switchboard.machine(Placed("sales"), MACHINE | {"call_sid": sid}) == b"[]"
    assert exchange.applications.asked == []


# A call is told


QUIET = settings_of({"verbs": [DIAL]}, platform=PLATFORM, server=SERVER)


@in_virtual_time
async def test_a_call_with_nobody_talking_is_redirected_by_the_platform_asking_us() -> None:
    exchange = Exchange(QUIET, Applications({"/dialled": verbs_reply(SAY)}))
    [dial, *_] = await exchange.ring()
    await exchange.switchboard.redirect("c-1", [LLM])
    [(method, path, body)] = exchange.api.asked
    assert (method, path, body["call_hook"]["method"]) == ("PUT", "/Accounts/acc-1/Calls/c-1", "POST")
    asked = body["call_hook"]["url"]
    document = await exchange.hook(asked, call_status="in-progress")
    assert names(document) == ["listen", "say", "hangup"]
    assert await exchange.hook(asked) == document
    assert await exchange.hook(dial["actionHook"]) == []
    await exchange.open(document)
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_until_the_platform_asks_the_call_goes_on_as_it_is() -> None:
    exchange = Exchange(QUIET, Applications({"/dialled": verbs_reply(SAY)}))
    [dial, *_] = await exchange.ring()
    exchange.api.replies = [GONE]
    with pytest.raises(RemoteRefused, match="gone"):
        await exchange.switchboard.redirect("c-1", [{"verb": "play", "url": "x"}])
    assert await exchange.hook(dial["actionHook"]) == [SAY, HANGUP]


@in_virtual_time
async def test_a_redirect_to_what_does_not_come_back_ends_our_part() -> None:
    exchange = Exchange(QUIET)
    await exchange.ring()
    await exchange.switchboard.redirect("c-1", [SAY])
    await exchange.hook(exchange.api.asked[0][2]["call_hook"]["url"])
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_call_that_does_not_come_back_by_itself_can_be_redirected_until_the_platform_tells_its_end() -> None:
    exchange = Exchange(PLAIN)
    assert names(await exchange.ring()) == ["say", "hangup"]
    assert (exchange.switchboard.active, exchange.counts.ended) == (0, [])
    exchange.status("in-progress")
    assert exchange.switchboard.active == 1
    await exchange.switchboard.redirect("c-1", [LLM])
    document = await exchange.hook(exchange.api.asked[0][2]["call_hook"]["url"], call_status="in-progress")
    assert names(document) == ["listen", "say", "hangup"]
    exchange.status("completed")
    await asyncio.sleep(3)
    assert (exchange.switchboard.active, len(exchange.counts.ended)) == (0, 1)
    with pytest.raises(CallUnknownError):
        await exchange.switchboard.redirect("c-1", [SAY])


@in_virtual_time
async def test_a_call_whose_end_nobody_tells_is_let_go_after_its_longest_time() -> None:
    exchange = Exchange(PLAIN)
    await exchange.ring()
    await asyncio.sleep(PLAIN.routes[0].max_call_s + REAP_AFTER_S + 1)
    assert len(exchange.counts.ended) == 1
    row = await exchange.store.by_sid("c-1")
    assert row
    assert row.state == "completed"


@in_virtual_time
async def test_a_server_that_stops_waits_for_no_call_that_does_not_come_back() -> None:
    exchange = Exchange(PLAIN)
    await exchange.ring()
    exchange.status("in-progress")
    begun = asyncio.get_running_loop().time()
    await exchange.switchboard.drain(600)
    assert asyncio.get_running_loop().time() - begun < 10
    assert (exchange.switchboard.active, len(exchange.counts.ended)) == (0, 1)


@in_virtual_time
async def test_who_is_talking_is_ended_without_the_api() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    await exchange.open(verbs)
    await exchange.switchboard.redirect("c-1", [SAY])
    assert await exchange.ended(verbs) == [SAY, HANGUP]
    assert exchange.api.asked == []


@in_virtual_time
async def test_a_call_is_hung_up_answered_or_not() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    assert listen_in(verbs)
    exchange.api.replies = [RemoteReply(422, b'{"msg": "current call state is incompatible"}')]
    await exchange.switchboard.hang_up("c-1")
    assert [body for _, _, body in exchange.api.asked] == [{"call_status": "completed"}, {"call_status": "no-answer"}]
    await settled()
    exchange.status("completed")
    assert await exchange.ended(verbs) == []
    await settled()
    assert [body["reason_code"] for body in exchange.applications.bodies("/final")] == ["operator_hung_up"]


@in_virtual_time
async def test_one_that_still_rings_elsewhere_is_hung_up_too() -> None:
    exchange, _ = await placing()
    await exchange.switchboard.hang_up("c-out")
    assert exchange.api.asked[-1][1:] == ("/Accounts/acc-1/Calls/c-out", {"call_status": "completed"})
    exchange.api.replies = [RemoteReply(404, b"Not Found")]
    with pytest.raises(RemoteRefused, match="404"):
        await exchange.switchboard.hang_up("nobody")


@in_virtual_time
async def test_without_an_api_it_says_which_key_to_set() -> None:
    exchange = Exchange(settings_of({"verbs": [DIAL]}))
    await exchange.ring()
    with pytest.raises(CallUnreachableError, match=r"Set platform\.api"):
        await exchange.switchboard.redirect("c-1", [SAY])
    with pytest.raises(CallUnreachableError, match=r"Set platform\.api"):
        await exchange.switchboard.hang_up("c-1")
    with pytest.raises(CallUnknownError):
        await exchange.switchboard.hang_up("nobody")
