"""examples/weather as it stands, against a rehearsal model and a weather service of our own: no network."""

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hooks import functions
from tests.live.calling import Call
from tests.live.serving import Model, rehearsing, serving_application, serving_file, until

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

JsonObject = dict[str, Any]
EXAMPLE = Path("examples/weather")
QUESTION = "What is the weather in Boston?"
SCRIPT: JsonObject = {"greeting": "Hello.", "caller": [QUESTION]}
FUNCTION, HOOKS = "+15551230001", "+15551230002"


def open_meteo(*, up: bool) -> web.Application:
    """Stand in for both services of Open-Meteo, in the shape of their answers of 2026-11."""

    async def search(request: web.Request) -> web.Response:
        found = {"name": request.query["name"], "latitude": 42.36, "longitude": -71.06}
        return web.json_response({"results": [found]} if up else {}, status=200 if up else 503)

    async def forecast(request: web.Request) -> web.Response:
        degrees = {"celsius": 20.6, "fahrenheit": 69.1}[request.query["temperature_unit"]]
        return web.json_response({"current": {"temperature_2m": degrees, "weather_code": 2}})

    app = web.Application()
    app.add_routes([web.get("/v1/search", search), web.get("/v1/forecast", forecast)])
    return app


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Let Python forget the example afterwards."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("weather", None)
    functions.forget()


@asynccontextmanager
async def the_example(monkeypatch: pytest.MonkeyPatch, *, up: bool) -> AsyncIterator[tuple[str, Model]]:
    """Serve the example's configuration, and its application beside it; give the server's URL."""
    async with serving_application(open_meteo(up=up)) as weather_url, rehearsing(SCRIPT) as model:
        monkeypatch.setenv("GEOCODING_URL", f"{weather_url}/v1/search")
        monkeypatch.setenv("FORECAST_URL", f"{weather_url}/v1/forecast")
        monkeypatch.syspath_prepend(str(EXAMPLE))
        weather = importlib.import_module("weather")
        async with serving_application(weather.application()) as app_url:
            environ = {"OPENAI_API_KEY": "sk-of-a-test", "OPENAI_REALTIME_URL": model.url, "WEATHER_URL": app_url}
            async with serving_file(EXAMPLE / "config.yaml", environ) as running:
                yield running.url, model


def outputs(model: Model) -> list[JsonObject]:
    items = [event["item"] for event in model.heard if event["type"] == "conversation.item.create"]
    return [json.loads(item["output"]) for item in items if item["type"] == "function_call_output"]


def said(model: Model) -> str:
    """Give all that was said in the newest session."""
    entries = model.sessions[-1]._conversation.entries
    return json.dumps([entry.item.get("content", []) for entry in entries])


async def asks(call: Call, model: Model, answer: str) -> None:
    """Ask for the weather when the agent has greeted, hear the answer, and hang up."""
    going = asyncio.create_task(call.live.run())
    await until(lambda: "agent_stopped_speaking" in call.names())
    call.say(QUESTION)
    await until(lambda: answer in said(model))
    call.live.hang_up()
    assert (await going).failed is False


@pytest.mark.claim("J3")
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("number", "verbs"), [(FUNCTION, ["listen"]), (HOOKS, ["answer", "pause", "listen"])], ids=["function", "hooks"]
)
async def test_the_weather_agent_answers(number: str, verbs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async with the_example(monkeypatch, up=True) as (url, model):
        call = Call(url, number)
        await asks(call, model, "It is 69 degrees and cloudy in Boston.")
    assert call.verbs() == verbs
    [weather] = outputs(model)
    assert weather == {"temperature": 69, "conditions": "cloudy", "location": "Boston"}
    [get_weather, *_] = [tool for tool in model.heard[0]["session"]["tools"] if tool["name"] == "get_weather"]
    assert get_weather["description"].rstrip(".") == "Get the weather at a given location"
    assert get_weather["parameters"]["required"] == ["location", "scale"]


@pytest.mark.claim("J3")
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("number", [FUNCTION, HOOKS], ids=["function", "hooks"])
async def test_an_agent_whose_weather_service_is_down_says_so(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with the_example(monkeypatch, up=False) as (url, model):
        await asks(Call(url, number), model, "Sorry, that did not work.")
    [told] = outputs(model)
    assert told["error"].endswith("the weather service does not answer")
