"""The application that a call is with, by webhooks or over a control socket; a redirect may leave it for another.

Sources: jambonz-feature-server lib/tasks/redirect.js, lib/utils/{http,ws}-requestor.js.
"""

from dataclasses import replace
from itertools import count
from typing import Any

from sim.platform.bodies import JsonObject
from sim.platform.manner import Manner
from sim.platform.requestor import HttpRequestor, Output, Requestor, hook_url, is_http, is_socket
from sim.platform.ws_requestor import WsRequestor

DONE = 1000


class Application:
    def __init__(self, url: str, call_sid: str, manner: Manner) -> None:
        self.manner = manner
        self._call_sid = call_sid
        self._sockets = count(1)
        self._requestor = self._reach(url)

    @property
    def url(self) -> str:
        return self._requestor.url

    @property
    def waits_for_commands(self) -> bool:
        return self._requestor.waits_for_commands

    @property
    def busy(self) -> bool:
        """Whether something is still to be acknowledged."""
        return isinstance(self._requestor, WsRequestor) and self._requestor.pending

    def next_due(self) -> float | None:
        return self._requestor.next_due()

    def request(self, kind: str, hook: Any, body: JsonObject, now: float, ref: str = "") -> list[Output]:
        return self._requestor.request(kind, hook, body, now, ref)

    def redirect(self, hook: Any, body: JsonObject, now: float, ref: str, *, by_verb: bool) -> list[Output]:
        """Ask for other verbs; the other transport, or another server that a verb names, is another application."""
        url, old = hook_url(hook), self._requestor
        on_socket = isinstance(old, WsRequestor)
        moves = is_http(url) or (by_verb and is_socket(url)) if on_socket else is_socket(url) or by_verb
        if not moves or not (is_http(url) or is_socket(url)):
            return old.request("session:redirect", hook, body, now, ref)
        self.manner = replace(self.manner, auth=None)
        self._requestor = self._reach(url)
        kind = "session:new" if is_socket(url) and not on_socket else "session:redirect"
        return [*old.close(DONE), *self._requestor.request(kind, url, body, now, ref)]

    def close(self, code: int) -> list[Output]:
        return [] if self.done else self._requestor.close(code)

    @property
    def done(self) -> bool:
        return not isinstance(self._requestor, WsRequestor) or self._requestor.done

    def advance(self, now: float) -> list[Output]:
        return self._requestor.advance(now)

    def opened(self, now: float) -> list[Output]:
        return self._requestor.opened(now) if isinstance(self._requestor, WsRequestor) else []

    def not_opened(self, why: str, now: float, *, retry: bool) -> list[Output]:
        socket = self._requestor
        return socket.not_opened(why, now, retry=retry) if isinstance(socket, WsRequestor) else []

    def said(self, socket: int, text: str, now: float) -> list[Output]:
        return self._requestor.said(socket, text, now) if isinstance(self._requestor, WsRequestor) else []

    def closed(self, socket: int, code: int, now: float) -> list[Output]:
        return self._requestor.closed(socket, code, now) if isinstance(self._requestor, WsRequestor) else []

    def _reach(self, url: str) -> Requestor:
        auth = self.manner.auth
        if not is_socket(url):
            return HttpRequestor(url, auth)
        return WsRequestor(url, self._call_sid, self._sockets, auth, reconnects=self.manner.reconnects)
