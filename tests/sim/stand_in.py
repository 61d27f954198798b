"""The least server that the demo's scene can be played on: answers with a listen, bridges, forwards hooks, truncates.

Run as a program: `stand_in.py --config F --port P`. Not the server under test; only what the simulator's own tests
need to see it work.
"""

import argparse
import asyncio
import base64
import json
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook

RATE_HZ = 24000
MS_BYTES = RATE_HZ // 1000 * 2
FIRST_START_MS, START_MS = 160, 10  # the platform holds the first sound back, later ones only to its next frame
FORWARDED = {"conversation.item.input_audio_transcription.completed", "response.output_audio_transcript.done"}


class Bridge:
    """One call, with the naive clock that a sample application has: heard = time since the first byte."""

    def __init__(self, platform: web.WebSocketResponse, model: aiohttp.ClientWebSocketResponse, hooks: "Hooks") -> None:
        self._platform, self._model, self._hooks = platform, model, hooks
        self._item = ""
        self._start_ms = FIRST_START_MS
        self._began_s = self._sent_ms = 0.0
        self._tools: list[asyncio.Task[None]] = []

    async def from_platform(self) -> None:
        async for message in self._platform:
            if message.type is aiohttp.WSMsgType.BINARY:
                audio = base64.b64encode(message.data).decode()
                await self._say({"type": "input_audio_buffer.append", "audio": audio})
        await self._model.close()

    async def from_model(self) -> None:
        async for message in self._model:
            event = json.loads(message.data)
            if event["type"] in FORWARDED:
                self._hooks.post("/event", event)
            await self._handle(event)

    async def _handle(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "response.output_audio.delta":
                await self._play(event["item_id"], base64.b64decode(event["delta"]))
            case "response.output_audio.done":
                await self._platform.send_bytes(bytes(100 * MS_BYTES))
                self._sent_ms += 100
            case "input_audio_buffer.speech_started" if self._left_ms() > 0:
                await self._interrupt()
            case "response.function_call_arguments.done":
                self._tools.append(asyncio.create_task(self._call(event)))

    def _left_ms(self) -> float:
        return self._sent_ms - (time.monotonic() - self._began_s) * 1000

    async def _play(self, item_id: str, pcm: bytes) -> None:
        if self._left_ms() <= 0:
            self._began_s, self._sent_ms = time.monotonic() + self._start_ms / 1000, 0.0
            self._start_ms = START_MS
        if item_id != self._item:
            self._item, self._before_ms = item_id, self._sent_ms
        self._sent_ms += len(pcm) / MS_BYTES
        await self._platform.send_bytes(pcm)

    async def _interrupt(self) -> None:
        heard_ms = (time.monotonic() - self._began_s) * 1000 - self._before_ms
        self._sent_ms = 0.0
        await self._platform.send_str('{"type":"killAudio"}')
        truncate = {"type": "conversation.item.truncate", "item_id": self._item, "content_index": 0}
        await self._say({**truncate, "audio_end_ms": int(heard_ms)})

    async def _call(self, event: dict[str, Any]) -> None:
        args = json.loads(event["arguments"])
        body = {"tool_call_id": event["call_id"], "call_id": event["call_id"], "name": event["name"], "args": args}
        output = await self._hooks.ask("/toolCall", body)
        item = {"type": "function_call_output", "call_id": event["call_id"], "output": output}
        await self._say({"type": "conversation.item.create", "item": item})
        await self._say({"type": "response.create"})

    async def _say(self, event: dict[str, Any]) -> None:
        await self._model.send_str(json.dumps(event))


class Hooks:
    def __init__(self, session: aiohttp.ClientSession, base: str, secret: str) -> None:
        self._session, self._base, self._webhook = session, base, Webhook(secret)
        self._seq = 0
        self._tasks: list[asyncio.Task[str]] = []

    def post(self, path: str, body: dict[str, Any]) -> None:
        self._tasks.append(asyncio.create_task(self.ask(path, body)))

    async def ask(self, path: str, body: dict[str, Any]) -> str:
        self._seq += 1
        raw, webhook_id, now = json.dumps(body), str(uuid.uuid4()), datetime.now(tz=UTC)
        headers = {"webhook-id": webhook_id, "webhook-timestamp": str(int(now.timestamp()))}
        headers |= {"X-Hook-Seq": str(self._seq), "webhook-signature": self._webhook.sign(webhook_id, now, raw)}
        async with self._session.post(self._base + path, data=raw.encode(), headers=headers) as reply:
            return await reply.text()


async def serve(config: dict[str, Any], port: int) -> None:
    runner = web.AppRunner(_application(config))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)  # noqa: T201  # as a server says it
    await asyncio.Event().wait()


def _application(config: dict[str, Any]) -> web.Application:
    llm = config["routes"][0]["verbs"][1]
    hooks: dict[str, Hooks] = {}

    async def call(_: web.Request) -> web.Response:
        both = {"enabled": True, "streaming": True, "sampleRate": RATE_HZ}
        listen = {"verb": "listen", "url": "/media", "actionHook": "/ended", "sampleRate": RATE_HZ, "passDtmf": True}
        return web.json_response([{"verb": "answer"}, {**listen, "bidirectionalAudio": both}, {"verb": "hangup"}])

    async def ended(request: web.Request) -> web.Response:
        body = {**await request.json(), "completion_reason": "normal conversation end"}
        await hooks[body["call_sid"]].ask("/final", body)
        return web.json_response([])

    async def media(request: web.Request) -> web.WebSocketResponse:
        platform = web.WebSocketResponse(protocols=("audio.jambonz.org",), compress=False)
        await platform.prepare(request)
        call_sid = (await platform.receive_json())["callSid"]
        headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
        session = aiohttp.ClientSession()
        hooks[call_sid] = Hooks(session, config["hooks"]["base_url"], config["hooks"]["secrets"][0])
        model = await session.ws_connect(os.environ["OPENAI_REALTIME_URL"] + "?model=rehearsal", headers=headers)
        await model.send_str(json.dumps({"type": "session.update", "session": _session(llm)}))
        await model.send_str('{"type":"response.create"}')
        bridge = Bridge(platform, model, hooks[call_sid])
        await asyncio.gather(bridge.from_platform(), bridge.from_model())
        return platform

    async def status(_: web.Request) -> web.Response:
        return web.Response(status=204)

    application = web.Application()
    application.router.add_post("/call", call)
    application.router.add_post("/call/status", status)
    application.router.add_post("/ended", ended)
    application.router.add_get("/media", media)
    return application


def _session(llm: dict[str, Any]) -> dict[str, Any]:
    hears = {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}}
    tools = llm["llmOptions"]["session_update"]["tools"]
    return {"type": "realtime", "tools": tools, "audio": {"input": hears}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    asyncio.run(serve(json.loads(options.config.read_text(encoding="utf-8")), options.port))
