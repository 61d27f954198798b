"""A switchboard whose lines have no sockets and whose applications follow a script, for calls in virtual time."""

import asyncio
import functools
import json
import ssl
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec

from calls.document import Place, Seat
from calls.readers import READERS
from calls.switchboard import Switchboard
from config import Settings, load
from config.egress import egress_of
from hooks.dispatcher import Dispatcher
from hooks.options import HookOptions
from hooks.transports.app import AppTransport
from hooks.transports.base import HookReply, HookRequest
from hooks.transports.python import PythonTransport
from media.bridge import Bridge
from media.platforms import PLATFORMS
from media.platforms.base import Call
from media.realtime.dial import Dial
from media.remote import Access, RemoteReply, RemoteRequest, RemoteUnreachable
from media.sockets import Line, Lines, Patience
from media.ticker import Ticker
from media.ticket import Ticket, read
from store.memory import MemoryStore
from tests.hooks.virtual_loop import run

P = ParamSpec("P")
JsonObject = dict[str, Any]

SECRET = b"ticket secret"
PLACE = Place("https://voice.example.com/agent", SECRET)
KEYS = {"OPENAI_API_KEY": "sk-of-the-server"}
CALLS = PLATFORMS["jambonz"].call
LLM: JsonObject = {
    "verb": "llm",
    "vendor": "openai",
    "model": "gpt-realtime-2.1",
    "actionHook": "/final",
    "eventHook": "/event",
    "llmOptions": {"response_create": {"instructions": "Help."}},
}
SAY: JsonObject = {"verb": "say", "text": "Hello."}
HANGUP: JsonObject = {"verb": "hangup"}
SORRY = [{"verb": "say", "text": "Sorry, something went wrong."}, HANGUP]


