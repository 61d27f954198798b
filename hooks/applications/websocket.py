"""A jambonz application behind us that is asked over a websocket: we are its platform, with one socket per call.

What it says is decided on in `hooks/control_socket.py`, the socket is in `line.py`; here is the waiting for answers. It
may send us 256 KiB at once, where a platform takes 24: what then goes to the platform is bounded there.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urldefrag, urlsplit
from uuid import uuid4

import structlog

from egress.origins import Origin
from hooks.applications.base import absolute, over_socket
from hooks.applications.line import ACK_TIMEOUT_S, Line
from hooks.control_socket import (
    ANSWERED,
    DONE,
    MESSAGE_OF,
    NEW,
    OTHERS,
    RECONNECT,
    Address,
    Answered,
    Command,
    ControlSocket,
    Effect,
    Greeted,
    read_address,
)
from hooks.replies import verbs_in
from hooks.transports.app import AppTransport
from hooks.transports.base import HookBroken, HookFailure, HookReply, HookRequest, HookTimeout
from tasks import Tasks
from verbs.base import JsonObject

log = structlog.get_logger(__name__)

MAX_COMMANDS: Final = 100
"That wait to be carried out; more are dropped."
MAX_KINDS: Final = 20
"Of commands whose refusal is told in the log, each of them once a call."
BAD_DOCUMENT: Final = 1001
"How jambonz closes the socket of an application whose first document it cannot run."
JSON: Final = "application/json"

Heed = Callable[[Command], Awaitable[str | None]]
"Carries a command out; gives why it was not."
Gone = Callable[[], None]
"Hears that the application commands nothing more, while its call goes on."


class Websocket:
    """The application of one call; lives from `answer`, or `resume`, to `close`."""

    written_here = False
    trusted: Collection[Origin] = ()

    def __init__(
        self,
        url: str,
        *,
        call_sid: str,
        transport: AppTransport,
        heed: Heed,
        greeting: str = NEW,
        gone: Gone,
        patience_s: float,
        heartbeat_s: float,
        send_timeout_s: float,
    ) -> None:
        """`patience_s`: for the first verbs, at most; jambonz' own 5 s where it is more."""
        self._url = urldefrag(url).url
        self.origin = urlsplit(url)._replace(path="", query="", fragment="").geturl()
        self._call_sid = call_sid
        self._transport = transport
        self._heed = heed
        self._greeting = greeting
        self._gone = gone
        self._patience_s = min(patience_s, ACK_TIMEOUT_S)
        self._heartbeat_s = heartbeat_s
        self._send_timeout_s = send_timeout_s
        self._tasks = Tasks()
        self._commands: asyncio.Queue[Command] = asyncio.Queue(MAX_COMMANDS)
        self._refused: set[str] = set()
        self._first: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers: dict[str, asyncio.Future[Any]] = {}
        "What was asked and has no answer yet: by the message's id, or a tool's by the call's."
        self._line: Line | None = None

    # The application, as a call sees it

    @property
    def commanding(self) -> bool:
        return self._line is not None and not self._session.done

    async def answer(self, attributes: JsonObject) -> list[JsonObject]:
        line = self._opening(attributes, self._greeting)
        try:
            return await self._verbs(line)
        except HookFailure:
            await self._shut(BAD_DOCUMENT)
            raise

    def taken(self) -> None:
        """Keep its socket, which is for the rest of the call, too; its first verbs are the call's now."""
        self._first = asyncio.get_running_loop().create_future()

    def resume(self, attributes: JsonObject) -> None:
        """Come back to the application, as after a break: what it is told, and wants, goes on."""
        self._opening(attributes, RECONNECT)

    def address(self, hook: object) -> str | None:
        """Give a whole http(s) URL as it is; all but a ws(s) URL is a name that the application knows, on its socket.

        `message` of an object says what it is there, where that is no `verb:hook`.
        """
        written = hook.get("url") if isinstance(hook, dict) else hook
        if (whole := absolute(written, None)) or not isinstance(written, str) or not written or over_socket(written):
            return whole
        message = hook.get("message") if isinstance(hook, dict) else ""
        return Address(self._call_sid, written, message if message in OTHERS else "").url()

    async def close(self) -> None:
        await self._shut(DONE)

    def _opening(self, attributes: JsonObject, greeting: str) -> Line:
        body = json.dumps(attributes)
        self._session = ControlSocket(self._call_sid, body, new_id=lambda: uuid4().hex, greeting=greeting)
        line = self._line = Line(
            self._url,
            self._session,
            self._perform,
            call_sid=self._call_sid,
            heartbeat_s=self._heartbeat_s,
            send_timeout_s=self._send_timeout_s,
        )
        self._transport.join(self._call_sid, self)
        self._tasks.start(self._stay(line))
        self._tasks.start(self._obey(line))
        return line

    async def _verbs(self, line: Line) -> list[JsonObject]:
        try:
            async with asyncio.timeout(self._patience_s):
                said = json.dumps(await self._first).encode()
        except TimeoutError:
            raise (HookTimeout(f"no ack within {self._patience_s:g} s") if line.open else line.failure) from None
        verbs, complaint = verbs_in(HookReply(HTTPStatus.OK, JSON, said))
        if not verbs:
            raise HookFailure(complaint or "the application gave no verbs")
        return verbs

    # Its hooks, as the transport sees them

    async def carry(self, request: HookRequest) -> HookReply:
        if self._line is None:
            return HookReply(HTTPStatus.GONE)
        await self._line.settled()
        if self._session.left and request.kind != "tool":  # jambonz, too, drops what it would have been told
            return HookReply(HTTPStatus.NO_CONTENT)
        if self._session.done:
            return HookReply(HTTPStatus.GONE)
        address, body = read_address(request.url), request.body.decode()
        if request.kind == "tool":
            return await self._call_tool(self._line, address, body)
        if (address.message or MESSAGE_OF[request.kind]) in ANSWERED:
            return await self._ask(self._line, address, request.kind, body)
        await self._line.send(self._session.tell(address, request.kind, body))
        return HookReply(HTTPStatus.NO_CONTENT)

    async def _ask(self, line: Line, address: Address, kind: str, body: str) -> HookReply:
        msgid, text = self._session.ask(address, kind, body)
        try:
            data = await self._answer_to(msgid, line, text, again=True)
        finally:
            self._session.give_up(msgid)
        if not isinstance(data, list):  # jambonz goes on with the verbs that it has
            return HookReply(HTTPStatus.NO_CONTENT)
        return HookReply(HTTPStatus.OK, JSON, json.dumps(data).encode())

    async def _call_tool(self, line: Line, address: Address, body: str) -> HookReply:
        """Wait for the output, which comes as a command; a drop meanwhile changes nothing about that."""
        text = self._session.tell(address, "tool", body)
        data = await self._answer_to(json.loads(body)["tool_call_id"], line, text, again=False)
        return HookReply(HTTPStatus.OK, JSON, json.dumps(data).encode())

    async def _answer_to(self, id_: str, line: Line, text: str, *, again: bool) -> Any:
        """Send a message and wait for its answer; `again`: what is lost is sent again when the socket is back."""
        answer = self._answers[id_] = asyncio.get_running_loop().create_future()
        try:
            try:
                await line.send(text)
            except HookBroken:
                if not again:
                    raise
            return await answer
        finally:
            self._answers.pop(id_, None)

    async def _stay(self, line: Line) -> None:
        try:
            await line.stay()
        finally:  # nothing more will come: whoever waits for it hears that
            for waiting in (self._first, *self._answers.values()):
                if not waiting.done():
                    waiting.set_exception(line.failure)
                    waiting.exception()  # seen: that nobody waits for it is no fault
            if self._line is line:  # it has left us, not we it
                self._gone()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Greeted(data):
                self._resolve(self._first, data)
            case Answered(msgid, data):
                self._resolve(self._answers.get(msgid), data)
            case Command(tool_call_id=call_id, data=data) if call_id in self._answers:
                self._resolve(self._answers[call_id], data)
            case Command():
                self._queue(effect)

    @staticmethod
    def _resolve(waiting: "asyncio.Future[Any] | None", data: Any) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(data)

    # Its commands

    def _queue(self, command: Command) -> None:
        try:
            self._commands.put_nowait(command)
        except asyncio.QueueFull:
            self._tell_refused(command, "too many")

    async def _obey(self, line: Line) -> None:
        """Carry the commands out in their order, beside the reading: one of them may ask the application something."""
        while True:
            command = await self._commands.get()
            if complaint := await self._heeded(command):
                self._tell_refused(command, complaint)
                with suppress(HookBroken):
                    await line.send(self._session.complain(complaint, command.name))

    def _tell_refused(self, command: Command, why: str) -> None:
        """Log the first refusal of each kind: the application hears of every one."""
        if command.name not in self._refused and len(self._refused) < MAX_KINDS:
            self._refused.add(command.name)
            log.warning("application.command_refused", call_sid=self._call_sid, command=command.name, why=why)

    async def _heeded(self, command: Command) -> str | None:
        try:
            return await self._heed(command)
        except Exception:
            log.exception("application.command_failed", call_sid=self._call_sid, command=command.name)
            return "internal error"

    # The end

    async def _shut(self, code: int) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._transport.leave(self._call_sid, self)
            try:
                await line.close(code)
            finally:
                await self._tasks.cancel()
