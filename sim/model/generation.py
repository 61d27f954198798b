"""One response as it is sent: its events in OpenAI's order, and what closes it when it is cut off.

The events are written down as a generator that yields an event to send or a number of seconds to wait, so the order
on the wire is the order of the lines below. Audio comes faster than real time; the transcript runs ahead of it.
"""

import random
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from sim.model.agenda import Close, close_with
from sim.model.audio import encoded
from sim.model.checks import JsonObject
from sim.model.conversation import Conversation, Entry, Sound
from sim.model.ids import Ids
from sim.model.plan import FunctionCall, Message, Plan, uneven, usage

WORDS_AHEAD = 2
TEXT_PIECE_S = 0.01
_PIECE = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Pace:
    thinking_s: float
    delta_rate: float
    "How many times faster than real time."


@dataclass(slots=True)
class _Open:
    """The item that is being sent."""

    index: int
    part: Message | FunctionCall
    item: JsonObject
    sound: Sound | None = None
    sent: str = ""
    "Its transcript, text or arguments so far."
    before: str | None = None
    "The id of the item before it in the conversation."


class Generation:
    """`due_s` says when `advance` has something to send; None once the response is over."""

    def __init__(
        self,
        response: JsonObject,
        what: Plan,
        pace: Pace,
        ids: Ids,
        *,
        conversation: Conversation | None,
        read: JsonObject,
        now: float,
        leaves: list[Entry] | None = None,
    ) -> None:
        """`leaves` is for another response to answer where this one comes to nothing."""
        self.response = response
        self.due_s: float | None = now
        self.close: Close | None = None
        "Set when the script wants the socket closed in place of the end."
        self.said_ms = 0
        self._said_chars = 0
        self._leaves = leaves
        self._plan, self._pace, self._ids, self._conversation, self._read = what, pace, ids, conversation, read
        self._chance = random.Random(response["id"])
        self._open: _Open | None = None
        self._calls: list[str] = []
        self._steps = self._run()

    @property
    def id(self) -> str:
        return str(self.response["id"])

    @property
    def in_conversation(self) -> bool:
        return self._conversation is not None

    def advance(self, now: float) -> Iterator[JsonObject]:
        """Send what is due by now."""
        while self.due_s is not None and self.due_s <= now:
            step = next(self._steps, None)
            if step is None:
                self.due_s = None
            elif isinstance(step, float):
                self.due_s += step
            else:
                yield step

    def stop(self, reason: str) -> Iterator[JsonObject]:
        """End it now as cancelled, for `turn_detected` or `client_cancelled`."""
        self._steps.close()
        self.due_s = None
        if self._open:
            yield from self._closing(self._open, "incomplete")
        yield self._done("cancelled", {"type": "cancelled", "reason": reason})

    def _run(self) -> Generator[JsonObject | float]:
        reply = self._plan.reply
        if not reply.no_response:
            yield from self._words()
        if reply.close_code is not None:
            self.close = close_with(reply.close_code, reply.close_reason)
        elif not reply.no_response:
            yield self._end()

    def _words(self) -> Generator[JsonObject | float]:
        reply = self._plan.reply
        yield {"type": "response.created", "response": dict(self.response)}
        if reply.silent:
            yield float("inf")
        yield _rate_limits()
        yield float(self._pace.thinking_s if reply.thinking_s is None else reply.thinking_s)
        for index, part in enumerate(self._plan.parts):
            yield from self._item(index, part)

    def _end(self) -> JsonObject:
        failure = self._plan.reply.fail
        if failure:
            error = {"type": failure.type, "code": failure.code, "message": failure.message}
            return self._done("failed", {"type": "failed", "error": error})
        if self._plan.cut_short:
            return self._done("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        return self._done("completed", None)

    def _item(self, index: int, part: Message | FunctionCall) -> Iterator[JsonObject | float]:
        item: JsonObject = {"id": self._ids.new("item"), "object": "realtime.item", "status": "in_progress"}
        if isinstance(part, FunctionCall):
            item |= {"type": "function_call", "call_id": part.call_id, "name": part.name, "arguments": ""}
            opened = _Open(index, part, item)
        else:
            item |= {"type": "message", "role": "assistant", "content": []}
            opened = _Open(index, part, item, Sound(part.form) if part.form else None)
        self._open = opened
        yield self._about("response.output_item.added", output_index=index, item=dict(item))
        if self._conversation:
            opened.before = self._conversation.add(Entry(item, opened.sound, fresh=False))
            yield {"type": "conversation.item.added", "previous_item_id": opened.before, "item": dict(item)}
        yield from self._content(opened)
        self._open = None
        yield from self._closing(opened, "incomplete" if self._plan.cut_short else "completed")

    def _content(self, opened: _Open) -> Iterator[JsonObject | float]:
        part = opened.part
        if isinstance(part, FunctionCall):
            name, fields = "response.function_call_arguments", {"call_id": part.call_id}
            yield from self._told(opened, f"{name}.delta", part.arguments, fields)
        elif opened.sound:
            shown = {"type": "audio", "transcript": ""}
            yield self._within(opened, "response.content_part.added", content_index=0, part=shown)
            yield from self._spoken(opened, part, opened.sound)
        else:
            shown = {"type": "text", "text": ""}
            yield self._within(opened, "response.content_part.added", content_index=0, part=shown)
            yield from self._told(opened, "response.output_text.delta", part.text, {"content_index": 0})

    def _told(self, opened: _Open, type_: str, text: str, fields: JsonObject) -> Iterator[JsonObject | float]:
        for piece in _PIECE.findall(text):
            yield self._delta(opened, type_, piece, fields)
            yield TEXT_PIECE_S

    def _spoken(self, opened: _Open, message: Message, sound: Sound) -> Iterator[JsonObject | float]:
        pieces, told, sent, total = _PIECE.findall(message.text), 0, 0, len(message.wire)
        stall_s = self._plan.reply.stall_s
        for wire in uneven(message.wire, sound.form, self._chance):
            sent += len(wire)
            ahead = len(pieces) * sent // total + WORDS_AHEAD
            yield from self._transcribed(opened, pieces[told:ahead])
            told = ahead
            sound.wire += wire
            wire_ms = sound.form.ms_in(len(wire))
            self.said_ms += wire_ms
            yield self._within(opened, "response.output_audio.delta", content_index=0, delta=encoded(wire))
            if stall_s and sent * 2 >= total:
                yield stall_s
                stall_s = 0.0
            yield wire_ms / 1000 / self._pace.delta_rate
        yield from self._transcribed(opened, pieces[told:])

    def _transcribed(self, opened: _Open, pieces: list[str]) -> Iterator[JsonObject]:
        for piece in pieces:
            type_ = "response.output_audio_transcript.delta"
            yield self._delta(opened, type_, piece, {"content_index": 0})

    def _delta(self, opened: _Open, type_: str, piece: str, fields: JsonObject) -> JsonObject:
        opened.sent += piece
        self._said_chars += len(piece)
        return self._within(opened, type_, delta=piece, **fields)

    def _closing(self, opened: _Open, status: str) -> Iterator[JsonObject]:
        """Close an item with what was sent of it; OpenAI does so too when a response is cut off."""
        part, item, sent = opened.part, opened.item, opened.sent
        if isinstance(part, FunctionCall):
            arguments = {"call_id": part.call_id, "name": part.name, "arguments": sent}
            yield self._within(opened, "response.function_call_arguments.done", **arguments)
            item["arguments"] = sent
            self._calls += [part.call_id] if status == "completed" else []
        else:
            yield from self._message_closing(opened)
        item["status"] = status
        if self._conversation:
            yield {"type": "conversation.item.done", "previous_item_id": opened.before, "item": dict(item)}
        yield self._about("response.output_item.done", output_index=opened.index, item=dict(item))
        self.response["output"] = [*self.response["output"], dict(item)]

    def _message_closing(self, opened: _Open) -> Iterator[JsonObject]:
        kind, key = ("audio", "transcript") if opened.sound else ("text", "text")
        told = {key: opened.sent}
        if opened.sound:
            yield self._within(opened, "response.output_audio.done", content_index=0)
            yield self._within(opened, "response.output_audio_transcript.done", content_index=0, **told)
        else:
            yield self._within(opened, "response.output_text.done", content_index=0, **told)
        shown = {"type": kind, **told}
        yield self._within(opened, "response.content_part.done", content_index=0, part=shown)
        opened.item["content"] = [{"type": f"output_{kind}", **told}]

    def _done(self, status: str, details: JsonObject | None) -> JsonObject:
        if self._conversation:
            # An output is taken only from here on: before, the service knows no such call.
            self._conversation.call_ids |= set(self._calls)
            if self._leaves is not None and not self.response["output"] and status in {"failed", "cancelled"}:
                self._conversation.unanswered(self._leaves)
        self.response |= {"status": status, "status_details": details}
        self.response["usage"] = usage(self._said_chars, self.said_ms, self._read)
        return {"type": "response.done", "response": dict(self.response)}

    def _within(self, opened: _Open, type_: str, **fields: object) -> JsonObject:
        return self._about(type_, item_id=opened.item["id"], output_index=opened.index, **fields)

    def _about(self, type_: str, **fields: object) -> JsonObject:
        return {"type": type_, "response_id": self.id, **fields}


def _rate_limits() -> JsonObject:
    limits = (("requests", 1000, 999, 0.06), ("tokens", 200000, 195000, 1.5))
    names = ("name", "limit", "remaining", "reset_seconds")
    return {"type": "rate_limits.updated", "rate_limits": [dict(zip(names, row, strict=True)) for row in limits]}
