"""What happened in one conversation, as data that decides nothing; times are seconds since it began."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import inf
from operator import itemgetter
from typing import Any, Literal

from cost.meter import Meter
from cost.usage import Of
from media.answers import Answers
from media.confidential import Confidential
from media.keypad import TYPED
from media.playout import Heard, Speech

JsonObject = dict[str, Any]

MAX_HISTORY = 60
"Entries; what is older than that is rarely missed, and every response pays for it."
STILL_AT_WORK = "its result is still to come; do not call it again for this"
Noted = Callable[[Literal["line", "tool", "turn", "usage", "barge_in"], str, JsonObject], None]
"Told what is final: of one kind and key the latest is true. It must neither wait nor raise."
USAGE_LEVELS = 4
"Details within details: OpenAI's usage has three levels."


@dataclass(slots=True)
class Line:
    """One item of the transcript. An agent's line holds what was *heard* once it has been played or cut."""

    role: str
    text: str
    heard_ms: int | None
    interrupted: bool
    at: float


@dataclass(slots=True)
class ToolUse:
    """One tool call: `ms` and `output` are None until it was answered; `late`: the model was told a failure first."""

    call_id: str
    name: str
    args: str
    at: float
    output: str | None = None
    ms: int | None = None
    late: bool = False

    @property
    def result(self) -> str:
        """In words for a model."""
        return STILL_AT_WORK if self.output is None else self.output


