"""Which application a route's calls have, and what it knows of the call."""

from collections.abc import Iterable
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from calls.dispatchers import signing_secrets
from calls.document import route_verbs
from calls.live import LiveCall
from config.settings import Route, Settings
from egress.origins import Origin
from hooks.applications.base import Application, over_socket
from hooks.applications.document import Document
from hooks.applications.http import Http
from hooks.applications.python import PythonApplication
from hooks.applications.websocket import Websocket
from hooks.asked import Call
from hooks.control_socket import NEW, SCHEME, Command
from hooks.dispatcher import Dispatcher
from hooks.filter import NOTHING
from hooks.functions import beside
from hooks.options import HookUrls
from hooks.transports.app import AppTransport
from media.platforms.base import Call as PlatformCall
from verbs.base import JsonObject

SOCKETS = ("ws://", "wss://")
ADULTING = "adulting"
NO_CHANGE = "a call cannot change to another websocket application: give its url to the route"
NO_SOCKET = "a hook that is a ws:// or wss:// URL is treated as none: write a path, or an https:// URL"


def call_of(call: PlatformCall, route: Route) -> Call:
    """Give a call as its application and its tools see it."""
    return Call(call.call_sid, call.caller, call.called, route.name, call.direction, call.attributes)


def status_hook(route: Route) -> str | None:
    """Give where a call's statuses are told. An application with a socket hears of them there, unless it says else."""
    return route.status_hook or ("call:status" if route.url and route.url.startswith(SOCKETS) else None)


def adulting_url(url: str) -> str:
    """Give where jambonz tells an application of it: below its websocket, else at its origin (place-outdial.js)."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{ADULTING}" if url.startswith(SOCKETS) else f"/{ADULTING}"
    return parts._replace(path=path, query=parts.query if url.startswith(SOCKETS) else "", fragment="").geturl()


def address(live: LiveCall, hook: object) -> str | None:
    """Give the URL of a hook; None: there is none, or it is one that nobody here can call, which is told."""
    if over_socket(hook):
        redirects = isinstance(hook, dict) and hook.get("message") == "session:redirect"
        live.log.warning("hook_not_supported", message=NO_CHANGE if redirects else NO_SOCKET)
        return None
    return live.application.address(hook)


def pass_on(live: LiveCall, message: str, body: JsonObject) -> None:
    """Pass on what the platform tells by a message, to an application with a socket: no other can hear it."""
    url = live.application.address({"url": message, "message": message})
    if url and url.startswith(SCHEME):
        live.hooks.tell(url, body)


class Obeys(Protocol):
    """Who hears what an application with a socket wants of its call."""

    async def heed(self, call_sid: str, command: Command) -> str | None:
        """Carry a command out, or say why not."""

    def left_alone(self, call_sid: str) -> None:
        """Take note that the application commands nothing more, and its call goes on."""


class Asking:
    """Makes the applications of calls."""

    def __init__(self, transport: AppTransport, obeying: Obeys) -> None:
        self._transport = transport
        self._obeying = obeying

    def grown(
        self,
        route: Route,
        settings: Settings,
        call: Call,
        dispatcher: Dispatcher,
        *,
        trusted: Iterable[tuple[str, str, int, bool]] = (),
    ) -> Application | None:
        """Make the application of a leg that became a call of its own; None where nobody is told of it."""
        if route.python:
            function = beside(settings.applications[route.name], ADULTING)
            if function is None:
                return None
            settings = settings.model_copy(update={"applications": {route.name: function}})
            target = f"{route.python.partition(':')[0]}:{ADULTING}"
            return self.application(
                route.model_copy(update={"python": target}), settings, call, dispatcher, trusted=trusted
            )
        if route.url is None:
            return None
        url = adulting_url(route.url)
        route = route.model_copy(update={"url": url})
        return self.application(route, settings, call, dispatcher, greeting=f"session:{ADULTING}", trusted=trusted)

    def application(
        self,
        route: Route,
        settings: Settings,
        call: Call,
        dispatcher: Dispatcher,
        *,
        greeting: str = NEW,
        trusted: Iterable[tuple[str, str, int, bool]] = (),
    ) -> Application:
        """Make the application of a call.

        `greeting`: what its first message is, over a socket. `trusted`: where its code has led in an earlier process.
        """
        base_url, timeout_s = settings.hooks.base_url, settings.hooks.action_timeout_s
        if route.python:
            function = settings.applications[route.name]
            return PythonApplication(
                function,
                call,
                target=route.python,
                base_url=base_url,
                timeout_s=timeout_s,
                trusted=[Origin(*origin) for origin in trusted],
            )
        if route.url is None:
            return Document(route_verbs(route, call.attributes), base_url=base_url)
        if not route.url.startswith(SOCKETS):
            signed_by = signing_secrets(route.hooks)
            hooks = dispatcher.for_call(call, urls=HookUrls(), wanted=NOTHING, signed_by=signed_by)
            return Http(route.url, ask=hooks.introduce, patience_s=timeout_s)
        return Websocket(
            route.url,
            call_sid=call.call_sid,
            transport=self._transport,
            heed=partial(self._obeying.heed, call.call_sid),
            greeting=greeting,
            gone=partial(self._obeying.left_alone, call.call_sid),
            patience_s=timeout_s,
            heartbeat_s=settings.server.heartbeat_s,
            send_timeout_s=settings.server.send_timeout_s,
        )
