"""The bridge one writes in an afternoon: jambonz `listen` at 24 kHz ⇄ OpenAI Realtime, frame by frame, nothing else.

It is the reference of the benchmark: aiohttp, `websockets.connect`, `json` and `base64` on the stock event loop. It
checks no signature, calls no hook, paces nothing and knows no barge-in. OPENAI_REALTIME_URL names the model; with
RATE_HZ=8000 the platform's audio is at 8 kHz, and the model's G.711.
"""

import asyncio
import base64
import json
import os
import ssl
import warnings

import websockets
from aiohttp import WSMsgType, web

MODEL_URL = os.environ.get("OPENAI_REALTIME_URL", "wss://api.openai.com/v1/realtime")
API_KEY = os.environ.get("OPENAI_API_KEY", "")
RATE_HZ = int(os.environ.get("RATE_HZ", "24000"))
G711 = RATE_HZ == 8000
FORMAT = {"type": "audio/pcmu"} if G711 else {"type": "audio/pcm", "rate": 24000}
# One for all calls: each of `websockets.connect`'s own would stop the loop for 30 ms.
TLS = ssl.create_default_context() if MODEL_URL.startswith("wss:") else None

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop


async def answer_call(request: web.Request) -> web.Response:
    call = await request.json()
    url = f"ws://{request.host}/media/{call['call_sid']}"
    audio = {"enabled": True, "streaming": True, "sampleRate": RATE_HZ}
    listen = {"verb": "listen", "url": url, "mixType": "mono", "sampleRate": RATE_HZ, "bidirectionalAudio": audio}
    return web.json_response([listen])


async def media(request: web.Request) -> web.WebSocketResponse:
    caller = web.WebSocketResponse(protocols=("audio.jambonz.org",))
    await caller.prepare(request)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with websockets.connect(MODEL_URL, additional_headers=headers, max_size=None, ssl=TLS) as model:
        session = {"type": "realtime", "audio": {"input": {"format": FORMAT}, "output": {"format": FORMAT}}}
        await model.send(json.dumps({"type": "session.update", "session": session}))
        await model.send(json.dumps({"type": "response.create"}))
        speaking = asyncio.create_task(carry_to_caller(model, caller))
        await carry_to_model(caller, model)
        speaking.cancel()
    return caller


async def carry_to_model(caller: web.WebSocketResponse, model: websockets.ClientConnection) -> None:
    async for message in caller:
        if message.type is WSMsgType.BINARY:
            pcm = audioop.lin2ulaw(message.data, 2) if G711 else message.data
            audio = base64.b64encode(pcm).decode()
            await model.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))


async def carry_to_caller(model: websockets.ClientConnection, caller: web.WebSocketResponse) -> None:
    async for message in model:
        event = json.loads(message)
        if event["type"] == "response.output_audio.delta":
            audio = base64.b64decode(event["delta"])
            await caller.send_bytes(audioop.ulaw2lin(audio, 2) if G711 else audio)


async def serve() -> None:
    app = web.Application()
    app.add_routes([web.post("/call", answer_call), web.get("/media/{call_sid}", media)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("PORT", "0"))).start()
    host, port = runner.addresses[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
