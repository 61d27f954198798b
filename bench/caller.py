"""The platform under load: a call webhook, then the caller's end of the media socket, as jambonz 0.9 has it."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, cast
from urllib.parse import urlsplit

from bench.audio import MAX_FRAMES, NOISE, SEQ, caller_tag, pcm_frames
from bench.call import Call
from bench.framing import BINARY, CLOSE, PING, PONG, TEXT, FrameReader, frame, header

WEBHOOK_SECRET = "bench-secret"  # noqa: S105  # both sides of the loopback are ours
NUMBER = "+15551230001"
_HEADER = header(BINARY, len(NOISE) + 24, masked=True)
_SIGN = "Jambonz-Signature"


class SetupError(Exception):
    """A call could not be placed; says at which step and what the server answered."""


async def post(url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    """A signed webhook request, on a connection of its own. Returns (status, body)."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        raw = json.dumps(body).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
        head = f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n{_SIGN}: t={stamp},v1={digest}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + raw)
        answer, _, content = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), content


def call_body(number: int) -> dict[str, Any]:
    """A call webhook as jambonz 0.9.8 posts it, shortened."""
    sids = {"call_sid": f"bench-{number:08d}", "account_sid": "bench-account", "application_sid": "bench-application"}
    ends = {"direction": "inbound", "from": "+15550000000", "to": NUMBER, "call_id": f"sip-{number}"}
    return {**sids, **ends, "call_status": "trying", "sip_status": 100, "sip_reason": "Trying"}


@dataclass(frozen=True, slots=True)
class Listen:
    """The verb that joins a call to its server."""

    url: str
    action_hook: str | None


async def answered(base_url: str, number: int) -> Listen:
    """POST /call, and read the `listen` verb in the answer."""
    status, content = await post(f"{base_url}/call", call_body(number))
    try:
        listen = next(verb for verb in json.loads(content) if verb.get("verb") == "listen")
    except (ValueError, AttributeError, TypeError, StopIteration):
        raise SetupError(f"POST /call: no listen verb in the answer {status}: {content[:300]!r}") from None
    return Listen(listen["url"], listen.get("actionHook"))


async def asked_what_next(listen: Listen, number: int) -> None:
    """The caller has hung up; jambonz then asks the listen's actionHook what comes next."""
    if listen.action_hook:
        await post(listen.action_hook, {**call_body(number), "call_status": "completed", "dial_call_duration": 9})


def about(number: str, rate_hz: int) -> dict[str, Any]:
    """The text that opens a media socket."""
    said = {"sampleRate": rate_hz, "mixType": "mono", "callSid": f"bench-{number}", "to": NUMBER}
    return {**said, "direction": "inbound", "callStatus": "in-progress", "accountSid": "bench-account"}


class Caller(asyncio.Protocol):
    """One media socket. `tick()` sends the next 20 ms; the first message is double, as jambonz's is."""

    def __init__(self, call: Call, url: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._call = call
        self._url = urlsplit(url)
        self._tag = caller_tag(call.number)
        self._reader = FrameReader()
        self._answer = b""
        self._next = 0
        self._ending = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        path = self._url.path + (f"?{self._url.query}" if self._url.query else "")
        request = f"GET {path} HTTP/1.1\r\nHost: {self._url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        self._transport.write(f"{request}Sec-WebSocket-Protocol: audio.jambonz.org\r\n\r\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._ending:
            self._call.dropped = self._call.dropped or f"the media socket was closed ({exc})"
        if not self.opened.done():
            self.opened.set_exception(
                SetupError(f"the media socket was closed before it opened: {self._answer[:200]!r}")
            )

    def data_received(self, data: bytes) -> None:
        now_ns = perf_counter_ns()
        if not self.opened.done():
            data = self._shake_hands(data)
        for opcode, payload in self._read(data):
            if opcode == BINARY:
                self._call.to_caller.track.feed(payload, now_ns)
            elif opcode == PING:
                self._write(frame(PONG, payload, masked=True))
            elif opcode == CLOSE and self._transport is not None:
                self._transport.close()

    def tick(self) -> None:
        if self._transport is None or not self.opened.done() or self._next >= MAX_FRAMES:
            return
        if self._next == 0:
            self._call.to_model.sent_ns.extend([perf_counter_ns()] * 2)
            self._write(frame(BINARY, pcm_frames(self._tag, 0, 2), masked=True))
            self._next = 2
            return
        message = b"".join((_HEADER, self._tag, SEQ[self._next], NOISE))
        self._next += 1
        self._call.to_model.sent_ns.append(perf_counter_ns())
        self._write(message)

    def hang_up(self) -> None:
        self._ending = True
        self._write(frame(CLOSE, (1000).to_bytes(2, "big"), masked=True))
        if self._transport is not None:
            self._transport.close()

    def _shake_hands(self, data: bytes) -> bytes:
        """Returns what came behind the answer's head."""
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return b""
        if b" 101 " not in head.split(b"\r\n", 1)[0] + b" ":
            self.opened.set_exception(SetupError(f"the media socket was refused: {self._answer[:300]!r}"))
            return b""
        self._write(frame(TEXT, json.dumps(about(f"{self._call.number:08d}", 24000)).encode(), masked=True))
        self.opened.set_result(None)
        return rest

    def _read(self, data: bytes) -> list[tuple[int, bytes]]:
        try:
            return self._reader.feed(data)
        except ValueError as error:  # an HTTP error page behind the upgrade, for instance
            self._call.dropped = f"{error}: {data[:80]!r}"
            self.hang_up()
            return []

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def connect(call: Call, url: str) -> Caller:
    """Open the media socket."""
    parts = urlsplit(url)
    caller = Caller(call, url)
    await asyncio.get_running_loop().create_connection(lambda: caller, parts.hostname or "127.0.0.1", parts.port or 80)
    try:
        await caller.opened
    except BaseException:
        caller.hang_up()
        raise
    return caller
