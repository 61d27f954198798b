"""What operators ask of calls: to place one, to end one, to let one do something else or be spoken with otherwise."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import trust
from api.health import RETRY_AFTER_S
from api.webhooks import Refused, Webhooks, admit, body_of, error_response, refused
from calls.control import (
    ApiMissingError,
    CallElsewhereError,
    CallOverError,
    CallRefusedError,
    CallUnknownError,
    CallUnreachableError,
    ControlError,
    DocumentTooLongError,
    ModelBusyError,
    ModelDeclinedError,
    ModelSilentError,
    NobodyTalksError,
    OrderError,
    PlatformTalksError,
    SessionAwayError,
    SettingError,
    SettingFixedError,
)
from calls.masking import told
from calls.remotely import Wanted
from calls.switchboard import Switchboard
from media.platforms.base import PlatformError, read_json
from media.remote import RemoteError, RemoteRefused, Why
from verbs import DocumentError
from verbs.base import JsonObject

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_TAG_KEYS = 64
MAX_SETTINGS = 64
NOTHING = (b"", b"null")

ANSWERS: Mapping[type[ControlError], tuple[int, str]] = {
    CallUnknownError: (404, "call_unknown"),
    CallOverError: (409, "call_over"),
    CallElsewhereError: (409, "call_elsewhere"),
    CallUnreachableError: (409, "call_unreachable"),
    ApiMissingError: (409, "platform_api_missing"),
    DocumentTooLongError: (422, "document_too_long"),
    NobodyTalksError: (409, "no_conversation"),
    PlatformTalksError: (409, "native_conversation"),
    SessionAwayError: (409, "no_session"),
    ModelBusyError: (429, "too_many_requests"),
    OrderError: (422, "bad_request"),
    SettingFixedError: (409, "session_fixed"),
    SettingError: (422, "bad_request"),
    ModelDeclinedError: (422, "model_refused"),
    ModelSilentError: (504, "model_silent"),
}
REFUSALS: Mapping[Why, tuple[int, str]] = {
    "unknown": (404, "call_unknown"),
    "state": (409, "call_state"),
    "request": (422, "platform_refused"),
    "platform": (502, "platform_failed"),
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


Body = TypeVar("Body", bound=_Body)


class _Placed(_Body):
    to: str | dict[str, Any]
    caller: Annotated[str, Field(alias="from", min_length=1, max_length=256)]
    route: str | None = None
    tag: Annotated[dict[str, Any], Field(max_length=MAX_TAG_KEYS)] | None = None
    amd: dict[str, Any] | None = None


class _HungUp(_Body):
    """There is nothing to say."""


class _Redirected(_Body):
    verbs: list[dict[str, Any]]


class _Changed(_Body):
    """Settings by their names, and among them whether a new session may begin for them."""

    model_config = ConfigDict(extra="allow")
    recycle: bool = False

    @property
    def settings(self) -> JsonObject:
        return self.model_extra or {}


def routes(switchboard: Switchboard, webhooks: Webhooks) -> list[web.RouteDef]:
    desk = Desk(switchboard, webhooks)
    return [
        web.post("/api/calls", desk.asked(desk.place)),
        web.post("/api/calls/{sid}/hangup", desk.asked(desk.hang_up)),
        web.post("/api/calls/{sid}/redirect", desk.asked(desk.redirect)),
        web.patch("/api/calls/{sid}/llm", desk.asked(desk.change)),
    ]


class Desk:
    def __init__(self, switchboard: Switchboard, webhooks: Webhooks) -> None:
        self._switchboard = switchboard
        self._webhooks = webhooks

    def asked(self, handler: Handler) -> Handler:
        """Let operators in, and tell them in the one shape what could not be done."""

        async def answered(request: web.Request) -> web.StreamResponse:
            admit(trust.facts_of(request, "admin"), self._switchboard.settings)
            await body_of(request, timeout_s=self._switchboard.settings.server.body_timeout_s)
            try:
                return await handler(request)
            except DocumentError as error:
                raise refused(422, "bad_verbs", told(error.complaints)) from error
            except (ControlError, RemoteError) as error:
                raise _refusal(await self._known(request, error)) from error

        return answered

    async def _known(self, request: web.Request, error: ControlError | RemoteError) -> ControlError | RemoteError:
        """Say of a call that nothing can be done to whether anybody knows it: it may just be over."""
        by_platform = isinstance(error, RemoteRefused) and error.why == "unknown"
        if not (by_platform or isinstance(error, CallUnknownError)):
            return error
        over = await self._switchboard.records.is_over(request.match_info.get("sid", ""))
        if over is None:
            return error
        return CallOverError() if over or by_platform else CallElsewhereError()

    async def place(self, request: web.Request) -> web.Response:
        """202: the call has begun to ring; it comes back as any other when it is answered."""
        body = await _read(request, _Placed)
        wanted = Wanted(body.to, body.caller, body.route or "", body.tag or {}, body.amd)
        call_sid = await self._switchboard.place(wanted, self._webhooks.place)
        return web.json_response({"call_sid": call_sid}, status=202)

    async def hang_up(self, request: web.Request) -> web.Response:
        call_sid = request.match_info["sid"]
        if await request.read() not in NOTHING:
            await _read(request, _HungUp)
        await self._switchboard.hang_up(call_sid)
        return web.json_response({"call_sid": call_sid, "state": "ending"}, status=202)

    async def redirect(self, request: web.Request) -> web.Response:
        call_sid = request.match_info["sid"]
        body = await _read(request, _Redirected)
        await self._switchboard.redirect(call_sid, body.verbs)
        return web.json_response({"call_sid": call_sid, "state": "redirecting"}, status=202)

    async def change(self, request: web.Request) -> web.Response:
        """200 when the model has agreed; nothing of it is so where it has not."""
        body = await _read(request, _Changed)
        if len(body.settings) > MAX_SETTINGS:
            raise refused(422, "bad_request", f"at most {MAX_SETTINGS} settings can be changed at once")
        merge = request.query.get("merge", "replace")
        if merge not in {"deep", "replace"}:
            raise refused(422, "bad_request", "merge: deep or replace")
        changing = self._switchboard.changing.settings(
            request.match_info["sid"], body.settings, deep=merge == "deep", recycle=body.recycle
        )
        return web.json_response(await changing)


async def _read(request: web.Request, model: type[Body]) -> Body:
    try:
        return model.model_validate(read_json(await request.read()))
    except PlatformError as error:
        raise refused(422, "bad_request", str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        wrong = "an object is wanted" if first["type"] == "model_type" else first["msg"]  # which names a class of ours
        raise refused(422, "bad_request", f"{place}: {wrong}") from error


def _refusal(error: ControlError | RemoteError) -> Refused:
    if isinstance(error, CallRefusedError):
        return _no_room(error)
    if isinstance(error, RemoteRefused):
        status, code = REFUSALS[error.why]
    elif isinstance(error, ControlError):
        status, code = ANSWERS[type(error)]
    else:
        status, code = 504, "platform_unreachable"
    if isinstance(error, ModelDeclinedError):  # counted by what it is, and not by the model's own words
        return Refused(web.json_response({"error": error.body}, status=status), code)
    return Refused(error_response(status, code, str(error)), code)


def _no_room(error: CallRefusedError) -> Refused:
    """Say when to come again: in a second where it was too fast, else after a while."""
    status, after_s = (429, 1) if error.reason == "max_calls_per_s" else (503, RETRY_AFTER_S)
    response = error_response(status, error.reason, str(error))
    response.headers["Retry-After"] = str(after_s)
    return Refused(response, error.reason)
