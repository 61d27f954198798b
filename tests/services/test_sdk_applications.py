"""Applications written with @jambonz/sdk, jambonz' own package for node, run behind us as they are."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.calling import Call
from tests.live.sdk_applications import SCRIPT, WEATHER, Heard, complaints
from tests.live.serving import PATIENCE_S, Model, a_config, rehearsing, serving, until
from tests.validators import published

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

JsonObject = dict[str, Any]
HERE = Path(__file__).parent / "applications"
EXAMPLE = published.PACKAGES / "sdk" / "examples" / "openai-realtime" / "ws-app.ts"
KEYS = {"OPENAI_API_KEY": "sk-of-the-portal"}


@asynccontextmanager
async def node(file: Path, heard: Heard) -> AsyncIterator[str]:
    """Run an application; what it prints as JSON lines is what it was told."""
    published.install()
    packages = published.PACKAGES.parent
    process = await asyncio.create_subprocess_exec(
        "node", str(HERE / "run.mjs"), str(file), str(packages), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    port: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def listen(lines: asyncio.StreamReader) -> None:
        async for line in lines:
            if line.startswith(b"port "):
                port.set_result(line.split()[1].decode())
            elif line.startswith(b"{"):
                told = json.loads(line)
                heard.told.append((told["name"], told["data"]))

    listening = asyncio.create_task(listen(process.stdout))
    try:
        yield f"ws://127.0.0.1:{await asyncio.wait_for(port, PATIENCE_S)}"
    finally:
        process.terminate()
        await listening
        await process.communicate()
        for copy in packages.glob(f"hookswitch-*-{process.pid}.mjs"):
            copy.unlink()


def outputs(model: Model) -> list[str]:
    items = [event["item"] for event in model.heard if event["type"] == "conversation.item.create"]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


async def test_a_whole_call_with_an_application_of_nodes(tmp_path: Path) -> None:
    heard = Heard()
    async with rehearsing(SCRIPT) as model, node(HERE / "weather.mjs", heard) as url:
        config = a_config(model, None, route={"url": f"{url}/weather"}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running:
            call = Call(running.url, env_vars=KEYS)
            over = await call.live.run()
            await until(lambda: "completed" in [body["call_status"] for body in heard.bodies("call:status")])
    assert (over.call_status, over.ended_by, over.failed) == ("completed", "jambonz", False)
    assert call.verbs() == ["answer", "listen", "pause", "hangup"]

    [new], [asked], [end] = heard.bodies("session:new"), heard.bodies("/tool"), heard.bodies("/final")
    assert complaints("session-new", new) == []
    assert complaints("llm", end) == []
    assert [fault for body in heard.bodies("call:status") for fault in complaints("call-status", body)] == []
    assert asked["args"] == {"location": "Boston"}
    assert outputs(model) == ['{"temperature":21}']
    assert "response.done" in [event["type"] for event in heard.bodies("/event")]

    # What it changed of the conversation was changed, and what cannot be changed any more was refused.
    updates = [event["session"] for event in model.heard if event["type"] == "session.update"]
    assert updates[1:] == [{"type": "realtime", "instructions": "The caller asked about Boston."}]
    [error] = heard.bodies("jambonz:error")
    assert "voice cannot be changed" in error["details"]
    assert "sk-of-the-portal" not in running.journal.getvalue()


async def test_jambonz_own_example_of_a_realtime_agent(tmp_path: Path) -> None:
    arguments = {"location": "Boston", "scale": "celsius"}
    script = {
        "greeting": {"say": "Let me check.", "tool": {"name": WEATHER["name"], "arguments": arguments}},
        "turns": [{"when": {"tool_result": "get_weather"}, "say": "Sunny."}],
    }
    async with rehearsing(script) as model, node(EXAMPLE, Heard()) as url:
        config = a_config(model, None, route={"url": f"{url}/openai-s2s"}, vendor={"api_key": ""})
        async with serving(tmp_path, config) as running:
            call = Call(running.url, env_vars=KEYS)
            going = asyncio.create_task(call.live.run())
            await until(lambda: outputs(model))
            await until(lambda: "response.create" in model.told()[model.told().index("conversation.item.create") :])
            call.live.hang_up()
            over = await going
    assert (over.ended_by, over.failed) == ("caller", False)
    assert call.verbs()[:3] == ["answer", "pause", "listen"]
    assert json.loads(outputs(model)[0]) == {"current": {"temperature_2m": 20.6}}
