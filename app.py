"""Hookswitch: answers phone calls with verb documents, and carries out their `llm` verbs.

This is the switchboard's wiring: it joins the rooms and decides nothing. The commands are in `cli.py`.
"""

import garbage  # before all others

# isort: split
import asyncio
import faulthandler
import os
import signal
import ssl
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_bytes, token_hex
from time import time

import structlog
from aiohttp import web

import cli
import logs
from api import brains, calls, health, media, metrics, midcall, records, trust
from api.control import ControlSockets
from api.webhooks import MAX_BODY_BYTES, Webhooks, admit, guard
from calls.dispatchers import Dispatchers, steady_clock
from calls.document import Place
from calls.extending import extensions, tell
from calls.readers import READERS
from calls.retention import forget_old_calls
from calls.sessions import Sessions
from calls.sounds import load_servers, load_sounds
from calls.switchboard import Switchboard
from config import ConfigError, Settings, exposure, load, secret_values
from config.reload import Reloader
from hooks import functions
from hooks.dispatcher import Outcome
from hooks.transports import by_scheme
from hooks.transports.app import AppTransport
from media.rest import RestClient
from media.sockets import Lines
from media.ticker import Ticker
from store.base import Store
from store.errors import StoreError
from store.opening import opened
from tasks import Tasks

try:
    import uvloop

    NEW_LOOP: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
except ImportError:  # no wheel for this platform: asyncio's own loop does the same, slower
    NEW_LOOP = asyncio.new_event_loop

log = structlog.get_logger("app")

RELOAD_EVERY_S = 1.0
HOOKS_DRAIN_S, HURRIED_HOOKS_S, HURRIED_S = 5.0, 0.4, 1.8
REQUESTS_DRAIN_S = 0.4
"For answers on their way out, twice: to end by themselves, and then by force."
IDLE_S = 75.0
"""For a request to come in whole up to its body, the first as the next: longer than proxies keep a connection that they
may use again (most of them 60 s), and aiohttp's own is an hour."""
SECRET_BYTES = 32


