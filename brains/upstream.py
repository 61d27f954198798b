"""The door to chat models over HTTP: one pool of connections, no redirects, nothing of the environment."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO

import aiohttp
import structlog

from brains.answers import AnswerReader, refused
from brains.base import Brain, Chunks, Question
from brains.context import Limits
from brains.endpoints import Endpoint
from brains.errors import BrainError, BrokenError, SilentError, UnreachableError
from egress.door import socket_factory
from egress.guard import BlockedError, Reach
from egress.names import Names

log = structlog.get_logger("brains")

KEEP_ALIVE_S = 15.0
"A connection that is open already spares the first word of each turn its TLS."
LARGE_BYTES = 1 << 20
MAX_REFUSAL_BYTES = 65_536
OK = range(200, 300)
USUAL = Limits()
WHOLE = 6.0
"So many times as long may an answer take that does not stream: nothing of it comes before all of it."


class Models:
    """The connections of all brains; made outside of a loop, used inside one."""

    def __init__(self) -> None:
        self._sessions: dict[Reach, aiohttp.ClientSession] = {}

    def session(self, reach: Reach) -> aiohttp.ClientSession:
        if reach not in self._sessions:
            self._sessions[reach] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    resolver=Names(),
                    use_dns_cache=False,  # it has its own
                    keepalive_timeout=KEEP_ALIVE_S,
                    socket_factory=socket_factory(reach),
                ),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": "hookswitch", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._sessions[reach]

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


class ModelBrain(Brain):
    """A model of an OpenAI-compatible server.

    `timeout_s`: how long it may say nothing, before its first piece and between two; longer where it does not stream.
    `told` hears the size, in tokens, of each context that is longer than the soft limit.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        models: Models,
        reach: Reach,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        limits: Limits = USUAL,
        told: Callable[[int], None] = lambda _tokens: None,
    ) -> None:
        self._endpoint = endpoint
        self._models = models
        self._reach = reach
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._limits = limits
        self._told = told
        self._left_out: set[str] = set()
        "Parameters of which it was told already that the model does not take them."

    async def answer(self, question: Question) -> Chunks:
        if new := set(self._endpoint.not_taken(question)) - self._left_out:
            self._left_out |= new
            log.warning("brain.left_out", model=self._endpoint.model, parameters=sorted(new))
        if question.context.tokens > self._limits.soft_tokens:
            self._told(question.context.tokens)
        context = question.context.fitting(self._limits.hard_tokens)
        body = json.dumps(self._endpoint.body(question, context), ensure_ascii=False).encode(errors="replace")
        reader = AnswerReader()
        asking = _Asking(body, self._timeout_s * (1.0 if question.stream else WHOLE), question.stream)
        async with aclosing(self._received(asking)) as pieces:
            async for piece in pieces:
                for chunk in reader.feed(piece):
                    yield chunk
                if reader.over:
                    return
        for chunk in reader.end():
            yield chunk

    async def _received(self, asking: "_Asking") -> AsyncGenerator[bytes, None]:
        """Give the bytes of the answer; whoever stops asking for them closes the connection."""
        try:
            response = await self._posted(asking)
        except TimeoutError as error:
            raise SilentError(f"the model gave no answer within {asking.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:  # an impossible header is a ValueError
            raise self._unreachable(error) from error
        try:
            while True:
                async with asyncio.timeout(asking.timeout_s):
                    piece = await response.content.readany()
                if not piece:
                    response.release()
                    return
                yield piece
        except TimeoutError as error:
            raise SilentError(f"the model said nothing more for {asking.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenError("the connection to the model's server was lost") from error
        finally:
            response.close()

    async def _posted(self, asking: "_Asking") -> aiohttp.ClientResponse:
        try:
            response = await self._post(asking)
        except aiohttp.ServerDisconnectedError:  # a connection that was idle, and is closed as we write
            response = await self._post(asking)
        if response.status in OK:
            return response
        try:
            async with asyncio.timeout(asking.timeout_s):
                told = await response.content.read(MAX_REFUSAL_BYTES)
            headers = {name: response.headers[name] for name in ("Retry-After",) if name in response.headers}
            error = refused(response.status, told)
            error.headers = headers
            raise error
        finally:
            response.close()

    async def _post(self, asking: "_Asking") -> aiohttp.ClientResponse:
        body, accept = asking.body, "text/event-stream" if asking.stream else "application/json"
        async with asyncio.timeout(asking.timeout_s):
            return await self._models.session(self._reach).post(
                self._endpoint.url,
                data=body if len(body) <= LARGE_BYTES else BytesIO(body),  # aiohttp's way with what takes a while
                headers={"Content-Type": "application/json", "Accept": accept, **self._endpoint.headers},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout_s),
            )

    def _unreachable(self, error: Exception) -> BrainError:
        """Name what is wrong without the URL, in whose query there may be a key."""
        cause = getattr(error, "os_error", None)
        if isinstance(cause, BlockedError):
            log.warning("egress.blocked", model=self._endpoint.model, why=cause.why)
            return UnreachableError(f"the model's server must not be asked: its address {cause.why}")
        return UnreachableError(f"the model's server cannot be reached ({type(cause or error).__name__})")


@dataclass(frozen=True, slots=True)
class _Asking:
    body: bytes
    timeout_s: float
    stream: bool
