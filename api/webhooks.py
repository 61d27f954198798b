"""What the platform asks over HTTP: what to do with a call, what next, and what it tells of it.

Toward jambonz never 201, never a 5xx, never a JSON content type with an empty body: each of them ends the call
(feature-server lib/utils/http-requestor.js). So a fault of ours is answered with verbs that are valid.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import time
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from api import trust
from calls.document import FAULT, Place, Seat
from calls.outbound import unseal
from calls.switchboard import Switchboard
from config.settings import Settings
from media.platforms import PLATFORMS
from media.platforms.base import CallDialect, PlatformError, read_json, read_mended_json
from media.ticket import Purpose, Ticket, read
from verbs.base import JsonObject

log = structlog.get_logger("api")

MAX_BODY_BYTES = 256 * 1024
FOR_PLATFORM = ("/call", "/adulting", "/media")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Count = Callable[[str], None]
"Told the reason of each request that is refused: one of a few words."


class Webhooks:
    """The handlers. `base_url` gives this server's own URL where no public one is configured."""

    def __init__(self, switchboard: Switchboard, *, secret: bytes, base_url: Callable[[], str], count: Count) -> None:
        self._switchboard = switchboard
        self.count = count
        self._secret = secret
        self._base_url = base_url

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/call", self.call),
            web.options("/call", self.env),
            web.post("/call/status", self.status),
            web.post("/call/ended/{ticket}", self.ended),
            web.post("/call/hook/{ticket}", self.hook),
            web.post("/adulting", self.adulting),
        ]

    async def call(self, request: web.Request) -> web.Response:
        body, authenticated = await self._trusted_body(request)
        try:
            call = self._dialect.parse(body)
        except PlatformError as error:
            raise bad_request(str(error)) from error
        seat = self.seat(request, authenticated=authenticated)
        return _json(await self._switchboard.answer(call, seat))

    def seat(self, request: web.Request, *, authenticated: bool) -> Seat:
        """Say where the one who asks has reached us, and where our document will send it."""
        known = self._settings.server.public_url or _is_direct(request)
        return Seat(self.place, None if known else _url_seen(request), authenticated=authenticated)

    @property
    def place(self) -> Place:
        return Place(self._settings.server.public_url or self._base_url(), self._secret)

    async def status(self, request: web.Request) -> web.Response:
        body, _ = await self._trusted_body(request)
        try:
            status = self._dialect.status(body)
        except PlatformError as error:
            raise bad_request(str(error)) from error
        self._switchboard.status(status)
        return web.Response(status=204)

    async def ended(self, request: web.Request) -> web.Response:
        ticket = self._ticket(request, "ended")
        attributes = await self._object(request)
        return _json(await self._switchboard.ended(ticket, attributes) if ticket else b"[]")

    async def hook(self, request: web.Request) -> web.Response:
        """Answer a hook of a document of ours; an event is answered by nothing, without a type of content."""
        placed = unseal(request.match_info["ticket"], self._secret, now_s=time())
        if placed:
            return _json(await self._switchboard.machine(placed, await self._object_or_nothing(request)))
        ticket = self._ticket(request, "hook")
        if ticket is None:
            await self._object(request)
            return _json(b"[]")
        answer = await self._switchboard.hook(ticket, await self._object_or_nothing(request))
        return _json(answer) if answer else web.Response(status=204)

    async def adulting(self, request: web.Request) -> web.Response:
        """A leg of a call became a call of its own."""
        body, authenticated = await self._trusted_body(request)
        try:
            call = self._dialect.parse(body)
        except PlatformError as error:
            raise bad_request(str(error)) from error
        return _json(await self._switchboard.adulting(call, self.seat(request, authenticated=authenticated)))

    async def env(self, request: web.Request) -> web.Response:
        admit(trust.facts_of(request, "discovery"), self._settings)
        return _json(json.dumps(self._settings.platform.env).encode())

    @property
    def _settings(self) -> Settings:
        return self._switchboard.settings

    @property
    def _dialect(self) -> CallDialect:
        return PLATFORMS[self._settings.platform.kind].call

    async def _trusted_body(self, request: web.Request) -> tuple[bytes, bool]:
        """Give the body of a request that may be answered, and whether it has shown a secret of the platform's."""
        _see_that_it_is_json(request)
        body = await self._body(request)
        header = request.headers.get(self._dialect.signature_header)
        secrets = [secret.get_secret_value() for secret in self._settings.platform.webhook_secrets]
        signature = self._dialect.verify(body, header, secrets, now_s=time())
        facts = trust.facts_of(request, "webhook", signature=signature)
        admit(facts, self._settings)
        return body, trust.is_authenticated(facts, secrets_of(self._settings))

    async def _body(self, request: web.Request) -> bytes:
        return await body_of(request, timeout_s=self._settings.server.body_timeout_s)

    async def _object(self, request: web.Request, read: Callable[[bytes], Any] = read_json) -> JsonObject:
        try:
            value = read(await self._body(request) or b"{}")
        except PlatformError as error:
            raise bad_request(str(error)) from error
        return value if isinstance(value, dict) else {}

    async def _object_or_nothing(self, request: web.Request) -> JsonObject:
        """Read a body; one that cannot be read says nothing, for the platform ends a call for a refusal."""
        try:
            return await self._object(request, read_mended_json)
        except (Refused, web.HTTPRequestEntityTooLarge) as error:
            log.warning(
                "body_unreadable",
                path=request.path,
                code=error.code if isinstance(error, Refused) else "too_long",
            )
            return {}

    def _ticket(self, request: web.Request, purpose: Purpose) -> Ticket | None:
        """Give the path's ticket; None, and a line in the log, where it was not made here for this."""
        ticket = read(request.match_info["ticket"], self._secret)
        if ticket and ticket.purpose == purpose:
            return ticket
        _tell(request, 200, "bad_ticket")  # jambonz hangs up on anything else
        self.count("bad_ticket")
        return None


