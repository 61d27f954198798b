"""The weather example, against a weather service that works, and one that does not."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.live.examples import config_of, module_of, serving_routes
from tests.live.serving import rehearsing, serving, until
from tests.live.test_seed_call import Call

CALLS_IT = {"tool": {"name": "get_weather", "arguments": {"location": "Boston", "scale": "celsius"}}}
SCRIPT: dict[str, Any] = {
    "greeting": CALLS_IT,
    "turns": [
        {"when": {"tool_result": "*", "tool_error": True}, "say": "Sorry, that did not work."},
        {"when": {"tool_result": "*"}, "say": "It is {temperature} degrees and {conditions} in {location}."},
    ],
}


async def places(request: web.Request) -> web.Response:
    assert request.query["name"] == "Boston"
    return web.json_response({"results": [{"name": "Boston", "latitude": 42.4, "longitude": -71.1}]})


async def forecast(request: web.Request) -> web.Response:
    assert request.query["temperature_unit"] == "celsius"
    return web.json_response({"current": {"temperature_2m": 21.4, "weather_code": 0}})


async def nowhere(_: web.Request) -> web.Response:
    return web.json_response({})


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=503)


@pytest.mark.claim("J3", "toolHook", "J10")
@pytest.mark.parametrize(
    ("geocoding", "output", "said"),
    [
        (
            places,
            {"temperature": 21, "conditions": "clear", "location": "Boston"},
            "It is 21 degrees and clear in Boston.",
        ),
        (nowhere, {"error": "there is no place named Boston"}, "Sorry, that did not work."),
        (broken, {"error": "the weather service does not answer"}, "Sorry, that did not work."),
    ],
)
async def test_the_weather_is_told_or_that_it_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, geocoding: Any, output: dict[str, Any], said: str
) -> None:
    example = module_of("weather")
    hooks = (web.post("/event", example.event), web.post("/toolCall", example.tool), web.post("/final", example.final))
    async with (
        rehearsing(SCRIPT) as model,
        serving_routes(web.get("/places", geocoding), web.get("/forecast", forecast)) as service,
        serving_routes(*hooks) as application,
        serving(tmp_path, config_of("weather", application=application, model=model.url)) as running,
    ):
        monkeypatch.setattr(example, "GEOCODING", f"{service}/places")
        monkeypatch.setattr(example, "FORECAST", f"{service}/forecast")
        call = Call(running.url)
        going = asyncio.create_task(call.live.run())
        await until(lambda: "agent_started_speaking" in call.names())
        call.live.hang_up()
        await going
    outputs = [event["item"]["output"] for event in model.heard if event["type"] == "conversation.item.create"]
    assert [json.loads(text) for text in outputs] == [output]
    [session] = model.sessions
    spoken = [entry.item["content"][0]["transcript"] for entry in session._conversation.entries if entry.sound]
    assert spoken[0].startswith(said[:10])
