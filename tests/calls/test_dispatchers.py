"""Hooks as the configuration says with which a call began."""

import asyncio
import gc
import hmac
from functools import partial
from time import time

import pytest
from structlog.testing import capture_logs

from calls.dispatchers import MAX_UNDER_WAY, PAGE, Dispatchers, hook_options, steady_clock
from calls.document import new_call
from hooks.asked import Call
from hooks.endpoints import BREAK_AFTER
from hooks.filter import EventFilter
from hooks.options import HookUrls
from hooks.transports.base import HookReply, HookRequest
from store.deliveries import Delivery, Endpoint
from store.memory import MemoryStore
from store.summaries import entry
from tests.calls.exchange import SAY, Applications, Exchange, a_call, in_virtual_time, settings_of, settled

STATUS = "https://app.example.com/status"
OWN = "wh_secret_cJqgtMDPzDhhnjmaJH6Mtk"
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBob29rcyEhISEhISEh"


def test_hooks_go_out_as_the_configuration_says() -> None:
    hooks = {"timeout_s": 1, "tool_timeout_s": 2, "action_timeout_s": 3, "retry_s": [4, 5], "secrets": [SECRET]}
    options = hook_options(settings_of({"verbs": [SAY]}, hooks=hooks))
    assert (options.timeout_s, options.tool_timeout_s, options.action_timeout_s) == (1, 2, 3)
    assert (options.retry_s, options.secrets) == ((4, 5), (SECRET,))


class Signed(Applications):
    """Keeps what each request was signed with, by its path."""

    def __init__(self) -> None:
        super().__init__()
        self.signatures: dict[str, str] = {}

    async def send(self, request: HookRequest) -> HookReply:
        own = hmac.new(OWN.encode(), request.headers["Jambonz-Signature"][2:].split(",")[0].encode(), "sha256")
        own.update(b"." + request.body)
        signed = request.headers["Jambonz-Signature"].endswith(own.hexdigest())
        self.signatures[request.url.rpartition("/")[2]] = "own" if signed else "shared"
        return await super().send(request)


@in_virtual_time
async def test_an_application_knows_us_by_the_secret_of_its_own_account() -> None:
    applications, hooks = Signed(), {"secrets": [SECRET]}
    route = {"url": "https://app.example.com/call", "status_hook": "/status"}
    for own in ({"hooks": {"secrets": [OWN]}}, {}):
        settings = settings_of(route | own, hooks=hooks)
        exchange = Exchange(settings, applications)
        await exchange.ring()
        exchange.status("completed")
        await settled()
        name = "own" if own else "shared"
        assert applications.signatures == {"call": name, "status": name}


@in_virtual_time
async def test_what_an_earlier_process_has_left_is_signed_as_its_calls_route_says() -> None:
    applications, store = Signed(), Disk()
    for sid, route in (("c-1", "mine"), ("c-2", "theirs"), ("c-3", "gone")):
        await store.create(new_call(a_call(sid), platform="jambonz", route=route, at_s=0.0))
    for sid in ("c-1", "c-2", "c-3", "c-4"):
        store.keep(Delivery(f"m-{sid}", "status", sid, 1, f"https://app.example.com/{sid}", b"{}", 0.0))
    clock = asyncio.get_running_loop().time
    dispatchers = Dispatchers({"https": applications}, clock=clock, observe=lambda _: None, store=store)
    mine = {"name": "mine", "numbers": ["1"], "verbs": [SAY], "hooks": {"secrets": [OWN]}}
    theirs = {"name": "theirs", "verbs": [SAY]}
    dispatchers.make(settings_of(mine, theirs, hooks={"secrets": [SECRET]}))
    await dispatchers.take_back("c-1")
    await dispatchers.take_back_all(but={"c-1"})
    await dispatchers.drain(10)
    assert applications.signatures == {"c-1": "own", "c-2": "shared", "c-3": "shared", "c-4": "shared"}


@in_virtual_time
async def test_what_any_configuration_has_left_to_deliver_is_counted_and_delivered() -> None:
    applications = Applications({"/status": (3.0, HookReply(204))})
    clock = asyncio.get_running_loop().time
    dispatchers = Dispatchers({"https": applications}, clock=clock, observe=lambda _: None, store=MemoryStore())
    urls = HookUrls(status="https://app.example.com/status")
    made = [dispatchers.make(settings_of({"verbs": [SAY]})) for _ in range(2)]
    nothing = EventFilter([], beta_names=False)
    calls = [
        each.for_call(Call(f"c-{place}", "", "", ""), urls=urls, wanted=nothing) for place, each in enumerate(made)
    ]
    for hooks in calls:
        hooks.report_status({"call_status": "completed"})
    assert dispatchers.pending() == 2
    assert await dispatchers.drain(10) == 0
    assert len(applications.bodies("/status")) == 2


