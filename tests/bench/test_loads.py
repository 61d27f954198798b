"""Both loads report what a bridge does, no more and no less; the one in C also where the one in Python cannot go."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from bench import figures
from bench.building import built, compiler
from bench.load import Load, Noted
from bench.native_load import NativeLoad
from bench.plan import MINIMAL, OURS, RELAY
from bench.python_load import PythonLoad
from bench.servers import Doors, Server, running
from bench.variant import Variant
from bench.window import Lane, Window
from tests.bench.bad_bridge import HELD_S, BadBridge, Direction, Fault

pytestmark = [
    pytest.mark.services,  # a compiler, and some seconds of real time
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
    pytest.mark.skipif(compiler() is None, reason="there is no cc"),
]
MS = 1_000_000
FAULTS: tuple[Fault, ...] = ("drop", "spoil", "delay", "swap")
DIRECTIONS: tuple[Direction, ...] = ("to_model", "to_caller")
SLACK_MS = 60
"How late a busy machine may make a frame that nobody held."


def native(variant: Variant) -> NativeLoad:
    program = built("load")
    assert program is not None
    return NativeLoad(variant, program)


def keeping(load: Load) -> list[Noted]:
    """Return what the load will have noted, frame by frame."""
    kept: list[Noted] = []
    noted = load._noted

    async def and_keep() -> Iterable[Noted]:
        kept[:] = await noted()
        return kept

    load._noted = and_keep  # type: ignore[method-assign]
    return kept


def in_order(lane: Lane) -> bool:
    return all(after[1] == before[1] + before[2] for before, after in pairwise(lane.runs))


def held(lane: Lane, at_least_ms: float) -> list[float]:
    return [late / MS for _, late in figures.plain(lane.sent_ns, lane.runs) if late >= at_least_ms * MS]


async def measured(load: Load, bridge: BadBridge, url: str, seconds: float, faults: Iterable[Fault]) -> Window:
    server = Server("bad", [url], [os.getpid()])
    await load.hold(server, 1)
    measuring = asyncio.create_task(load.measure(server, seconds))
    await asyncio.sleep(1.9 + 0.3)  # the load settles for 1.9 s
    for fault in faults:
        for direction in DIRECTIONS:
            bridge.spoil_next(direction, fault)
        await asyncio.sleep(0.3)
    window = await measuring
    await load.hold(server, 0)
    return window


@pytest.mark.parametrize("make", [native, PythonLoad])
async def test_what_a_bridge_does_wrong_is_reported_once_and_nothing_else(make: Callable[[Variant], Load]) -> None:
    load = make(Variant())
    noted = keeping(load)
    async with load.open():
        bridge = BadBridge(f"ws://127.0.0.1:{load.model_port}")
        async with bridge.serving() as url:
            window = await measured(load, bridge, url, 2.0, FAULTS)
    assert window.lost == 2 * 2  # in each direction one was dropped, and one had a wrong sample
    assert 180 <= window.frames <= 300  # a load that was held up itself makes up for it
    assert window.dropped_calls == 0
    for lane in (noted[0].to_model, noted[0].to_caller):
        late = held(lane, HELD_S * 1000)
        assert len(late) == 1
        assert late[0] < HELD_S * 1000 + SLACK_MS
        assert not in_order(lane)
        runs = [(first, frames) for _, first, frames in lane.runs]
        swapped = [a[0] for a, b in pairwise(runs) if b[0] == a[0] - 1 and b[1] == 1]
        assert len(swapped) == 1


@pytest.mark.parametrize("make", [native, PythonLoad])
async def test_a_bridge_that_does_nothing_wrong_is_not_blamed(make: Callable[[Variant], Load]) -> None:
    load = make(Variant())
    noted = keeping(load)
    async with load.open():
        bridge = BadBridge(f"ws://127.0.0.1:{load.model_port}")
        async with bridge.serving() as url:
            window = await measured(load, bridge, url, 1.0, [])
    assert (window.lost, window.dropped_calls) == (0, 0)
    assert in_order(noted[0].to_model)
    assert in_order(noted[0].to_caller)


@pytest.mark.parametrize("make", [native, PythonLoad])
async def test_frames_are_recognised_however_a_bridge_cuts_them(make: Callable[[Variant], Load]) -> None:
    load = make(Variant())
    async with load.open():
        bridge = BadBridge(f"ws://127.0.0.1:{load.model_port}", cuts=True)
        async with bridge.serving() as url:
            window = await measured(load, bridge, url, 1.0, [])
    assert window.lost == 0
    assert window.frames >= 90


async def window_of(name: str, variant: Variant, folder: Path, seconds: float = 1.0) -> Window:
    load = native(variant)
    async with load.open():
        doors = Doors(variant, load.model_port, load.sink_port, load.certificate)
        async with running(name, folder, doors, []) as server:
            await load.hold(server, 2)
            return await load.measure(server, seconds)


@pytest.mark.parametrize("name", [OURS, MINIMAL, RELAY])
@pytest.mark.parametrize("variant", [Variant(), Variant(rate_hz=8000)], ids=lambda variant: variant.name)
async def test_every_bridge_carries_two_calls_whole(name: str, variant: Variant, tmp_path: Path) -> None:
    window = await window_of(name, variant, tmp_path)
    assert (window.lost, window.dropped_calls) == (0, 0)
    assert window.frames >= 2 * 2 * 45
    assert window.configured.p50 > 0
    assert window.hooks_received == (window.hooks_wanted if name == OURS else 0)


@pytest.mark.parametrize("name", [OURS, MINIMAL])
@pytest.mark.parametrize("variant", [Variant(tls=True), Variant(processes=2)], ids=lambda variant: variant.name)
async def test_tls_and_two_processes_carry_two_calls_whole(name: str, variant: Variant, tmp_path: Path) -> None:
    window = await window_of(name, variant, tmp_path)
    assert (window.lost, window.dropped_calls) == (0, 0)


async def test_what_is_cut_short_is_not_lost(tmp_path: Path) -> None:
    window = await window_of(OURS, Variant(mode="barge_ins"), tmp_path, 5.0)
    assert (window.lost, window.barge_ins_missed) == (0, 0)
    assert window.barge_ins >= 2
    assert 0 < window.silenced.p50 < SLACK_MS


async def test_a_bridge_that_knows_no_barge_in_is_said_to_miss_them(tmp_path: Path) -> None:
    window = await window_of(RELAY, Variant(mode="barge_ins"), tmp_path, 5.0)
    assert window.lost == 0
    assert window.barge_ins_missed == window.barge_ins >= 2


async def test_the_onsets_of_tones_tell_what_the_samples_tell(tmp_path: Path) -> None:
    window = await window_of(RELAY, Variant(tones=True), tmp_path, 2.0)
    assert (window.lost, window.frames) == (0, 2 * 2 * 4)
    assert 0 < window.to_model.p50 < SLACK_MS
    assert 0 < window.to_caller.p50 < SLACK_MS
