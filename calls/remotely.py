"""The platform's REST API, by which calls are placed, and told what they have not asked."""

from dataclasses import dataclass, field
from time import time
from typing import Any

import structlog

from calls.control import ApiMissingError, CallUnreachableError, OrderError
from calls.document import Place
from calls.outbound import TAG, Placed, seal
from config.settings import PlatformApi, Settings
from config.urls import host_of, is_loopback
from media.platforms import PLATFORMS
from media.remote import Access, Application, Order, Remote, RemoteDialect, RemoteRefused, RemoteRequest
from verbs.base import JsonObject, did_you_mean

log = structlog.get_logger("calls")

REDIRECT = "hookswitch:redirect"
"A hook of a call that is our own to answer: what it is to do by our wish."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call to be placed, as an operator asks for it."""

    to: object
    caller: str
    route: str = ""
    "Nothing: as the call's number says."
    tag: JsonObject = field(default_factory=dict)
    amd: JsonObject | None = None
    consult: str = ""
    "The transfer for which it is made, see `Placed`."
    rings_s: float | None = None


class Remotely:
    """`remote` carries the requests. Nothing is remembered of the calls that are placed."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def possible(self, settings: Settings) -> bool:
        return settings.platform.api is not None and _dialect(settings) is not None

    async def place(self, wanted: Wanted, settings: Settings, place: Place) -> str:
        """Place a call, and give its sid.

        :raises ControlError: it cannot be placed
        :raises RemoteError: the platform has not placed it
        """
        dialect, api = _dialect(settings), settings.platform.api
        if api is None or dialect is None:
            raise ApiMissingError("platform.api")
        if settings.server.public_url is None and not is_loopback(host_of(api.base_url)):
            raise ApiMissingError("server.public_url, where the platform finds us when the call is answered")
        request = dialect.place(access(api), _order(wanted, settings, place, dialect))
        call_sid = dialect.placed(await self._remote.ask(access(api), request))
        log.info("call_placed", call_sid=call_sid, route=wanted.route)
        return call_sid

    def dialect(self, settings: Settings) -> RemoteDialect | None:
        """Give how the platform tells of the calls that are placed; None: it places none."""
        return _dialect(settings)

    async def redirect(self, call_sid: str, url: str, settings: Settings) -> None:
        """Let a call ask this URL what it does, now.

        :raises ControlError: there is no API
        :raises RemoteError: the platform has not done it
        """
        dialect, reach = _reach(settings)
        await self._tell(dialect, reach, dialect.redirect(reach, call_sid, url))

    async def hang_up(self, call_sid: str, settings: Settings) -> None:
        """End a call, whether it was answered or still rings.

        :raises ControlError: there is no API
        :raises RemoteError: the platform has not done it
        """
        dialect, reach = _reach(settings)
        try:
            await self._tell(dialect, reach, dialect.hang_up(reach, call_sid, answered=True))
        except RemoteRefused as refusal:
            if refusal.why != "state":
                raise
            await self._tell(dialect, reach, dialect.hang_up(reach, call_sid, answered=False))

    async def command(self, call_sid: str, name: str, data: Any, settings: Settings) -> bool:
        """Do what a command of the control socket does; False where the API has nothing for it.

        :raises ControlError: there is no API
        :raises RemoteError: the platform has not done it
        """
        dialect, reach = _reach(settings)
        if request := dialect.command(reach, call_sid, name, data):
            await self._tell(dialect, reach, request)
        return request is not None

    async def _tell(self, dialect: RemoteDialect, reach: Access, request: RemoteRequest) -> None:
        dialect.done(await self._remote.ask(reach, request))


def access(api: PlatformApi) -> Access:
    """Give the API's address; `/v1` is added where no version stands at its end (jambonz-api-server lib/routes)."""
    version = api.base_url.rpartition("/")[2]
    versioned = version[:1] == "v" and version[1:].isdecimal()
    base_url = api.base_url if versioned else f"{api.base_url}/v1"
    return Access(base_url, api.account_sid, api.api_key.get_secret_value(), api.timeout_s)


def _dialect(settings: Settings) -> RemoteDialect | None:
    return PLATFORMS[settings.platform.kind].rest


def _reach(settings: Settings) -> tuple[RemoteDialect, Access]:
    dialect, api = _dialect(settings), settings.platform.api
    if dialect is None or api is None:
        raise CallUnreachableError
    return dialect, access(api)


def _order(wanted: Wanted, settings: Settings, place: Place, dialect: RemoteDialect) -> Order:
    """Make the order: with our own hooks where the portal's application is not named.

    :raises OrderError: nobody can be called by that, or there is no such route
    """
    to = dialect.destination(wanted.to)
    if to is None:
        raise OrderError("`to` must be a number such as +15551230001, sip:…, user@realm, or {type: …} of the platform")
    if not wanted.caller.isprintable():
        raise OrderError("`from` holds a line break or another control character")
    names = [route.name for route in settings.routes]
    if wanted.route and wanted.route not in names:
        raise OrderError(f"there is no route {wanted.route!r}{did_you_mean(wanted.route, names)}")
    if TAG in wanted.tag:
        raise OrderError(f"`tag.{TAG}` is our own")
    route = next((route for route in settings.routes if route.name == wanted.route), None)
    hook = (wanted.amd or {}).get("actionHook")
    target = hook.get("url") if isinstance(hook, dict) else hook
    told = Placed(wanted.route, target if isinstance(target, str) else "", wanted.consult)
    placed = seal(told, place.secret, now_s=time())
    amd = {**(wanted.amd or {}), "actionHook": f"{place.public_url}/call/hook/{placed}"}
    by_route = route is not None and route.amd_hook is not None and not wanted.consult
    listens = wanted.amd is not None or by_route
    return Order(
        to,
        wanted.caller,
        _application(settings, place),
        {**wanted.tag, TAG: placed},
        amd if listens else None,
        wanted.rings_s,
    )


def _application(settings: Settings, place: Place) -> str | Application:
    api, auth = settings.platform.api, settings.platform.basic_auth
    if api and api.application_sid:
        return api.application_sid
    basic = (auth.username, auth.password.get_secret_value()) if auth else None
    return Application(f"{place.public_url}/call", f"{place.public_url}/call/status", basic)
