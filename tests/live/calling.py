"""Calls of the fake platform, in real time."""

import asyncio
import uuid

from sim import voice
from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import Dial, LiveCall
from sim.platform.effects import Over
from tests.live.serving import until


class Call:
    """One call of the fake platform, and what the caller noticed."""

    def __init__(self, url: str, called: str = "+15551230001", env_vars: dict[str, str] | None = None) -> None:
        self.seen: list[Happening] = []
        self.call_sid = str(uuid.uuid4())
        ids = iter([self.call_sid, "account", "application", "call-id", "trace-id"])
        identity = identify("+15557654321", called, lambda: next(ids), env_vars)
        self.live = LiveCall(Dial(identity, f"{url}/call", f"{url}/call/status", "rehearsal"), self.seen.append)

    def names(self) -> list[str]:
        return [happening.name for happening in self.seen]

    async def run(self) -> Over:
        """Say hello as soon as there is somebody to hear it."""
        running = asyncio.create_task(self.live.run())
        await until(lambda: self.live.stream_open)
        self.say("Hello?")
        return await running

    def say(self, text: str) -> None:
        self.live.say(text, voice.caller_line(text), voice.RATE_HZ)

    def verbs(self) -> list[str]:
        """What the platform carried out, in order."""
        return [str(happening.fields["verb"]) for happening in self.seen if happening.name == "verb"]
