"""A call's session with a websocket application: the platform's side of `ws.jambonz.org`, without its socket. Pure.

    opened ──session:new──▶ greeting ──ack: the call's verbs──▶ up ──ask──▶ (ack: verbs)   tell ──▶
       ▲                                                        │
       └── session:reconnect, acked; what has no answer yet ◀── dropped       closed with 1000: done

Sources: jambonz-feature-server lib/utils/ws-requestor.js (messages, acks, reconnecting) and lib/session/call-session.js
(commands). Where that ends the call, this goes on without the application: a call that talks is worth more.
"""

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from hooks.strict_json import MAX_DEPTH, is_deeper_than, read_json

PROTOCOL: Final = "ws.jambonz.org"
NEW: Final = "session:new"
"How a call's first connection begins, unless it is another one's leg."
RECONNECT: Final = "session:reconnect"
"How every later one begins; the first one too of a process that takes the call over."
MAX_CONNECTIONS: Final = 5
"Of one call, as on the platform; the first is one of them."
WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 6.0)
"Before each further try; there are no more than these until one has led to a session that is up."
DONE: Final = 1000
"The close code by which an application says that it wants nothing more."
WORDS_CHARS: Final = 300
NAME_CHARS: Final = 64
"Of a command, in whatever is said of it; none that is known is as long."
SCHEME: Final = "app://"

MESSAGE_OF: Final = {"event": "llm:event", "tool": "llm:tool-call", "action": "verb:hook", "status": "call:status"}
"What a hook of each kind is on the socket, unless its address says otherwise."
ANSWERED: Final = frozenset({"verb:hook", "dial:confirm", "session:redirect", "session:adulting"})
"What an application acknowledges with verbs, or with nothing; all else it is only told."
PASSED_ON: Final = frozenset({"jambonz:error", "tts:streaming-event", "tts:tokens-result", "verb:status"})
"What the platform tells unasked, and we as it does."
OTHERS: Final = ANSWERED | PASSED_ON
"The messages that an address may name."
WITHOUT_HOOK: Final = PASSED_ON | {"call:status", "session:adulting"}
WITHOUT_DATA: Final = frozenset({"llm:interrupt", "llm:reset", "llm:tool-output", "tts:flush", "tts:clear"})
"Commands that need no `data`."


class Address(NamedTuple):
    """Where a hook is reached that goes over its call's socket: `app://CALL/HOOK#MESSAGE`, HOOK as it was written."""

    call_sid: str
    hook: str
    message: str = ""
    "Empty: what its kind is."

    def url(self) -> str:
        fragment = f"#{self.message}" if self.message else ""
        return f"{SCHEME}{quote(self.call_sid, safe='')}/{self.hook.partition('#')[0]}{fragment}"


def key_of(call_sid: str) -> str:
    return quote(call_sid, safe="")


def read_address(url: str) -> Address:
    """Read what `Address.url` gives; its `call_sid` is still quoted (`key_of`)."""
    call, _, rest = url.removeprefix(SCHEME).partition("/")
    hook, _, message = rest.partition("#")
    return Address(call, hook, message)


class Send(NamedTuple):
    text: str


class Greeted(NamedTuple):
    """The application has said what the call does; its answer, not yet looked at."""

    data: Any


class Answered(NamedTuple):
    """What was asked has its answer."""

    msgid: str
    data: Any


class Command(NamedTuple):
    """What the application wants, unasked."""

    name: str
    data: Any = None
    queued: bool = False
    "Whether verbs come after those that the call has."
    tool_call_id: str = ""
    call_sid: str = ""
    "Of the leg that is meant, where one is named."


Effect = Send | Greeted | Answered | Command


