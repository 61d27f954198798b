"""Brains over HTTP: OpenAI's `/chat/completions`, for Vapi, Tavus, LiveKit and every client of OpenAI's.

`/brains/{name}/chat/completions` asks one brain; `/v1/chat/completions` the one that `model` names, or a route's.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from time import monotonic, time

import structlog
from aiohttp import web

from api import trust
from api.health import RETRY_AFTER_S
from api.leaving import told_when_left
from api.webhooks import Refused, secrets_of
from brains import asked as asking
from brains import written
from brains.asked import Asked
from brains.base import Chunks, Question
from brains.chunks import Answer, ChatChunk
from brains.errors import BodyTooLongError, BrainError, FunctionFailedError, RefusedError, SlowBodyError
from brains.upstream import Models
from brains.written import Heading
from calls.brains import Brains, Served
from calls.switchboard import Switchboard
from config.brain import Brain as Configured

log = structlog.get_logger("brains")

MAX_BODY_BYTES = 8 << 20
"A conversation with pictures."
MAX_UNDER_WAY = 500
PING_S = 15.0
"Of silence in a stream, after which a comment keeps it open."
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class UnknownBrainError(BrainError):
    status = 404
    code = "model_not_found"


class TooManyError(BrainError):
    status = 503
    code = "too_many_answers"


def add(app: web.Application, switchboard: Switchboard) -> None:
    """Serve the brains; the connections to their models are closed with the application."""
    models = Models()
    app.add_routes(routes(switchboard, models))

    async def close(_: web.Application) -> None:
        await models.close()

    app.on_cleanup.append(close)


def routes(switchboard: Switchboard, models: Models) -> list[web.RouteDef]:
    desk = Desk(switchboard, models)
    return [
        web.post("/brains/{name}/chat/completions", desk.of_brain),
        web.post("/v1/chat/completions", desk.of_model),
        web.get("/v1/models", desk.models),
    ]


class Desk:
    def __init__(self, switchboard: Switchboard, models: Models) -> None:
        self._switchboard = switchboard
        self._models = models
        self._brains = Brains(switchboard.settings, switchboard.dispatcher, models)
        self._made_for = switchboard.settings
        self._under_way = 0

    async def of_brain(self, request: web.Request) -> web.StreamResponse:
        """Ask the brain that the path names; what the request has for `model` is of no account."""
        brain = self._current().brain(request.match_info["name"])
        self._admit(request, *([brain.configured] if brain else []))
        try:
            asked = await self._asked(request)
            if brain is None:
                raise UnknownBrainError(self._current().unknown(request.match_info["name"]))
            return await self._answer(request, brain, asked)
        except BrainError as error:
            raise _refused(error) from error

    async def of_model(self, request: web.Request) -> web.StreamResponse:
        """Ask what `model` names. Who may ask one of them is let in so far, until it is known which one it is."""
        refusal = self._refusal(request, *self._switchboard.settings.brains.values())
        if refusal and self._refusal(request):
            raise _not_let_in(refusal)
        try:
            asked = await self._asked(request)
            brain = self._current().model(asked.model)
            self._admit(request, *([brain.configured] if brain else []))
            if brain is None:
                raise UnknownBrainError(self._current().unknown(asked.model))
            return await self._answer(request, brain, asked)
        except BrainError as error:
            raise _refused(error) from error

    async def models(self, request: web.Request) -> web.Response:
        self._admit(request)
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "hookswitch"} for name in self._current().names
        ]
        return web.json_response({"object": "list", "data": listed})

    def _current(self) -> Brains:
        """Give the brains of the configuration that is in force."""
        settings = self._switchboard.settings
        if settings is not self._made_for:
            self._brains, self._made_for = Brains(settings, self._switchboard.dispatcher, self._models), settings
        return self._brains

    def _admit(self, request: web.Request, *brains: Configured) -> None:
        """Let a request go on that shows a token of one of these, or of all."""
        if refusal := self._refusal(request, *brains):
            raise _not_let_in(refusal)

    def _refusal(self, request: web.Request, *brains: Configured) -> trust.Refusal | None:
        settings = self._switchboard.settings
        own = (token for brain in brains for token in brain.entry.tokens)
        tokens = (token.get_secret_value() for token in (*own, settings.server.brains_token))
        secrets = replace(secrets_of(settings), brain_tokens=tuple(token for token in tokens if token))
        return trust.decide(trust.facts_of(request, "brain"), secrets)

    async def _asked(self, request: web.Request) -> Asked:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return asking.read_request(await self._body(request), headers)

    async def _body(self, request: web.Request) -> bytes:
        try:
            async with asyncio.timeout(self._switchboard.settings.server.body_timeout_s):
                return await _read(request)
        except (TimeoutError, ConnectionError, web.RequestPayloadError) as error:
            raise SlowBodyError("the body did not come in time, or broke off") from error

    async def _answer(self, request: web.Request, brain: Served, asked: Asked) -> web.StreamResponse:
        if self._switchboard.draining or self._under_way >= MAX_UNDER_WAY:
            raise TooManyError("the server is shutting down, or too many answers are under way: ask again in a while")
        answering = Answering(request, brain, asked, self._switchboard.settings.server.send_timeout_s)
        self._under_way += 1
        try:
            task = asyncio.current_task()
            with told_when_left(request, task.cancel if task else int):
                return await answering.run()
        finally:
            self._under_way -= 1


class Answering:
    """One answer on its way."""

    def __init__(self, request: web.Request, brain: Served, asked: Asked, send_timeout_s: float) -> None:
        self._request = request
        self._brain = brain
        self._asked = asked
        self._send_timeout_s = send_timeout_s
        self._began = self._sent = monotonic()
        self._first_s: float | None = None
        self._heading = Heading(f"chatcmpl-{token_hex(12)}", asked.model or brain.name, int(time()))
        self._answer = Answer()

    async def run(self) -> web.StreamResponse:
        # Vapi's own example answers in one piece whatever was asked, and Vapi reads both; other clients do not.
        plain = self._brain.configured.entry.form == "basic" and bool(
            asking.MARKS_OF_VAPI & self._asked.question.facts.keys()
        )
        question = self._brain.question(self._asked.question)
        try:
            if self._asked.stream and not plain:
                return await self._streamed(question)
            return await self._whole(question)
        except BrainError as error:
            self._tell(error)
            raise
        except asyncio.CancelledError:
            log.info("brain.left", brain=self._brain.name, took_s=round(monotonic() - self._began, 3))
            raise

    async def _whole(self, question: Question) -> web.Response:
        raw = None
        async with self._brain.brain.asked(question) as chunks:
            async for chunk in chunks:
                self._note(chunk)
                raw = chunk.raw
        self._tell(None)
        return web.json_response(written.whole(self._answer, self._heading, raw))

    async def _streamed(self, question: Question) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        async with self._brain.brain.asked(question) as chunks:
            first = await anext(chunks, None)  # until then a fault has a status of its own
            await response.prepare(self._request)
            pinging = asyncio.create_task(self._ping(response))
            try:
                await self._write_all(response, first, chunks)
                await response.write_eof()
            except (ConnectionError, TimeoutError):  # it is gone, or does not read
                if self._request.transport:
                    self._request.transport.abort()
            finally:
                pinging.cancel()
        return response

    async def _write_all(self, response: web.StreamResponse, first: ChatChunk | None, chunks: Chunks) -> None:
        try:
            if first is not None:
                await self._write(response, first)
            async for chunk in chunks:
                await self._write(response, chunk)
        except BrainError as error:
            self._tell(error)
            await self._send(response, written.event(written.error_body(error)))
            return
        await self._send(response, written.DONE)
        self._tell(None)

    async def _write(self, response: web.StreamResponse, chunk: ChatChunk) -> None:
        self._note(chunk)
        for body in written.piece(chunk, self._heading, include_usage=self._asked.include_usage):
            await self._send(response, written.event(body))

    async def _send(self, response: web.StreamResponse, text: bytes) -> None:
        self._sent = monotonic()
        async with asyncio.timeout(self._send_timeout_s):
            await response.write(text)

    async def _ping(self, response: web.StreamResponse) -> None:
        with suppress(ConnectionError, TimeoutError):
            while True:
                await asyncio.sleep(max(0.1, self._sent + PING_S - monotonic()))
                if monotonic() - self._sent >= PING_S:
                    await self._send(response, written.PING)

    def _note(self, chunk: ChatChunk) -> None:
        self._answer.add(chunk)
        if self._first_s is None:
            self._first_s = monotonic() - self._began

    def _tell(self, error: BrainError | None) -> None:
        """Write one line in the log for each answer; nothing of what was said."""
        took = {"brain": self._brain.name, "took_s": round(monotonic() - self._began, 3)}
        if error is not None:
            cause = error.__cause__ if isinstance(error, FunctionFailedError) else None
            log.warning("brain.failed", **took, code=error.code, error=str(error))
            log.debug("brain.traceback", exc_info=cause)
            return
        usage = self._answer.usage
        used = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens} if usage else {}
        log.info("brain.answered", **took, first_s=round(self._first_s or 0.0, 3), **used)


def _not_let_in(refusal: trust.Refusal) -> Refused:
    return Refused(trust.refused(refusal), refusal.code, reason=refusal.reason)


async def _read(request: web.Request) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLongError(f"the body is longer than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _refused(error: BrainError) -> Refused:
    response = web.json_response(written.error_body(error), status=error.status)
    if isinstance(error, RefusedError) and error.status == error.upstream_status:
        response.headers.update(error.headers)
    if isinstance(error, TooManyError):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return Refused(response, error.code)
