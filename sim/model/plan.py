"""A response before it is sent: its items, their audio cut into deltas, and what it costs."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from sim import voice
from sim.model.answers import Answer
from sim.model.audio import WireFormat
from sim.model.checks import JsonObject
from sim.model.script import Reply

# The service's own lengths vary; these are never a whole number of 20 ms frames.
DELTA_MS = (37, 53, 71, 89, 113, 147, 193, 211)
AUDIO_TOKENS_PER_S = 20
CHARS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said: all of its words, and its audio in wire form (empty in a text session)."""

    text: str
    wire: bytes
    form: WireFormat | None
    "None: a text item."


@dataclass(frozen=True, slots=True)
class FunctionCall:
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Plan:
    parts: tuple[Message | FunctionCall, ...]
    reply: Reply
    cut_short: bool
    "There was more to say than max_output_tokens allow."


def plan(answer: Answer, call_ids: Iterator[str], form: WireFormat | None, speed: float, max_tokens: int | str) -> Plan:
    """Turn an answer into items; `form` None: text only."""
    left = 10**9 if isinstance(max_tokens, str) else max_tokens
    messages: list[Message] = []
    cut = False
    for text in answer.say:
        whole = _message(text, form, speed)
        cost = tokens(whole)
        if cost > left:
            cut = True
            whole = _shortened(whole, left / cost)
        left -= min(left, cost)
        messages.append(whole)
    calls = [] if cut else _calls(answer, call_ids)
    return Plan((*messages, *calls), answer.reply, cut)


def _calls(answer: Answer, call_ids: Iterator[str]) -> list[FunctionCall]:
    numbered = [(FunctionCall(next(call_ids), call.name, call.arguments), call.copies) for call in answer.calls]
    return [call for call, copies in numbered for _ in range(copies)]


def _message(text: str, form: WireFormat | None, speed: float) -> Message:
    return Message(text, form.from_voice(voice.speech(text), speed) if form else b"", form)


def _shortened(message: Message, share: float) -> Message:
    words = message.text.split()
    text = " ".join(words[: int(len(words) * share)])
    if message.form is None:
        return Message(text, b"", None)
    kept_ms = int(message.form.ms_in(len(message.wire)) * share)
    return Message(text, message.wire[: message.form.bytes_in(kept_ms)], message.form)


def tokens(message: Message) -> int:
    heard_ms = message.form.ms_in(len(message.wire)) if message.form else 0
    return -(-len(message.text) // CHARS_PER_TOKEN) + heard_ms * AUDIO_TOKENS_PER_S // 1000


def uneven(wire: bytes, form: WireFormat, chance: random.Random) -> Iterator[bytes]:
    """Cut audio into deltas of uneven length, whole samples each."""
    at = 0
    while at < len(wire):
        size = form.bytes_in(chance.choice(DELTA_MS))
        yield wire[at : at + size]
        at += size


def usage(said_chars: int, said_ms: int, read: JsonObject) -> JsonObject:
    """Return `response.usage`; `read` holds text and audio tokens of the conversation so far."""
    said_text, said_audio = -(-said_chars // CHARS_PER_TOKEN), said_ms * AUDIO_TOKENS_PER_S // 1000
    input_tokens = read["text_tokens"] + read["audio_tokens"]
    nothing_cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    return {
        "total_tokens": input_tokens + said_text + said_audio,
        "input_tokens": input_tokens,
        "output_tokens": said_text + said_audio,
        "input_token_details": {
            **read,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": nothing_cached,
        },
        "output_token_details": {"text_tokens": said_text, "audio_tokens": said_audio},
    }