@in_virtual_time
async def test_reloads_leave_only_what_a_call_or_a_delivery_needs() -> None:
    applications = Applications({"/status": (3.0, HookReply(204))})
    clock = asyncio.get_running_loop().time
    dispatchers = Dispatchers({"https": applications}, clock=clock, observe=lambda _: None, store=MemoryStore())
    urls = HookUrls(status="https://app.example.com/status")
    settings, nothing = settings_of({"verbs": [SAY]}), EventFilter([], beta_names=False)

    def kept() -> int:
        gc.collect()
        return len(dispatchers._made)

    live = dispatchers.make(settings).for_call(Call("c-1", "", "", ""), urls=urls, wanted=nothing)
    over = dispatchers.make(settings).for_call(Call("c-2", "", "", ""), urls=urls, wanted=nothing)
    over.report_status({"call_status": "completed"})
    del over
    current = dispatchers.make(settings)
    for _ in range(100):
        current = dispatchers.make(settings)
    assert (kept(), dispatchers.pending()) == (3, 1)
    await asyncio.sleep(4)
    assert (kept(), len(applications.bodies("/status"))) == (2, 1)
    live.report_status({"call_status": "completed"})
    del live
    assert dispatchers.pending() == 1
    assert await dispatchers.drain(10) == 0
    await asyncio.sleep(1)
    assert (kept(), current.pending()) == (1, 0)


# What an earlier process has left


class Disk(MemoryStore):
    durable = True

    def __init__(self) -> None:
        super().__init__()
        self.asked_again: list[Delivery] = []

    async def replayed(self) -> list[Delivery]:
        rows, self.asked_again = self.asked_again, []
        return rows


def left(disk: Disk, call_sid: str, count: int, url: str = STATUS) -> None:
    """Leave deliveries behind."""
    for seq in range(1, count + 1):
        disk.keep(Delivery(f"msg_{call_sid}_{seq}", "status", call_sid, seq, url, b'{"n": %d}' % seq, 1_000.0))


def started(disk: Disk, applications: Applications) -> Dispatchers:
    dispatchers = Dispatchers(
        {"https": applications}, clock=asyncio.get_running_loop().time, observe=lambda _: None, store=disk
    )
    dispatchers.make(settings_of({"verbs": [SAY]}))
    return dispatchers


def numbers(applications: Applications) -> list[int]:
    return [body["n"] for body in applications.bodies("/status")]


@in_virtual_time
async def test_what_was_left_of_one_call_goes_first_and_is_not_sent_twice() -> None:
    disk, applications = Disk(), Applications()
    left(disk, "c-1", PAGE + 3)
    left(disk, "c-2", 2)
    dispatchers = started(disk, applications)
    await dispatchers.take_back("c-1")
    assert await dispatchers.drain(10) == 0
    assert numbers(applications) == list(range(1, PAGE + 4))
    again = started(disk, applications)
    await again.take_back_all(but={"c-1"})
    assert await again.drain(10) == 0
    assert numbers(applications)[PAGE + 3 :] == [1, 2]
    await again.take_back_all(but=())
    assert again.pending() == 0


@in_virtual_time
async def test_what_was_left_of_many_calls_does_not_go_out_all_at_once() -> None:
    disk, applications = Disk(), Applications({"/status": (0.5, HookReply(204))})
    for n in range(3 * MAX_UNDER_WAY):
        left(disk, f"c-{n}", 2)
    dispatchers = started(disk, applications)
    taking = asyncio.create_task(dispatchers.take_back_all(but=()))
    most = 0
    while not taking.done():
        most = max(most, len(dispatchers._newest.tasks))
        await asyncio.sleep(0.1)
    await taking
    assert most <= PAGE
    assert await dispatchers.drain(100) == 0
    assert len(numbers(applications)) == 6 * MAX_UNDER_WAY


@in_virtual_time
async def test_one_that_is_replayed_is_sent_also_to_an_endpoint_that_was_gone() -> None:
    disk, applications = Disk(), Applications()
    disk.endpoint(Endpoint(STATUS, disabled_at=1.0))
    left(disk, "c-1", 1)
    [row] = await disk.undelivered(limit=9)
    dispatchers = started(disk, applications)
    await dispatchers.learn()
    assert dispatchers.endpoints.is_disabled(STATUS)
    disk.asked_again = [row]
    with capture_logs() as logs:
        await dispatchers.take_replayed()
        await dispatchers.take_replayed()
    assert await dispatchers.drain(10) == 0
    assert numbers(applications) == [1]
    assert [entry["event"] for entry in logs] == ["hook.endpoint_enabled", "outbox.replayed"]


