"""`python -m sim demo` (`make demo`): one whole spoken call, with no key, no phone and no network."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from sim.caller import Story
from sim.children import ChildError
from sim.happening import Happening
from sim.playing import play
from sim.report import summary
from sim.scene import SceneError, load
from sim.show import line
from sim.stage import whole_stage

SCENE = Path(__file__).parent / "scenes" / "demo.yaml"
FOLDER = Path("demo")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--scene", type=Path, default=SCENE, metavar="F", help="the scene (default: the demo's own)")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="where call.wav and report.json go")


def main(options: Namespace) -> int:
    try:
        return asyncio.run(_demo(options.scene, options.out))
    except (SceneError, ChildError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


async def _demo(scene_file: Path, folder: Path) -> int:
    scene = load(scene_file)

    def show(happening: Happening) -> None:
        shown = line(happening, story.happenings[0].at_s, sounds=False)
        if shown:
            print(shown, flush=True)

    print("starting the server, the rehearsal model and the hook receiver ...", file=sys.stderr)
    story = Story(show)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with whole_stage(scene, scene_file, folder, story.add) as stage:
        print("The agent is the rehearsal model: not an AI, it follows a script.\n")
        played = await play(scene, stage, story)
    await asyncio.to_thread(played.keep, folder)
    print(f"\n{scene.name}: {'every expectation held' if played.passed else 'FAILED'}")
    print(summary(played.report))
    print(f"  recording        {folder / 'call.wav'} (caller left, agent right)")
    print(f"  report           {folder / 'report.json'}; logs beside it")
    return 0 if played.passed else 1
