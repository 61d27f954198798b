"""What a frame of audio costs, counted and not timed: calls, parses, copies, sends, and what the loop is given to do.

These are ratchets. Fifty frames a second come from each side of each call, so whatever is done once a frame is what the
program costs; a count that rises here is a decision, and a count that falls should be written down.
"""

import asyncio
import base64
import json
import ssl
import sys
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Self, cast

import pytest
from structlog.testing import capture_logs
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from media import bridge as bridge_module
from media.bridge import Bridge
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.openai import Realtime
from media.sockets import Line, Lines, Patience
from media.sockets.model import ModelSocket
from media.sockets.platform import PlatformSocket
from media.ticker import Ticker
from tests.by_hand import METADATA
from tests.simulation import PCM24, llm

MEDIA = str(Path(bridge_module.__file__).parent)
CALLS_PER_CALLER_FRAME = 16
"Of functions in media/, from the bytes of the platform to the transport of the model, both websockets included."
CALLS_PER_DELTA = 25
"From the bytes of the model to the transport of the platform, with a fourth of what a lot costs."
COPIES_TO_MODEL = 3.75
"Held at once, in the length of what leaves: the samples, the event with their base64, the same masked, and its frame."
COPIES_TO_CALLER = 3.75
"The same, in the length of what came: the socket's buffer, the frame, the message around the audio, the audio."
KEPT_BYTES_PER_FRAME = 100
"Of 960: the tenth part would be seen on an hour's call."
FRAME_S = 0.02
PCM = b"\1\2" * 480
FRAMES = 200
LOT_FRAMES = 4
PARSES = {"loads", "raw_decode", "model_validate", "model_validate_json", "validate_python", "validate_json"}
TO_THE_LOOP = {"call_soon", "call_later", "call_at", "create_task", "create_future"}


class Calls:
    """Which functions were called inside the block, how often, by name: in Python, of these in media/, and in C."""

    def __init__(self) -> None:
        self.python: Counter[str] = Counter()
        self.media: Counter[str] = Counter()
        self.c: Counter[str] = Counter()

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def of(self, *names: str) -> int:
        return sum(self.python[name] + self.c[name] for name in names)

    def _note(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            self.python[frame.f_code.co_name] += 1
            self.media[frame.f_code.co_qualname] += frame.f_code.co_filename.startswith(MEDIA)
        elif event == "c_call":
            self.c[arg.__name__] += 1


@dataclass
class Wires:
    """Everything that leaves: the model's transport, and the platform's socket."""

    to_model: list[bytes] = field(default_factory=list)
    to_platform: list[bytes] = field(default_factory=list)


@dataclass
class Transport:
    written: list[bytes]

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False


class Timers:
    """The ticker's clock, and its timers; one fires when time has come so far."""

    def __init__(self) -> None:
        self.now = 0.0
        self.armed = 0
        self._due: dict[int, tuple[float, Callable[[], None]]] = {}

    def call_at(self, when: float, callback: Callable[[], None]) -> "Timer":
        self.armed += 1
        self._due[self.armed] = (when, callback)
        return Timer(self._due, self.armed)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for key, (when, callback) in list(self._due.items()):
            if when <= self.now and key in self._due:
                del self._due[key]
                callback()


@dataclass
class Timer:
    due: dict[int, tuple[float, Callable[[], None]]]
    key: int

    def cancel(self) -> None:
        self.due.pop(self.key, None)


class Hooks:
    def report(self, event_type: str, event: dict[str, Any]) -> None: ...

    def call_tool(self, call_id: str, name: str, arguments: dict[str, Any], answer: Callable[[str], None]) -> None: ...


class Observer:
    def media_text_ignored(self, kind: str) -> None: ...

    def measure(self, name: str, seconds: float) -> None: ...

    def model_opened(self) -> None: ...

    def model_closed(self) -> None: ...


def binary_from_platform(pcm: bytes) -> bytes:
    return Frame(Opcode.BINARY, pcm).serialize(mask=True)


SPOKEN = binary_from_platform(PCM)


@dataclass
class Talk:
    """A line in the middle of a call, between two wires, on a clock that is moved by hand."""

    line: Line
    model: ModelSocket
    platform: PlatformSocket
    wires: Wires
    timers: Timers
    said: int = 0

    def caller_speaks(self, frame: bytes | None = None) -> None:
        self.platform.data_received(frame or SPOKEN)

    def model_says(self, type_: str, **about: Any) -> None:
        self.model.data_received(text_from_model({"type": type_, **about}))

    def delta(self, pcm: bytes = PCM) -> bytes:
        self.said += 1
        about = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
        event = {"type": "response.output_audio.delta", "event_id": f"event_{self.said:06d}", **about}
        return text_from_model({**event, "delta": base64.b64encode(pcm).decode()})

    async def time_passes(self) -> None:
        """Twenty milliseconds, in which the loop does all that it was given."""
        self.timers.pass_by(FRAME_S)
        for _ in range(3):
            await asyncio.sleep(0)


async def calls_of_a_delta(talk: Talk) -> Calls:
    delta = talk.delta()
    with Calls() as calls:
        talk.model.data_received(delta)
    await talk.time_passes()
    return calls


def per_frame(calls: Counter[str]) -> str:
    return "".join(f"\n{count / FRAMES:6.2f} {name}" for name, count in calls.most_common() if count)


def text_from_model(event: dict[str, Any]) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(event, separators=(",", ":")).encode()).serialize(mask=False)


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    """A second of talk is over: what is done once a call, or once a response, has been done."""
    timers, wires = Timers(), Wires()
    bridge = Bridge(JambonzMedia(24000), [Realtime(llm(), audio=PCM24)], Options(audio=PCM24), now=0.0)
    ticker = Ticker(lambda: timers.now, timers.call_at)
    lines = Lines(ticker, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Observer())
    line = lines.line(bridge, [], Hooks(), Patience(), call_sid="CS1")
    line._now = lambda: timers.now
    platform = line._platform = PlatformSocket(line, bridge.silence, line._log)
    platform._transport = cast("asyncio.Transport", Transport(wires.to_platform))
    core = ClientProtocol(parse_uri("ws://model/"))
    core.state = OPEN
    model = ModelSocket(core, line)
    model._opened.set_result(None)
    model._head = None
    model._transport = cast("asyncio.Transport", Transport(wires.to_model))
    core.parser = core.parse()
    next(core.parser)
    line.model_opened(model)
    talk = Talk(line, model, platform, wires, timers)
    line._do(bridge.platform_opened)
    line._do(bridge.platform_said, METADATA)
    talk.model_says("session.created", session={})
    talk.model_says("session.updated", session={})
    talk.model_says("response.created", response={"id": "r1"})
    for _ in range(50):
        talk.caller_speaks()
        model.data_received(talk.delta())
        await talk.time_passes()
    assert line._failure is None
    wires.to_model.clear()
    wires.to_platform.clear()
    yield talk


