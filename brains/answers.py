"""A model server's answer: events, or one JSON object though events were asked for (Vapi's guide allows both).

Which of them it is, is seen from its first character and not from its type: servers say `text/plain` of events.
"""

import json
from collections.abc import Iterator
from typing import Any

from brains import sse
from brains.chunks import ChatChunk, read_chunk
from brains.errors import BrokenError, RefusedError
from verbs.base import JsonObject

DONE = "[DONE]"
MAX_BODY_BYTES = 4 << 20
"Of an answer that comes as a whole."
_BLANK = b" \t\r\n\xef\xbb\xbf"


class AnswerReader:
    """Takes the bytes of a 200 as they come, and gives the chunks that they complete."""

    def __init__(self) -> None:
        self._events = sse.Reader()
        self._whole: bytearray | None = None
        self._begun = False
        self.over = False
        "Whether all has come: what follows is of no interest."
        self._finished = False
        self._heard = False

    def feed(self, received: bytes) -> Iterator[ChatChunk]:
        """Yield what these bytes complete: what stands before a fault is good.

        :raises RefusedError: it is, or ends as, a refusal
        :raises BrokenError: it is no answer
        """
        if not self._begun:
            received = received.lstrip(_BLANK)
            if not received:
                return
            self._begun = True
            if received[:1] in {b"{", b"["}:
                self._whole = bytearray()
        if self._whole is None:
            yield from self._chunks(self._read(received))
            return
        self._whole += received
        if len(self._whole) > MAX_BODY_BYTES:
            raise BrokenError(f"the model's answer is longer than {MAX_BODY_BYTES} bytes")

    def end(self) -> Iterator[ChatChunk]:
        """Yield what is left when the connection is over.

        :raises BrokenError: that came too soon
        """
        if self._whole is not None:
            yield self._chunk(_object(bytes(self._whole)))
            self.over = True
            return
        if not self.over:
            yield from self._chunks(self._events.end())
        if not (self.over or self._finished):
            raise BrokenError("the model's answer broke off" if self._heard else "the model's server gave no answer")
        self.over = True

    def _read(self, received: bytes) -> list[sse.Event]:
        try:
            return self._events.feed(received)
        except sse.TooLongError as error:
            raise BrokenError(f"in the model's answer {error}") from None

    def _chunks(self, events: list[sse.Event]) -> Iterator[ChatChunk]:
        for event in events:
            if self.over or event.data.strip() == DONE:
                self.over = True
                return
            yield self._chunk(_object(event.data))

    def _chunk(self, body: JsonObject) -> ChatChunk:
        if error := body.get("error"):  # in mid-stream, and under a 200, too (OpenRouter, vLLM)
            raise refusal(error, status=_status(error))
        chunk = read_chunk(body)
        self._heard = True
        self._finished = self._finished or bool(chunk.finish_reason)
        return chunk


def refusal(error: Any, *, status: int) -> RefusedError:
    """Make a refusal of an `error`: an object, as OpenAI writes it, or a text."""
    return RefusedError(status, error if isinstance(error, dict) else {"message": str(error)})


def refused(status: int, body: bytes) -> RefusedError:
    """Read the answer of a status that is none of success: `{"error": …}`, FastAPI's `{"detail": …}`, or any text."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) and value:  # Gemini's
        value = value[0]
    if not isinstance(value, dict):
        return RefusedError(status, {})
    said = value.get("error") or value.get("detail") or value.get("message")
    return refusal(said, status=status) if said else RefusedError(status, {})


def _object(text: str | bytes) -> JsonObject:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BrokenError("the model's answer is not JSON, or broke off") from None
    if not isinstance(value, dict):
        raise BrokenError("the model's answer is no JSON object")
    return value


def _status(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502  # noqa: PLR2004  # of HTTP
