"""Server-sent events, read as browsers read them (WHATWG HTML, "Parsing an event stream"), cut anywhere.

Model servers differ in what they make of the format: CR, LF or both, comments that keep a connection alive, a byte
order mark, data over several lines, no blank line after the last event. All of it is read.
"""

import codecs
import re
from typing import NamedTuple

MAX_EVENT_CHARS = 1 << 20
"Of one event: what is longer is none of a model."
_LINE_END = re.compile(r"\r\n|\n|\r")


class Event(NamedTuple):
    data: str
    name: str = ""
    "Of `event:`; empty for an ordinary message."


class TooLongError(ValueError):
    """An event that does not end."""


class Reader:
    """Takes bytes as they come, and gives the events that they complete."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest = ""
        self._data: list[str] = []
        self._chars = 0
        self._name = ""

    def feed(self, received: bytes) -> list[Event]:
        """:raises TooLongError: an event is longer than any of a model"""
        return self._read(self._decoder.decode(received))

    def end(self) -> list[Event]:
        """Give what stands there at the end of the stream: many a server leaves out the last blank line."""
        found = self._read(self._decoder.decode(b"", final=True))
        found += [event for line in (self._rest.removesuffix("\r"), "") for event in self._line(line)]
        self._rest = ""
        return found

    def _read(self, text: str) -> list[Event]:
        # The rest has no end of a line in it, but perhaps a CR at its very end, whose LF may be still to come.
        lines = _LINE_END.split(self._rest + text)
        if lines[-1] == "" and (self._rest + text).endswith("\r"):
            lines[-2:] = [f"{lines[-2]}\r"]
        self._rest = lines.pop()
        found = [event for line in lines for event in self._line(line)]
        if self._chars + len(self._rest) > MAX_EVENT_CHARS:
            raise TooLongError(f"an event is longer than {MAX_EVENT_CHARS} characters")
        return found

    def _line(self, line: str) -> list[Event]:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._chars += len(value)
        elif field == "event":
            self._name = value
        return []  # a comment (no field), an id, a retry, and what nobody knows

    def _dispatch(self) -> list[Event]:
        data, name = self._data, self._name
        self._data, self._name, self._chars = [], "", 0
        return [Event("\n".join(data), name)] if data else []