class Record:
    """Filled by the conversation; read by the actionHook, the call's row and the operators' pages."""

    def __init__(self, *, now: float, confidential: Confidential | None = None, meter: Meter | None = None) -> None:
        """`confidential`: what was typed in confidence earlier in the call. `meter` makes the bills."""
        self.confidential = confidential or Confidential()
        self.meter = meter or Meter()
        self.noted: Noted = lambda *_: None
        self._began = now
        self._lines: list[Line] = []
        self._caller: dict[str, Line] = {}
        self._agent: dict[Speech, Line] = {}
        self._untold: set[str] = set()
        "Turns whose text is still to come."
        self._early: set[str] = set()
        "Turns that are still to come, and whose text was sooner."
        self._forgotten: set[str] = set()
        "Items of the conversation that the model was made to forget."
        self._added: list[tuple[str, float, str, str, str]] = []
        "What an application has let the model know: the item, when, in which role, the text, and by which event."
        self._dropped_at = -inf
        "What was said by then is told to no later session."
        self._tools: dict[str, ToolUse] = {}
        self._answers = Answers()
        self.caller_began = self._answers.began
        self.answered = self._answers.since
        self.turns: list[JsonObject] = []
        self.usage: JsonObject = {}
        "Of all responses, as the vendor tells it."
        self.bills: list[JsonObject] = []
        "Of each response and transcription, see `cost.meter`."

    @property
    def stirred_at(self) -> float:
        """When the caller has last heard a line of the agent's to its end, spoken or typed."""
        return self._answers.stirred_at

    def duration_s(self, now: float) -> float:
        return round(now - self._began, 3)

    @property
    def awaits_text(self) -> bool:
        """Whether the transcript of a turn that the caller has finished is still to come."""
        return bool(self._untold)

    @property
    def lacks_words(self) -> bool:
        """Whether nobody has written down what the caller said last."""
        last = next((line for line in reversed(self._lines) if line.role == "user"), None)
        return last is not None and not last.text

    @property
    def transcript(self) -> list[JsonObject]:
        """As it may be told."""
        return [self.confidential.shown(asdict(line)) for line in self._lines if line.text]

    @property
    def tools(self) -> list[JsonObject]:
        """As they may be told."""
        return [self.confidential.shown(asdict(tool)) for tool in self._tools.values()]

    def caller_turn(self, item_id: str, *, transcribed: bool, now: float) -> None:
        """Keep the place of the caller's turn: its text may come after the answer has begun, or before the turn."""
        self._answers.turn(item_id, now)
        if item_id in self._early:
            self._early.discard(item_id)
            self._move_here(self._caller[item_id], now)
            return
        self._caller[item_id] = self._line("user", now)
        if transcribed:
            self._untold.add(item_id)

    def caller_text(self, item_id: str, text: str | None, now: float) -> None:
        self._answers.text(item_id, text)
        line = self._caller.get(item_id)
        if item_id in self._forgotten and not any(line is known for known in self._lines):
            return  # it was noise, whatever somebody made of it
        if line is None:
            line = self._caller[item_id] = self._line("user", now)
            self._early.add(item_id)
        line.text = text or ""
        self._untold.discard(item_id)
        self._note(line)

    def forgotten(self, item_id: str) -> None:
        """The model has forgotten an item, and so do its next sessions; what is no turn yet becomes none."""
        self._forgotten.add(item_id)
        if item_id in self._early:
            self._early.discard(item_id)
            noise = self._caller[item_id]
            noise.text = ""
            self._lines = [line for line in self._lines if line is not noise]
            self._note(noise)

    @property
    def shown_history(self) -> tuple[tuple[str, str], ...]:
        """As it may be kept."""
        return tuple((role, self.confidential.shown(text)) for role, text in self.history())

    def typed(self, entry: str, now: float, *, confidential: bool) -> None:
        """Keep what the caller typed; what they typed in confidence is told to nobody but the model."""
        line = self._line("user", now)
        line.text = TYPED + entry
        self._answers.typed(now)
        if confidential:
            self.confidential.remember(entry)
        self._note(line)

    def added(self, item_id: str, role: str, text: str, now: float, *, by: str = "") -> None:
        """Keep what the model was let know, and nobody said: it is no line of the transcript; `by` an event."""
        self._added.append((item_id, round(now - self._began, 3), role, text, by))

    def refused(self, event_id: object) -> None:
        """The model has refused an event: what it was told by it, it does not know."""
        for entry in [entry for entry in self._added if event_id and entry[-1] == event_id][:1]:
            self._added.remove(entry)

    def drop_history(self, now: float) -> None:
        """Tell the next sessions nothing of what was said so far; the transcript has it still."""
        self._dropped_at = round(now - self._began, 3)

    def history(self) -> tuple[tuple[str, str], ...]:
        """Tell a new session with the model what was said, heard and found out: (role, text), the newest of it."""
        gone = {id(line) for item_id, line in self._items() if item_id in self._forgotten}
        heard = (line for line in self._lines if line.text and line.heard_ms != 0 and id(line) not in gone)
        told: list[tuple[float, str, str]] = [(line.at, line.role, line.text) for line in heard]
        told.extend((at, role, text) for item_id, at, role, text, _ in self._added if item_id not in self._forgotten)
        told.extend(
            (tool.at, "system", f"The tool {tool.name} was called with {tool.args}: {tool.result}")
            for tool in self._tools.values()
        )
        told = [entry for entry in sorted(told, key=itemgetter(0)) if entry[0] > self._dropped_at]
        return tuple((role, text) for _, role, text in told[-MAX_HISTORY:])

    def spoken(self, speech: Speech, text: str, *, final: bool, now: float) -> None:
        line = self._agent_line(speech, now)
        if line.heard_ms is None or (final and not line.interrupted):
            line.text = text if final else line.text + text
            if line.heard_ms is not None:
                self._note(line)

    def unspoken(self, text: str, now: float) -> None:
        """Keep what the model only wrote: an agent's line of which nothing was heard."""
        line = self._line("assistant", now)
        line.text, line.heard_ms = text, 0
        self._note(line)

    def heard(self, heard: Heard, *, interrupted: bool, now: float) -> None:
        """Fix what the caller heard of an agent's line; of a line that was cut the share of its text.

        The text may come after the voice: of a line heard to its end it is still taken, of one that was cut no more.
        """
        line = self._agent_line(heard.speech, now)
        if line.heard_ms is not None:
            return
        line.heard_ms, line.interrupted = round(heard.heard_ms), interrupted
        self._answers.heard(heard.speech, heard.heard_ms, now)
        if interrupted:
            line.text = _share(line.text, heard.heard_ms, heard.received_ms)
        self._note(line)

    def close(self) -> None:
        """Nothing more will be heard: what was only written, or still being written, was not."""
        for line in self._agent.values():
            if line.heard_ms is None:
                line.text, line.heard_ms, line.interrupted = "", 0, True

    def turn(self, latency_s: float, now: float) -> None:
        """Keep how long the caller has waited for the answer that begins now."""
        turn = {"at": round(now - self._began, 3), "latency_ms": round(latency_s * 1000)}
        self.turns.append(turn)
        self.noted("turn", str(len(self.turns)), turn)

    def interrupted(self, now: float) -> None:
        """Tell whoever looks on that the caller has cut the agent short; the transcript says where."""
        self.noted("barge_in", "", {"at": round(now - self._began, 3)})

    def tool_called(self, call_id: str, name: str, arguments: str, now: float) -> None:
        self._tools[call_id] = ToolUse(call_id, name, arguments, round(now - self._began, 3))
        self.noted("tool", call_id, self.confidential.shown(asdict(self._tools[call_id])))

    def tool_name(self, call_id: str) -> str:
        """Give the name of a tool that was called."""
        return self._tools[call_id].name

    def tool_answered(self, call_id: str, output: str, now: float) -> None:
        if tool := self._tools.get(call_id):
            tool.late = tool.output is not None
            tool.output, tool.ms = output, round((now - self._began - tool.at) * 1000)
            self.noted("tool", call_id, self.confidential.shown(asdict(tool)))

    def used(self, usage: JsonObject, model: str, now: float, *, of: Of = "response") -> None:
        """Add the usage of a response, or of a transcription, which is billed apart: a call has many."""
        if not usage:
            return
        if of == "response":
            self.usage = summed(self.usage, usage)
        self.bills.append(self.meter.bill(model, usage, of, at=round(now - self._began, 3)))
        self.noted("usage", str(len(self.bills)), self.bills[-1])

    def _note(self, line: Line) -> None:
        self.noted("line", str(id(line)), self.confidential.shown(asdict(line)))

    def _items(self) -> Iterator[tuple[str, Line]]:
        """Give each line that is an item of the conversation, with that item's name."""
        yield from self._caller.items()
        yield from ((speech.item_id, line) for speech, line in self._agent.items())

    def _agent_line(self, speech: Speech, now: float) -> Line:
        self._answers.said(speech, now)
        if speech not in self._agent:
            self._agent[speech] = self._line("assistant", now)
        return self._agent[speech]

    def _line(self, role: str, now: float) -> Line:
        line = Line(role, "", None, interrupted=False, at=round(now - self._began, 3))
        self._lines.append(line)
        return line

    def _move_here(self, line: Line, now: float) -> None:
        self._lines = [*(other for other in self._lines if other is not line), line]
        line.at = round(now - self._began, 3)
        self._note(line)


def _share(text: str, heard_ms: float, received_ms: float) -> str:
    """Cut a text where its voice was cut: after the last whole word of that share."""
    if received_ms <= 0 or heard_ms <= 0:
        return ""
    length = round(len(text) * min(heard_ms / received_ms, 1.0))
    return text if length >= len(text) else text[:length].rpartition(" ")[0]


def summed(a: JsonObject, b: JsonObject, levels: int = USAGE_LEVELS) -> JsonObject:
    """Add two usages, detail by detail."""
    out = dict(a)
    for key, value in b.items():
        has = out.get(key)
        if isinstance(value, dict) and levels:
            out[key] = summed(has if isinstance(has, dict) else {}, value, levels - 1)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            out[key] = (has if isinstance(has, int | float) else 0) + value
    return out
