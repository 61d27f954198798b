"""A server that is killed in mid-call and restarted at once: by websocket the call goes on. With real processes."""

import asyncio
import json
import re
import sys
import wave
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 30.0
LINE_S = 12
ACKED_WITHIN_S = 1.0
CALLS = 40

CONFIG = """
store: "sqlite:///calls.db"
server: {{ticket_secret: "0123456789abcdef0123456789abcdef"}}
vendors: {{openai: {{api_key: sk-test, url: "{model}"}}}}
routes:
  - name: default
    numbers: ["*"]
    verbs: [{{verb: llm, vendor: openai, model: gpt-realtime, llmOptions: {{response_create: {{}}}}}}]
    fallback: [{{verb: say, text: "One moment, please."}}, {{verb: pause, length: 20}}, {{verb: hangup}}]
"""

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


async def run(leaving: AsyncExitStack, *command: str) -> Process:
    """Start a process, which is killed when the test leaves it running."""
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=PIPE, stderr=DEVNULL)
    leaving.push_async_callback(ended, process)
    return process


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def line_with(process: Process, pattern: str) -> re.Match[str]:
    """Read on to the first line of its output in which this is found."""
    assert process.stdout is not None
    read: list[str] = []
    async with asyncio.timeout(LIMIT_S):
        while line := (await process.stdout.readline()).decode():
            read.append(line)
            if found := re.search(pattern, line):
                return found
    raise AssertionError(f"no {pattern!r} in:\n{''.join(read)}")


def quiet(folder: Path) -> Path:
    """Write a caller's line on which nothing is said: who has said everything hangs up."""
    path = folder / "quiet.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * LINE_S))
    return path


async def test_a_call_by_websocket_goes_on_with_the_server_that_comes_after_a_killed_one(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    serve = ("app.py", "serve", "--config", str(config), "--port")
    async with AsyncExitStack() as leaving:
        model = await run(leaving, "-u", "-m", "sim", "model", "--port", "0")
        config.write_text(CONFIG.format(model=(await line_with(model, r"ws://\S+"))[0]))
        server = await run(leaving, *serve, "0")
        base = (await line_with(server, r"http://\S+"))[0]
        call = ("call", "--url", base, "--transport", "ws", "--wav", str(quiet(tmp_path)))
        platform = await run(leaving, "-u", "-m", "sim", *call)
        await line_with(platform, r"agent +\(speaks\)")
        server.kill()
        await server.wait()
        await run(leaving, *serve, base.rpartition(":")[2])
        back_s = float((await line_with(platform, r"([\d.]+) +control +connection 2"))[1])
        # The command follows the ack, on the same socket.
        told_s = float((await line_with(platform, r"([\d.]+) +command +redirect .*\"listen\""))[1])
        assert told_s - back_s < ACKED_WITHIN_S
        await line_with(platform, r"agent +\(speaks\)")
        await line_with(platform, "answered, the caller hung up")
        assert await platform.wait() == 0


class Platform:
    """The platform's side of one call: its control socket, its media socket, and nobody who speaks."""

    def __init__(self, http: aiohttp.ClientSession, base: str, number: int) -> None:
        self._http, self._base, self._sid = http, base, f"call-{number}"
        self._media: aiohttp.ClientWebSocketResponse | None = None
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def leave(self) -> None:
        """Close what was opened: a socket that is only dropped warns, in whichever test it is collected."""
        await asyncio.gather(*(socket.close() for socket in self._sockets))

    async def _open(self, url: str, subprotocol: str) -> aiohttp.ClientWebSocketResponse:
        self._sockets.append(await self._http.ws_connect(url, protocols=[subprotocol]))
        return self._sockets[-1]

    async def begin(self) -> None:
        """Announce the call and open its media socket."""
        socket = await self._open(f"{self._base}/call", "ws.jambonz.org")
        await self._say(socket, "session:new")
        await self._listen(await socket.receive_json())

    async def come_back(self) -> float:
        """Come back as soon as somebody listens; open the media socket anew. Give in how many seconds it was acked."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                socket = await self._open(f"{self._base}/call", "ws.jambonz.org")
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
        asked_s = loop.time()
        await self._say(socket, "session:reconnect")
        assert (await socket.receive_json())["type"] == "ack"
        acked_s = loop.time() - asked_s
        command = await socket.receive_json()
        assert command["command"] == "redirect"
        await self._listen(command)
        return acked_s

    async def hears_the_agent(self) -> None:
        assert self._media is not None
        while (await self._media.receive()).type is not aiohttp.WSMsgType.BINARY:
            assert not self._media.closed

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, word: str) -> None:
        data = {"call_sid": self._sid, "from": "+15557654321", "to": "+15551230001", "direction": "inbound"}
        await socket.send_json({"type": word, "msgid": "m", "call_sid": self._sid, "data": data})

    async def _listen(self, told: dict[str, Any]) -> None:
        [listen] = [verb for verb in told["data"] if verb["verb"] == "listen"]
        self._media = await self._open(listen["url"], "audio.jambonz.org")
        rate_hz = listen["bidirectionalAudio"]["sampleRate"]
        await self._media.send_str(json.dumps({"callSid": self._sid, "sampleRate": rate_hz, "mixType": "mono"}))
        await self.hears_the_agent()


async def test_every_call_goes_on_where_all_come_back_at_once(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    serve = ("app.py", "serve", "--config", str(config), "--port")
    async with AsyncExitStack() as leaving:
        model = await run(leaving, "-u", "-m", "sim", "model", "--port", "0")
        config.write_text(CONFIG.format(model=(await line_with(model, r"ws://\S+"))[0]))
        server = await run(leaving, *serve, "0")
        base = (await line_with(server, r"http://\S+"))[0]
        http = await leaving.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        calls = [Platform(http, base, number) for number in range(CALLS)]
        for call in calls:
            leaving.push_async_callback(call.leave)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(call.begin() for call in calls))
        server.kill()
        await server.wait()
        await run(leaving, *serve, base.rpartition(":")[2])
        async with asyncio.timeout(LIMIT_S):
            acked_s = await asyncio.gather(*(call.come_back() for call in calls))
        assert max(acked_s) < ACKED_WITHIN_S
