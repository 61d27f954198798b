"""`python -m sim call`: one call to any running server."""

import asyncio
import json
import signal
import sys
import time
import uuid
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sim import portal, voice
from sim.caller import Caller, Story
from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import LiveCall
from sim.platform.effects import Over
from sim.platform.manner import Callee
from sim.platform.recording import RECORDED_HZ, channels
from sim.platform.sound import read_wav, write_stereo
from sim.report import report, summary
from sim.show import line

ANSWER_S = 8.0
"How long the caller waits for the agent to begin."
DEFAULT_SECRET = "rehearsal"  # noqa: S105  # jambonz always signs; a server without a secret does not look


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("number", nargs="?", default="+15551230001", help="the number called (default: %(default)s)")
    parser.add_argument("--url", required=True, help="the server's call webhook; without a path: /call is added")
    parser.add_argument("--from", dest="caller", default="+15557654321", metavar="N", help="the caller's number")
    sound = parser.add_mutually_exclusive_group()
    sound.add_argument("--say", action="append", default=[], metavar="TEXT", help="what the caller says; repeatable")
    sound.add_argument("--wav", type=Path, metavar="F", help="a WAV file (16-bit) that is the caller's line")
    portal.add_arguments(parser, DEFAULT_SECRET)
    status = parser.add_mutually_exclusive_group()
    says = "the call_status_hook (default: the call hook + /status; with ws: the control socket)"
    status.add_argument("--status-url", metavar="URL", help=says)
    status.add_argument("--no-status", action="store_true", help="no call_status_hook is configured")
    says = "ws: break the control socket at second S of the call; repeatable"
    parser.add_argument("--drop-control", action="append", type=float, default=[], metavar="S", help=says)
    parser.add_argument("--no-reconnect", action="store_true", help="ws: do not open a lost control socket again")
    parser.add_argument("--answer-dials", action="store_true", help="somebody answers what the server dials")
    parser.add_argument("--max-s", type=float, default=120.0, metavar="S", help="hang up then (default: %(default)s)")
    parser.add_argument("--record", type=Path, metavar="OUT.wav", help="write the call: caller left, agent right")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end; the call goes to stderr")


def main(options: Namespace) -> int:
    lines = [(text, voice.caller_line(text)) for text in options.say]
    if options.wav:
        lines = [(options.wav.name, read_wav(options.wav, voice.RATE_HZ))]
    return asyncio.run(_place(options, lines))


async def _place(options: Namespace, lines: list[tuple[str, bytes]]) -> int:
    start_s = time.monotonic()

    def show(happening: Happening) -> None:
        shown = line(happening, start_s, sounds=True)
        if shown:
            print(shown, file=sys.stderr if options.json else sys.stdout, flush=True)

    story = Story(show)
    identity = identify(options.caller, options.number, lambda: str(uuid.uuid4()))
    live = LiveCall(_entered(options).dial(identity, **_manner(options)), story.add)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, live.hang_up)
    caller = asyncio.create_task(be_the_caller(live, story, lines, options.max_s))
    over = await live.run()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    _tell(options, live, story, over)
    return 0 if over.answered and not over.failed else 1


def _entered(options: Namespace) -> portal.Portal:
    auth, status = portal.credentials(options), not options.no_status
    how = options.transport, options.secret
    return portal.portal(options.url, *how, auth=auth, status_url=options.status_url, status=status)


def _manner(options: Namespace) -> dict[str, Any]:
    callee = Callee() if options.answer_dials else None
    return {"drops_s": tuple(options.drop_control), "reconnects": not options.no_reconnect, "callee": callee}


async def be_the_caller(live: LiveCall, story: Story, lines: list[tuple[str, bytes]], max_s: float) -> None:
    """Listen to the greeting, say each line when the agent has finished, listen to the answer, hang up."""
    caller, until_s = Caller(live, story), time.monotonic() + max_s
    try:
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + max_s):
            await story.seen("media_open", 0, until_s)
            await _hear_out(caller, story, 0)
            for text, pcm in lines:
                since = len(story.happenings)
                await caller.say(text, pcm, voice.RATE_HZ)
                await _hear_out(caller, story, since)
    except TimeoutError:
        print(f"the call has lasted {max_s:.0f} s (--max-s)", file=sys.stderr)
    caller.hang_up()


async def _hear_out(caller: Caller, story: Story, since: int) -> None:
    await story.seen("agent_started_speaking", since, time.monotonic() + ANSWER_S)
    await caller.listen()


def _tell(options: Namespace, live: LiveCall, story: Story, over: Over) -> None:
    streams = [socket.stream for socket in live.media if socket.stream]
    if options.record:
        write_stereo(options.record, *channels(streams), RECORDED_HZ)
    told = report(options.number, story.happenings, [], [], [])
    if options.json:
        happened = [asdict(one) for one in story.happenings]
        print(json.dumps({**told, "passed": over.answered and not over.failed, "end": asdict(over), "all": happened}))
        return
    print(f"\n{'answered' if over.answered else 'not answered'}, {over.why} ({over.call_status}, by {over.ended_by})")
    print(summary(told))
    if options.record:
        print(f"  recording        {options.record}")
