"""Scenes of sim/scenes, played on the real server by the command that users have, several at once."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCENES = ROOT / "sim" / "scenes"
JOBS = 8
"They wait most of the time: eight of them keep half a core busy."
LIMIT_S = 280.0

AT_ONCE = frozenset({"model_down", "model_mute", "model_refused", "quota", "wrong_key"})
"Those that end by themselves within seconds: `make test` plays them, `make test-services` all the others."


class Played:
    """What became of the scenes."""

    def __init__(self, logs: Path, told: str) -> None:
        self._logs = logs
        self._told = told

    def passed(self, name: str) -> None:
        """Fail with what a scene missed."""
        report = self._logs / name / "report.json"
        assert report.exists(), f"{name} was not played to its end:\n{self._told}"
        judged = json.loads(report.read_text(encoding="utf-8"))
        missed = [
            f"{one['where']}: {one['what']}: {one['detail']}" for one in judged["expectations"] if not one["passed"]
        ]
        assert judged["passed"], "\n".join([*missed, f"recording and logs: {self._logs / name}"])


def play(names: Iterable[str], logs: Path, *options: str) -> Played:
    files = [str(SCENES / f"{name}.yaml") for name in sorted(names)]
    command = [sys.executable, "-m", "sim", "scene", "--jobs", str(JOBS), "--logs", str(logs), *options, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)  # noqa: S603  # our own program
    return Played(logs, done.stdout + done.stderr)


def all_scenes() -> frozenset[str]:
    return frozenset(path.stem for path in SCENES.glob("*.yaml"))
