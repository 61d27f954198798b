"""An application with a websocket, without a network: what it is told, and what it answers."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from hooks.applications import websocket
from hooks.control_socket import ControlSocket, Effect, Send
from hooks.transports.base import HookBroken, HookUnreachable
from tests.calls.exchange import JsonObject

URL = "wss://app.example.com/ws"


class ApplicationSocket:
    """Every call's; `answers` are the data of its acks, by the message's type or its hook, `first` that of the first.

    Without one here it acknowledges with nothing.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *first: JsonObject) -> None:
        self.answers: dict[str, Any] = {"session:new": list(first)}
        self.heard: list[JsonObject] = []
        self.closed_with: list[int] = []
        self.lines: list[StillSocket] = []
        self.urls: dict[str, str] = {}
        monkeypatch.setattr(websocket, "Line", self._line)

    def _line(
        self,
        url: str,
        session: ControlSocket,
        perform: Callable[[Effect], None],
        *,
        call_sid: str,
        heartbeat_s: float,
        send_timeout_s: float,
    ) -> "StillSocket":
        assert (url.removesuffix("/adulting"), heartbeat_s, send_timeout_s) == (URL, 20.0, 10.0)
        self.urls[call_sid] = url
        self.lines.append(StillSocket(self, session, perform, call_sid))
        return self.lines[-1]

    def told(self, kind: str) -> list[Any]:
        """Give the data of every message of this type."""
        return [message["data"] for message in self.heard if message["type"] == kind]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(message["type"], message.get("hook", "")) for message in self.heard]

    def commands(self, name: str, data: Any = None, **more: Any) -> None:
        self.lines[-1].says({"type": "command", "command": name, "data": data, **more})


class StillSocket:
    """In place of a call's line: it is open at once, and never breaks."""

    def __init__(
        self,
        application: ApplicationSocket,
        session: ControlSocket,
        perform: Callable[[Effect], None],
        call_sid: str,
    ) -> None:
        self._application = application
        self._session = session
        self._perform = perform
        self._settled, self._left = asyncio.Event(), asyncio.Event()
        self.call_sid = call_sid
        self.open = True
        self.failure = HookUnreachable("no connection")

    async def settled(self) -> None:
        await self._settled.wait()

    async def send(self, text: str) -> None:
        if not self.open:
            raise HookBroken("the application's socket is gone")
        message = json.loads(text)
        assert message["call_sid"] == self.call_sid
        self._application.heard.append(message)
        answers = self._application.answers
        if message["type"] == "llm:tool-call":
            call_id = message["data"]["tool_call_id"]
            self.says({"type": "command", "command": "llm:tool-output", "tool_call_id": call_id, "data": {"ok": True}})
        else:
            data = answers.get(message.get("hook", ""), answers.get(message["type"]))
            self.says({"type": "ack", "msgid": message["msgid"], "data": data})

    async def stay(self) -> None:
        await self._do(self._session.opened())
        await self._left.wait()

    async def close(self, code: int) -> None:
        self._application.closed_with.append(code)
        self.open = False
        self._session.finish()
        self._settled.set()
        self._left.set()

    def says(self, message: JsonObject) -> None:
        for effect in self._session.said(json.dumps(message)):
            if isinstance(effect, Send):
                self._application.heard.append(json.loads(effect.text))
            else:
                self._perform(effect)
        if self._session.up:
            self._settled.set()

    async def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert isinstance(effect, Send)
            await self.send(effect.text)
