"""A server that is told to stop while somebody talks, as a process."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.live.serving import names, until_closed
from tests.services.one_call import a_call
from tests.services.processes import events, until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("number", SIGNALS)
async def test_who_talks_may_go_on_until_the_time_is_over_and_the_exit_code_is_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with a_call(tmp_path, drain_s=4) as scene:
        began = time.monotonic()
        scene.server.send_signal(number)
        await until(lambda: "drain_began" in [line["event"] for line in events(scene.config)])
        assert (await scene.ready()).startswith("draining")
        assert names(await scene.platform.ring("c-2")) == ["sip:decline"]
        assert await until_closed(scene.media) == 1012
        assert time.monotonic() - began >= 4
        assert await scene.server.wait() == 0
        assert [end["reason_code"] for end in scene.application.bodies("/final")] == ["server_restart"]


@pytest.mark.parametrize("number", SIGNALS)
async def test_told_twice_it_is_gone_within_two_seconds_with_exit_code_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with a_call(tmp_path, drain_s=300) as scene:
        scene.server.send_signal(number)
        await until(lambda: "drain_began" in [line["event"] for line in events(scene.config)])
        scene.server.send_signal(number)
        closing = asyncio.create_task(until_closed(scene.media))
        async with asyncio.timeout(2):
            assert await scene.server.wait() == 0
        assert await closing == 1012
        assert [end["reason_code"] for end in scene.application.bodies("/final")] == ["server_restart"]