@in_virtual_time
async def test_what_happens_to_an_endpoint_is_told_and_kept_without_its_key() -> None:
    disk = Disk()
    dispatchers = started(disk, Applications())
    url = "https://user:key@app.example.com/status?token=key"
    with capture_logs() as logs:
        for _ in range(BREAK_AFTER):
            dispatchers.endpoints.failed(url, 1_000.0)
        dispatchers.endpoints.succeeded(url)
        dispatchers.endpoints.disable(url, 2_000.0)
    assert [(entry["event"], entry["url"]) for entry in logs] == [
        ("hook.breaker_open", STATUS),
        ("hook.endpoint_enabled", STATUS),
        ("hook.endpoint_disabled", STATUS),
    ]
    assert await disk.endpoints() == [Endpoint(url, disabled_at=2_000.0)]


async def dead_and_pending(store: MemoryStore, applications: Applications) -> Dispatchers:
    """One call with a report that was refused for good, and one that is still being tried."""
    loop, began = asyncio.get_running_loop(), time()
    clock = partial(lambda zero: began + loop.time() - zero, loop.time())
    dispatchers = Dispatchers({"https": applications}, clock=clock, observe=lambda _: None, store=store)
    dispatchers.make(settings_of({"verbs": [SAY]}, hooks={"retry_s": []}))
    refused = dispatchers.make(settings_of({"verbs": [SAY]}, hooks={"retry_s": []}))
    tried = dispatchers.make(settings_of({"verbs": [SAY]}, hooks={"retry_s": [600]}))
    nothing = EventFilter([], beta_names=False)
    hooks = [
        each.for_call(Call(sid, "", "", ""), urls=HookUrls(status=STATUS), wanted=nothing)
        for each, sid in ((refused, "c-1"), (tried, "c-2"))
    ]
    for each in hooks:
        each.report_status({"call_status": "completed"})
        await asyncio.sleep(1)
    dispatchers.kept_alive = (refused, tried, *hooks)  # type: ignore[attr-defined]
    return dispatchers


@in_virtual_time
async def test_without_a_store_on_disk_the_outbox_is_what_this_process_has() -> None:
    applications, store = Applications({"/status": (0.0, HookReply(422))}), MemoryStore()
    dispatchers = await dead_and_pending(store, applications)
    dead, pending = await dispatchers.left(limit=9)
    assert (dead.call_sid, dead.state, dead.last_status) == ("c-1", "dead", 422)
    assert (pending.call_sid, pending.state, pending.attempts) == ("c-2", "pending", 1)
    assert await dispatchers.left(limit=1) == [dead]
    assert await dispatchers.left(entry(dead), limit=9) == [pending]
    assert await dispatchers.left(entry(pending), limit=9) == []
    assert await dispatchers.of_call("c-1", limit=9) == [dead]
    assert await dispatchers.of_call("c-2", limit=9) == [pending]
    applications.answers["/status"] = (0.0, HookReply(204))
    assert await dispatchers.replay(dead.webhook_id)
    assert await dispatchers.replay(pending.webhook_id)
    assert not await dispatchers.replay("msg_of_nobody")
    await asyncio.sleep(1)
    assert [row.call_sid for row in await dispatchers.left(limit=9)] == ["c-2"]
    [delivered] = await dispatchers.of_call("c-1", limit=9)
    assert (delivered.state, delivered.attempts, delivered.last_status) == ("delivered", 1, 204)
    await dispatchers.drain(0)


@in_virtual_time
async def test_what_is_on_disk_is_not_told_twice() -> None:
    class OnDisk(MemoryStore):
        durable = True

    dispatchers = await dead_and_pending(OnDisk(), Applications({"/status": (0.0, HookReply(422))}))
    assert [row.state for row in await dispatchers.left(limit=9)] == ["dead", "pending"]
    await dispatchers.drain(0)


def test_a_clock_that_is_set_back_or_forth_moves_no_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    unix_s, passed_s = 1_700_000_000.0, 50.0
    monkeypatch.setattr("calls.dispatchers.time", lambda: unix_s)
    monkeypatch.setattr("calls.dispatchers.monotonic", lambda: passed_s)
    clock = steady_clock()
    for step_s in (3_600, -7_200):
        unix_s += step_s
        assert clock() == 1_700_000_000.0
    passed_s += 5
    assert clock() == 1_700_000_005.0
