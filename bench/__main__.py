"""`python -m bench`: Hookswitch beside other bridges, measured in turns in one run; `report` writes it down."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from bench import first_words, growth, pure
from bench.building import BuildError, built
from bench.caller import SetupError
from bench.machine import CORES, before_all_others, commit, facts, raise_file_limit, settle_on
from bench.page import PICTURE, PageError, picture, written
from bench.peers import PeerError, install
from bench.plan import (
    BARE,
    MINIMAL,
    OURS,
    PEER_CALLS,
    PIPECAT,
    QUICK,
    RELAY,
    TINY,
    VARIED,
    WHOLE,
    WITH_GOOD_HOOKS,
    WITHOUT_TLS,
    Plan,
    carry_out,
    say,
)
from bench.report import results, table
from bench.servers import ServerError
from bench.variant import Variant

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
ACTIONS = """growth: how soon it is ready, and what 1,000 calls leave in memory (5 minutes); pure: ticks of the bridge
alone, and what changes of format do to sound; brains: what is added to the first word of a model that is asked in text
(1 minute); report: write the page"""
BESIDE = ("growth", "pure", "first_words")
"What stands in the file besides the runs."
PLANS = {"quick": QUICK, "tiny": TINY}
VARIANTS = (
    *(Variant(rate_hz=8000), Variant(tls=True), Variant(mode="barge_ins"), Variant(processes=2)),
    Variant(bad_hooks=True),
)
"What `--all` measures after the plain run, which has bursts in it."
T = TypeVar("T")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    actions = ("run", "growth", "pure", "brains", "report")
    parser.add_argument("action", nargs="?", choices=actions, default="run", help=ACTIONS)
    lengths = parser.add_mutually_exclusive_group()
    lengths.add_argument("--quick", dest="plan", action="store_const", const="quick", help="about two minutes")
    lengths.add_argument("--tiny", dest="plan", action="store_const", const="tiny", help="only whether all of it works")
    parser.add_argument("--only", metavar="NAMES", type=chosen, help=f"such as {OURS},{RELAY}: measure these alone")
    parser.add_argument("--peers", action="store_true", help="pipecat as well; installs it under .build/ when needed")
    parser.add_argument("--all", action="store_true", help="the plain run, and each variant after it")
    parser.add_argument("--rate", type=int, choices=(8000, 24000), default=24000, help="of the platform's audio, Hz")
    parser.add_argument("--tls", action="store_true", help="on the model's side")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--bursts", dest="mode", action="store_const", const="bursts", help="nothing but bursts")
    modes.add_argument("--barge-ins", dest="mode", action="store_const", const="barge_ins", help="bursts, cut short")
    parser.add_argument("--bad-hooks", action="store_true", help="an application that fails in every way, by turns")
    parser.add_argument("--processes", type=int, default=1, help="of each server")
    parser.add_argument("--tones", action="store_true", help="latency by onsets: for servers that change the samples")
    parser.add_argument("--calls", type=int, help="in the steady window")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--fifo", action="store_true", help="SCHED_FIFO, for a machine shared with others (needs root)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go (bench/results.json)")
    parser.add_argument("--page", type=Path, default=PAGE, help="where `report` puts them (docs/performance.md)")
    return parser.parse_args()


def chosen(names: str) -> list[str]:
    """:raises argparse.ArgumentTypeError: there is none of that name"""
    asked, known = names.split(","), (OURS, MINIMAL, RELAY, BARE, PIPECAT)
    if strange := set(asked) - set(known):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(strange))}: not one of {', '.join(known)}")
    return asked


def main() -> int:
    options = arguments()
    try:
        return write_page(options.out, options.page) if options.action == "report" else measured(options)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped; what was not finished is not written", file=sys.stderr)
        return 130
    except (ServerError, SetupError, BuildError, PeerError, PageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def measured(options: argparse.Namespace) -> int:
    if not sys.platform.startswith("linux"):
        print("error: the benchmark reads /proc and pins processes to cores; it needs Linux", file=sys.stderr)
        return 2
    match options.action:
        case "growth":
            return run_growth(options)
        case "pure":
            return run_pure(options)
        case "brains":
            return run_brains(options)
    return run(options)


def run_growth(options: argparse.Namespace) -> int:
    raise_file_limit()
    settle_on(os.getpid(), CORES and CORES[1], urgent=False)
    machine = {**facts(), "commit": commit(), "measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}
    found = growth.results(carried_out(growth.grown(growth.TINY if options.plan else growth.WHOLE)), machine)
    write_down(options.out, {**kept_in(options.out), "growth": found})
    print(growth.sentence(found), *("  ".join(row) for row in growth.rows(found)), sep="\n")
    return 0


def run_pure(options: argparse.Namespace) -> int:
    settle_on(os.getpid(), CORES and CORES[0], urgent=False)
    machine = {**facts(), "commit": commit(), "measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}
    found = pure.results(machine)
    write_down(options.out, {**kept_in(options.out), "pure": found})
    print(pure.sentence(found), *("  ".join(row) for row in pure.rows(found)), sep="\n")
    return 0


def run_brains(options: argparse.Namespace) -> int:
    settle_on(os.getpid(), CORES and CORES[1], urgent=False)
    machine = {**facts(), "commit": commit(), "measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}
    steps = first_words.TINY if options.plan else first_words.WHOLE
    found = first_words.results(carried_out(first_words.asked(steps)), machine)
    write_down(options.out, {**kept_in(options.out), "first_words": found})
    print(*("  ".join(row) for row in first_words.rows(found)), sep="\n")
    return 0


def run(options: argparse.Namespace) -> int:
    variant = Variant(
        options.mode or "realtime",
        options.rate,
        options.tls,
        options.processes,
        bad_hooks=options.bad_hooks,
        tones=options.tones,
    )
    native = built("load") is not None
    names = names_of(options, variant, native=native)
    if PIPECAT in names:
        say("pipecat: installing what is not there yet under .build/peers")
        install(PIPECAT)
    raise_file_limit()
    if options.fifo:
        before_all_others()
    settle_on(os.getpid(), CORES and CORES[1], urgent=not native)
    machine = {**facts(), "native_load": native, "commit": commit()}
    measure_and_keep(options, variant, names, machine)
    for other in VARIANTS if options.all else ():
        named = [name for name in names_of(options, other, native=native) if name != PIPECAT]
        measure_and_keep(options, other, named, machine)
    return 0


def measure_and_keep(
    options: argparse.Namespace, variant: Variant, names: Sequence[str], machine: dict[str, object]
) -> None:
    plan = plan_of(options, variant, names)
    machine["measured_at"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    found = results(carried_out(carry_out(plan, variant, names)), plan, variant, machine)
    keep(options.out, found, variant)
    print(table(found), flush=True)


def plan_of(options: argparse.Namespace, variant: Variant, names: Sequence[str]) -> Plan:
    plan = PLANS.get(options.plan) or (WHOLE if variant == Variant() else VARIED)
    if variant.mode != "realtime":
        plan = replace(plan, seconds=max(plan.seconds, 5.0), burst_rounds=0)  # a cycle lasts 5 s
    few_calls = min(PEER_CALLS, plan.calls) if PIPECAT in names else 0
    return replace(plan, calls=options.calls or plan.calls, rounds=options.rounds or plan.rounds, few_calls=few_calls)


def names_of(options: argparse.Namespace, variant: Variant, *, native: bool) -> list[str]:
    """Say who takes part: the relay where it can be built, and plainly, for it knows no TLS."""
    if options.only:
        return list(options.only)
    relay = [RELAY] if native and not variant.tls else []
    bare = [BARE] if relay and variant == Variant() else []
    plain = [WITHOUT_TLS] if variant.tls else []
    if variant.bad_hooks:
        return [OURS, WITH_GOOD_HOOKS]  # the others have no hooks
    # Pipecat's model leg is linear at 24 kHz whatever the platform's rate is: then only tones come through.
    pipecat = [PIPECAT] if options.peers and variant.rate_hz == 24000 else []
    return [OURS, *plain, MINIMAL, *relay, *bare, *pipecat]


def carried_out(measuring: Coroutine[Any, Any, T]) -> T:
    """SIGINT and SIGTERM both end it tidily, so that no server is left behind."""

    async def tidily() -> T:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await measuring

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(tidily())


def keep(path: Path, found: dict[str, Any], variant: Variant) -> None:
    """The plain run is the file, variants stand in it by name; each says when and at which commit it was measured."""
    before = kept_in(path)
    variants, beside = before.get("variants", {}), {name: before[name] for name in BESIDE if name in before}
    if variant == Variant():
        write_down(path, {**found, "variants": variants, **beside})
    else:
        plain = before if "variant" in before else found
        write_down(path, {**plain, "variants": {**variants, variant.name: found}, **beside})


def kept_in(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def write_down(path: Path, found: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def write_page(out: Path, page: Path) -> int:
    if not out.exists():
        raise PageError(f"there are no figures in {out}: run `make bench` first")
    found = kept_in(out)
    page.write_text(written(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    drawn = page.parent / PICTURE
    if "windows" in found:  # and not only `growth`
        drawn.parent.mkdir(exist_ok=True)
        drawn.write_text(picture(found), encoding="utf-8")
    print(f"written: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