class Server:
    """One process that serves. `run` returns when it was told to stop and the calls have ended.

    `announce` is told the URL once the socket accepts.
    """

    def __init__(self, config: Path, settings: Settings, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._settings = settings
        self._folder = config.parent
        self._reloader = Reloader(config, os.environ, READERS, code=functions.files)
        self._reloader.reload()
        self._metrics = metrics.Metrics()
        self._transports = by_scheme()
        self._tasks = Tasks()
        self._ready = False
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._reload = asyncio.Event()
        self._base_url = ""

    async def run(self, *, host: str, port: int) -> None:
        async with AsyncExitStack() as stack:
            store = self._store = await stack.enter_async_context(opened(self._settings.store, self._folder))
            switchboard, secret = await self._rooms(stack, store)
            runner = web.AppRunner(
                self._application(switchboard, secret),
                access_log=None,
                handle_signals=False,
                auto_decompress=False,  # no platform compresses, and what is signed are the bytes as they came
                keepalive_timeout=IDLE_S,
                shutdown_timeout=REQUESTS_DRAIN_S,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, host, port).start()
            self._base_url = _url(host, runner.addresses[0][1])
            await self._recover(switchboard, secret)
            await stack.enter_async_context(metrics.watching_loop(self._metrics.loop_lag))
            self._tasks.start(self._look_after(switchboard))
            self._tasks.start(forget_old_calls(store, lambda: switchboard.settings.server))
            stack.push_async_callback(self._tasks.cancel)
            stack.enter_context(self._listening_to_signals())
            self._ready = True
            self._announce(self._base_url)
            garbage.spare()
            await self._stop.wait()
            await self._shut_down(switchboard)

    async def _rooms(self, stack: AsyncExitStack, store: Store) -> tuple[Switchboard, bytes]:
        settings = self._settings
        self._dispatchers = Dispatchers(self._transports, clock=steady_clock(), observe=self._hook_outcome, store=store)
        await self._dispatchers.learn()
        given = settings.server.ticket_secret.get_secret_value().encode()
        secret = given or await store.secret("ticket", lambda: token_bytes(SECRET_BYTES))
        for transport in set(self._transports.values()):
            stack.push_async_callback(transport.close)
        dispatcher = self._dispatchers.make(settings)
        loop = asyncio.get_running_loop()
        lines = Lines(Ticker(loop.time, loop.call_at), ssl.create_default_context(), self._metrics)
        remote = RestClient()
        stack.push_async_callback(remote.close)
        [sockets] = [found for found in self._transports.values() if isinstance(found, AppTransport)]
        switchboard = Switchboard(
            settings,
            store,
            dispatcher,
            lines,
            sockets,
            remote=remote,
            observer=self._metrics,
            hide=logs.hide,
            owner=token_hex(8),
        )
        stack.push_async_callback(switchboard.close)
        self._records = switchboard.records
        self._sessions = Sessions(switchboard, secret=secret)
        stack.push_async_callback(self._sessions.close)
        return switchboard, secret

    async def _recover(self, switchboard: Switchboard, secret: bytes) -> None:
        """Take over what an earlier process has left: its calls now, what else it had to tell soon."""
        place = Place(self._settings.server.public_url or self._base_url, secret)
        taken = await switchboard.recover(place, self._dispatchers.take_back)
        self._tasks.start(self._dispatchers.take_back_all(but=taken))

    def _application(self, switchboard: Switchboard, secret: bytes) -> web.Application:
        count = self._metrics.request_refused
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[guard(count)])
        webhooks = Webhooks(switchboard, secret=secret, base_url=lambda: self._base_url, count=count)
        app.add_routes([*webhooks.routes(), *ControlSockets(self._sessions, webhooks).routes()])
        app.add_routes([*calls.routes(switchboard, webhooks), *midcall.routes(switchboard, webhooks)])
        app.add_routes(records.routes(switchboard, self._dispatchers))
        brains.add(app, switchboard)
        app.router.add_get("/media/{platform}/{ticket}", media.handler(switchboard, secret=secret))
        app.add_routes(health.routes(lambda: health.state_of(switchboard, self._store) if self._ready else "starting"))
        scrape = metrics.handler(self._metrics)

        async def scraped(request: web.Request) -> web.Response:
            admit(trust.facts_of(request, "metrics"), switchboard.settings)
            return await scrape(request)

        app.router.add_get("/metrics", scraped)
        return app

    def _hook_outcome(self, outcome: Outcome) -> None:
        self._metrics.hook_tried(outcome.delivery, now_s=time())
        self._records.delivered(outcome)

    async def _look_after(self, switchboard: Switchboard) -> None:
        """Do what comes round: a changed configuration, a gauge."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RELOAD_EVERY_S):
                    await self._reload.wait()
            self._metrics.outbox_pending(self._dispatchers.pending())
            self._metrics.breakers_open(self._dispatchers.endpoints.open_breakers)
            self._tasks.start(self._dispatchers.take_replayed())
            try:
                await self._take_up_changes(switchboard)
            except (OSError, RuntimeError) as error:  # no file, no thread can be had: perhaps in a second
                log.warning("config_not_looked_at", error=error)

    async def _take_up_changes(self, switchboard: Switchboard) -> None:
        """Read the configuration anew if it changed, or if we were told to; no call waits for a file meanwhile."""
        now, told = asyncio.get_running_loop().time(), self._reload.is_set()
        self._reload.clear()
        read = await asyncio.to_thread(lambda: self._reloader.reload() if told else self._reloader.poll(now))
        if isinstance(read, ConfigError):
            log.error("config_refused", complaints=[str(complaint) for complaint in read.complaints])
        elif read is not None:
            await asyncio.to_thread(prepare_for, read)
            switchboard.take_up(read, self._dispatchers.make(read))
            log.info("config_taken_up", routes=len(read.routes))

    @contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        self.stop()
        if self._hurry.is_set():
            faulthandler.dump_traceback_later(HURRIED_S, exit=True)  # nothing else ends a thread that a disk holds

    def stop(self) -> None:
        """Let the calls come to their ends, and then stop; told again, stop now."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _shut_down(self, switchboard: Switchboard) -> None:
        log.info("drain_began", calls=switchboard.active)
        self._sessions.restart()
        await self._unless_hurried(switchboard.drain(switchboard.settings.server.drain_s))
        if self._hurry.is_set():
            await switchboard.hurry()
        await self._unless_hurried(self._dispatchers.drain(HOOKS_DRAIN_S))
        self._sessions.restart()  # those that came back meanwhile
        left = await self._dispatchers.drain(HURRIED_HOOKS_S)
        log.info("drain_ended", undelivered_hooks=left)

    async def _unless_hurried(self, work: Coroutine[None, None, object]) -> None:
        """Do this, or leave it where somebody is in a hurry."""
        working, hurry = asyncio.create_task(work), asyncio.create_task(self._hurry.wait())
        await asyncio.wait({working, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _announce(url: str) -> None:
    print(f"listening on {url}", flush=True)  # noqa: T201  # the result that a starter waits for


def prepare_for(settings: Settings) -> None:
    """Do what a configuration needs before it is in force."""
    introduce(settings)
    load_sounds(settings)
    load_servers(settings)


def introduce(settings: Settings) -> None:
    """Hide the secrets of a configuration from the log, and tell its warnings."""
    for secret in secret_values(settings):
        logs.register_secret(secret)
    for warning in settings.warnings:
        log.warning("config", message=warning)


def serve(config: Path, *, host: str | None, port: int | None) -> int:
    """Serve until told to stop. Exit code 0, 1 where the port cannot be had, or 2 for a bad configuration."""
    try:
        logs.set_up(os.environ, sys.stderr)
        tell(extensions(), log)
        settings = load(config, environ=os.environ, read=READERS)
    except (ConfigError, ValueError) as error:
        complaints = error.complaints if isinstance(error, ConfigError) else [error]
        print(*complaints, sep="\n", file=sys.stderr)  # noqa: T201  # for the one who starts it
        return 2
    server = settings.server
    if host and (complaint := exposure(server, settings.platform, host=host)):
        print(f"--host {host}: {complaint}", file=sys.stderr)  # noqa: T201  # for the one who starts it
        return 2
    prepare_for(settings)
    try:
        with asyncio.Runner(loop_factory=NEW_LOOP) as runner:
            port = server.port if port is None else port
            runner.run(Server(config, settings, _announce).run(host=host or server.host, port=port))
    except (OSError, StoreError) as error:
        told = "cannot_listen" if isinstance(error, OSError) else "cannot_open_store"
        log.error(told, message=str(error))  # noqa: TRY400  # the message says it all
        return 1
    return 0


def _url(host: str, port: int) -> str:
    local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{local}:{port}"


if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], serve=serve))
