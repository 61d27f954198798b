"""One call that talks, on a server in a process of its own, while something happens to that server."""

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.live.serving import FRAME, LLM, Application, Platform, a_config, until_audio
from tests.services.processes import a_model, ready, served, until

JsonObject = dict[str, Any]
SILENCE_S = 0.5
NOISE = bytes(range(256)) * 3 + bytes(192)
"20 ms that a model takes for speech."


@dataclass
class Scene:
    server: Process
    config: Path
    platform: Platform
    application: Application
    document: list[JsonObject]
    media: ClientWebSocketResponse

    async def ready(self) -> str:
        return await ready(self.platform.client, self.platform.url)

    async def is_ready(self) -> bool:
        return await self.ready() == "ready"

    async def is_degraded(self) -> bool:
        return (await self.ready()).startswith("degraded")

    async def talks(self) -> None:
        """Hear the agent out, say something, and hear the answer to it."""
        with suppress(TimeoutError):
            while True:
                await self.media.receive(SILENCE_S)
        for nth in range(100):
            await self.media.send_bytes(NOISE if nth < 40 else FRAME)
            await asyncio.sleep(0.02)
        await until_audio(self.media)

    async def ends(self) -> None:
        """Hang up, and see the one end told."""
        await self.media.close()
        assert await self.platform.ended(self.document, call_status="completed") == []
        await until(lambda: self.application.bodies("/final"))
        assert [end["reason_code"] for end in self.application.bodies("/final")] == ["caller_hung_up"]


@asynccontextmanager
async def a_call(folder: Path, *before: str, store: str = "sqlite:///calls.db", **server: Any) -> AsyncIterator[Scene]:
    """Serve, with a call that talks. `before`: a command that runs the server."""
    application = Application()
    async with a_model(folder) as model, application.serving() as base, ClientSession() as client:
        config = a_config(
            None,
            base,
            route={"verbs": [LLM | {"eventHook": "/event"}]},
            vendor={"url": model},
            hooks={"retry_s": [0.2] * 50},
        )
        path = folder / "config.yaml"
        whole = {**config, "store": store, "server": {"drain_s": 1, "orphan_grace_s": 1, **server}}
        path.write_text(json.dumps(whole), encoding="utf-8")
        async with served(path, before=before) as (process, url):
            platform = Platform(client, url)
            document = await platform.ring()
            media = await platform.open(document)
            await until_audio(media)
            yield Scene(process, path, platform, application, document, media)
