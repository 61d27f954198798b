"""The weather agent of jambonz' `llm` documentation: a function for Hookswitch to call, and the same behind hooks."""

import logging
import os
from typing import Literal

import aiohttp
from aiohttp import web

GEOCODING = os.environ.get("GEOCODING_URL", "https://geocoding-api.open-meteo.com/v1/search")
FORECAST = os.environ.get("FORECAST_URL", "https://api.open-meteo.com/v1/forecast")
# Weather codes up to each number: https://open-meteo.com/en/docs
WMO = {0: "clear", 3: "cloudy", 48: "foggy", 67: "rainy", 77: "snowing", 82: "rainy", 86: "snowing", 99: "stormy"}

log = logging.getLogger("weather")


async def get_weather(location: str, scale: Literal["fahrenheit", "celsius"]) -> dict[str, object]:
    """Get the weather at a given location.

    Args:
        location: Location to get the weather from
        scale: What the caller thinks in
    """
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), raise_for_status=True) as http:
            async with http.get(GEOCODING, params={"name": location, "count": 1}) as reply:
                places = (await reply.json()).get("results") or []
            if not places:
                raise LookupError(f"there is no place named {location}")
            where = {"latitude": places[0]["latitude"], "longitude": places[0]["longitude"], "temperature_unit": scale}
            async with http.get(FORECAST, params={**where, "current": "temperature_2m,weather_code"}) as reply:
                now = (await reply.json())["current"]
    except (aiohttp.ClientError, TimeoutError):
        raise LookupError("the weather service does not answer") from None
    conditions = next(word for code, word in WMO.items() if now["weather_code"] <= code)
    return {"temperature": round(now["temperature_2m"]), "conditions": conditions, "location": places[0]["name"]}


async def event(request: web.Request) -> web.Response:
    """The eventHook: what the model reports. Nobody waits for the answer, so it is empty."""
    told = await request.json()
    log.info("event %s %s", told["type"], told.get("transcript", ""))
    return web.Response(status=204)


async def tool(request: web.Request) -> web.Response:
    """The toolHook: the JSON that comes back is what the model reads, an `error` too; it then says so."""
    called = await request.json()
    log.info("tool %s %s", called["name"], called["args"])
    try:
        return web.json_response(await get_weather(**called["args"]))
    except LookupError as error:
        return web.json_response({"error": str(error)})


async def final(request: web.Request) -> web.Response:
    """The actionHook: how it ended. The verbs that come back are what the call does next; none: what was planned."""
    end = await request.json()
    log.info("end %s, by %s: %s", end["completion_reason"], end["ended_by"], end["reason_code"])
    failed = end["completion_reason"] in {"server failure", "server error"}
    return web.json_response([{"verb": "say", "text": "Sorry, I cannot go on."}, {"verb": "hangup"}] if failed else [])


def application() -> web.Application:
    app = web.Application()
    app.add_routes([web.post("/event", event), web.post("/toolCall", tool), web.post("/final", final)])
    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    web.run_app(application(), host="127.0.0.1", port=8080, access_log=None)
