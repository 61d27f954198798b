"""What is measured, in which order: the servers take turns, so that both meet the same disturbances."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from bench.caller import SetupError
from bench.load import Load, Window
from bench.machine import CORES, rss_kb
from bench.model import Mode
from bench.search import Search
from bench.servers import Server, running

ON_TIME_MS = 20.0
BASE_CALLS = 10
"From here on memory is counted per call: the first calls bring lazy imports and pools."
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
    capacity_rounds: int
    capacity_tries: int
    capacity_seconds: float
    capacity_limit_s: float
    "No further step of a search is begun after so long."
    burst_rounds: int
    burst_seconds: float


WHOLE = Plan(3, 60, 8.0, 2, 10, 4.0, 75.0, 2, 10.0)
QUICK = Plan(1, 40, 4.0, 1, 6, 2.5, 25.0, 0, 0.0)


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

    steady: list[Window] = field(default_factory=list)
    bursts: list[Window] = field(default_factory=list)
    memory_kb: list[float] = field(default_factory=list)
    capacity: list[Capacity] = field(default_factory=list)


def carried_well(window: Window) -> bool:
    on_time = max(window.to_model.p99, window.to_caller.p99) < ON_TIME_MS
    return on_time and not window.lost and not window.dropped_calls


async def carry_out(plan: Plan, names: Sequence[str]) -> dict[str, Outcome]:
    outcomes = {name: Outcome() for name in names}
    for turn in range(plan.rounds):
        for name in names:
            say(f"round {turn + 1} of {plan.rounds}: {name}")
            await visit(name, plan, outcomes[name], find_capacity=turn < plan.capacity_rounds)
    for turn in range(plan.burst_rounds):
        for name in names:
            say(f"bursts {turn + 1} of {plan.burst_rounds}: {name}")
            await visit_with_bursts(name, plan, outcomes[name])
    return outcomes


async def visit(name: str, plan: Plan, outcome: Outcome, *, find_capacity: bool) -> None:
    """Start the server; memory, the steady window and perhaps the capacity; stop it."""
    async with AsyncExitStack() as stack:
        load, server = await opened(stack, name, "realtime")
        await load.hold(server, BASE_CALLS)
        await asyncio.sleep(1)
        base_kb = rss_kb(server.pid)
        await load.hold(server, plan.calls)
        window = await load.measure(server, plan.seconds)
        outcome.steady.append(window)
        outcome.memory_kb.append((window.rss_kb - base_kb) / (plan.calls - BASE_CALLS))
        tell(window)
        if find_capacity:
            known = plan.calls if carried_well(window) else 0
            start = max(plan.calls + 1, int(plan.calls * FIRST_SHARE / max(window.server_share, 0.05)))
            outcome.capacity.append(await capacity(load, server, plan, start, known))


async def visit_with_bursts(name: str, plan: Plan, outcome: Outcome) -> None:
    async with AsyncExitStack() as stack:
        load, server = await opened(stack, name, "bursts")
        await load.hold(server, plan.calls)
        window = await load.measure(server, plan.burst_seconds)
        outcome.bursts.append(window)
        tell(window)


async def opened(stack: AsyncExitStack, name: str, mode: Mode) -> tuple[Load, Server]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    load = await stack.enter_async_context(Load(mode).open())
    door = running(name, folder, model_port=load.model_port, sink_port=load.sink_port, core=CORES and CORES[0])
    return load, await stack.enter_async_context(door)


async def capacity(load: Load, server: Server, plan: Plan, start: int, known: int) -> Capacity:
    """Search upwards from `start`; `known` calls were carried already."""
    search = Search(start, CALLS_LIMIT, plan.capacity_tries, best=known)
    busiest, until = 0.0, perf_counter() + plan.capacity_limit_s
    while (calls := search.candidate()) is not None and perf_counter() < until:
        try:
            await load.hold(server, calls)
            window = await load.measure(server, plan.capacity_seconds)
        except SetupError as error:
            say(f"  {calls} calls: {error}")
            search.carried(calls, well=False)
            continue
        busiest = max(busiest, window.generator_share)
        tell(window)
        search.carried(calls, well=carried_well(window))
    return Capacity(search.best, search.failed, busiest)


def tell(window: Window) -> None:
    late = f"p99 {window.to_model.p99:.1f} ms to the model, {window.to_caller.p99:.1f} ms to the caller"
    shares = f"server {window.server_share:.0%} of its core, generator {window.generator_share:.0%}"
    waited = f"; others had its core for {share:.0%}" if (share := window.server_waited_share) > DISTURBED else ""
    say(f"  {window.calls} calls: {late}; {window.lost} lost; {shares}{waited}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
