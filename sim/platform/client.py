"""The door of the fake platform: it places one call over HTTP and a media socket, in real time."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial

import aiohttp

from sim.happening import Happening, Watcher
from sim.platform.bodies import Identity, wire
from sim.platform.call import Call
from sim.platform.effects import CloseMedia, Effect, Note, OpenMedia, Over, Post, SendDigit
from sim.platform.media import MediaSocket
from sim.platform.replies import HttpReply, NoReply
from sim.platform.signature import signed

USER_AGENT = "jambonz"
HOOK_TIMEOUT_S = 10.0
"JAMBONES_HTTP_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Dial:
    """Whom to call, and how: `secret` signs the webhooks; `status_hook` None sends no call status."""

    identity: Identity
    call_hook: str
    status_hook: str | None
    secret: str


class LiveCall:
    """One call. `run` returns when it is over; the other methods are what the caller does meanwhile."""

    def __init__(self, dial: Dial, watch: Watcher) -> None:
        self.media: list[MediaSocket] = []
        "All media sockets there were, the last one being that of now."
        self.started_s = time.monotonic()
        self._dial, self._watch = dial, watch
        self._call = Call(dial.identity, dial.call_hook, dial.status_hook)
        self._lanes: dict[str, asyncio.Queue[Post]] = {"call": asyncio.Queue(), "status": asyncio.Queue()}
        self._changed = asyncio.Event()
        self._open: Callable[[OpenMedia], None] = _not_yet

    @property
    def over(self) -> Over | None:
        return self._call.over

    @property
    def stream_open(self) -> bool:
        return bool(self.media) and self.media[-1].open

    @property
    def agent_speaking(self) -> bool:
        """Whether the caller hears something now, or has until a moment ago."""
        stream = self.media[-1].stream if self.stream_open else None
        return stream is not None and stream.heard.speaking_since is not None

    def say(self, text: str, pcm: bytes, rate_hz: int) -> None:
        """Say PCM16 mono to whoever listens; with no media socket open nobody hears it."""
        if self.stream_open:
            self.media[-1].say(text, pcm, rate_hz)
        else:
            self._note(Note("skipped", f'"{text}": no media socket is open'))

    def press(self, key: str) -> None:
        self._do(self._call.pressed(key, time.monotonic()))

    def hang_up(self) -> None:
        self._do(self._call.caller_hung_up(time.monotonic()))

    async def run(self) -> Over:
        """Place the call and see it through to its last webhook's answer."""
        jar = aiohttp.DummyCookieJar()
        session = aiohttp.ClientSession(cookie_jar=jar, headers={"User-Agent": USER_AGENT})
        async with session, asyncio.TaskGroup() as scope:
            self._open = partial(self._open_media, session, scope)
            lanes = [scope.create_task(self._post_lane(session, name)) for name in self._lanes]
            self._do(self._call.begin())
            over = await self._keep_time()
            await asyncio.gather(*(lane.join() for lane in self._lanes.values()))
            for lane in lanes:
                lane.cancel()
        return over

    async def _keep_time(self) -> Over:
        while self._call.over is None:
            self._changed.clear()
            due_s = self._call.next_due()
            wait_s = None if due_s is None else max(0.0, due_s - time.monotonic())
            await _first(self._changed.wait(), wait_s)
            self._do(self._call.advance(time.monotonic()))
        return self._call.over

    def _do(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self._perform(effect)
        self._changed.set()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Post(lane):
                self._lanes[lane].put_nowait(effect)
            case OpenMedia():
                self._open(effect)
            case CloseMedia():
                self.media[-1].hang_up()
            case SendDigit(key):
                self.media[-1].press(key)
            case Note():
                self._note(effect)
            case Over():
                pass

    def _note(self, note: Note) -> None:
        self._watch(Happening(time.monotonic(), note.name, note.text, note.fields))

    # --- webhooks ---

    async def _post_lane(self, session: aiohttp.ClientSession, lane: str) -> None:
        queue = self._lanes[lane]
        while True:
            post = await queue.get()
            reply = await self._post(session, post)
            if lane == "call":
                self._do(self._call.replied(reply, time.monotonic()))
            queue.task_done()

    async def _post(self, session: aiohttp.ClientSession, post: Post) -> HttpReply | NoReply:
        body = wire(post.body)
        headers = {"Content-Type": "application/json"}
        headers["Jambonz-Signature"] = signed(body, self._dial.secret, int(time.time()))
        timeout = aiohttp.ClientTimeout(total=HOOK_TIMEOUT_S)
        began_s = time.monotonic()
        try:
            request = session.post(post.url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
            async with request as response:
                reply = HttpReply(response.status, response.headers.get("Content-Type", ""), await response.read())
        except TimeoutError:
            return self._failed(post, "Headers Timeout Error")
        except aiohttp.ClientError as error:
            return self._failed(post, f"{type(error).__name__}: {error}")
        took_ms = round((time.monotonic() - began_s) * 1000)
        fields = {"url": post.url, "status": reply.status, "took_ms": took_ms, "body": post.body}
        name = "status" if post.lane == "status" else "webhook"
        told = f"{post.body['call_status']}: " if post.lane == "status" else ""
        self._note(Note(name, f"{told}POST {post.url} → {reply.status} in {took_ms} ms", fields))
        return reply

    def _failed(self, post: Post, why: str) -> NoReply:
        self._note(Note("hook_failed", f"POST {post.url}: {why}", {"url": post.url}))
        return NoReply(why)

    # --- the media socket ---

    def _open_media(self, session: aiohttp.ClientSession, scope: asyncio.TaskGroup, wanted: OpenMedia) -> None:
        socket = MediaSocket(wanted, self._watch)
        self.media.append(socket)
        scope.create_task(self._hold_media(session, socket))

    async def _hold_media(self, session: aiohttp.ClientSession, socket: MediaSocket) -> None:
        why = await socket.run(session, self._media_opened)
        self._do(self._call.media_closed(why, time.monotonic()))

    def _media_opened(self) -> None:
        self._do(self._call.media_opened(time.monotonic()))


async def _first(happens: Coroutine[None, None, object], wait_s: float | None) -> None:
    """Wait until something happens, or so long."""
    try:
        async with asyncio.timeout(wait_s):
            await happens
    except TimeoutError:
        return


def _not_yet(_wanted: OpenMedia) -> None:
    raise RuntimeError("a call has no media before it runs; await LiveCall.run() first")
