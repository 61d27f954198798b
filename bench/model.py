"""The model under load: an OpenAI-Realtime-compatible WebSocket server that speaks recognisable audio.

A connection does not say which call it belongs to; the first caller frame that arrives does. Speech begins when there
is a `response.create` and the call is known.
"""

import asyncio
import json
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import cast

from bench.audio import FRAME_MS, MAX_FRAMES, NOISE64, SEQ, SEQ64, TAG_BYTES, base64_frames, model_tag, number_in
from bench.call import Call
from bench.events import JsonObject, Response, created, encode, updated, wanted
from bench.framing import CLOSE, PING, PONG, TEXT, FrameReader, accept_key, frame, header
from bench.variant import Mode

BURST_DELTA_FRAMES = 200 // FRAME_MS
BURST_SPEECH_FRAMES = 4000 // FRAME_MS
BURST_CYCLE_TICKS = 5000 // FRAME_MS
PAUSE_TICKS = 300 // FRAME_MS
TRANSCRIPT_TICKS = 240 // FRAME_MS
ITEM_TICKS = 1000 // FRAME_MS
_FRAME64_BYTES = len(SEQ64[0]) * 2 + len(NOISE64)
_APPEND = b"input_audio_buffer.append"


@dataclass(slots=True)
class Studio:
    """What all model connections share."""

    mode: Mode
    calls: dict[int, Call] = field(default_factory=dict)
    speaking: dict[int, "Model"] = field(default_factory=dict)
    "By call number, from the moment the connection is known to be that call's."
    events_wanted: int = 0
    "Events sent that the eventHook's filter picks."
    complaints: list[str] = field(default_factory=list)


class Model(asyncio.Protocol):
    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._reader = FrameReader()
        self._request = b""
        self._open = False
        self._transport: asyncio.Transport | None = None
        self._call: Call | None = None
        self._updated_ns = 0
        self._response: Response | None = None
        self._asked: JsonObject | None = None
        self._responses = 0
        self._ticks = 0
        self._restart_in: int | None = None
        self._next = 0
        self._tag64 = b""
        self._delta: dict[int, tuple[bytes, bytes, bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._call is not None:
            self._studio.speaking.pop(self._call.number, None)
            self._call.dropped = self._call.dropped or f"the model's socket was closed ({exc})"

    def data_received(self, data: bytes) -> None:
        now_ns = perf_counter_ns()
        if not self._open:
            self._shake_hands(data)
            return
        for opcode, payload in self._reader.feed(data):
            if opcode == TEXT:
                self._heard(payload, now_ns)
            elif opcode == PING:
                self._write(frame(PONG, payload))
            elif opcode == CLOSE and self._transport is not None:
                self._write(frame(CLOSE, payload))
                self._transport.close()

    def restart(self, in_ticks: int) -> None:
        """End the present response after so many ticks, pause, and begin a new one."""
        self._restart_in = in_ticks

    def tick(self) -> None:
        """20 ms have passed."""
        if self._call is None:
            return
        if self._response is None:
            self._rest_or_begin()
            return
        self._ticks += 1
        if self._studio.mode == "realtime":
            self._speak(1)
            self._restart_if_due()
        else:
            self._speak_in_bursts()
        if self._ticks % TRANSCRIPT_TICKS == 0 and self._response is not None:
            self._say(self._response.transcript())
        if self._ticks % ITEM_TICKS == 0 and self._response is not None:
            self._say(self._response.other_item())

    def _shake_hands(self, data: bytes) -> None:
        self._request += data
        if b"\r\n\r\n" not in self._request:
            return
        lines = self._request.decode("latin-1").split("\r\n")
        key = next(
            (line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("sec-websocket-key:")), ""
        )
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._write(f"{answer}Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode())
        self._open = True
        self._say(created(id(self)))

    def _heard(self, payload: bytes, now_ns: int) -> None:
        start = payload.find(b'"audio":') + 8 if _APPEND in payload[:200] or _APPEND in payload[-200:] else 7
        if start == 7:
            self._asked_for(json.loads(payload))
            return
        start = payload.find(b'"', start) + 1
        audio = payload[start : payload.find(b'"', start)]
        if self._call is None:
            self._meet(audio)
        if self._call is not None:
            self._call.to_model.track.feed_base64(audio, now_ns)

    def _asked_for(self, event: JsonObject) -> None:
        match event.get("type"):
            case "session.update":
                self._updated_ns = perf_counter_ns()
                self._say(updated(id(self), event.get("session", {})))
            case "response.create":
                self._asked = event.get("response") or {}
            case _:
                pass

    def _meet(self, audio: bytes) -> None:
        try:
            number = number_in(a2b_base64(audio[: TAG_BYTES * 4 // 3]))
        except Error:
            number = None
        if number is None or number not in self._studio.calls:
            self._studio.complaints.append("the model heard audio that no caller sent")
            return
        self._call = self._studio.calls[number]
        self._call.configured_ns = self._updated_ns - self._call.asked_ns
        self._tag64 = b64encode(model_tag(number))
        self._studio.speaking[number] = self

    def _rest_or_begin(self) -> None:
        if self._restart_in is not None:
            self._restart_in -= 1
        if self._call is None or self._asked is None or (self._restart_in or 0) > 0:
            return
        self._restart_in = None
        self._responses += 1
        self._ticks = 0
        self._response = Response(self._call.number, self._responses, self._asked.pop("metadata", None))
        self._delta.clear()
        self._say_all(self._response.before())

    def _restart_if_due(self) -> None:
        if self._restart_in is None or self._response is None:
            return
        self._restart_in -= 1
        if self._restart_in <= 0:
            self._end_response(PAUSE_TICKS)

    def _speak_in_bursts(self) -> None:
        """4 s of speech at ten times real time, then nothing until 5 s are over."""
        if self._ticks * BURST_DELTA_FRAMES <= BURST_SPEECH_FRAMES:
            self._speak(BURST_DELTA_FRAMES)
        if self._ticks == BURST_CYCLE_TICKS:
            self._end_response(1)

    def _end_response(self, pause_ticks: int) -> None:
        if self._response is not None:
            self._say_all(self._response.after())
            self._response = None
            self._restart_in = pause_ticks

    def _speak(self, frames: int) -> None:
        assert self._call is not None
        first = self._next
        if first + frames > MAX_FRAMES:
            return
        self._next += frames
        start, between, end = self._delta.get(frames) or self._delta_around(frames)
        audio = base64_frames(self._tag64, first, frames)
        now_ns = perf_counter_ns()
        self._call.to_caller.sent_ns.extend([now_ns] * frames)
        self._write(b"".join((start, SEQ[first], between, audio, end)))

    def _delta_around(self, frames: int) -> tuple[bytes, bytes, bytes]:
        assert self._response is not None
        start, between, end = self._response.delta_parts(len(SEQ[0]))
        length = len(start) + len(SEQ[0]) + len(between) + frames * _FRAME64_BYTES + len(end)
        self._delta[frames] = header(TEXT, length) + start, between, end
        return self._delta[frames]

    def _say_all(self, events: Iterator[JsonObject]) -> None:
        for event in events:
            self._say(event)

    def _say(self, event: JsonObject) -> None:
        event.setdefault("event_id", f"event_{id(self)}_{self._responses}_{self._next}_{event['type']}")
        if wanted(event["type"]):
            self._studio.events_wanted += 1
        self._write(frame(TEXT, encode(event)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
