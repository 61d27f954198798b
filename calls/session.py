"""One control socket: the platform's webhooks of a call in one place, and our way to tell it something unasked.

No network here: `api/control.py` reads and writes the socket.
"""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from calls.control import CommandTooLongError
from calls.document import NOTHING, Seat
from calls.sessions import Sessions
from media.control import ControlDialect, ControlEvent, ControlKind
from media.platforms import PLATFORMS
from media.platforms.base import Call, CallDialect, CallStatus, PlatformError
from media.ticket import read
from verbs.base import JsonObject

log = structlog.get_logger("calls")

OPENERS = frozenset({"new", "reconnect", "redirect", "adulting"})
"What a socket begins with: it tells whose it is."

PASSED_ON: dict[ControlKind, str] = {
    "verb_status": "verb:status",
    "tokens_result": "tts:tokens-result",
    "streaming_event": "tts:streaming-event",
}
"What an application with a socket hears as the platform says it."
DIGITS = re.compile(r"\d{7,}")
MAX_ERROR_CHARS = 300
MAX_UNREADABLE = 10
"Messages of one socket; who says more such things is no platform."


class Misused(Exception):  # noqa: N818  # a socket's end, not an error of ours
    """The other side is no platform, or not this call's: the text says why, the socket is closed."""


class Unreadable(Exception):  # noqa: N818  # one message's end, not an error of ours
    """A message that cannot be read, on a socket that is a call's: the text says why."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What a session does to its socket. Both return at once; what was said before a close still leaves."""

    say: Callable[[str], None]
    close: Callable[[int], None]


