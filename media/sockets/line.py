"""One call's two sockets. A line performs what the bridge decides, and decides nothing itself.

Both are read and written in callbacks. So every effect is performed at once, whoever caused it, and the shared ticker
never waits. No task, timer or log line per frame.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import structlog
from websockets.frames import CloseCode

from media import effects
from media.bridge import NOTHING, Bridge
from media.effects import CallTool, Count, Effect, End, Finish, Measure, Redial, Report, ToModel, ToPlatform, Warn
from media.ends import media_lost
from media.realtime.dial import Dial
from media.sockets.model import ModelSocket
from media.sockets.platform import PlatformSocket
from media.sockets.ports import HookPort, Observer, Patience
from media.sockets.reach import reach
from media.sockets.upgrade import Upgrade
from media.ticker import Ticker
from once import Once

log = structlog.get_logger("media")

CLOSE_CODES = {"media_lost": CloseCode.POLICY_VIOLATION, "server_restart": CloseCode.SERVICE_RESTART}
CLEAN_CLOSE = {1000, 1001, 1005}


@dataclass(frozen=True, slots=True)
class Lines:
    """What the lines of one process share, and the way to make one."""

    ticker: Ticker
    tls: ssl.SSLContext
    "One for all: making one takes 30 ms, in which no call would be served."
    observer: Observer

    def line(
        self, bridge: Bridge, dials: Sequence[Dial], hooks: HookPort, patience: Patience, *, call_sid: str
    ) -> "Line":
        """Make the line of one conversation; whatever it logs names `call_sid`."""
        return Line(bridge, dials, hooks, patience, shared=self, call_sid=call_sid)


class Line:
    """`run` lives as long as the call; `serve` as long as its media socket."""

    def __init__(
        self,
        bridge: Bridge,
        dials: Sequence[Dial],
        hooks: HookPort,
        patience: Patience,
        *,
        shared: Lines,
        call_sid: str,
    ) -> None:
        """`dials`: where the bridge's models are, in its order."""
        self._bridge = bridge
        self._dials = list(dials)
        self._hooks = hooks
        self._patience = patience
        self._shared = shared
        # Bound, and no context variable: callbacks of sockets and of the ticker run in whichever context made them.
        self._log = log.bind(call_sid=call_sid)
        self._now = asyncio.get_running_loop().time
        self._group = asyncio.TaskGroup()
        self._reaching: asyncio.Task[None] | None = None
        self._model: ModelSocket | None = None
        self._platform: PlatformSocket | None = None
        self.over = Once()
        "Set when the conversation has its end, or has failed; its sockets close after that."
        self._failure: Exception | None = None
        self.wakes_at = inf
        self.end: End | None = None

    async def run(self) -> None:
        """Reach the model, and stay until the conversation has its end and both sockets are closed.

        Whatever goes wrong in any of this call's callbacks is raised here: it ends this call and no other.
        """
        try:
            async with self._group:
                await self._stay()
        finally:
            await self._close()
        if self._failure:
            raise self._failure

    async def _stay(self) -> None:
        if self.over.is_set():
            return
        self._redial(0)
        self._perform([])
        while not self.over.is_set():
            await self.over.wait(self._patience.watch_s)
            self._watch()
        self._stop_reaching()  # before the sockets are closed: one that answers only now would be closed by nobody
        await self._close()

    async def serve(self, upgrade: Upgrade) -> None:
        """Have the platform's media socket, from here on: what HTTP has made of its request can go."""
        socket = PlatformSocket(self, self._bridge.silence, self._log)
        if self.over.is_set():  # the model refused us while the platform was still on its way
            upgrade.begin(socket)
            await socket.close()
            return
        self._platform = socket
        self._do(self._bridge.platform_opened)
        upgrade.begin(socket)

    def finish(self, end: End) -> None:
        """End the conversation for a reason from outside."""
        self._do(self._bridge.end, end)

    def tick(self, now: float) -> None:
        if (due := self._bridge.next_due()) is not None and due > now:  # it has been put off since it was asked for
            self._shared.ticker.wake(self, due)
        else:
            self._do(self._bridge.tick)  # which takes its own time: the ticker's is a moment old

    def platform_spoke(self, pcm: bytes) -> None:
        """Pass the caller's audio on, fifty times a second."""
        if self._failure:
            return
        try:
            now = self._now()
            if (message := self._bridge.passage.to_model(pcm, now)) is None:
                self._perform(self._bridge.platform_said(pcm, now))
            elif self._model:
                self._model.send(message)
        except Exception as error:  # noqa: BLE001  # as in `_do`, but for what that costs fifty times a second
            self._fail(error)

    def platform_said(self, text: str) -> None:
        self._do(self._bridge.platform_said, text)

    def platform_lost(self, code: int | None) -> None:
        self._platform = None
        self._do(partial(self._bridge.platform_closed, clean=code in CLEAN_CLOSE))

    def model_opened(self, socket: ModelSocket) -> None:
        self._model = socket
        self._shared.observer.model_opened()
        self._do(self._bridge.model_opened)

    def model_said(self, wire: bytes) -> None:
        if self._failure:
            return
        try:
            wanted = self._bridge.model_said(wire, self._now())
            if wanted is not NOTHING:
                self._perform(wanted)
                if self._model and self._bridge.backlogged():
                    self._model.pause_reading()
        except Exception as error:  # noqa: BLE001  # as in `_do`
            self._fail(error)

    def model_lost(self, code: int | None, reason: str) -> None:
        self._model = None  # it goes by itself from here, and owes nothing any more
        self._shared.observer.model_closed()
        self._do(partial(self._bridge.model_closed, code=code, reason=reason))

    def tool_answered(self, call_id: str, output: str) -> None:
        self._do(self._bridge.tool_answered, call_id, output)

    # Inputs and effects

    def _do(self, say: Callable[..., list[Effect]], *said: object) -> None:
        """Take an input. The boundary of one call: what goes wrong is raised again by `run`, for this call alone."""
        if self._failure:
            return
        try:
            self.tell(say, *said)
        except Exception as error:  # noqa: BLE001  # see above
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self.over.set()

    def tell(self, say: Callable[..., list[Effect]], *said: object) -> None:
        """Tell the bridge something, with the time, and perform what it wants."""
        self._perform(say(*said, self._now()))

    def _perform(self, wanted: list[Effect]) -> None:
        """Do what the bridge wants, and see when it next wants to be woken."""
        for effect in wanted:
            self._perform_one(effect)
        if (due := self._bridge.next_due()) is not None:
            self._shared.ticker.wake(self, due)

    def _perform_one(self, effect: Effect) -> None:
        match effect:
            case ToModel(wire) if self._model:
                self._model.send(wire)
            case ToPlatform(wire) if self._platform:
                self._platform.put(wire)
            case Redial(nth, dial):
                self._redial(nth, dial)
            case Report(type_, event):
                self._hooks.report(type_, event)
            case CallTool(call_id, name, arguments):
                self._hooks.call_tool(call_id, name, arguments, partial(self.tool_answered, call_id))
            case effects.Answered(answer, outcome):
                answer(outcome)
            case Measure(name, since):
                self._shared.observer.measure(name, self._now() - since)
            case Count(kind):
                self._shared.observer.media_text_ignored(kind)
            case Warn(event, detail):
                self._log.warning(event, **detail)
            case Finish(end):
                self.end = end
                self.over.set()

    # The model's socket

    def _redial(self, nth: int, dial: Dial | None = None) -> None:
        """Leave the model, if there is one, and reach the n-th."""
        self._stop_reaching()
        if self._model:
            self._leave(self._model)
        self._dials[nth] = dial or self._dials[nth]
        self._reaching = self._group.create_task(self._reach_model(self._dials[nth]))

    def _leave(self, model: ModelSocket) -> None:
        self._model = None
        model.dismiss()
        self._shared.observer.model_closed()
        self._group.create_task(model.close())

    def _give_up(self, model: ModelSocket, why: str) -> None:
        """Take a socket on which nothing moves any more for one that broke."""
        self._leave(model)
        self._do(partial(self._bridge.model_closed, code=None, reason=why))

    def _stop_reaching(self) -> None:
        if self._reaching:
            self._reaching.cancel()

    async def _reach_model(self, dial: Dial) -> None:
        """Dial, again where that may help. The caller hears a tone meanwhile, by the bridge's silence rule."""
        failure = await reach(
            dial,
            self,
            tls=self._shared.tls,
            connect_timeout_s=self._patience.connect_timeout_s,
            dial_s=self._patience.dial_s / len(self._dials),
            log=self._log,
        )
        self._reaching = None
        if failure:
            fail = partial(self._bridge.model_failed, reason_code=failure.reason_code, message=failure.message)
            self._do(fail)

    # Time and the end

    def _watch(self) -> None:
        """One look every few seconds at what each send would else need a timer for."""
        now, model = self._now(), self._model
        if self._platform:
            self._watch_platform(self._platform, now)
        if model is None:
            return
        if now - (model.stuck_since or now) > self._patience.send_timeout_s:
            self._give_up(model, "the model does not read its socket")
        elif model.silent_s > self._patience.model_lost_s:
            self._give_up(model, "the model does not answer pings")
        elif model.silent_s > self._patience.heartbeat_s:
            model.ping()
        if not self._bridge.backlogged():
            model.resume_reading()

    def _watch_platform(self, platform: PlatformSocket, now: float) -> None:
        if now - (platform.stuck_since or now) > self._patience.send_timeout_s:
            self.finish(media_lost("the platform does not read its media socket"))
        elif platform.silent_s > self._patience.platform_lost_s:
            self.finish(media_lost("the platform does not answer pings"))
        elif platform.silent_s > self._patience.heartbeat_s:
            platform.ping()

    async def _close(self) -> None:
        """Close both at once: the caller goes on while the model still says goodbye."""
        code = CLOSE_CODES.get(self.end.reason_code if self.end else "", CloseCode.NORMAL_CLOSURE)
        platform, model = self._platform, self._model
        await asyncio.gather(*([platform.close(code)] if platform else []), *([model.close()] if model else []))
