"""A server of chat models, on loopback: it answers by a script, keeps what it was asked, and sees who leaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import web

JsonObject = dict[str, Any]


HEAD = {"id": "chatcmpl-up", "created": 1, "model": "m-1"}


def piece(delta: JsonObject | None = None, finish: str | None = None, **more: Any) -> JsonObject:
    """Write a chunk as OpenAI does."""
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-up",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": [choice],
        **more,
    }


def said(*words: str) -> list[JsonObject]:
    return [
        piece({"role": "assistant", "content": ""}),
        *(piece({"content": word}) for word in words),
        piece(finish="stop"),
    ]


def called(name: str, arguments: str, call_id: str = "call_1") -> list[JsonObject]:
    """Call a tool, its arguments in two parts."""
    head = {"index": 0, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    half = len(arguments) // 2
    parts = [{"index": 0, "function": {"arguments": part}} for part in (arguments[:half], arguments[half:])]
    return [*(piece({"tool_calls": [part]}) for part in (head, *parts)), piece(finish="tool_calls")]


USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
HANG = "hang"
"In a script: from here on it says nothing more."


@dataclass
class ModelServer:
    """`scripts` are used one after the other; the last one for all that follow."""

    scripts: list[Any] = field(default_factory=lambda: [said("Hel", "lo.")])
    asked: list[JsonObject] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    "Set when who asked leaves while we hang."

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        self.urls.append(request.path_qs)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, Refusal):
            return web.json_response(script.body, status=script.status)
        if script == HANG:
            await self._hang()
        if not body.get("stream"):
            return web.json_response(whole(script))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in script:
            if part == HANG:
                await self._hang()
            await response.write(f"data: {json.dumps(part)}\n\n".encode())
        if (body.get("stream_options") or {}).get("include_usage"):
            await response.write(f"data: {json.dumps({**piece(), 'choices': [], 'usage': USAGE})}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _hang(self) -> None:
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # aiohttp's word for whoever has left
            self.left.set()
            raise


class Refusal(NamedTuple):
    status: int
    body: JsonObject


def whole(script: Sequence[JsonObject]) -> JsonObject:
    """Write the pieces as one answer."""
    deltas = [part["choices"][0]["delta"] for part in script]
    message: JsonObject = {"role": "assistant", "content": "".join(delta.get("content") or "" for delta in deltas)}
    if calls := [call for delta in deltas for call in delta.get("tool_calls", ())]:
        arguments = "".join(call["function"]["arguments"] for call in calls)
        message["tool_calls"] = [{**calls[0], "function": {**calls[0]["function"], "arguments": arguments}}]
    finish = script[-1]["choices"][0]["finish_reason"]
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {
        "id": "chatcmpl-up",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [choice],
        "usage": USAGE,
    }
