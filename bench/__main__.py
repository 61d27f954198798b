"""`python -m bench`: Hookswitch and a minimal hand-written bridge, measured in turns in one run."""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import uvloop

from bench.caller import SetupError
from bench.machine import CORES, before_all_others, facts, raise_file_limit, settle_on
from bench.plan import QUICK, WHOLE, Outcome, Plan, carry_out
from bench.report import OURS, THEIRS, results, table
from bench.servers import ServerError

RESULTS = Path(__file__).with_name("results.json")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about one minute: one round, shorter windows, no bursts")
    parser.add_argument("--only", metavar="NAME", choices=(OURS, THEIRS), help=f"measure {OURS} or {THEIRS} alone")
    parser.add_argument("--fifo", action="store_true", help="SCHED_FIFO, for a machine shared with others (needs root)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go (bench/results.json)")
    return parser.parse_args()


async def run(plan: Plan, names: list[str]) -> dict[str, Outcome]:
    """SIGINT and SIGTERM both end it tidily, so that no server is left behind."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await carry_out(plan, names)


def main() -> int:
    options = arguments()
    if not sys.platform.startswith("linux"):
        print("error: the benchmark reads /proc and pins processes to cores; it needs Linux", file=sys.stderr)
        return 2
    plan = QUICK if options.quick else WHOLE
    raise_file_limit()
    settle_on(os.getpid(), CORES and CORES[1])
    if options.fifo:
        before_all_others()
    machine = facts()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcomes = runner.run(run(plan, [options.only] if options.only else [OURS, THEIRS]))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    except (ServerError, SetupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    found = results(outcomes, plan, machine)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
