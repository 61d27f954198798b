"""The media socket's door: frames out each 20 ms by a monotonic clock, the agent's audio in."""

import asyncio
import time
from collections.abc import Callable

import aiohttp

from sim.happening import Happening, Watcher
from sim.platform.bodies import wire
from sim.platform.effects import OpenMedia
from sim.platform.sound import resampled
from sim.platform.stream import (
    AgentSpoke,
    CallerSpoke,
    Disconnected,
    Ignored,
    Interrupted,
    MediaStream,
    Output,
    Send,
    digit,
)

SUBPROTOCOL = "audio.jambonz.org"
CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0


class MediaSocket:
    def __init__(self, wanted: OpenMedia, watch: Watcher) -> None:
        self.stream: MediaStream | None = None
        "None until the socket is open; stays when it is closed."
        self.open = False
        self.closing = False
        "Closed from the platform's side: the call need not be told."
        self._wanted, self._watch = wanted, watch
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._over = asyncio.Event()
        self._why = "the platform closed the media socket"

    def say(self, text: str, pcm: bytes, rate_hz: int) -> None:
        assert self.stream is not None  # noqa: S101  # asked for an open socket only
        self.stream.line.say(text, resampled(pcm, rate_hz, self._wanted.caller_hz))

    def press(self, key: str) -> None:
        self._watch(Happening(time.monotonic(), "dtmf", key))
        self._outbox.put_nowait(digit(key))

    def hang_up(self) -> None:
        """Close the socket from the platform's side, with 1000."""
        self.closing = True
        self._over.set()

    def pause(self, *, paused: bool) -> None:
        if self.stream:
            self.stream.paused = paused

    async def run(self, session: aiohttp.ClientSession, opened: Callable[[], None]) -> str:
        """Open the socket, serve it until one side closes it, and tell why it is over."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._connect(session)
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"the media socket could not be opened: {type(error).__name__} {error}".rstrip()
        async with socket:
            self.stream = await self._begin(socket)
            self.open = True
            opened()
            await self._serve(socket, self.stream)
            self.open = False
        return self._why

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        wanted = self._wanted
        return await session.ws_connect(
            wanted.url,
            protocols=(SUBPROTOCOL,),
            headers={"Authorization": aiohttp.encode_basic_auth(*wanted.auth)} if wanted.auth else None,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
            max_msg_size=0,
        )

    async def _begin(self, socket: aiohttp.ClientWebSocketResponse) -> MediaStream:
        await socket.send_str(wire(self._wanted.metadata).decode())
        return MediaStream(self._wanted.caller_hz, self._wanted.agent_hz, time.monotonic())

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
            self._handle(stream.advance(time.monotonic()))  # what was due comes before what has arrived
            self._handle(stream.received(message.data))
        self._why = f"the application closed the media socket with {socket.close_code}"

    async def _tick(self, stream: MediaStream) -> None:
        """Drive the stream by an absolute schedule, so that a late tick is made up for."""
        while True:
            await asyncio.sleep(max(0.0, stream.next_due() - time.monotonic()))
            self._handle(stream.advance(time.monotonic()))

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            while True:
                message = await self._outbox.get()
                await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        except ConnectionError:
            self._why = "the media socket broke"
            await asyncio.sleep(CLOSE_TIMEOUT_S)  # the reader may know better

    def _handle(self, outputs: list[Output]) -> None:
        for output in outputs:
            self._one(output)

    def _one(self, output: Output) -> None:
        now = time.monotonic()
        match output:
            case Send(message):
                self._outbox.put_nowait(message)
            case CallerSpoke(text, begins, at_s):
                self._watch(Happening(at_s, f"user_{'started' if begins else 'stopped'}_speaking", text))
            case AgentSpoke(begins, at_s):
                self._watch(Happening(at_s, f"agent_{'started' if begins else 'stopped'}_speaking"))
            case Interrupted(at_s, flushed_ms):
                told = f"killAudio: {flushed_ms} ms thrown away"
                self._watch(Happening(at_s, "interrupted", told, {"flushed_ms": flushed_ms}))
            case Disconnected():
                self._why = "the application sent disconnect"
                self._over.set()
            case Ignored(why):
                self._watch(Happening(now, "ignored", why))
