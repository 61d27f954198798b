"""`python -m sim platform`: a fake REST API that places outbound calls to a running server."""

import asyncio
import signal
import sys
import time
import uuid
from argparse import ArgumentParser, Namespace

from sim import portal, voice
from sim.caller import Story
from sim.happening import Happening
from sim.human import CALLEES
from sim.placing import DEFAULT_SECRET, be_the_caller
from sim.platform.bodies import identify
from sim.platform.client import Answering, LiveCall
from sim.platform.rest import Account, Behaviour, RestPlatform
from sim.show import line

DEFAULT_KEY = "rehearsal"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="the application's call webhook; without a path: /call is added")
    parser.add_argument("--port", type=int, default=0, metavar="P", help="0, the default, takes a free one")
    portal.add_arguments(parser, DEFAULT_SECRET)
    parser.add_argument("--api-key", default=DEFAULT_KEY, metavar="K", help="the bearer key (default: %(default)s)")
    parser.add_argument("--account-sid", default=str(uuid.uuid4()), metavar="SID", help="default: a new one")
    parser.add_argument("--application-sid", default=str(uuid.uuid4()), metavar="SID", help="default: a new one")
    says = "who is called: a machine is told by amd, the last three do not answer (default: %(default)s)"
    parser.add_argument("--callee", choices=CALLEES, default="human", help=says)
    parser.add_argument("--answers-after", type=float, default=0.5, metavar="S", help="seconds (default: %(default)s)")
    parser.add_argument("--say", action="append", default=[], metavar="TEXT", help="what the callee says; repeatable")
    parser.add_argument("--max-s", type=float, default=120.0, metavar="S", help="the callee hangs up then")


def main(options: Namespace) -> int:
    asyncio.run(_serve(options))
    return 0


async def _serve(options: Namespace) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    start_s = time.monotonic()

    async def attend(live: LiveCall) -> None:
        story = Story(lambda _: None)
        live.watch(story.add)
        lines = [(text, voice.caller_line(text)) for text in options.say]
        await be_the_caller(live, story, lines, options.max_s)

    entered = portal.portal(options.url, options.transport, options.secret, auth=portal.credentials(options))
    nobody = identify("", "", lambda: "")
    account = Account(entered.dial(nobody), options.api_key, options.account_sid, options.application_sid)
    picks_up = CALLEES[options.callee]
    answering = Answering(options.answers_after, picks_up.sip_status, picks_up.reason)
    found = options.callee if options.callee in {"human", "machine"} else None
    platform = RestPlatform(account, lambda happening: _show(happening, start_s), Behaviour(answering, found, attend))
    async with platform.serving(port=options.port) as url:
        print(f"listening on {url}", flush=True)
        print(f"account_sid {options.account_sid}\napplication_sid {options.application_sid}", flush=True)
        await over.wait()


def _show(happening: Happening, start_s: float) -> None:
    shown = line(happening, start_s, sounds=True)
    if shown:
        print(shown, file=sys.stderr, flush=True)
