"""What is measured, in which order: the servers take turns, so that all meet the same disturbances."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

from bench.bad_sink import bad_sink
from bench.building import built
from bench.caller import SetupError
from bench.load import Load
from bench.machine import SERVER_CORES, rss_kb
from bench.native_load import NativeLoad
from bench.python_load import PythonLoad
from bench.search import Search
from bench.servers import Doors, Server, running
from bench.variant import Variant
from bench.window import Window

OURS, MINIMAL, RELAY, BARE, PIPECAT = "hookswitch", "minimal", "relay", "bare", "pipecat"
FEATURELESS = {RELAY, BARE}
"Limits, and no bridges: nobody asks how many calls they hold."
WITHOUT_TLS = "without TLS"
WITH_GOOD_HOOKS = "good hooks"
"Hookswitch once more, in turns with itself: what these add is less than a machine changes between two runs."
ON_TIME_MS = (20.0, 20.0)
"Of the p99 added: to the model, to the caller."
PEER_MAY_ADD_MS = (60.0, 150.0)
"""Pipecat paces its output by a clock of its own, and is late by that with any number of calls: it is judged by what
comes on top of what it adds with two calls, and more leniently than the others."""
PEER_ALONE_CALLS = 2
CALLS_LIMIT = 1900
DISTURBED = 0.05
"A server that waited for its core more than this share of the time was measured together with its neighbours."
FIRST_SHARE = 0.9
"The search begins where the server would use so much of its core if each call cost what it does in the steady window."
GENERATOR_FULL = 0.85
"Above this share of its core the load generator itself is late; a capacity found so is a lower bound."


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    calls: int
    seconds: float
    base_calls: int
    "From here on memory is counted per call: the first calls bring lazy imports and pools."
    full_calls: int
    "Near a good server's limit, where the kernel's part in each message is least; for those that carry it. 0: none."
    few_calls: int
    "What pipecat carries too; 0: it is not asked."
    capacity_rounds: int
    capacity_tries: int
    capacity_seconds: float
    capacity_limit_s: float
    "No further step of a search is begun after so long."
    burst_rounds: int
    burst_seconds: float


WHOLE = Plan(3, 60, 8.0, 10, 140, 0, 2, 10, 4.0, 75.0, 2, 10.0)
QUICK = Plan(1, 40, 4.0, 10, 0, 0, 1, 6, 2.5, 25.0, 0, 0.0)
VARIED = replace(WHOLE, rounds=2, full_calls=0, capacity_rounds=0, burst_rounds=0)
TINY = Plan(1, 5, 2.0, 2, 0, 2, 0, 0, 1.0, 5.0, 0, 0.0)
"Whether all of it works; no figure of it means anything."
PEER_CALLS = 8


@dataclass(frozen=True, slots=True)
class Capacity:
    calls: int
    failed: int | None
    "The smallest number that was not carried; None when the search ended before it met one."
    generator_share: float
    "The highest in any window of the search."


@dataclass(slots=True)
class Outcome:
    """All that was measured on one server."""

    few: list[Window] = field(default_factory=list)
    steady: list[Window] = field(default_factory=list)
    full: list[Window] = field(default_factory=list)
    bursts: list[Window] = field(default_factory=list)
    memory_kb: list[float] = field(default_factory=list)
    capacity: list[Capacity] = field(default_factory=list)

    @property
    def windows(self) -> list[Window]:
        return [*self.few, *self.steady, *self.full, *self.bursts]


def carried_well(window: Window, on_time_ms: tuple[float, float] = ON_TIME_MS) -> bool:
    on_time = window.to_model.p99 < on_time_ms[0] and window.to_caller.p99 < on_time_ms[1]
    return on_time and not window.lost and not window.dropped_calls


async def carry_out(plan: Plan, variant: Variant, names: Sequence[str]) -> dict[str, Outcome]:
    outcomes = {name: Outcome() for name in names}
    for turn in range(plan.rounds):
        for name in names:
            say(f"{variant.name}, round {turn + 1} of {plan.rounds}: {name}")
            await visit(name, plan, variant, outcomes[name], find_capacity=turn < plan.capacity_rounds)
    for turn in range(plan.burst_rounds):
        for name in names:
            if name not in {PIPECAT, BARE}:
                say(f"bursts {turn + 1} of {plan.burst_rounds}: {name}")
                await visit_with_bursts(name, plan, replace(variant, mode="bursts"), outcomes[name])
    return outcomes


async def visit(name: str, plan: Plan, variant: Variant, outcome: Outcome, *, find_capacity: bool) -> None:
    """Start the server; memory, the windows and perhaps the capacity; stop it."""
    if name == WITHOUT_TLS:
        name, variant = OURS, replace(variant, tls=False)
    elif name == WITH_GOOD_HOOKS:
        name, variant = OURS, replace(variant, bad_hooks=False)
    async with AsyncExitStack() as stack:
        load, server = await opened(stack, name, variant)
        on_time_ms = ON_TIME_MS
        if name == PIPECAT:
            alone = await window_of(load, server, PEER_ALONE_CALLS, plan.seconds)
            on_time_ms = (alone.to_model.p99 + PEER_MAY_ADD_MS[0], alone.to_caller.p99 + PEER_MAY_ADD_MS[1])
        if plan.few_calls:
            outcome.few.append(await window_of(load, server, plan.few_calls, plan.seconds))
        last = outcome.few[-1] if name == PIPECAT else await steady(load, server, plan, outcome)
        if plan.full_calls and name in {OURS, *FEATURELESS}:
            outcome.full.append(await window_of(load, server, plan.full_calls, plan.seconds))
        if find_capacity and name not in FEATURELESS:
            known = last.calls if carried_well(last, on_time_ms) else 0
            start = max(last.calls + 1, int(last.calls * FIRST_SHARE / max(last.server_share, 0.05)))
            outcome.capacity.append(
                await capacity(load, server, plan, Search(start, CALLS_LIMIT, plan.capacity_tries, known), on_time_ms)
            )


async def steady(load: Load, server: Server, plan: Plan, outcome: Outcome) -> Window:
    await load.hold(server, plan.base_calls)
    await asyncio.sleep(1)
    base_kb = rss_kb(server.pids)
    window = await window_of(load, server, plan.calls, plan.seconds)
    outcome.steady.append(window)
    outcome.memory_kb.append((window.rss_kb - base_kb) / (plan.calls - plan.base_calls))
    return window


async def visit_with_bursts(name: str, plan: Plan, variant: Variant, outcome: Outcome) -> None:
    async with AsyncExitStack() as stack:
        load, server = await opened(stack, name, variant)
        outcome.bursts.append(await window_of(load, server, plan.calls, plan.burst_seconds))


async def window_of(load: Load, server: Server, calls: int, seconds: float) -> Window:
    await load.hold(server, calls)
    window = await load.measure(server, seconds)
    tell(window)
    return window


def load_for(variant: Variant) -> Load:
    """Give the load that is written in C; without a compiler the one in Python, which can do less.

    :raises SetupError: nothing here can make such a load
    """
    if program := built("load"):
        return NativeLoad(variant, program)
    if variant.needs_native:
        raise SetupError(f"{variant.name}: only the load in C can do that, and there is no compiler (cc) here")
    return PythonLoad(variant)


async def opened(stack: AsyncExitStack, name: str, variant: Variant) -> tuple[Load, Server]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    load = await stack.enter_async_context(load_for(variant).open())
    sink_port = await stack.enter_async_context(bad_sink()) if variant.bad_hooks else load.sink_port
    doors = Doors(variant, load.model_port, sink_port, load.certificate)
    return load, await stack.enter_async_context(running(name, folder, doors, SERVER_CORES))


async def capacity(
    load: Load, server: Server, plan: Plan, search: Search, on_time_ms: tuple[float, float] = ON_TIME_MS
) -> Capacity:
    busiest, until = 0.0, perf_counter() + plan.capacity_limit_s
    while (calls := search.candidate()) is not None and perf_counter() < until:
        try:
            window = await window_of(load, server, calls, plan.capacity_seconds)
        except SetupError as error:
            say(f"  {calls} calls: {error}")
            search.carried(calls, well=False)
            continue
        busiest = max(busiest, window.generator_share)
        search.carried(calls, well=carried_well(window, on_time_ms))
    return Capacity(search.best, search.failed, busiest)


def tell(window: Window) -> None:
    late = f"p99 {window.to_model.p99:.1f} ms to the model, {window.to_caller.p99:.1f} ms to the caller"
    shares = f"server {window.server_share:.0%} of its core, generator {window.generator_share:.0%}"
    waited = f"; others had its core for {share:.0%}" if (share := window.server_waited_share) > DISTURBED else ""
    say(f"  {window.calls} calls: {late}; {window.lost} lost; {shares}{waited}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
