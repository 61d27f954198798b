"""What a model says, piece by piece: OpenAI's `chat.completion.chunk`, and the answer that the pieces make.

Read as many servers write it: without `choices` (Azure's first chunk, and the last one with the usage), with a
`message` where the `delta` should be (Vapi's sample the other way round: a `delta` in a whole answer), with parts in
place of a text (Mistral), with tool calls that have no index (Gemini) or no id, with `function_call` of old.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from verbs.base import JsonObject


class ToolCallPart(NamedTuple):
    """Of a tool call: its id and name come with the first part, the arguments over several."""

    place: int | None
    "Which of the calls; None where the server does not say."
    id: str = ""
    name: str = ""
    arguments: str = ""


class Delta(NamedTuple):
    role: str = ""
    content: str = ""
    tool_calls: tuple[ToolCallPart, ...] = ()
    reasoning: str = ""
    "What the model thinks before it answers: not to be spoken."


class Usage(NamedTuple):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    "Among those of the prompt."


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """One piece of an answer; `delta` is empty where a chunk says nothing but how it ended, or what was used."""

    id: str = ""
    delta: Delta = Delta()  # noqa: RUF009  # a tuple
    finish_reason: str = ""
    usage: Usage | None = None
    raw: JsonObject | None = field(default=None, repr=False, compare=False)
    "As the model's server wrote it; None for what was made here."

    @property
    def silent(self) -> bool:
        """Whether it says nothing that anybody could hear or do."""
        return not (self.delta.content or self.delta.tool_calls or self.finish_reason)


class ToolCall(NamedTuple):
    id: str
    name: str
    arguments: str
    "JSON, as the model wrote it."


def read_chunk(body: JsonObject) -> ChatChunk:
    """Read a chunk, or a whole answer as the only one."""
    choice = _first(body.get("choices"))
    said = _object(choice.get("delta")) or _object(choice.get("message"))
    identity, finish = body.get("id"), choice.get("finish_reason")
    return ChatChunk(
        identity if isinstance(identity, str) else "",
        Delta(
            _text(said.get("role")),
            _text(said.get("content")) or _text(said.get("refusal")),
            tuple(_calls(said)),
            _text(said.get("reasoning_content")) or _text(said.get("reasoning")),
        ),
        _text(finish),
        _usage(body.get("usage")),
        body,
    )


class Answer:
    """The pieces, put together."""

    def __init__(self) -> None:
        self.content = ""
        self.finish_reason = ""
        self.usage: Usage | None = None
        self._calls: list[list[Any]] = []
        "Of each call: index, id, name, arguments."

    def add(self, chunk: ChatChunk) -> None:
        self.content += chunk.delta.content
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.usage = chunk.usage or self.usage
        for part in chunk.delta.tool_calls:
            self._add_call(part)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls in order; one that was given no id gets one."""
        return tuple(
            ToolCall(identity or f"call_{place}", name, arguments or "{}")
            for place, (_, identity, name, arguments) in enumerate(self._calls)
        )

    def message(self) -> JsonObject:
        """Give the answer as a message of the conversation."""
        said: JsonObject = {"role": "assistant", "content": self.content or None}
        if calls := self.tool_calls:
            said["tool_calls"] = [written_call(call) for call in calls]
        return said if calls else {**said, "content": self.content}

    def _add_call(self, part: ToolCallPart) -> None:
        call = self._call_of(part)
        if call is None:
            self._calls.append([part.place, part.id, part.name, part.arguments])
            return
        call[1] = call[1] or part.id
        call[2] = call[2] or part.name
        call[3] += part.arguments

    def _call_of(self, part: ToolCallPart) -> list[Any] | None:
        """Find the call that a part goes on with: of its index, unless its id says that it is another one."""
        if part.place is None:
            # Without an index a call comes whole, or goes on with the last one.
            last = self._calls[-1] if self._calls else None
            return last if last and (part.id in {"", last[1]}) and not (part.name and not part.id) else None
        same = [call for call in self._calls if call[0] == part.place]
        return same[-1] if same and (not part.id or not same[-1][1] or same[-1][1] == part.id) else None


def written_call(call: ToolCall) -> JsonObject:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _first(choices: Any) -> JsonObject:
    return _object(choices[0]) if isinstance(choices, list) and choices else {}


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """Give a text, or what a list of parts says."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def _calls(said: JsonObject) -> Iterator[ToolCallPart]:
    calls = said.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = _object(_object(call).get("function"))
        if function:
            index = call.get("index")
            yield ToolCallPart(
                index if isinstance(index, int) else None,
                _text(call.get("id")),
                _text(function.get("name")),
                _text(function.get("arguments")),
            )
    if function := _object(said.get("function_call")):
        yield ToolCallPart(0, "", _text(function.get("name")), _text(function.get("arguments")))


def _usage(value: Any) -> Usage | None:
    usage = _object(value)
    if not usage:
        return None
    details = _object(usage.get("prompt_tokens_details"))
    cached = details.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))  # the latter: DeepSeek
    return Usage(*(_count(count) for count in (usage.get("prompt_tokens"), usage.get("completion_tokens"), cached)))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
