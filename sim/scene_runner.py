"""`python -m sim scene F…`: scenes as tests."""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import mkdtemp

from sim.caller import Story
from sim.children import ChildError
from sim.happening import Happening
from sim.placing import DEFAULT_SECRET, hook_url
from sim.playing import Played, play
from sim.scene import Scene, SceneError, load
from sim.show import line
from sim.stage import Stage, whole_stage


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="F", help="scene files (YAML)")
    parser.add_argument("--url", help="play against a running server; its hooks and its model are not seen then")
    parser.add_argument("--secret", default=DEFAULT_SECRET, metavar="S", help="with --url: the webhook secret")
    parser.add_argument("-v", "--verbose", action="store_true", help="show each call as it happens")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="where recordings and logs go (default: a new folder)")


def main(options: Namespace) -> int:
    try:
        scenes = [(file, load(file)) for file in options.files]
    except SceneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    logs = options.logs or Path(mkdtemp(prefix="hookswitch-scenes-"))
    return asyncio.run(_all(scenes, options, logs))


async def _all(scenes: list[tuple[Path, Scene]], options: Namespace, logs: Path) -> int:
    failed = 0
    for file, scene in scenes:
        print(f"{file} ({scene.name}) ", end="\n" if options.verbose else "", flush=True)
        began_s = time.monotonic()
        folder = logs / file.stem
        try:
            played = await _one(file, scene, options, folder)
        except ChildError as error:
            failed += 1
            print(f"ERROR\n  {error}")
            continue
        failed += not played.passed
        print(f"{'ok' if played.passed else 'FAILED'} in {time.monotonic() - began_s:.1f} s")
        _explain(played, folder)
    print(f"{len(scenes) - failed} passed, {failed} failed; recordings and logs: {logs}")
    return 1 if failed else 0


async def _one(file: Path, scene: Scene, options: Namespace, folder: Path) -> Played:

    def show(happening: Happening) -> None:
        shown = line(happening, story.happenings[0].at_s, sounds=bool(options.url))
        if shown and options.verbose:
            print(shown, flush=True)

    story = Story(show)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    if options.url:
        played = await play(scene, Stage(hook_url(options.url), options.secret), story)
    else:
        async with whole_stage(scene, file, folder, story.add) as stage:
            played = await play(scene, stage, story)
    await asyncio.to_thread(played.record, folder / "call.wav")
    return played


def _explain(played: Played, folder: Path) -> None:
    failed = [one for one in played.report["expectations"] if not one["passed"]]
    for one in failed:
        print(f"  {one['where']}: expected {one['what']}\n    {one['detail']}")
    if failed:
        print(f"  recording and logs: {folder}")