def in_virtual_time(story: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test on a loop whose time jumps."""

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        run(story(*args, **kwargs))

    return test


def settings_of(*routes: JsonObject, environ: dict[str, str] | None = None, **sections: Any) -> Settings:
    """Read a configuration; a route without numbers takes all."""
    named = [{"name": f"route-{place}", "numbers": ["*"], **route} for place, route in enumerate(routes)]
    hooks = {"base_url": "https://app.example.com", **sections.pop("hooks", {})}
    document = {"store": "memory://", "hooks": hooks, **sections, "routes": named}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        return load(path, environ=KEYS if environ is None else environ, read=READERS)


class StillLine(Line):
    """A line without sockets: it ends when it is told, or when the bridge's time is over."""

    closing_s = 0.0

    async def run(self) -> None:
        self._perform([])
        await self.over.wait()
        await asyncio.sleep(self.closing_s)
        if self._failure:
            raise self._failure


@dataclass(frozen=True, slots=True)
class StillLines(Lines):
    made: list[StillLine] = field(default_factory=list)

    def line(self, bridge: Bridge, dials: Sequence[Dial], hooks: Any, patience: Patience, *, call_sid: str) -> Line:
        self.made.append(StillLine(bridge, dials, hooks, patience, shared=self, call_sid=call_sid))
        return self.made[-1]


class Applications:
    """All applications, by path: what each answers, and after how many seconds."""

    schemes: tuple[str, ...] = ("https",)

    def __init__(self, answers: dict[str, tuple[float, HookReply]] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[tuple[str, JsonObject]] = []
        self.trusted: dict[str, bool] = {}
        "By the URLs that were asked: whether they might lead anywhere."

    async def send(self, request: HookRequest) -> HookReply:
        self.trusted[request.url] = request.reach.trusted
        path = request.url.removeprefix("https://app.example.com")
        self.asked.append((path, json.loads(request.body)))
        after_s, reply = self.answers.get(path, (0.0, HookReply(204)))
        await asyncio.sleep(after_s)
        return reply

    async def close(self) -> None:
        """Nothing is open."""

    def bodies(self, path: str) -> list[JsonObject]:
        return [body for asked, body in self.asked if asked == path]


def verbs_reply(*verbs: JsonObject, after_s: float = 0.0) -> tuple[float, HookReply]:
    return after_s, HookReply(200, "application/json", json.dumps(verbs).encode())


class Counts:
    """What is counted."""

    def __init__(self) -> None:
        self.started = 0
        self.ended: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []
        self.measured: list[str] = []
        self.spent: dict[str, int] = {}
        self.bills: list[tuple[str, JsonObject]] = []

    def call_started(self) -> None:
        self.started += 1

    def call_refused(self, route: str, reason: str) -> None:
        self.refused.append((route, reason))

    def call_ended(self, route: str, reason_code: str) -> None:
        self.ended.append((route, reason_code))

    def billed(self, route: str, bill: JsonObject) -> None:
        self.bills.append((route, bill))
        for kind in ("input", "output"):
            if count := bill["usage"][kind]:
                self.spent[f"{kind}_tokens"] = self.spent.get(f"{kind}_tokens", 0) + count

    def measure(self, name: str, seconds: float) -> None:
        self.measured.append(name)

    def media_text_ignored(self, kind: str) -> None: ...

    def model_opened(self) -> None: ...

    def model_closed(self) -> None: ...


class Api:
    """The platform's REST API: what it is asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, JsonObject]] = []
        self.access: list[Access] = []
        self.replies: list[RemoteReply | RemoteUnreachable] = []
        "In this order; after the last one, the platform does what it is asked."

    async def ask(self, access: Access, request: RemoteRequest) -> RemoteReply:
        self.access.append(access)
        self.asked.append((request.method, request.path, request.body))
        if not self.replies:
            return RemoteReply(201, b'{"sid": "c-out"}') if request.method == "POST" else RemoteReply(202, b"Accepted")
        reply = self.replies.pop(0)
        if isinstance(reply, RemoteUnreachable):
            raise reply
        return reply

    async def close(self) -> None:
        """Nothing is open."""


class Exchange:
    """Make it inside the loop. The methods are what the platform does."""

    def __init__(
        self,
        settings: Settings,
        applications: Applications | None = None,
        store: MemoryStore | None = None,
        owner: str = "this run",
    ) -> None:
        loop = asyncio.get_running_loop()
        self.api = Api()
        self.authenticated = False
        "Whether the platform shows a secret."
        self.applications = applications or Applications()
        self.counts = Counts()
        self.store = store or MemoryStore()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.lines = StillLines(Ticker(loop.time, loop.call_at), tls, self.counts)
        chance = Random(1)  # noqa: S311  # jitter
        hooks = settings.hooks
        options = HookOptions(tool_timeout_s=hooks.tool_timeout_s, action_timeout_s=hooks.action_timeout_s)
        self.transport = AppTransport()
        self.dispatcher = Dispatcher(
            {"https": self.applications, "python": PythonTransport(), "app": self.transport},
            options,
            clock=loop.time,
            random=chance,
            observe=lambda _: None,
            kept=self.store,
            egress=egress_of(settings),
        )
        self.hidden: list[str] = []
        self.switchboard = Switchboard(
            settings,
            self.store,
            self.dispatcher,
            self.lines,
            self.transport,
            remote=self.api,
            observer=self.counts,
            hide=self._hide,
            owner=owner,
        )

    def _hide(self, values: Iterable[str]) -> Callable[[], None]:
        hidden = list(values)
        self.hidden += hidden

        def show() -> None:
            for value in hidden:
                self.hidden.remove(value)

        return show

    async def ring(
        self,
        call_sid: str = "c-1",
        reachable_by: str | None = None,
        control: Any = None,
        **attributes: Any,
    ) -> list[JsonObject]:
        call = a_call(call_sid, **attributes)
        seat = Seat(PLACE, reachable_by, authenticated=self.authenticated)
        return document(await self.switchboard.answer(call, seat, control=control))

    async def ended(self, verbs: list[JsonObject], **attributes: Any) -> list[JsonObject]:
        """Post the actionHook of the document's listen."""
        return document(await self.switchboard.ended(ticket_in(listen_in(verbs)["actionHook"]), attributes))

    async def open(self, verbs: list[JsonObject]) -> StillLine | None:
        """Open the media socket of the document's listen."""
        line = await self.switchboard.media(ticket_in(listen_in(verbs)["url"]))
        assert line is None or isinstance(line, StillLine)
        return line

    async def hook(self, url: str, **body: Any) -> list[JsonObject]:
        return document(await self.switchboard.hook(ticket_in(url), body))

    async def answer(self, url: str, **body: Any) -> Any:
        """Post a hook of an `llm` verb that the platform carries out; None for an empty answer."""
        answer = await self.switchboard.hook(ticket_in(url), body)
        return json.loads(answer) if answer else None

    def status(self, call_status: str, call_sid: str = "c-1", **more: Any) -> None:
        body = {"call_sid": call_sid, "call_status": call_status, **more}
        self.switchboard.status(CALLS.status(json.dumps(body).encode()))


def a_call(call_sid: str = "c-1", **attributes: Any) -> Call:
    body = {"call_sid": call_sid, "from": "+15557654321", "to": "+15551230001", "direction": "inbound", **attributes}
    return CALLS.parse(json.dumps(body).encode())


def document(answer: bytes) -> list[JsonObject]:
    verbs = json.loads(answer)
    assert isinstance(verbs, list)
    return verbs


def listen_in(verbs: list[JsonObject]) -> JsonObject:
    [listen] = [verb for verb in verbs if verb["verb"] == "listen"]
    return listen


def ticket_in(url: str) -> Ticket:
    ticket = read(url.rpartition("/")[2], SECRET)
    assert ticket is not None
    return ticket


def names(verbs: list[JsonObject]) -> list[str]:
    return [verb["verb"] for verb in verbs]


async def settled() -> None:
    """Let everything that is due now happen."""
    for _ in range(20):
        await asyncio.sleep(0)
