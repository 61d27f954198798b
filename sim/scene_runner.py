"""`python -m sim scene F…`: scenes as tests."""

import asyncio
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from tempfile import mkdtemp

from sim import portal
from sim.caller import Story
from sim.children import ChildError
from sim.happening import Happening
from sim.placing import DEFAULT_SECRET
from sim.playing import Played, play
from sim.scene import Scene, SceneError, load
from sim.show import line
from sim.stage import Stage, whole_stage


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="F", help="scene files (YAML)")
    parser.add_argument("--url", help="play against a running server; its hooks and its model are not seen then")
    portal.add_arguments(parser, DEFAULT_SECRET)
    parser.add_argument(
        "-j", "--jobs", type=_jobs, default=1, metavar="N", help="how many to play at once (default: 1)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show each call as it happens")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="where recordings and logs go (default: a new folder)")


def _jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError("at least 1")
    return int(text)


def main(options: Namespace) -> int:
    try:
        scenes = [(file, load(file)) for file in options.files]
    except SceneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    logs = options.logs or Path(mkdtemp(prefix="hookswitch-scenes-"))
    return asyncio.run(_all(scenes, options, logs))


async def _all(scenes: list[tuple[Path, Scene]], options: Namespace, logs: Path) -> int:
    places = asyncio.Semaphore(options.jobs)

    async def one(file: Path, scene: Scene) -> bool:
        async with places:
            return await _judged(file, scene, options, logs / file.stem)

    async with asyncio.TaskGroup() as group:
        going = [group.create_task(one(file, scene)) for file, scene in scenes]
    passed = sum(task.result() for task in going)
    print(f"{passed} passed, {len(scenes) - passed} failed; recordings and logs: {logs}")
    return 0 if passed == len(scenes) else 1


async def _judged(file: Path, scene: Scene, options: Namespace, folder: Path) -> bool:
    """Play a scene and say how it went; a stage that could not be set up is told of, and is a failure too."""
    began_s = time.monotonic()
    try:
        played = await _one(file, scene, options, folder)
    except ChildError as error:
        print(f"{file} ({scene.name}) ERROR\n  {error}")
        return False
    print(
        f"{file} ({scene.name}) {'ok' if played.passed else 'FAILED'} in {time.monotonic() - began_s:.1f} s", flush=True
    )
    _explain(played, folder)
    return played.passed


async def _one(file: Path, scene: Scene, options: Namespace, folder: Path) -> Played:
    whose = f"{file.stem:<28}" if options.jobs > 1 else ""

    def show(happening: Happening) -> None:
        shown = line(happening, story.happenings[0].at_s, sounds=bool(options.url))
        if shown and options.verbose:
            print(whose + shown, flush=True)

    story = Story(show)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    if options.url:
        transport = scene.call.transport or options.transport
        auth, status = portal.credentials(options), scene.call.status
        entered = portal.portal(options.url, transport, options.secret, auth=auth, status=status)
        played = await play(scene, Stage(entered), story)
    else:
        async with whole_stage(scene, file, folder, story.add, transport=options.transport) as stage:
            played = await play(scene, stage, story)
    await asyncio.to_thread(played.keep, folder)
    return played


def _explain(played: Played, folder: Path) -> None:
    failed = [one for one in played.report["expectations"] if not one["passed"]]
    for one in failed:
        print(f"  {one['where']}: expected {one['what']}\n    {one['detail']}")
    if failed:
        print(f"  recording and logs: {folder}")
