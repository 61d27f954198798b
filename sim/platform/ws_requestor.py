"""The platform's side of the websocket application API: one application, over as many connections as it takes.

Pure. From jambonz-feature-server 0.9.8, lib/utils/ws-requestor.js:

* A request that wants an acknowledgement fails after 5 s; a message of more than 24 KiB closes the connection (1009).
* A close with 1000 means that the application is done: nothing is sent to it any more, requests resolve to nothing.
* After any other close what was on its way fails, and a new connection is opened after 500 ms, doubling to 2 s, then
  2 s more each time, for five connections that were open in all; a request raised meanwhile opens it at once. Its
  first message is `session:reconnect`; when that is acknowledged the rest follows, and if it is not, the call ends.
  What is acknowledged goes out first then, the rest behind it.
* A connection lost before `session:new` was acknowledged: the acknowledgement of `session:reconnect` counts for it.
  Nothing is sent from there on, until that connection is lost too: the real one waits for the acknowledgement for
  ever, having taken it for the other (tried on its own code, with node).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim.platform.bodies import JsonObject, wire
from sim.platform.effects import CloseControl, Note, OpenControl, SendControl
from sim.platform.requestor import (
    UNACKED,
    Acked,
    Commanded,
    Credentials,
    Lost,
    Output,
    Unacked,
    hook_url,
    is_http,
    webhook,
)

SUBPROTOCOL = "ws.jambonz.org"
RESPONSE_TIMEOUT_S = 5.0
MAX_MESSAGE_BYTES = 24 * 1024
MAX_CONNECTIONS = 5
"As many retries of the first one, too, where it was refused or timed out."
FIRST_BACKOFF_S = 0.5
LONG_BACKOFF_S = 2.0
DONE, TOO_BIG = 1000, 1009
RECONNECT = "session:reconnect"
WITH_HOOK = frozenset({"verb:hook", "dial:confirm", "session:redirect", "llm:event", "llm:tool-call"})
WITHOUT_DATA = frozenset({"llm:tool-output", "tts:flush", "tts:clear"})


@dataclass(frozen=True, slots=True)
class _Waiting:
    kind: str
    hook: Any
    body: JsonObject
    ref: str


@dataclass(frozen=True, slots=True)
class _InFlight:
    kind: str
    ref: str
    due_s: float | None
    "None: nobody counts the time of a session:new that was sent again on a second connection."


class WsRequestor:
    # `sockets` numbers the connections of a call.
    def __init__(
        self,
        url: str,
        call_sid: str,
        sockets: Iterator[int],
        auth: Credentials | None = None,
        *,
        reconnects: bool = True,
    ) -> None:
        self.url = url
        self.connections = 0
        self.done = False
        "Closed for good: by the application, with 1000, or by us."
        self._call_sid, self._sockets, self._auth, self._reconnects = call_sid, sockets, auth, reconnects
        self._socket = 0
        self._up = self._connecting = False
        self._backoff_s = FIRST_BACKOFF_S
        self._retry_s: float | None = None
        self._attempts = 0
        self._queue: list[_Waiting] = []
        self._in_flight: dict[str, _InFlight] = {}
        self._session: JsonObject = {}
        self._new: str | None = None  # the msgid of a session:new that nothing was ever acknowledged after
        self._again: str | None = None  # that of a session:reconnect
        self._stuck = False  # its acknowledgement was taken for that of the session:new
        self._messages = 0

    @property
    def waits_for_commands(self) -> bool:
        return not self.done

    @property
    def pending(self) -> bool:
        """Whether something is still to be acknowledged, or to be sent for it."""
        waiting = not self._stuck and any(one.kind not in UNACKED for one in self._queue)
        return self.connections > 0 and (bool(self._in_flight) or waiting)

    def next_due(self) -> float | None:
        dues = [one.due_s for one in self._in_flight.values() if one.due_s is not None]
        dues += [self._retry_s] if self._retry_s is not None else []
        return min(dues, default=None)

    # --- the call's side ---

    def request(self, kind: str, hook: Any, body: JsonObject, now: float, ref: str = "") -> list[Output]:
        if self.done:
            return [] if kind in UNACKED else [Acked(ref, None)]
        if is_http(hook_url(hook)):  # a plain webhook, without the credentials of the call_hook
            return [webhook(hook_url(hook), kind, body, ref)]
        if self._up and not self._again:
            return self._send(kind, hook, body, now, ref=ref)
        if self.connections and not self._up and not self._reconnects:
            return (
                [] if kind in UNACKED else [Unacked(ref, "the socket was lost, and this platform does not reconnect")]
            )
        self._queue.append(_Waiting(kind, hook, body, ref))
        return [] if self._up or self._connecting else self._connect()

    def close(self, code: int) -> list[Output]:
        """Close for good; what is on its way is forgotten."""
        was_up, self.done, self._up = self._up, True, False
        self._queue.clear()
        self._in_flight.clear()
        self._retry_s = None
        return [CloseControl(self._socket, code)] if was_up else []

    def advance(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        for msgid, one in list(self._in_flight.items()):
            if one.due_s is not None and one.due_s <= now and msgid in self._in_flight:
                outputs += self._failed(msgid, f"timeout from far end for msgid {msgid}")
        if self._retry_s is not None and self._retry_s <= now:
            outputs += self._connect()
        return outputs

    # --- the connection ---

    def opened(self, now: float) -> list[Output]:
        """The connection that was asked for last is open, with our subprotocol."""
        if self.done:
            return [CloseControl(self._socket, DONE)]
        self._connecting, self._up, self._attempts = False, True, 0
        self.connections += 1
        shown: list[Output] = [Note("control_open", f"connection {self.connections} to {_shown(self.url)}")]
        if self.connections == 1:
            return [*shown, *self._flush(now)]
        return [*shown, *self._reconnect(now)]

    def not_opened(self, why: str, now: float, *, retry: bool) -> list[Output]:
        """No connection. `retry`: it was refused, reset or timed out, which is tried again."""
        self._connecting = False
        self._attempts += 1
        outputs: list[Output] = [Note("control_refused", why)]
        again = self._reconnects and (retry if self.connections == 0 else self.connections < MAX_CONNECTIONS)
        if not retry or self._attempts > MAX_CONNECTIONS:
            waiting, self._queue = self._queue, []
            outputs += [Unacked(one.ref, why) for one in waiting if one.kind not in UNACKED]
            again = again and self.connections > 0
        if again:
            self._later(now)
        return outputs

    def closed(self, socket: int, code: int, now: float) -> list[Output]:
        """The application closed the connection, or it broke (1006)."""
        if socket != self._socket or not self._up:
            return []
        self._up = False
        outputs: list[Output] = [Note("control_closed", f"closed with {code}", {"code": code})]
        if code == DONE:
            self.done = True
        elif self.connections < MAX_CONNECTIONS and self._reconnects:
            outputs += [] if self._new else self._abandon()
            self._later(now)
        return outputs

    def said(self, socket: int, text: str, now: float) -> list[Output]:
        """Take one message of the application."""
        if socket != self._socket or not self._up:
            return []
        size = len(text.encode())
        if size > MAX_MESSAGE_BYTES:
            note = Note("too_big", f"a message of {size} bytes; the platform takes {MAX_MESSAGE_BYTES}")
            return [note, CloseControl(socket, TOO_BIG), *self.closed(socket, TOO_BIG, now)]
        try:
            return self._understood(json.loads(text), now)
        except ValueError as error:
            wrong = str(error) if isinstance(error, _InvalidMessageError) else "Unexpected token, not valid JSON"
            told = {"msg": "InvalidMessage", "details": wrong, "content": text}
            return [Note("invalid_message", wrong), *self.request("jambonz:error", "/error", told, now)]

    # --- within ---

    def _connect(self) -> list[Output]:
        self._socket, self._connecting, self._retry_s = next(self._sockets), True, None
        return [OpenControl(self._socket, self.url, self._auth)]

    def _later(self, now: float) -> None:
        self._retry_s = now + self._backoff_s
        self._backoff_s = self._backoff_s * 2 if self._backoff_s < LONG_BACKOFF_S else self._backoff_s + LONG_BACKOFF_S

    def _reconnect(self, now: float) -> list[Output]:
        unacked = self._in_flight.pop(self._new, None) if self._new else None
        sent = self._send(RECONNECT, self.url, self._session, now, ref="", instead_of=unacked)
        self._again, self._stuck = next(reversed(self._in_flight)), False
        if unacked:
            self._new = self._again
        return sent

    def _send(
        self, kind: str, hook: Any, body: JsonObject, now: float, *, ref: str, instead_of: _InFlight | None = None
    ) -> list[Output]:
        self._messages += 1
        msgid = f"{self._call_sid[:8]}-{self._messages}"
        if kind in {"session:new", "session:adulting"}:
            self._session = body
        if kind == "session:new":
            self._new = msgid
        told = {"hook": hook_url(hook)} if kind in WITH_HOOK else {}
        message = {"type": kind, "msgid": msgid, "call_sid": self._call_sid, **told, "data": body}
        if instead_of:
            self._in_flight[msgid] = _InFlight(instead_of.kind, instead_of.ref, None)
        elif kind not in UNACKED:
            self._in_flight[msgid] = _InFlight(kind, ref, now + RESPONSE_TIMEOUT_S)
        name = f"to_app:{kind}"
        return [SendControl(self._socket, wire(message).decode()), Note(name, hook_url(hook) or kind, body)]

    def _flush(self, now: float) -> list[Output]:
        waiting, self._queue = sorted(self._queue, key=lambda one: one.kind in UNACKED), []
        return [output for one in waiting for output in self.request(one.kind, one.hook, one.body, now, one.ref)]

    def _abandon(self) -> list[Output]:
        return [
            output
            for msgid in list(self._in_flight)
            for output in self._failed(msgid, f"abandoning msgid {msgid} since socket is closed")
        ]

    def _failed(self, msgid: str, why: str) -> list[Output]:
        one = self._in_flight.pop(msgid)
        if one.kind != RECONNECT:
            return [Unacked(one.ref, why)]
        self._again = None
        waiting, self._queue = self._queue, []
        lost = [Unacked(each.ref, why) for each in waiting if each.kind not in UNACKED]
        return [Lost(f"{RECONNECT}: {why}"), *lost]

    def _understood(self, message: Any, now: float) -> list[Output]:
        told: JsonObject = message if isinstance(message, dict) else {}
        _needs(told, "type")
        match told["type"]:
            case "ack":
                _needs(told, "msgid")
                return self._acked(str(told["msgid"]), told.get("data"), now)
            case "command":
                _needs(told, "command")
                if not _true(told.get("data")) and told["command"] not in WITHOUT_DATA:
                    raise _InvalidMessageError("data property not supplied")
                return [Commanded(told)]
            case other:
                raise _InvalidMessageError(f"invalid type property: {other}")

    def _acked(self, msgid: str, data: Any, now: float) -> list[Output]:
        self._new = None
        one = self._in_flight.pop(msgid, None)
        if one is None:
            return [Note("ignored", f"ack to unknown msgid {msgid}, discarding")]
        outputs: list[Output] = [] if one.kind == RECONNECT else [Acked(one.ref, data)]
        if msgid == self._again and one.kind != RECONNECT:
            self._stuck = True
        elif msgid == self._again:
            self._again = None
            outputs += self._flush(now)
        return outputs


class _InvalidMessageError(ValueError):
    """In the words of jambonz:error."""


def _needs(message: JsonObject, name: str) -> None:
    if not message.get(name):
        supplied = "msgid not supplied" if name == "msgid" else f"{name} property not supplied"
        raise _InvalidMessageError(supplied)


def _true(value: Any) -> bool:
    """Tell whether JavaScript takes it for true: every list and every object is."""
    return isinstance(value, dict | list) or bool(value)


def _shown(url: str) -> str:
    """Leave the credentials and the query of an address out."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
