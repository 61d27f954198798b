"""Plays a scene on a live call: the caller's lines at their moments, each expectation as soon as it can be judged."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from sim import voice
from sim.caller import Caller, Story
from sim.expecting import fits, met, nearest
from sim.happening import Happening
from sim.platform.client import LiveCall
from sim.scene import Expectation, Scene, Turn

PATIENCE_S = 15.0
"How long an expectation without `within_ms` is waited for."
AFTER_CALL_S = 5.0
"What has not come so long after the call does not come."
ABSENT_S = 1.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    where: str
    what: str
    passed: bool
    detail: str = ""


class Chronicle(Protocol):
    """A file that another process writes."""

    def read_on(self) -> Iterator[Happening]: ...


@asynccontextmanager
async def following(chronicles: Sequence[Chronicle], story: Story) -> AsyncIterator[None]:
    """Add what they tell to the story, while the block runs."""

    async def follow() -> None:
        while True:
            for chronicle in chronicles:
                for happening in chronicle.read_on():
                    story.add(happening)
            await asyncio.sleep(POLL_S)

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Director:
    def __init__(self, scene: Scene, live: LiveCall, story: Story) -> None:
        self.verdicts: list[Verdict] = []
        self._scene, self._live, self._story = scene, live, story
        self._caller = Caller(live, story)
        self._since = 0  # the happenings before it belong to earlier turns
        self._taken: list[Happening] = []

    async def play(self) -> None:
        """Play the turns until one fails or the call is over; then the caller hangs up."""
        for place, turn in enumerate(self._scene.turns):
            where = f"turns[{place}]"
            since = len(self._story.happenings)
            anchor_s = await self._take(turn)
            self._since = since
            for expected in turn.expect:
                await self._judge(where, expected, since, anchor_s)
            if not all(verdict.passed for verdict in self.verdicts):
                break
        if self._live.over is None:
            await self._caller.listen()
            self._caller.hang_up()

    async def judge_all(self) -> None:
        """Judge what is expected of the whole call."""
        ended_s = time.monotonic()
        self._taken.clear()
        for expected in self._scene.expect:
            await self._judge("expect", expected, 0, ended_s)

    # --- the caller's side ---

    async def _take(self, turn: Turn) -> float:
        """Do what the caller does; return the time from which its expectations count."""
        if turn.acts:
            await self._moment(turn)
        if turn.user is not None:
            return await self._caller.say(turn.user, voice.caller_line(turn.user), voice.RATE_HZ)
        if turn.noise:
            burst = voice.noise(turn.noise.ms) + voice.silence(turn.noise.gap_ms)
            return await self._caller.say("(noise)", burst * turn.noise.times, voice.RATE_HZ)
        if turn.hangup:
            self._caller.hang_up()
        return await self._caller.press(turn.dtmf or "")

    async def _moment(self, turn: Turn) -> None:
        after = turn.send_after
        if after is None:
            await self._caller.listen()
            return
        from_s = time.monotonic()
        if after.event:
            seen = await self._story.seen(after.event, self._since, from_s + PATIENCE_S)
            from_s = seen.at_s if seen else from_s
        await asyncio.sleep(max(0.0, from_s + after.delay_ms / 1000 - time.monotonic()))

    # --- what is seen ---

    async def _judge(self, where: str, expected: Expectation, since: int, anchor_s: float) -> None:
        judged = await (self._absent if expected.absent else self._present)(expected, since, anchor_s)
        self.verdicts.append(Verdict(where, str(expected), not judged, judged))

    async def _absent(self, expected: Expectation, since: int, anchor_s: float) -> str:
        until_s = anchor_s + (ABSENT_S if expected.within_ms is None else expected.within_ms / 1000)
        while time.monotonic() < until_s and not met(expected, self._fresh(since)):
            await self._story.more(until_s)
        came = met(expected, self._fresh(since))
        return f"it came after {round((came[0].at_s - anchor_s) * 1000)} ms: {came[0].text}" if came else ""

    async def _present(self, expected: Expectation, since: int, anchor_s: float) -> str:
        until_s = anchor_s + (PATIENCE_S if expected.within_ms is None else expected.within_ms / 1000)
        # Something that came in time may be told a little later.
        deadline_s = until_s + 0.5
        while (found := met(expected, self._fresh(since))) is None and time.monotonic() < deadline_s:
            if self._live.over and time.monotonic() > self._ended_s() + AFTER_CALL_S:
                break
            await self._story.more(min(deadline_s, time.monotonic() + 1))
        if found is None:
            return nearest(expected, self._story.happenings[since:])
        self._taken += found
        late_ms = round((found[-1].at_s - until_s) * 1000)
        if expected.within_ms is not None and late_ms > 0:
            return f"it came {late_ms} ms too late"
        return self._counted(expected)

    def _counted(self, expected: Expectation) -> str:
        if expected.times is None and expected.at_least is None:
            return ""
        count = sum(fits(expected, one) for one in self._story.happenings)
        right = count == expected.times if expected.at_least is None else count >= expected.at_least
        return "" if right else f"it came {count} times"

    def _fresh(self, since: int) -> list[Happening]:
        return [one for one in self._story.happenings[since:] if one not in self._taken]

    def _ended_s(self) -> float:
        ended = self._story.last("call_ended")
        return ended.at_s if ended else time.monotonic()
