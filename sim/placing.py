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
from urllib.parse import urlsplit, urlunsplit

from sim import voice
from sim.caller import Caller, Story
from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import Dial, LiveCall
from sim.platform.effects import Over
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
    parser.add_argument("--transport", choices=["webhook", "ws"], default="webhook", help="how verbs are asked for")
    parser.add_argument("--secret", default=DEFAULT_SECRET, metavar="S", help="the webhook secret that signs")
    parser.add_argument("--status-url", metavar="URL", help="the call_status_hook (default: the call hook + /status)")
    parser.add_argument("--max-s", type=float, default=120.0, metavar="S", help="hang up then (default: %(default)s)")
    parser.add_argument("--record", type=Path, metavar="OUT.wav", help="write the call: caller left, agent right")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end; the call goes to stderr")


def main(options: Namespace) -> int:
    if options.transport == "ws":
        says = "this version of the fake platform speaks the webhook transport only; leave --transport ws out"
        print(f"error: {says}", file=sys.stderr)
        return 2
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

    story, call_hook = Story(show), hook_url(options.url)
    identity = identify(options.caller, options.number, lambda: str(uuid.uuid4()))
    dial = Dial(identity, call_hook, options.status_url or f"{call_hook}/status", options.secret)
    live = LiveCall(dial, story.add)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, live.hang_up)
    caller = asyncio.create_task(_be_the_caller(live, story, lines, options.max_s))
    over = await live.run()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    _tell(options, live, story, over)
    return 0 if over.answered and not over.failed else 1


def hook_url(url: str) -> str:
    """Add /call where a URL has no path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else "/call"))


async def _be_the_caller(live: LiveCall, story: Story, lines: list[tuple[str, bytes]], max_s: float) -> None:
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
