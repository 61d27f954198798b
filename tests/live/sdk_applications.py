"""Applications written with jambonz' official Python package, as its users write them: over webhook and websocket."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from jambonz_sdk._signature import verify_signature
from jambonz_sdk.validator import JambonzValidator
from jambonz_sdk.webhook import WebhookResponse
from jambonz_sdk.websocket import Session, create_endpoint
from jsonschema import Draft202012Validator

from tests.live.serving import serving_application

JsonObject = dict[str, Any]
WEATHER: JsonObject = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
}
SCRIPT: JsonObject = {
    "greeting": {"say": "Let me check.", "tool": {"name": "get_weather", "arguments": {"location": "Boston"}}},
    "turns": [
        {"when": {"tool_result": "get_weather"}, "say": "Sunny.", "tool": {"name": "hangup", "arguments": {}}},
    ],
}
AFTER: JsonObject = {"verb": "pause", "length": 0.1}


def verb(prefix: str = "") -> JsonObject:
    return {
        "vendor": "openai",
        "model": "gpt-realtime-2.1",
        "auth": {"apiKey": "sk-of-the-application"},
        "actionHook": f"{prefix}/final",
        "eventHook": f"{prefix}/event",
        "toolHook": f"{prefix}/tool",
        "events": ["conversation.item.*", "response.audio_transcript.done"],
        "hangup": {"reason": "done"},
        "llmOptions": {
            "response_create": {"instructions": "Help."},
            "session_update": {"tools": [WEATHER], "voice": "alloy"},
        },
    }


class Heard:
    """What an application was told, by the name of its handler."""

    def __init__(self) -> None:
        self.told: list[tuple[str, JsonObject]] = []
        self.callers: set[str] = set()
        "By what Authorization it was asked."

    def bodies(self, name: str) -> list[JsonObject]:
        return [body for told, body in self.told if told == name]

    def names(self) -> list[str]:
        return [name for name, _ in self.told]


def complaints(callback: str, body: JsonObject) -> list[str]:
    """Say what jambonz' own schema of a callback finds wrong with a body."""
    oracle = JambonzValidator()
    schema = oracle._store[f"https://jambonz.org/schema/callbacks/{callback}"]
    found = Draft202012Validator(schema, registry=oracle._registry).iter_errors(body)
    return [error.message for error in found]


@asynccontextmanager
async def webhook_application(heard: Heard, secret: str, **more: Any) -> AsyncIterator[str]:
    """`more`: laid over its `llm` verb."""

    async def told(request: web.Request) -> JsonObject:
        raw = await request.read()
        assert verify_signature(raw, request.headers["Jambonz-Signature"], secret)
        body: JsonObject = await request.json()
        heard.callers.add(request.headers.get("Authorization", ""))
        heard.told.append((request.path, body))
        return body

    async def call(request: web.Request) -> web.Response:
        await told(request)
        return web.json_response(WebhookResponse().answer().llm(**verb() | more).to_json())

    async def tool(request: web.Request) -> web.Response:
        body = await told(request)
        return web.json_response({"location": body["args"]["location"], "temperature": 21})

    async def final(request: web.Request) -> web.Response:
        await told(request)
        return web.json_response(WebhookResponse().pause(length=0.1).hangup().to_json())

    async def quiet(request: web.Request) -> web.Response:
        await told(request)
        return web.Response(status=204)

    application = web.Application()
    handlers = {"/call": call, "/tool": tool, "/final": final, "/event": quiet, "/status": quiet}
    for path, handler in handlers.items():
        application.router.add_post(path, handler)
    async with serving_application(application) as url:
        yield url


@asynccontextmanager
async def websocket_application(
    heard: Heard,
    also: Callable[[Session], None] = lambda _: None,
    redirected: Callable[[Session], Awaitable[None]] | None = None,
    **more: Any,
) -> AsyncIterator[str]:
    """`also` adds handlers to each session; `redirected` answers a call that is sent here from elsewhere.

    `more`: laid over its `llm` verb.
    """

    async def new(session: Session) -> None:
        heard.told.append(("session:new", session.data))

        async def tool_call(data: JsonObject) -> None:
            heard.told.append(("llm:tool-call", data))
            await session.tool_output(data["tool_call_id"], {"result": {"temperature": 21}})

        async def final(data: JsonObject) -> None:
            heard.told.append(("/final", data))
            await session.pause(length=0.1).hangup().reply()

        session.on("llm:tool-call", tool_call)
        session.on("/final", final)
        for name in ("llm:event", "call:status"):
            session.on(name, lambda data, name=name: heard.told.append((name, data)))
        also(session)
        await session.answer().llm(**verb() | more).send()

    make_service, runner = await create_endpoint(host="127.0.0.1", port=0)
    service = make_service(path="/ws").on("session:new", new)
    if redirected:
        service.on("session:redirect", redirected)
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
