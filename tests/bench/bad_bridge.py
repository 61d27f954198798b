"""A bridge that spoils frames when it is told to, and else passes them on as the minimal bridge does."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

import websockets
from aiohttp import WSMsgType, web

Fault = Literal["drop", "spoil", "delay", "swap"]
Direction = Literal["to_model", "to_caller"]
Send = Callable[[bytes], Awaitable[None]]
HELD_S = 0.12
PIECE_BYTES = 700
"An even number that no frame is a multiple of."


class BadBridge:
    def __init__(self, model_url: str, *, cuts: bool = False) -> None:
        """`cuts`: whether it cuts the audio anew, in pieces that begin and end within frames."""
        self._model_url = model_url
        self._cuts = cuts
        self._faults: dict[Direction, list[Fault]] = {"to_model": [], "to_caller": []}
        self._kept: dict[Direction, bytes] = {"to_model": b"", "to_caller": b""}
        self._tasks: set[asyncio.Task[None]] = set()

    def spoil_next(self, direction: Direction, fault: Fault) -> None:
        self._faults[direction].append(fault)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.add_routes([web.post("/call", self._answer), web.get("/media", self._media)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        return web.json_response([{"verb": "listen", "url": f"ws://{request.host}/media"}])

    async def _media(self, request: web.Request) -> web.WebSocketResponse:
        caller = web.WebSocketResponse(protocols=("audio.jambonz.org",))
        await caller.prepare(request)
        async with websockets.connect(self._model_url, max_size=None, compression=None) as model:
            await model.send(json.dumps({"type": "session.update", "session": {"type": "realtime"}}))
            await model.send(json.dumps({"type": "response.create"}))
            speaking = asyncio.create_task(self._to_caller(model, caller))
            await self._to_model(caller, model)
            speaking.cancel()
        return caller

    async def _to_model(self, caller: web.WebSocketResponse, model: websockets.ClientConnection) -> None:
        async def send(pcm: bytes) -> None:
            audio = base64.b64encode(pcm).decode()
            await model.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

        async for message in caller:
            if message.type is WSMsgType.BINARY:
                await self._pass_on("to_model", message.data, send)

    async def _to_caller(self, model: websockets.ClientConnection, caller: web.WebSocketResponse) -> None:
        async for message in model:
            event = json.loads(message)
            if event["type"] == "response.output_audio.delta":
                await self._pass_on("to_caller", base64.b64decode(event["delta"]), caller.send_bytes)

    async def _pass_on(self, direction: Direction, pcm: bytes, send: Send) -> None:
        if self._cuts:
            self._kept[direction] += pcm
            while len(self._kept[direction]) >= PIECE_BYTES:
                piece, self._kept[direction] = self._kept[direction][:PIECE_BYTES], self._kept[direction][PIECE_BYTES:]
                await send(piece)
            return
        before, self._kept[direction] = self._kept[direction], b""
        match self._faults[direction].pop(0) if self._faults[direction] else None:
            case "drop":
                pass
            case "spoil":
                await send(pcm[:400] + bytes([pcm[400] ^ 1]) + pcm[401:])
            case "delay":
                later = asyncio.create_task(_later(pcm, send))
                self._tasks.add(later)
                later.add_done_callback(self._tasks.discard)
            case "swap":
                self._kept[direction] = pcm
            case None:
                await send(pcm)
        if before:
            await send(before)


async def _later(pcm: bytes, send: Send) -> None:
    await asyncio.sleep(HELD_S)
    await send(pcm)
