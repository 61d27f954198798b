"""What lists are asked for: their parameters, read strictly, and the cursor, by which a list is gone on with."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from datetime import UTC, datetime
from math import isfinite
from struct import Struct
from struct import error as StructError  # noqa: N812  # struct calls it error
from typing import NoReturn

from aiohttp import web

from api.webhooks import refused
from store.summaries import Entry, Place, Sought

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
STATES = ("ringing", "in_progress", "completed")
DIRECTIONS = ("inbound", "outbound")
MAX_CHARS = 256
PLACE = Struct(">d12s")
ENTRY = Struct(">dq")
UNIX = re.compile(r"\d{1,11}(\.\d{1,9})?")


class Query:
    """A request's parameters. What is wrong with them raises Refused: 422, with a sentence."""

    def __init__(self, request: web.Request, known: Collection[str]) -> None:
        self._query = request.query
        for name in self._query:
            if name not in known:
                _refuse(name, f"is unknown; there are {', '.join(known)}")
            if len(self._query.getall(name)) > 1:
                _refuse(name, "is said twice")
            if len(self._query[name]) > MAX_CHARS:
                _refuse(name, f"is longer than {MAX_CHARS} characters")

    def text(self, name: str) -> str | None:
        return self._query.get(name) or None

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            _refuse(name, f"must be one of {', '.join(choices)}")
        return value

    def limit(self) -> int:
        value = self._query.get("limit", str(DEFAULT_LIMIT))
        if not (value.isascii() and value.isdecimal() and len(value) < 5 and 1 <= int(value) <= MAX_LIMIT):  # noqa: PLR2004
            _refuse("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
        return int(value)

    def moment(self, name: str) -> float | None:
        """Read a moment, as Unix time."""
        value = self.text(name)
        if value is None:
            return None
        if UNIX.fullmatch(value):
            return float(value)
        try:
            # A + that was not encoded comes as a blank.
            found = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            _refuse(name, "must be a moment such as 2026-01-31T09:30:00Z, or Unix seconds")

    def numbers(self, name: str) -> tuple[str, ...]:
        """Read a number; whether it is written with + is the platform's habit, and no difference."""
        value = (self.text(name) or "").strip()
        bare = value.lstrip("+")
        return (bare, f"+{bare}") if bare else ()

    def place(self) -> Place | None:
        raw = self._cursor(PLACE)
        return None if raw is None else Place(*PLACE.unpack(raw))

    def entry(self) -> Entry | None:
        raw = self._cursor(ENTRY, rest=True)
        if raw is None:
            return None
        created_at, seq = ENTRY.unpack(raw[: ENTRY.size])
        return Entry(created_at, seq, raw[ENTRY.size :].decode(errors="replace"))

    def _cursor(self, form: Struct, *, rest: bool = False) -> bytes | None:
        value = self.text("cursor")
        if value is None:
            return None
        try:
            raw = urlsafe_b64decode(value.encode() + b"=" * (-len(value) % 4))
            good = (rest or len(raw) == form.size) and isfinite(form.unpack(raw[: form.size])[0])
        except (binascii.Error, StructError, UnicodeEncodeError):
            raw, good = b"", False
        if not good:
            _refuse("cursor", "was not given by this server")
        return raw


def sought(query: Query) -> Sought:
    return Sought(
        state=query.choice("state", STATES),
        route=query.text("route"),
        direction=query.choice("direction", DIRECTIONS),
        reason_code=query.text("reason_code"),
        since_s=query.moment("since"),
        until_s=query.moment("until"),
        caller=query.numbers("from"),
        called=query.numbers("to"),
        number=query.numbers("number"),
    )


def place_cursor(place: Place) -> str:
    return _text(PLACE.pack(*place))


def entry_cursor(entry: Entry) -> str:
    return _text(ENTRY.pack(entry.created_at, entry.seq) + entry.webhook_id.encode())


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _refuse(name: str, why: str) -> NoReturn:
    raise refused(422, "bad_request", f"{name}: {why}")
