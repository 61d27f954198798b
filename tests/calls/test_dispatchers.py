"""Hooks as the configuration says with which a call began."""

import asyncio
import gc

from calls.dispatchers import Dispatchers, hook_options
from hooks.asked import Call
from hooks.filter import EventFilter
from hooks.options import HookUrls
from hooks.transports.base import HookReply
from store.memory import MemoryStore
from tests.calls.exchange import SAY, Applications, in_virtual_time, settings_of

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBob29rcyEhISEhISEh"


def test_hooks_go_out_as_the_configuration_says() -> None:
    hooks = {"timeout_s": 1, "tool_timeout_s": 2, "action_timeout_s": 3, "retry_s": [4, 5], "secrets": [SECRET]}
    options = hook_options(settings_of({"verbs": [SAY]}, hooks=hooks))
    assert (options.timeout_s, options.tool_timeout_s, options.action_timeout_s) == (1, 2, 3)
    assert (options.retry_s, options.secrets) == ((4, 5), (SECRET,))


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
