"""What goes wrong in one call ends that call: another one beside it talks on, and is told nothing of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from hooks.dispatcher import CallHooks
from media.bridge import Bridge
from media.platforms.jambonz.media import JambonzMedia
from tests.live.serving import FRAME, SORRY, names, until_audio, until_closed
from tests.live.test_bad_input import Scene, a_scene

JsonObject = dict[str, Any]


class InjectedError(Exception):
    """Nothing of ours raises it."""


def fail(*_: object, **__: object) -> Any:
    raise InjectedError("something that nobody foresaw")


@asynccontextmanager
async def two_calls(folder: Path) -> AsyncIterator[tuple[Scene, list[JsonObject], ClientWebSocketResponse]]:
    """Give a call that talks, with its document; another one beside it must be heard before and after."""
    async with a_scene(folder) as scene:
        beside = await scene.platform.ring("beside")
        good = await scene.platform.open(beside, "beside")
        await until_audio(good)
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until_audio(media)
        yield scene, document, media
        assert not good.closed
        sent = len(scene.model.sessions[0].heard)
        await good.send_bytes(FRAME * 10)
        await scene.platform.post("/call/status", {"call_sid": "beside", "call_status": "in-progress"})
        while len(scene.model.sessions[0].heard) == sent:
            await good.receive(5)
        await good.close()
        assert await scene.platform.ended(beside, call_sid="beside", call_status="completed") == []
        assert {end["call_sid"] for end in scene.application.bodies("/final")} == {"c-1", "beside"}


def one_of(scene: Scene, call_sid: str = "c-1") -> Any:
    """Give the line of this call's conversation."""
    [live] = [live for live in scene.running.server._sessions.switchboard._calls if live.sid == call_sid]
    return live.legs[0].line


def in_the_bridge(line: Any) -> None:
    bridge: Bridge = line._bridge
    bridge.platform_said = fail  # type: ignore[method-assign]


def in_the_parser(line: Any) -> None:
    dialect: JambonzMedia = line._bridge._platform
    line._bridge._platform = type("Broken", (), {"receive": fail, "clear": dialect.clear, "play": dialect.play})()


def in_a_hook(line: Any) -> None:
    hooks: CallHooks = line._hooks
    hooks.report = fail  # type: ignore[method-assign]


@pytest.mark.parametrize("inject", [in_the_bridge, in_the_parser, in_a_hook])
async def test_a_fault_of_ours_ends_the_call_in_which_it_happens_and_no_other(
    tmp_path: Path, inject: Callable[[Any], None]
) -> None:
    async with two_calls(tmp_path) as (scene, document, media):
        inject(one_of(scene))
        await media.send_bytes(FRAME)
        await media.send_json({"event": "dtmf", "dtmf": "1", "duration": "1600"})
        await until_closed(media)
        assert names(await scene.platform.ended(document)) == SORRY
        [end] = [end for end in scene.application.bodies("/final") if end["call_sid"] == "c-1"]
        assert end["ended_by"] == "server"
        assert "InjectedError" in scene.running.journal.getvalue()
