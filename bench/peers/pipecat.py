"""Pipecat 1.14 as a bridge between jambonz' `listen` and the OpenAI Realtime API, built from its own parts.

Its FastAPI websocket transport, its OpenAIRealtimeLLMService and its context aggregators, with a serializer for
jambonz' media socket: audio is binary, linear 16-bit, in both directions, and the first text frame tells the call.
It runs in an environment of its own (bench/peers/__init__.py), and imports nothing of this project.
"""

import asyncio
import json
import os
import socket
import sys

import uvicorn
from fastapi import FastAPI, Request, WebSocket
from loguru import logger
from pipecat.frames.frames import Frame, InputAudioRawFrame, InterruptionFrame, LLMRunFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

RATE_HZ = int(os.environ.get("RATE_HZ", "24000"))
MODEL_URL = os.environ["OPENAI_REALTIME_URL"]
logger.remove()
logger.add(sys.stderr, level="WARNING")
app = FastAPI()


class JambonzSerializer(FrameSerializer):
    async def serialize(self, frame: Frame) -> str | bytes | None:
        if isinstance(frame, OutputAudioRawFrame):
            return frame.audio
        return json.dumps({"type": "killAudio"}) if isinstance(frame, InterruptionFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        if isinstance(data, str):
            return None
        return InputAudioRawFrame(audio=data, num_channels=1, sample_rate=RATE_HZ)


@app.post("/call")
async def answer_call(request: Request) -> list[dict[str, object]]:
    call = await request.json()
    url = f"ws://{request.headers['host']}/media/{call['call_sid']}"
    audio = {"enabled": True, "streaming": True, "sampleRate": RATE_HZ}
    return [{"verb": "listen", "url": url, "mixType": "mono", "sampleRate": RATE_HZ, "bidirectionalAudio": audio}]


@app.websocket("/media/{call_sid}")
async def media(caller: WebSocket) -> None:
    await caller.accept(subprotocol="audio.jambonz.org")
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=JambonzSerializer())
    transport = FastAPIWebsocketTransport(websocket=caller, params=params)
    model = OpenAIRealtimeLLMService(api_key=os.environ.get("OPENAI_API_KEY", ""), base_url=MODEL_URL)
    context = LLMContextAggregatorPair(LLMContext([{"role": "user", "content": "Greet the caller."}]))
    pipeline = Pipeline([transport.input(), context.user(), model, transport.output(), context.assistant()])
    rates = PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ)
    worker = PipelineWorker(pipeline, params=rates)

    @transport.event_handler("on_client_connected")
    async def begin(*_: object) -> None:
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def end(*_: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


async def serve() -> None:
    door = socket.create_server(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{door.getsockname()[1]}", flush=True)
    await uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[door])


if __name__ == "__main__":
    asyncio.run(serve())
