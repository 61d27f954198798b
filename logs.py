"""One line per event on stderr: JSON for machines, readable on a terminal; no secret, number or audio in any.

Everything goes through one formatter, also what aiohttp, asyncio and websockets log, and the redaction is its
last step before rendering: whatever a line was made of, it is text by then and gets looked at.
"""

import codecs
import json
import logging
import math
import re
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TextIO
from urllib.parse import quote

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from repeats import Repeats

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# At DEBUG websockets prints every frame it carries and aiohttp every path with its ticket, and mcp at ERROR whatever a
# server gets wrong, at length: never wanted.
FLOORS = {
    "aiohttp": logging.INFO,
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.INFO,
    "httpx2": logging.WARNING,
    "mcp": logging.CRITICAL,
    "websockets": logging.WARNING,
}

MAX_CHARS = 512
MAX_CHARS_READ = 65_536  # what stands behind is cut away unread
MAX_ITEMS = 50
MAX_DEPTH = 6
MAX_TRACE_LINES = 60
MIN_SECRET_CHARS = 4  # shorter ones would hide half of every line

HIDDEN = "***"
SECRET_KEY = re.compile(
    r"^auth$|authorization|apikey|privatekey|secret|passw|cookie|signature|credential|ticket"
    r"|token(?!s|count|usage|type|limit)"
)
PHONE_KEY = re.compile(r"(from|to|caller|called|callerid|callername|number|(from|to|caller|called)number)s?")
PHONE = re.compile(r"(\+|%2B)\d{7,15}", re.IGNORECASE)
MIN_NUMBER_DIGITS = 5  # of a shorter one, its last two digits would be half of it

# What gives a secret away inside running text, such as a URL, a header dump or a library's message.
SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(bearer|basic)\s+[\w+/=.~-]{8,}", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"\b(?:sk|ek|whsec|wh_secret)[-_][\w+/=-]{8,}"), HIDDEN),
    (re.compile(r"//[^/\s:@]*:[^/\s@]+@"), "//***@"),
    (re.compile(r"(/(?:media/[^/\s]+|call/(?:ended|hook))/)[^\s/?\"']+"), r"\1***"),
    (
        re.compile(
            r"((?:api[-_]?key|secret|password|token|cookie|signature)[\"']?\s*[:=]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&}]+)",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(r"\bb(['\"])(?:\\.|(?!\1)[^\\])*\1"), "<bytes>"),
)

# Control characters, line separators, and what reorders text on a screen; unpaired surrogates cannot be encoded.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_secrets: Counter[str] = Counter()
"Every spelling of every hidden value, and how many want it hidden."


