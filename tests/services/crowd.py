"""A crowd of callers, in a process of its own: `python -m tests.services.crowd URL CALLS PER_S`.

Each is a call of the fake platform with its own sockets, by webhook or by control socket, and each ends in its own way
at its own moment: the caller hangs up, or everything of the call breaks off without a word. What became of them is
printed as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from random import Random

from sim import portal
from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import LiveCall

BY_SOCKET = 4
"Every so manieth call has an application that asks by websocket."
BREAKS_OFF = 5
STAYS_S = (0.0, 5.0)


@dataclass
class Fate:
    """What one caller has met."""

    sid: str
    by: str
    "The transport."
    answered_after_ms: float | None = None
    verbs: tuple[str, ...] = ()


class Caller:
    def __init__(self, url: str, nth: int, chance: Random) -> None:
        self.fate = Fate(f"call-{nth}", "ws" if nth % BY_SOCKET == 0 else "webhook")
        self._stays_s = chance.uniform(*STAYS_S)
        self._breaks_off = chance.randrange(BREAKS_OFF) == 0
        # As many numbers as callers, and no number of anybody.
        identity = identify(f"+1555{nth:07}", "+15551230001", lambda: self.fate.sid)
        entered = portal.portal(url, self.fate.by, "rehearsal")
        self._live = LiveCall(entered.dial(identity, reconnects=False), self._sees)
        self._began_s = time.monotonic()

    async def call(self) -> None:
        running = asyncio.create_task(self._live.run())
        await asyncio.wait({running}, timeout=self._stays_s)
        if self._breaks_off:
            running.cancel()
        elif not running.done():
            self._live.hang_up()
        await asyncio.gather(running, return_exceptions=True)

    def _sees(self, happening: Happening) -> None:
        if happening.name == "dialling":
            self._began_s = happening.at_s
        if happening.name == "document" and not self.fate.verbs:
            self.fate.answered_after_ms = (happening.at_s - self._began_s) * 1000
            self.fate.verbs = tuple(verb["verb"] for verb in happening.fields["verbs"])


async def crowd(url: str, calls: int, per_s: float, *, first: int) -> list[Fate]:
    """Let them call, one after the other at that pace, and wait until all of them are done."""
    chance, loop = Random(first), asyncio.get_running_loop()  # noqa: S311  # when they end
    began_s, callers = loop.time(), []
    async with asyncio.TaskGroup() as group:
        for nth in range(calls):
            await asyncio.sleep(began_s + nth / per_s - loop.time())
            callers.append(Caller(url, first + nth, chance))
            group.create_task(callers[-1].call())
    return [caller.fate for caller in callers]


def main(url: str, calls: str, per_s: str, first: str) -> None:
    fates = asyncio.run(crowd(url, int(calls), float(per_s), first=int(first)))
    sys.stdout.write(json.dumps([asdict(fate) for fate in fates]))


if __name__ == "__main__":
    main(*sys.argv[1:])
