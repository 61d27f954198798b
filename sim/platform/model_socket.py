"""The door of a model that the platform speaks to itself: the caller's audio out in events, the model's played.

What jambonz' media module does for it is not published as source; this is what its documentation and its examples
show: PCM16 of 24 kHz, `response.audio.delta` is played and not told to anybody, on `speech_started` what is queued is
thrown away, and the playback's beginning and end are told as events of its own. The example says that it sends
`response.cancel`, too; by then the model's own voice detection has cancelled the response, an error would come back,
and any error ends the verb: so it is not sent here.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp

from sim.happening import Happening, Watcher
from sim.platform.bodies import JsonObject, wire
from sim.platform.effects import OpenModel
from sim.platform.media import CLOSE_TIMEOUT_S, CONNECT_TIMEOUT_S
from sim.platform.sound import resampled
from sim.platform.stream import AgentSpoke, CallerSpoke, Interrupted, MediaStream, Output, Send

MODEL_HZ = 24000
BETA = {"OpenAI-Beta": "realtime=v1"}
"The wire that 0.9 speaks."
AUDIO = frozenset({"response.audio.delta", "response.output_audio.delta"})
KILL = '{"type":"killAudio"}'


class ModelSocket:
    def __init__(self, wanted: OpenModel, watch: Watcher, said: Callable[[JsonObject], None]) -> None:
        self.stream: MediaStream | None = None
        "None until the socket is open; stays when it is closed."
        self.open = False
        self.closing = False
        "Closed from the platform's side: the call need not be told."
        self._wanted, self._watch, self._said = wanted, watch, said
        self._outbox: asyncio.Queue[JsonObject] = asyncio.Queue()
        self._over = asyncio.Event()

    def say(self, text: str, pcm: bytes, rate_hz: int) -> None:
        assert self.stream is not None  # noqa: S101  # asked for an open socket only
        self.stream.line.say(text, resampled(pcm, rate_hz, MODEL_HZ))

    def press(self, key: str) -> None:
        self._watch(Happening(time.monotonic(), "skipped", f"digit {key}: a model hears no keys"))

    def pause(self, *, paused: bool) -> None:
        if self.stream:
            self.stream.paused = paused

    def tell(self, event: JsonObject) -> None:
        self._watch(Happening(time.monotonic(), f"platform_to_model:{event.get('type')}", json.dumps(event), event))
        self._outbox.put_nowait(event)

    def hang_up(self) -> None:
        self.closing = True
        self._over.set()

    async def run(self, session: aiohttp.ClientSession, opened: Callable[[], None]) -> str:
        """Open the socket, serve it until one side closes it, and tell why it is over."""
        headers = BETA | (dict([self._wanted.auth]) if self._wanted.auth else {})
        timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await session.ws_connect(self._wanted.url, headers=headers, timeout=timeout, max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError) as error:
            # Not the error's own text: it may hold the address, and that a key.
            return f"the model could not be reached: {type(error).__name__}"
        async with socket:
            self.stream = MediaStream(MODEL_HZ, MODEL_HZ, time.monotonic())
            self.open = True
            opened()
            await self._serve(socket, self.stream)
            self.open = False
        return f"the model closed with {socket.close_code}"

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse, stream: MediaStream) -> None:
        duties = [
            asyncio.create_task(self._read(socket, stream)),
            asyncio.create_task(self._tick(stream)),
            asyncio.create_task(self._write(socket)),
            asyncio.create_task(self._over.wait()),
        ]
        try:
            await asyncio.wait(duties, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, stream: MediaStream) -> None:
        async for message in socket:
            event: Any = json.loads(message.data)
            self._handle(stream.advance(time.monotonic()))
            self._take(event, stream)

    def _take(self, event: JsonObject, stream: MediaStream) -> None:
        kind = event.get("type")
        if kind in AUDIO:
            stream.received(base64.b64decode(event["delta"]))
            return
        if kind == "input_audio_buffer.speech_started":
            stream.received(KILL)
        self._said(event)

    async def _tick(self, stream: MediaStream) -> None:
        while True:
            await asyncio.sleep(max(0.0, stream.next_due() - time.monotonic()))
            self._handle(stream.advance(time.monotonic()))

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await socket.send_str(wire(await self._outbox.get()).decode())

    def _handle(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Send(message) if isinstance(message, bytes):
                    audio = base64.b64encode(message).decode()
                    self._outbox.put_nowait({"type": "input_audio_buffer.append", "audio": audio})
                case CallerSpoke(text, begins, at_s):
                    self._watch(Happening(at_s, f"user_{'started' if begins else 'stopped'}_speaking", text))
                case AgentSpoke(begins, at_s):
                    self._watch(Happening(at_s, f"agent_{'started' if begins else 'stopped'}_speaking"))
                    self._said({"type": f"output_audio.playback_{'started' if begins else 'stopped'}"})
                case Interrupted(at_s, flushed_ms):
                    told = f"speech_started: {flushed_ms} ms thrown away"
                    self._watch(Happening(at_s, "interrupted", told, {"flushed_ms": flushed_ms}))
                case _:
                    pass