class Session:
    """One control socket. Its call's Control."""

    def __init__(self, sessions: Sessions, wire: Wire, seat: Seat) -> None:
        settings = sessions.switchboard.settings
        platform = PLATFORMS[settings.platform.kind]
        assert platform.control  # noqa: S101  # the door step asked
        self.seat = seat
        self.call_sid = ""
        self._sessions = sessions
        self._wire = wire
        self._calls: CallDialect = platform.call
        self._dialect: ControlDialect = platform.control
        self._told: set[ControlKind] = set()
        self._unreadable = 0
        self.log = log
        sessions.opened(self)

    # What the platform says

    def said(self, text: str) -> None:
        """Take a message. Nothing is waited for here.

        :raises Misused: the socket must be closed
        :raises Unreadable: it is passed over: a platform has five connections for a call, and this one is its own
        """
        named = bool(self.call_sid)
        try:
            event = self._dialect.receive(text)
            self._identify(event)
            self._take(event)
        except PlatformError as error:
            self._unreadable += 1
            if not named or self._unreadable > MAX_UNREADABLE:
                raise Misused(str(error)) from error
            raise Unreadable(str(error)) from error

    def lost(self, *, for_good: bool) -> None:
        """Take note that the socket is gone; `for_good` where the platform closed it as one that it needs no more."""
        if self.call_sid and not for_good:
            self.log.warning("control_dropped")
        self._sessions.lost(self, for_good=for_good)

    def _identify(self, event: ControlEvent) -> None:
        if self.call_sid:
            if event.call_sid not in {"", self.call_sid}:
                raise Misused("a message of another call than the socket's")
            return
        if event.kind not in OPENERS or not event.call_sid:
            raise Misused("the first message is none that says whose the socket is")
        self.call_sid = event.call_sid
        self.log = log.bind(call_sid=event.call_sid)

    def _take(self, event: ControlEvent) -> None:
        match event.kind:
            case "new":
                self._start(event, self._begin(event, self._announced(event)))
            case "reconnect":
                self._start(event, self._resume(event, self._announced(event)))
            case "redirect":
                self._start(event, self._hook(event, self._announced(event)))
            case "hook" | "confirm" | "queue_status":
                self._start(event, self._hook(event, None))
            case "adulting":
                self._start(event, self._grow(event, self._announced(event)))
            case "status":
                self._status(self._calls.reported(event.data))
            case "error":
                self._complained(event.data)
            case kind if kind in PASSED_ON:
                self._sessions.switchboard.pass_on(self.call_sid, PASSED_ON[kind], event.data)
            case _:
                self._pass_over(event.kind)

    def _complained(self, error: JsonObject) -> None:
        """Tell what the platform could not do.

        The application hears of it without what we have sent (`content`): that may hold keys and addresses of ours.
        """
        told = f"{error.get('msg')}: {error.get('details')}"[:MAX_ERROR_CHARS]
        self.log.warning("platform.error", message=DIGITS.sub("***", told))
        known = {name: value for name, value in error.items() if name != "content"}
        self._sessions.switchboard.pass_on(self.call_sid, "jambonz:error", known)

    def _announced(self, event: ControlEvent) -> Call:
        call = self._calls.announced(event.data)
        if call.call_sid != self.call_sid:
            raise Misused("a message that tells of another call than the socket's")
        return call

    def _status(self, status: CallStatus) -> None:
        if self.call_sid in {status.call_sid, status.parent_sid}:
            self._sessions.switchboard.status(status, by_socket_of=self.call_sid)
        else:
            self._pass_over("status")

    def _pass_over(self, kind: ControlKind) -> None:
        """Say once for each call what is not listened to."""
        if kind not in self._told:
            self._told.add(kind)
            self.log.warning("control_message_ignored", kind=kind)

    # What it is answered

    def _start(self, event: ControlEvent, answering: Coroutine[Any, Any, None]) -> None:
        self._sessions.tasks.start(self._answer(event, answering))

    async def _answer(self, event: ControlEvent, answering: Coroutine[Any, Any, None]) -> None:
        """See that a message is acknowledged whatever happens: one that is not costs the call."""
        try:
            await answering
        except Exception:
            self.log.exception("control_message_failed", kind=event.kind)
            self._ack(event, None)

    async def _begin(self, event: ControlEvent, call: Call) -> None:
        self._ack(event, await self._sessions.document(call, self))

    async def _grow(self, event: ControlEvent, call: Call) -> None:
        self._ack(event, await self._sessions.adulting(call, self))

    async def _resume(self, event: ControlEvent, call: Call) -> None:
        """Go on with a call after a break.

        The platform takes the document for the ack that it lost, and ignores it where it has lost none. A call that
        nobody here knows was another process': it may be hearing nothing, so its document goes out as a command; and
        so does the rest of it from a conversation on that a restart has cut. What an earlier process has left is taken
        over meanwhile: that is waited for, and not with the ack.
        """
        sessions = self._sessions
        known = await sessions.known_in_time(self.call_sid)
        self._ack(event, known)
        await sessions.switchboard.recovered()
        if known is None and not await sessions.switchboard.first_document(self.call_sid):
            self.log.info("session_taken_anew")
            self.redirect(await sessions.document(call, self))
        elif sessions.attach(self):
            anew = await sessions.switchboard.resume(self.call_sid)
            self.log.info("session_taken_anew" if anew else "session_resumed")

    async def _hook(self, event: ControlEvent, call: Call | None) -> None:
        """Answer a hook. `call`: who it is, where the socket may have been opened with this."""
        sessions, patience_s = self._sessions, self._dialect.patience_s
        ticket = read(event.hook.rpartition("/")[2], sessions.secret)
        document = None
        if ticket and ticket.purpose == "ended":
            document = await sessions.in_time(sessions.switchboard.ended(ticket, event.data), patience_s)
        elif ticket and ticket.purpose == "hook":
            document = await sessions.in_time(sessions.switchboard.hook(ticket, event.data), patience_s)
        elif call and await sessions.known(self.call_sid) is None:
            document = await sessions.document(call, self)
        else:
            self._pass_over(event.kind)
        if call:
            sessions.attach(self)
        self._ack(event, None if document == NOTHING else document)

    def _ack(self, event: ControlEvent, document: bytes | None) -> None:
        self._wire.say(self._dialect.ack(event.msgid, self._carried(document)))

    # What it is told

    def redirect(self, document: bytes, *, queue: bool = False) -> None:
        if carried := self._carried(document):
            self._wire.say(self._dialect.redirect(carried, queue=queue))

    def hang_up(self) -> None:
        self._wire.say(self._dialect.hang_up())

    def command(self, command: JsonObject) -> None:
        text = self._dialect.command(command)
        if len(text) > self._dialect.max_message_bytes:
            raise CommandTooLongError(len(text), self._dialect.max_message_bytes)
        self._wire.say(text)

    def close(self, code: int) -> None:
        self._wire.close(code)

    def _carried(self, document: bytes | None) -> bytes | None:
        """Give a document that the socket can carry; nothing in place of any other, and the call goes on as it is."""
        if document is not None and len(document) > self._dialect.max_document_bytes:
            self.log.error("document_too_long", bytes=len(document), max_bytes=self._dialect.max_document_bytes)
            return None
        return document