class Refused(Exception):  # noqa: N818  # a request's end, not an error of ours
    """Carries the answer of a request that goes no further, and for the log why."""

    def __init__(self, response: web.Response, code: str, *, reason: str = "", **detail: object) -> None:
        super().__init__(response.status)
        self.response = response
        self.code = code
        self.reason = reason or code
        self.detail = {**({"reason": reason} if reason else {}), **detail}


def guard(count: Count) -> Middleware:
    """Turn what was raised into an answer that the platform can work with; one request's fault is its own."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused_:
            refusal = refused_
        except web.HTTPException as error:
            refusal = refused(error.status, error.reason.lower().replace(" ", "_"), error.reason)
        except Exception:
            log.exception("request_failed", path=request.path)
            return _in_spite_of_a_fault(request.path)
        _tell(request, refusal.response.status, refusal.code, **refusal.detail)
        count(refusal.reason)
        return refusal.response

    return guarded


def _in_spite_of_a_fault(path: str) -> web.Response:
    if path == "/call":
        return _json(FAULT)
    if path.startswith(("/call/ended/", "/call/hook/", "/adulting")):
        return _json(b"[]")
    return error_response(400 if path.startswith(FOR_PLATFORM) else 500, "internal_error", "internal error")


async def body_of(request: web.Request, *, timeout_s: float) -> bytes:
    """Read a body in time; raise Refused for one that does not come. Read again, it is there at once."""
    try:
        async with asyncio.timeout(timeout_s):
            return await request.read()
    except TimeoutError:
        raise refused(408, "slow_body", "the body did not come in time") from None
    except (ConnectionError, web.RequestPayloadError):
        raise bad_request("the body broke off, or is not what its headers say") from None


def admit(facts: trust.Facts, settings: Settings) -> None:
    """Let a request go on that may; raise Refused for any other."""
    if refusal := trust.decide(facts, secrets_of(settings)):
        skew = {} if refusal.skew_s is None else {"skew_s": refusal.skew_s}
        raise Refused(trust.refused(refusal), refusal.code, reason=refusal.reason, **skew)


def secrets_of(settings: Settings) -> trust.Secrets:
    auth = settings.platform.basic_auth
    return trust.Secrets(
        signed_webhooks=bool(settings.platform.webhook_secrets),
        basic_auth=(auth.username, auth.password.get_secret_value()) if auth else None,
        admin_token=settings.server.admin_token.get_secret_value(),
        metrics_public=settings.server.metrics_public,
        insecure=settings.server.insecure,
    )


def error_response(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def refused(status: int, code: str, message: str) -> Refused:
    return Refused(error_response(status, code, message), code)


def bad_request(message: str) -> Refused:
    return refused(400, "bad_request", message)


def _tell(request: web.Request, status: int, code: str, **detail: object) -> None:
    """Write one line in the log for each request that is refused, and nothing of what it held."""
    log.warning("request_refused", path=request.path, status=status, peer=request.remote, code=code, **detail)


def _see_that_it_is_json(request: web.Request) -> None:
    """Refuse what a page in somebody's browser can post here unasked: a form, or text; platforms post JSON only."""
    said = request.headers.get("Content-Type")
    if said is not None and request.content_type != "application/json":
        raise refused(415, "not_json", "a platform's webhook is posted as application/json: say that in Content-Type")


def _is_direct(request: web.Request) -> bool:
    """Tell whether a platform on this machine asks, straight: what can reach us without a public URL."""
    return trust.decide(trust.facts_of(request, "admin"), trust.Secrets()) is None


def _url_seen(request: web.Request) -> str:
    """Give the URL by which the platform seems to know us; a tunnel says the scheme beyond it."""
    return f"{request.headers.get('X-Forwarded-Proto', request.scheme)}://{request.host}"


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
