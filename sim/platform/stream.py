"""One media socket as the platform's side drives it: a frame of the caller each 20 ms, the agent's audio played.

Pure: the socket's door passes what arrived and asks, with the time, what is to be sent. Facts: jambonz
freeswitch-modules, mod_audio_fork/lws_glue.cpp and audio_pipe.cpp.
"""

import json
from dataclasses import dataclass
from typing import Any

from sim.platform.bodies import JsonObject, wire
from sim.platform.heard import TICK_MS, Heard
from sim.platform.line import Line, Spoke
from sim.platform.playout import Mark, Playout

TICK_S = TICK_MS / 1000
FIRST_FRAME_TICKS = 2
"The first message holds this many frames."
MAX_BURST_TICKS = 100
"After a stall: 2 s of audio at most, the rest is lost."
DIGIT_MS = 200


@dataclass(frozen=True, slots=True)
class Send:
    """A message for the media socket: bytes are audio, str is JSON."""

    message: str | bytes


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    text: str
    begins: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class AgentSpoke:
    begins: bool
    at_s: float
    "When the sound began or ended in the caller's ear."


@dataclass(frozen=True, slots=True)
class Interrupted:
    """killAudio took effect."""

    at_s: float
    flushed_ms: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The application asked for the end of the listen."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The platform logs this and does nothing."""

    why: str


Output = Send | CallerSpoke | AgentSpoke | Interrupted | Disconnected | Ignored


class MediaStream:
    """`agent_hz` None: the listen is not bidirectional and streaming, so binary messages are swallowed."""

    def __init__(self, caller_hz: int, agent_hz: int | None, opened_s: float, channel_hz: int = 8000) -> None:
        self.line = Line(caller_hz)
        self.playout = Playout(agent_hz or channel_hz, channel_hz)
        self.opened_s = opened_s
        self.ticks = 0
        "How many ticks of 20 ms have passed."
        self.paused = False
        "Nothing of the caller is sent; what is said then is lost."
        self._plays = agent_hz is not None
        self._frames: list[bytes] = []
        self._utterances = 0
        self._speaking = False

    @property
    def heard(self) -> Heard:
        return self.playout.heard

    def next_due(self) -> float:
        return self._time_s(self.ticks + 1)

    def _time_s(self, tick: int) -> float:
        return self.opened_s + tick * TICK_S

    def advance(self, now: float) -> list[Output]:
        """Do every tick that is due; the frames of several leave as one message."""
        outputs: list[Output] = []
        while self._time_s(self.ticks + 1) <= now:
            outputs += self._tick()
        if self.paused:
            self._frames.clear()
        if self._frames and self.ticks >= FIRST_FRAME_TICKS:
            outputs.append(Send(b"".join(self._frames[-MAX_BURST_TICKS:])))
            self._frames.clear()
        return outputs

    def _tick(self) -> list[Output]:
        tick = self.ticks
        self.ticks += 1
        frame, spoken = self.line.tick()
        self._frames.append(frame)
        flushes = len(self.heard.flushed)
        marks = [_mark(mark) for mark in self.playout.tick(tick)]
        return [*(self._caller(change) for change in spoken), *self._agent(tick, flushes), *marks]

    def _caller(self, change: Spoke) -> CallerSpoke:
        return CallerSpoke(change.text, change.begins, self._time_s(self.ticks - change.begins))

    def _agent(self, tick: int, flushes: int) -> list[Output]:
        heard = self.heard
        ended, self._utterances = heard.utterances[self._utterances :], len(heard.utterances)
        changes: list[Output] = [AgentSpoke(begins=False, at_s=self._time_s(one.end)) for one in ended]
        cleared = (heard.ms(flush.end - flush.first) for flush in heard.flushed[flushes:])
        changes += [Interrupted(self._time_s(tick), flushed_ms) for flushed_ms in cleared]
        if heard.speaking_since is not None and not self._speaking:
            changes.append(AgentSpoke(begins=True, at_s=self._time_s(heard.speaking_since)))
        self._speaking = heard.speaking_since is not None
        return changes

    def received(self, message: str | bytes) -> list[Output]:
        if isinstance(message, str):
            return self._told(message)
        if self._plays:
            self.playout.receive(message)
            return []
        return [Ignored("audio for a listen without bidirectional streaming: never played")]

    def _told(self, text: str) -> list[Output]:
        try:
            message: Any = json.loads(text)
        except ValueError:
            return [Ignored("text that is no JSON")]
        kind = message.get("type") if isinstance(message, dict) else None
        match kind:
            case "killAudio":
                self.playout.kill()
            case "mark":
                return self._marked(message)
            case "clearMarks":
                self.playout.clear_marks()
            case "disconnect":
                return [Disconnected()]
            case _:
                return [Ignored(f"unsupported msg type {kind!r}")]
        return []

    def _marked(self, message: JsonObject) -> list[Output]:
        data = message.get("data")
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str):
            return [Ignored("a mark without data.name")]
        return [_mark(mark) for mark in self.playout.mark(name)]


def _mark(mark: Mark) -> Send:
    return Send(wire({"type": "mark", "data": {"name": mark.name, "event": mark.event}}).decode())


def digit(key: str) -> str:
    """Return the message for a pressed key; its duration is in units of RTP, 8 a millisecond."""
    return wire({"event": "dtmf", "dtmf": key, "duration": str(DIGIT_MS * 8)}).decode()
