"""A whole call on which the fake platform speaks to the model itself, over the beta's wire, on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from sim import voice
from sim.happening import Happening
from sim.model import Script
from sim.model.server import serve
from sim.platform.bodies import identify
from sim.platform.client import LiveCall
from sim.platform.effects import Over
from sim.portal import portal
from tests.sim.test_platform_client import until

SCRIPT = {
    "greeting": "How can I help you?",
    "caller": ["What is the weather in Boston?", "Stop, please."],
    "turns": [
        {"when": {"tool_result": "get_weather"}, "say": "Once upon a time there was a telephone. " * 3},
        {"when": {"heard": "weather"}, "tool": {"name": "get_weather", "arguments": {"cityName": "Boston"}}},
    ],
}
TOOLS = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]


class Application:
    """Answers with an llm verb for the platform to carry out, and its tool in the shape that the platform takes."""

    def __init__(self, model_host: str) -> None:
        self.told: dict[str, list[dict[str, Any]]] = {}
        self._verb = {
            "verb": "llm",
            "vendor": "openai",
            "model": "rehearsal",
            "auth": {"apiKey": "sk-secret"},
            "connectOptions": {"host": model_host},
            "llmOptions": {
                "response_create": {"modalities": ["text", "audio"], "temperature": 0.8},
                "session_update": {
                    "tools": TOOLS,
                    "input_audio_transcription": {"model": "whisper-1"},
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                },
            },
            "events": ["all"],
            "actionHook": "/final",
            "eventHook": "/event",
            "toolHook": "/tool",
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._hook)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.told.setdefault(request.path, []).append(body)
        if request.path == "/call":
            return web.json_response([self._verb, {"verb": "hangup"}])
        if request.path == "/tool":
            output = {"type": "function_call_output", "call_id": body["tool_call_id"], "output": '{"sky":"clear"}'}
            return web.json_response({"type": "conversation.item.create", "item": output})
        return web.json_response([]) if request.path == "/final" else web.Response(status=204)

    def events(self) -> list[str]:
        return [event["type"] for event in self.told.get("/event", [])]


async def conversed(application: Application, live: LiveCall, seen: list[Happening]) -> Over:
    """Ask after the greeting, break into the answer, hang up."""
    call = asyncio.create_task(live.run())
    await until(lambda: "output_audio.playback_stopped" in application.events())
    line = "What is the weather in Boston?"
    live.say(line, voice.caller_line(line), voice.RATE_HZ)
    await until(lambda: application.events().count("output_audio.playback_started") == 2)
    live.say("Stop, please.", voice.caller_line("Stop, please."), voice.RATE_HZ)
    await until(lambda: [one for one in seen if one.name == "interrupted"])
    live.hang_up()
    return await call


async def test_the_platform_carries_the_conversation_out_itself() -> None:
    seen: list[Happening] = []
    async with serve(Script.of(SCRIPT), beta=True) as model_url:
        application = Application(model_url.removeprefix("ws://").partition("/")[0])
        async with application.serving() as url:
            dial = portal(url, "webhook", "s3cret").dial(identify("+1555", "+1666", lambda: "sid"))
            over = await conversed(application, LiveCall(dial, seen.append), seen)
    assert (over.answered, over.ended_by) == (True, "caller")
    [tool] = application.told["/tool"]
    assert (tool["name"], tool["args"]) == ("get_weather", {"cityName": "Boston"})
    assert {"session.created", "conversation.item.created", "response.audio_transcript.done"} <= set(
        application.events()
    )
    assert not {"response.audio.delta", "conversation.item.done"} & set(application.events())
    [final] = application.told["/final"]
    assert final["completion_reason"] == "normal conversation end"
    told = [one.name.partition(":")[2] for one in seen if one.name.startswith("platform_to_model:")]
    assert told[:4] == ["response.create", "session.update", "conversation.item.create", "response.create"]
    assert "sk-secret" not in json.dumps([[one.name, one.text] for one in seen])


async def test_a_model_that_cannot_be_reached_is_told_as_a_connection_failure() -> None:
    seen: list[Happening] = []
    application = Application("127.0.0.1:1")
    async with application.serving() as url:
        live = LiveCall(portal(url, "webhook", "s").dial(identify("1", "2", lambda: "sid")), seen.append)
        async with asyncio.timeout(10):
            over = await live.run()
    assert application.told["/final"][0]["completion_reason"] == "connection failure"
    assert over.why == "hangup"
    assert [one.text for one in seen if one.name == "media_refused"] == [
        "the model could not be reached: ClientConnectorError"
    ]