async def test_a_frame_of_the_caller_is_one_message_to_the_model() -> None:
    async with talking() as talk:
        with Calls() as calls:
            for _ in range(FRAMES):
                talk.caller_speaks()
                talk.timers.now += FRAME_S
    assert len(talk.wires.to_model) == FRAMES
    assert calls.of("b64encode") == FRAMES
    assert calls.of("apply_mask") == 2 * FRAMES  # the platform's is taken off, ours put on
    assert calls.of(*PARSES, *TO_THE_LOOP) == 0


async def test_what_a_frame_of_the_caller_calls() -> None:
    async with talking() as talk:
        with Calls() as calls:
            for _ in range(FRAMES):
                talk.caller_speaks()
                talk.timers.now += FRAME_S
    assert calls.media.total() <= CALLS_PER_CALLER_FRAME * FRAMES, per_frame(calls.media)


async def test_a_delta_is_read_without_being_parsed_and_four_are_one_message() -> None:
    async with talking() as talk:
        calls = [await calls_of_a_delta(talk) for _ in range(FRAMES)]
    assert {one.of("b64decode") for one in calls} == {1}
    assert sum(one.of(*PARSES) for one in calls) == 0
    assert len(talk.wires.to_platform) == FRAMES // LOT_FRAMES
    lot = PCM * LOT_FRAMES
    assert set(talk.wires.to_platform) == {Frame(Opcode.BINARY, lot).serialize(mask=False)}


async def test_what_a_delta_calls() -> None:
    async with talking() as talk:
        media = sum([(await calls_of_a_delta(talk)).media for _ in range(FRAMES)], Counter[str]())
    assert media.total() <= CALLS_PER_DELTA * FRAMES, per_frame(media)


async def test_what_the_loop_is_given_to_do() -> None:
    async with talking() as talk:
        deltas = [talk.delta() for _ in range(FRAMES)]
        armed, given = talk.timers.armed, 0
        for delta in deltas:
            with Calls() as calls:
                talk.caller_speaks()
                talk.model.data_received(delta)
            given += calls.of(*TO_THE_LOOP)
            await talk.time_passes()
    lots = FRAMES // LOT_FRAMES
    assert given <= lots  # the writer of the platform's socket is woken
    assert talk.timers.armed - armed <= lots


async def test_no_line_is_logged() -> None:
    with capture_logs() as logs:
        async with talking() as talk:
            logs.clear()
            for _ in range(FRAMES):
                talk.caller_speaks()
                talk.model.data_received(talk.delta())
                await talk.time_passes()
    assert logs == []


@asynccontextmanager
async def traced() -> AsyncIterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


async def test_how_often_audio_is_copied() -> None:
    """By the memory that is held at once while a large frame goes through, in multiples of what leaves or comes."""
    large = PCM * 300
    async with talking() as talk, traced():
        talk.wires.to_model.clear()
        spoken = binary_from_platform(large)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        talk.caller_speaks(spoken)
        to_model = (tracemalloc.get_traced_memory()[1] - before) / len(talk.wires.to_model[0])
        delta = talk.delta(large)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        talk.model.data_received(delta)
        to_caller = (tracemalloc.get_traced_memory()[1] - before) / len(delta)
    assert to_model < COPIES_TO_MODEL + 0.1
    assert to_caller < COPIES_TO_CALLER + 0.1, to_caller


async def test_nothing_is_kept_of_a_frame_that_has_gone() -> None:
    async with talking() as talk, traced():
        for frames in (50, FRAMES):
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(frames):
                talk.caller_speaks()
                talk.model.data_received(talk.delta())
                await talk.time_passes()
            talk.wires.to_model.clear()
            talk.wires.to_platform.clear()
            kept = tracemalloc.get_traced_memory()[0] - before
    assert kept < KEPT_BYTES_PER_FRAME * FRAMES


def test_a_count_that_rises_is_seen() -> None:
    with Calls() as calls:
        json.loads("{}")
    assert calls.of(*PARSES) >= 1
    with pytest.raises(ZeroDivisionError), Calls():
        _ = 1 / 0
    assert sys.getprofile() is None