class ControlSocket:
    """One call's session; see the theory above. Whoever holds the socket performs the effects, in their order."""

    def __init__(self, call_sid: str, body: str, *, new_id: Callable[[], str], greeting: str = NEW) -> None:
        """`body` is the call webhook's, as JSON; `new_id` makes the ids of messages; `greeting` is the first one."""
        self._call_sid = call_sid
        self._body = body
        self._new_id = new_id
        self._first = greeting
        self._greeting = ""
        self._greeted = greeting == RECONNECT
        self._connections = 0
        self._failures = 0
        self._unanswered: dict[str, str] = {}
        self.up = False
        "Whether what is told and asked can be sent."
        self.left = False
        "Whether the application has said that it wants nothing more."
        self.done = False
        "Whether there is nobody to talk to any more."

    def next_try_s(self) -> float | None:
        """How long to wait before the next connection; None: there is to be none."""
        if self.done or self._connections >= MAX_CONNECTIONS or self._failures > len(WAITS_S):
            self.done = True
            return None
        if self._failures:
            return WAITS_S[self._failures - 1]
        return WAITS_S[0] if self._connections else 0.0

    def opened(self) -> list[Effect]:
        """Its socket is open."""
        self._connections += 1
        self._greeting = self._new_id()
        type_ = RECONNECT if self._connections > 1 else self._first
        return [Send(self._message(type_, self._greeting, "", self._body))]

    def failed(self, *, refused: bool = False) -> None:
        """No connection came about. Who has never had one and is `refused` need not try again."""
        self._failures += 1
        self.done = self.done or (refused and not self._greeted)

    def closed(self, code: int | None) -> None:
        """Its socket is gone."""
        if not self.up:
            self._failures += 1
        self.up = False
        if code == DONE and not self.done:
            self.left = self.done = True

    def finish(self) -> None:
        """The call is over."""
        self.up, self.done = False, True
        self._body, self._unanswered = "{}", {}  # it is never told again

    def tell(self, address: Address, kind: str, body: str) -> str:
        """Give the message by which the application is told something; only while `up`."""
        return self._message(address.message or MESSAGE_OF[kind], self._new_id(), address.hook, body)

    def ask(self, address: Address, kind: str, body: str) -> tuple[str, str]:
        """Give the id and the message by which the application is asked something; sent again after a drop."""
        msgid = self._new_id()
        self._unanswered[msgid] = self._message(address.message or MESSAGE_OF[kind], msgid, address.hook, body)
        return msgid, self._unanswered[msgid]

    def give_up(self, msgid: str) -> None:
        """Nobody waits for this answer any more."""
        self._unanswered.pop(msgid, None)

    def complain(self, details: str, content: str = "") -> str:
        """Give the message by which jambonz tells an application of its mistake."""
        data = {"msg": "InvalidMessage", "details": details, "content": content[:WORDS_CHARS]}
        return self._message("jambonz:error", self._new_id(), "", json.dumps(data))

    def said(self, wire: str | bytes) -> list[Effect]:
        """Take what the application says. What makes no sense is answered, and hurts nothing."""
        text = wire if isinstance(wire, str) else wire.decode(errors="replace")
        try:
            message = read_json(text)
        except ValueError:
            return [Send(self.complain("not valid JSON", text))]
        if is_deeper_than(message, MAX_DEPTH):
            return [Send(self.complain(f"nested more than {MAX_DEPTH} deep", text))]
        match message:
            case {"type": "ack", "msgid": str(msgid)}:
                return self._acked(msgid, message.get("data"))
            case {"type": "command", "command": str(name)} if name in WITHOUT_DATA or "data" in message:
                tool_call_id = str(message.get("tool_call_id") or "")
                queued = message.get("queueCommand") is True
                call_sid = str(message.get("callSid") or "")
                return [Command(name[:NAME_CHARS], message.get("data"), queued, tool_call_id, call_sid)]
            case _:
                return [Send(self.complain(_fault(message), text))]

    def _acked(self, msgid: str, data: Any) -> list[Effect]:
        """An ack of what nobody asked is dropped, as jambonz does: its SDKs acknowledge more than they must."""
        if msgid == self._greeting and not self.up:
            self.up, self._failures = True, 0
            again: list[Effect] = [Send(text) for text in self._unanswered.values()]
            if self._greeted:
                return again
            self._greeted = True
            return [Greeted(data), *again]
        if self._unanswered.pop(msgid, None) is None:
            return []
        return [Answered(msgid, data)]

    def _message(self, type_: str, msgid: str, hook: str, body: str) -> str:
        """Put a body, which is JSON already, into its envelope."""
        head = {"type": type_, "msgid": msgid, "call_sid": self._call_sid}
        if hook and type_ not in WITHOUT_HOOK:
            head["hook"] = hook
        return f'{json.dumps(head)[:-1]}, "data": {body}}}'


def _fault(message: Any) -> str:
    match message:
        case {"type": "ack"}:
            return "msgid property not supplied"
        case {"type": "command", "command": str()}:
            return "data property not supplied"
        case {"type": "command"}:
            return "command property not supplied"
        case {"type": _}:
            return "type must be ack or command"
        case _:
            return "type property not supplied"