def set_up(environ: Mapping[str, str], stream: TextIO) -> None:
    """Send every log line of this process to `stream`; calling it again replaces the first set-up.

    HOOKSWITCH_LOG_LEVEL: debug, info (default), warning or error; ValueError for another.
    HOOKSWITCH_LOG_PII: `true` shows phone numbers in full.
    """
    name = environ.get("HOOKSWITCH_LOG_LEVEL", "").lower() or "info"
    if name not in LEVELS:
        raise ValueError(f"HOOKSWITCH_LOG_LEVEL: unknown level {name!r}; write {', '.join(LEVELS)}")
    redaction = Redaction(pii=environ.get("HOOKSWITCH_LOG_PII", "").lower() == "true")
    codecs.lookup("unicode_escape")  # loaded now: when the last file descriptor is used up, lines are still needed
    handler = _Lines(stream)
    handler.addFilter(Repeats(time.monotonic))
    handler.setFormatter(_formatter(redaction, readable=stream.isatty()))
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _Lines)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(LEVELS[name])
    for logger, floor in FLOORS.items():
        logging.getLogger(logger).setLevel(max(floor, LEVELS[name]))
    structlog.configure(
        processors=[*_COMMON, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[name]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def register_secret(value: str) -> None:
    """Hide this value from now on wherever it stands in a line, also percent-encoded, JSON-escaped or in base64."""
    _secrets.update(_spellings(value))


def hide(values: Iterable[str]) -> Callable[[], None]:
    """Hide these values until the function that is returned is called; what others hide stays hidden."""
    hidden = [spelling for value in values for spelling in _spellings(value)]
    _secrets.update(hidden)

    def show() -> None:
        _secrets.subtract(hidden)
        for spelling in {spelling for spelling in hidden if _secrets[spelling] <= 0}:
            del _secrets[spelling]
        hidden.clear()

    return show


def _spellings(value: str) -> set[str]:
    if len(value) < MIN_SECRET_CHARS:
        return set()
    plain = value.encode("utf-8", "surrogateescape")
    spellings = {value, quote(plain), quote(plain, safe=""), json.dumps(value)[1:-1], repr(value)[1:-1]}
    return spellings | {b64encode(plain).decode().rstrip("=")}


def without_secrets(text: str) -> str:
    """Return the text with every registered secret, and everything that looks like one, replaced by `***`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


class Redaction:
    """The last processor before rendering: makes an event of anything into an event of harmless values."""

    def __init__(self, *, pii: bool = False) -> None:
        self._pii = pii

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {
            self._text(str(key)): self._trace(value) if key in {"exception", "stack"} else self._clean(key, value)
            for key, value in event.items()
        }

    def _clean(self, key: object, value: object, depth: int = 0) -> Any:
        name = re.sub(r"[\W_]", "", str(key)).lower()
        if value is None or isinstance(value, bool):
            return value
        if SECRET_KEY.search(name):
            return HIDDEN
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._cleaned_items(key, value, depth)
        if PHONE_KEY.fullmatch(name) and isinstance(value, str | int) and not self._pii:
            return _tail(str(value))
        return self._scalar(value)

    def _cleaned_items(self, key: object, value: Any, depth: int) -> Any:
        if depth == MAX_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            items = list(value.items())[:MAX_ITEMS]
            return {self._text(str(name)): self._clean(name, item, depth + 1) for name, item in items}
        return [self._clean(key, item, depth + 1) for item in list(value)[:MAX_ITEMS]]

    def _scalar(self, value: object) -> Any:
        match value:
            case str():
                return self._text(value)
            case bytes() | bytearray() | memoryview():
                return _size(value)
            case int():
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case BaseException():  # its repr may hold a whole request with headers
                return self._text(f"{type(value).__name__}: {value}")
            case _:
                return self._text(repr(value))

    def _text(self, text: str) -> str:
        return self._line(without_secrets(text[:MAX_CHARS_READ]))

    def _trace(self, text: str) -> str:
        """Keep a traceback's lines, each indented: text inside it cannot pose as a log line of its own."""
        lines = without_secrets(text).splitlines()
        return "\n".join("  " + self._line(line) for line in lines[-MAX_TRACE_LINES:])

    def _line(self, text: str) -> str:
        if not self._pii:
            text = PHONE.sub(lambda found: _tail(found[0]), text)
        text = CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
        return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"


def _tail(number: str) -> str:
    """Return the last two digits of a number or SIP URI, `…01`; of anything shorter or other, `…`."""
    digits = re.sub(r"\D", "", number.partition("@")[0])
    return "…" + digits[-2:] if len(digits) >= MIN_NUMBER_DIGITS else "…"


def _size(data: bytes | bytearray | memoryview) -> str:
    return f"<{len(data)} bytes>"


def _without_wire_bytes(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Drop the traceback of an HTTP parser error: its text quotes the peer's header and body bytes.

    aiohttp: web_protocol.py handle_error logs it, http_exceptions.py holds the messages.
    """
    error = _exception_in(event.get("exc_info"))
    for _ in range(MAX_DEPTH):
        if error is None:
            return event
        if type(error).__module__ == "aiohttp.http_exceptions":
            return {**event, "exc_info": None, "error": type(error).__name__}
        error = error.__cause__ or error.__context__
    return event


def _exception_in(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1]  # type: ignore[no-any-return]  # logging's (type, value, traceback)
    return sys.exc_info()[1] if exc_info else None


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be made is replaced by a plain one, not by the stdlib's dump of its parts."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the stdlib's name
        lost = {"event": "log_line_lost", "logger": record.name, "level": record.levelname.lower()}
        with suppress(OSError, ValueError):  # nothing can be said on a stream that is gone
            self.stream.write(json.dumps(lost) + "\n")


class _Formatter(ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.args, tuple):  # before `%r` makes text of bytes
            args = tuple(_size(a) if isinstance(a, bytes | bytearray | memoryview) else a for a in record.args)
            record = logging.makeLogRecord({**record.__dict__, "args": args})
        return super().format(record)


_COMMON: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def _formatter(redaction: Redaction, *, readable: bool) -> ProcessorFormatter:
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if readable
        else structlog.processors.JSONRenderer()
    )
    return _Formatter(
        foreign_pre_chain=_COMMON,
        processors=[
            ProcessorFormatter.remove_processors_meta,
            _without_wire_bytes,
            structlog.processors.format_exc_info,
            redaction,
            renderer,
        ],
    )
