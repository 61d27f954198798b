"""The door of the fake platform: it places one call over its webhooks and sockets, in real time."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from sim.happening import Happening, Watcher
from sim.platform.bodies import Identity, JsonObject, call_info
from sim.platform.call import Call
from sim.platform.control_socket import ControlSockets
from sim.platform.effects import (
    CloseControl,
    CloseMedia,
    Effect,
    Note,
    OpenControl,
    OpenMedia,
    OpenModel,
    Over,
    PauseMedia,
    Post,
    SendControl,
    SendDigit,
    SendModel,
)
from sim.platform.manner import Manner
from sim.platform.media import MediaSocket
from sim.platform.model_socket import ModelSocket
from sim.platform.webhooks import posted

USER_AGENT = "jambonz"
OK = 200
DEFAULT_MANNER = Manner()


@dataclass(frozen=True, slots=True)
class Answering:
    """What the callee of an outbound call does: answers after so many seconds, or refuses by `sip_status`."""

    after_s: float = 0.5
    sip_status: int = 200
    reason: str = "OK"
    amd_hook: Any = None
    "Who is told whether a machine has answered."


@dataclass(frozen=True, slots=True)
class Dial:
    """Whom to call, and how: `secret` signs the webhooks; `status_hook` None sends no call status.

    A `call_hook` of ws(s):// is an application on a control socket; a status_hook that is a path or ws(s):// goes over
    it. `outbound`: how the callee behaves, for a call that the platform makes.
    """

    identity: Identity
    call_hook: str
    status_hook: str | None
    secret: str
    manner: Manner = DEFAULT_MANNER
    outbound: Answering | None = None
    drops_s: tuple[float, ...] = ()
    "When the control socket breaks, in seconds of the call."


class LiveCall:
    """One call. `run` returns when it is over; the other methods are what the caller does meanwhile."""

    def __init__(self, dial: Dial, watch: Watcher) -> None:
        self.media: list[MediaSocket | ModelSocket] = []
        "All media sockets there were, the last one being that of now."
        self.started_s = time.monotonic()
        self._dial, self._watchers = dial, [watch]
        self._call = Call(dial.identity, dial.call_hook, dial.status_hook, dial.manner)
        self._lanes: dict[str, asyncio.Queue[Post]] = {"call": asyncio.Queue(), "status": asyncio.Queue()}
        self._changed = asyncio.Event()
        self._open: Callable[[OpenMedia | OpenModel], None] = _not_yet
        self._control: ControlSockets | None = None

    def watch(self, watcher: Watcher) -> None:
        """Tell somebody else, too, what happens."""
        self._watchers.append(watcher)

    def _tell(self, happening: Happening) -> None:
        for watcher in self._watchers:
            watcher(happening)

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

    async def _drop_at(self, at_s: float) -> None:
        await asyncio.sleep(at_s)
        if self._control:
            self._control.drop()

    @property
    def info(self) -> JsonObject:
        """What the platform tells about the call at any time."""
        return call_info(self._call.identity, self._call.progress)

    @property
    def answered(self) -> bool:
        return self._call.answered

    def update(self, options: JsonObject) -> None:
        """Do what an operator wants by REST."""
        self._do(self._call.update(options, time.monotonic()))

    async def run(self) -> Over:
        """Place the call and see it through to the last that its application has to say."""
        jar = aiohttp.DummyCookieJar()
        session = aiohttp.ClientSession(cookie_jar=jar, headers={"User-Agent": USER_AGENT})
        async with session, asyncio.TaskGroup() as scope:
            self._open = partial(self._open_media, session, scope)
            self._control = ControlSockets(session, scope, self)
            duties = [scope.create_task(self._post_lane(session, name)) for name in self._lanes]
            duties.append(scope.create_task(self._begin()))
            duties += [scope.create_task(self._drop_at(at_s)) for at_s in self._dial.drops_s]
            over = await self._keep_time()
            await asyncio.gather(*(lane.join() for lane in self._lanes.values()))
            for duty in duties:
                duty.cancel()
        return over

    async def _begin(self) -> None:
        callee = self._dial.outbound
        if callee is None:
            self._do(self._call.begin(time.monotonic()))
            return
        self._do(self._call.ring(time.monotonic()))
        await asyncio.sleep(callee.after_s)
        now = time.monotonic()
        if callee.sip_status == OK:
            self._do(self._call.callee_answered(now, callee.amd_hook))
        else:
            self._do(self._call.callee_refused(callee.sip_status, callee.reason, now))

    async def _keep_time(self) -> Over:
        while self._call.over is None or not self._call.quiet:
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
            case OpenControl() | SendControl() | CloseControl():
                self._with_application(effect)
            case OpenMedia() | OpenModel():
                self._open(effect)
            case CloseMedia():
                self.media[-1].hang_up()
            case SendDigit(key):
                self.media[-1].press(key)
            case PauseMedia(paused):
                self.media[-1].pause(paused=paused)
            case SendModel(event):
                self._tell_model(event)
            case Note():
                self._note(effect)
            case Over():
                pass

    def _with_application(self, effect: OpenControl | SendControl | CloseControl) -> None:
        assert self._control is not None  # noqa: S101  # there as long as the call runs
        match effect:
            case OpenControl():
                self._control.open(effect)
            case SendControl():
                self._control.send(effect)
            case CloseControl():
                self._control.close(effect)

    def _note(self, note: Note) -> None:
        self._tell(Happening(time.monotonic(), note.name, note.text, note.fields))

    # --- the control socket tells ---

    def control_opened(self) -> None:
        self._do(self._call.control_opened(time.monotonic()))

    def control_refused(self, why: str, *, retry: bool) -> None:
        self._do(self._call.control_refused(why, time.monotonic(), retry=retry))

    def control_said(self, socket: int, text: str) -> None:
        self._do(self._call.control_said(socket, text, time.monotonic()))

    def control_closed(self, socket: int, code: int) -> None:
        self._do(self._call.control_closed(socket, code, time.monotonic()))

    # --- webhooks ---

    async def _post_lane(self, session: aiohttp.ClientSession, lane: str) -> None:
        queue = self._lanes[lane]
        while True:
            post = await queue.get()
            reply = await posted(session, post, self._dial.secret, self._note)
            if post.ref:
                self._do(self._call.replied(reply, time.monotonic(), post.ref))
            queue.task_done()

    # --- the media socket, or that to a model ---

    def _open_media(
        self, session: aiohttp.ClientSession, scope: asyncio.TaskGroup, wanted: OpenMedia | OpenModel
    ) -> None:
        if isinstance(wanted, OpenMedia):
            socket: MediaSocket | ModelSocket = MediaSocket(wanted, self._tell)
        else:
            socket = ModelSocket(wanted, self._tell, self._model_said)
        self.media.append(socket)
        scope.create_task(self._hold_media(session, socket))

    async def _hold_media(self, session: aiohttp.ClientSession, socket: MediaSocket | ModelSocket) -> None:
        why = await socket.run(session, partial(self._media_opened, socket))
        if not socket.closing:  # else the call knows, and may be at another verb
            self._do(self._call.media_closed(why, time.monotonic()))

    def _media_opened(self, socket: MediaSocket | ModelSocket) -> None:
        if not socket.closing:
            self._do(self._call.media_opened(time.monotonic()))

    def _tell_model(self, event: JsonObject) -> None:
        if isinstance(self.media[-1], ModelSocket):
            self.media[-1].tell(event)

    def _model_said(self, event: JsonObject) -> None:
        self._do(self._call.model_said(event, time.monotonic()))


async def _first(happens: Coroutine[None, None, object], wait_s: float | None) -> None:
    """Wait until something happens, or so long."""
    try:
        async with asyncio.timeout(wait_s):
            await happens
    except TimeoutError:
        return


def _not_yet(_wanted: OpenMedia | OpenModel) -> None:
    raise RuntimeError("a call has no media before it runs; await LiveCall.run() first")
