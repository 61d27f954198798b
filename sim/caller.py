"""The person on the phone: speaks, presses keys, and waits until the agent has finished."""

import asyncio
import time
from collections.abc import Callable

from sim.happening import Happening
from sim.platform.client import LiveCall

QUIET_S = 0.7
"So long nothing is heard before the caller takes the turn."
LISTEN_S = 40.0
"The longest that an agent is listened to."
OPENING_S = 5.0
"The longest that a line is waited for on which the agent could be heard."
DIGIT_GAP_S = 0.25
POLL_S = 0.05


class Story:
    """All that has happened, in the order in which it was seen."""

    def __init__(self, show: Callable[[Happening], None]) -> None:
        self.happenings: list[Happening] = []
        self._show = show
        self._more = asyncio.Event()

    def add(self, happening: Happening) -> None:
        self.happenings.append(happening)
        self._more.set()
        self._show(happening)

    async def more(self, until_s: float) -> None:
        """Wait for the next happening, or until a time of the monotonic clock."""
        self._more.clear()
        try:
            async with asyncio.timeout(max(0.0, until_s - time.monotonic())):
                await self._more.wait()
        except TimeoutError:
            return

    async def seen(self, name: str, since: int, until_s: float) -> Happening | None:
        """Wait for a happening of this name from the `since`-th on; None if it does not come in time."""
        while (seen := self.last(name, since)) is None and time.monotonic() < until_s:
            await self.more(until_s)
        return seen

    def last(self, name: str, since: int = 0) -> Happening | None:
        return next((one for one in reversed(self.happenings[since:]) if one.name == name), None)


class Caller:
    def __init__(self, live: LiveCall, story: Story) -> None:
        self._live, self._story = live, story

    async def say(self, text: str, pcm: bytes, rate_hz: int) -> float:
        """Say PCM16 mono, and return when the last of it was said."""
        since = len(self._story.happenings)
        self._live.say(text, pcm, rate_hz)
        until_s = time.monotonic() + len(pcm) / 2 / rate_hz + 1
        said = await self._story.seen("user_stopped_speaking", since, until_s)
        return said.at_s if said else time.monotonic()

    async def press(self, keys: str) -> float:
        for key in keys:
            self._live.press(key)
            await asyncio.sleep(DIGIT_GAP_S)
        return time.monotonic()

    async def listen(self) -> None:
        """Wait until the agent has finished speaking, or the call is over.

        An agent who was never on the line has not finished: its words may be known, by a hook, before it is there.
        """
        began_s = quiet_since_s = time.monotonic()
        while (now := time.monotonic()) < began_s + LISTEN_S and self._live.over is None:
            opening = now < began_s + OPENING_S and self._story.last("media_open") is None
            if opening or self._live.agent_speaking:
                quiet_since_s = now
            if now - quiet_since_s >= QUIET_S:
                return
            await asyncio.sleep(POLL_S)

    def hang_up(self) -> None:
        self._live.hang_up()
