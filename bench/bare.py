"""The relay once more, in Python: what the interpreter, the event loop and two websockets cost, and nothing else.

It is no bridge that anybody would run. Frame by frame it does what `native/relay.c` does, on the loop and the sockets
that Hookswitch has: so what it costs beyond the relay is Python's part, and what Hookswitch costs beyond it is what
Hookswitch does for a call. It takes the same environment as `minimal.py`, at 24 kHz and without TLS.
"""

import asyncio
import os

import structlog
import uvloop
from aiohttp import web
from pybase64 import b64decode, b64encode
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from media.sockets.model import ModelSocket
from media.sockets.platform import PlatformSocket
from media.sockets.upgrade import Upgrade

MODEL_URL = os.environ.get("OPENAI_REALTIME_URL", "")
RATE_HZ = 24000
FORMAT = b'{"format":{"type":"audio/pcm","rate":24000}}'
SESSION = b'{"type":"session.update","session":{"type":"realtime","audio":{"input":%b,"output":%b}}}' % (FORMAT, FORMAT)
DELTA = b'"delta":"'
HEAD_BYTES = 96
"In which an event says its type."


class Bare:
    """One call: what comes from one side goes to the other."""

    def __init__(self) -> None:
        self._platform = PlatformSocket(self, bytes, structlog.get_logger())
        self._model: ModelSocket | None = None
        self._over = asyncio.Event()

    async def carry(self, upgrade: Upgrade) -> None:
        core = ClientProtocol(parse_uri(MODEL_URL), max_size=None)
        core.send_request(core.connect())
        where = (core.uri.host, core.uri.port)
        _, socket = await asyncio.get_running_loop().create_connection(lambda: ModelSocket(core, self), *where)
        await socket.handshake()
        upgrade.begin(self._platform)
        await self._over.wait()
        await socket.close()

    def platform_spoke(self, pcm: bytes) -> None:
        if self._model:
            self._model.send(b'{"type":"input_audio_buffer.append","audio":"' + b64encode(pcm) + b'"}')

    def platform_said(self, text: str) -> None:
        """It names the call."""

    def platform_lost(self, _: int | None) -> None:
        self._over.set()

    def model_opened(self, socket: ModelSocket) -> None:
        self._model = socket
        socket.send(SESSION)
        socket.send(b'{"type":"response.create"}')

    def model_said(self, wire: bytes) -> None:
        if wire.find(b"audio.delta", 0, HEAD_BYTES) >= 0:
            begins = wire.index(DELTA) + len(DELTA)
            self._platform.put(b64decode(wire[begins : wire.index(b'"', begins)]))

    def model_lost(self, _: int | None, __: str) -> None:
        self._model = None


async def answer_call(request: web.Request) -> web.Response:
    call = await request.json()
    url = f"ws://{request.host}/media/{call['call_sid']}"
    audio = {"enabled": True, "streaming": True, "sampleRate": RATE_HZ}
    listen = {"verb": "listen", "url": url, "mixType": "mono", "sampleRate": RATE_HZ, "bidirectionalAudio": audio}
    return web.json_response([listen])


async def media(request: web.Request) -> web.StreamResponse:
    upgrade = Upgrade(request, ["audio.jambonz.org"])
    await Bare().carry(upgrade)
    return upgrade.response


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
    uvloop.run(serve())
