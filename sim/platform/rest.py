"""A fake REST API: outbound calls, and live control of them, as jambonz-api-server and its feature server answer.

`POST /v1/Accounts/{sid}/Calls` places a call to somebody whom this platform plays; when they answer, the application
is asked for verbs as for any other call. Sources: jambonz-api-server lib/routes/api/accounts.js, jambonz-feature-server
lib/http-routes/api/*.js, lib/tasks/rest_dial.js.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web

from sim.happening import Watcher
from sim.platform.amd import Found
from sim.platform.bodies import JsonObject, identify
from sim.platform.client import Answering, Dial, LiveCall
from sim.platform.manner import Manner
from sim.platform.requestor import hook_url
from sim.platform.rest_checks import BadRequestError, address, check_create, check_update, incompatible

FILTERS = {"direction": "direction", "from": "from", "to": "to", "callStatus": "call_status"}
Attend = Callable[[LiveCall], Awaitable[None]]
"Plays the callee: says something, presses keys, hangs up."
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Account:
    """What the portal knows. `application`: its hooks, secret and manner; the identity in it is not used."""

    application: Dial
    api_key: str
    account_sid: str = field(default_factory=lambda: str(uuid.uuid4()))
    application_sid: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How whoever is called behaves."""

    answering: Answering = field(default_factory=Answering)
    found: Found | None = "human"
    "What answering machine detection takes them for."
    attend: Attend | None = None


class RestPlatform:
    """`calls` are all there ever were, by call_sid; `watch` is told what happens on each."""

    def __init__(self, account: Account, watch: Watcher, behaviour: Behaviour | None = None) -> None:
        self.account = account
        self.calls: dict[str, LiveCall] = {}
        self._watch, self._behaviour = watch, behaviour or Behaviour()
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve until the block ends; yields the base URL, http://host:port/v1. Port 0: a free one."""
        application = web.Application(middlewares=[self._guard])
        calls = "/v1/Accounts/{account}/Calls"
        application.router.add_post(calls, self._create)
        application.router.add_get(calls, self._list)
        application.router.add_get("/v1/Accounts/{account}/CallCount", self._count)
        one = calls + "/{call}"
        application.router.add_get(one, self._show)
        application.router.add_delete(one, self._forget)
        application.router.add_put(one, self._update)
        application.router.add_post(one, self._update)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield f"http://{host}:{runner.addresses[0][1]}/v1"
        finally:
            await self._end()
            await runner.cleanup()

    async def _end(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.account.api_key}":
            return web.Response(status=401, text="Unauthorized")
        try:
            for sid in request.match_info.values():
                _check_sid(sid)
            if request.match_info.get("account", self.account.account_sid) != self.account.account_sid:
                return web.json_response({"msg": "insufficient permissions"}, status=403)
            return await handler(request)
        except BadRequestError as error:
            return web.json_response({"msg": str(error)}, status=400)

    async def _create(self, request: web.Request) -> web.Response:
        body = await _body(request)
        check_create(body, self.account.application_sid)
        dial = self._dial(body)
        live = LiveCall(dial, self._watch)
        self.calls[dial.identity.call_sid] = live
        task = asyncio.create_task(self._run(live))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return web.json_response({"sid": dial.identity.call_sid, "callId": dial.identity.call_id}, status=201)

    def _dial(self, body: JsonObject) -> Dial:
        account, behaviour = self.account, self._behaviour
        to, tag = address(body["to"]), body.get("tag") or {}
        identity = identify(body["from"], to, _unique, direction="outbound", customer_data=tag)
        identity = replace(identity, account_sid=account.account_sid, application_sid=account.application_sid)
        answering = replace(behaviour.answering, amd_hook=(body.get("amd") or {}).get("actionHook"))
        manner = replace(account.application.manner, found=behaviour.found)
        dial = replace(account.application, identity=identity, outbound=answering, manner=manner)
        return dial if body.get("application_sid") else _with_hooks(dial, body)

    async def _run(self, live: LiveCall) -> None:
        attending = asyncio.create_task(_attend(self._behaviour.attend, live))
        try:
            await live.run()
        finally:
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = {FILTERS[name]: value for name, value in request.query.items() if name in FILTERS}
        infos = (live.info for live in self.calls.values())
        return web.json_response([info for info in infos if all(info[key] == wanted[key] for key in wanted)])

    async def _count(self, _request: web.Request) -> web.Response:
        outbound = sum(live.over is None for live in self.calls.values())
        return web.json_response({"outbound": outbound, "inbound": 0})

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._found(request.match_info).info)

    async def _forget(self, request: web.Request) -> web.Response:
        """Forget the record of a call; it goes on."""
        self._found(request.match_info)
        del self.calls[request.match_info["call"]]
        return web.Response(status=204)

    async def _update(self, request: web.Request) -> web.Response:
        body = await _body(request)
        check_update(body)
        live, sid = self._found(request.match_info), request.match_info["call"]
        over = live.over is not None
        why = incompatible(body, sid, over=over, answered=live.answered, ringing=not live.answered)
        if why:
            return web.Response(status=422, text=why, content_type="text/html")
        live.update(body)
        if body.get("sip_request"):
            return web.json_response({"status": 200, "reason": "OK"})
        return web.Response(status=202, text="Accepted")

    def _found(self, names: Mapping[str, str]) -> LiveCall:
        live = self.calls.get(names["call"])
        if live is None:
            raise web.HTTPNotFound(text="Not Found")
        return live


async def _attend(attend: Attend | None, live: LiveCall) -> None:
    if attend:
        await attend(live)


def _with_hooks(dial: Dial, body: JsonObject) -> Dial:
    """Ask another application than the account's own; it has credentials of its own, if any."""
    hook = body["call_hook"] if isinstance(body["call_hook"], dict) else {}
    auth = (hook["username"], hook["password"]) if hook.get("username") and hook.get("password") else None
    status_hook = hook_url(body.get("call_status_hook")) or None
    manner: Manner = replace(dial.manner, auth=auth)
    return replace(dial, call_hook=hook_url(body["call_hook"]), status_hook=status_hook, manner=manner)


async def _body(request: web.Request) -> JsonObject:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise BadRequestError("Bad request") from error
    return body if isinstance(body, dict) else {}


def _check_sid(sid: str) -> None:
    try:
        uuid.UUID(sid)
    except ValueError as error:
        raise BadRequestError("Bad request") from error


def _unique() -> str:
    return str(uuid.uuid4())
