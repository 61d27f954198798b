"""`python -m tests.coverage_gate`, after a covered run: fail unless every branch of every pure module was taken.

Pure is what decides; it needs no socket, so nothing in it may go untested. Doors perform what was decided and are
tried by the loopback tests; how far is shown, not judged. What only properties reach does not count
(tests/untraced.py).
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from coverage import Coverage
from coverage.exceptions import NoDataError

ROOT = Path(__file__).parent.parent
PURE = (
    *("verbs/", "cost/", "egress/", "brains/", "config/", "media/", "hooks/", "store/", "calls/"),
    *("extensions.py", "logs.py", "repeats.py"),
)
STORES = tuple(f"store/{name}.py" for name in ("sql", "sqlite", "writer", "schema", "opening"))
DOORS = (
    *("media/sockets/", "media/rest.py", "hooks/transports/", "hooks/applications/", *STORES),
    *("egress/door.py", "egress/names.py", "hooks/mcp/connection.py", "brains/upstream.py", "calls/brains.py"),
    *(
        "calls/arriving.py",
        "calls/live.py",
        "calls/leg.py",
        "calls/legs.py",
        "calls/machine.py",
        "calls/course.py",
        "calls/native.py",
        "calls/natives.py",
        "calls/recorder.py",
        "calls/session.py",
        "calls/sessions.py",
        "calls/stopping.py",
        "calls/switchboard.py",
        "calls/transfers.py",
    ),
)
MAX_SHOWN = 30
ALSO_SHOWN = ("api/", "console/", "app.py", "cli.py")


def is_pure(path: str) -> bool:
    return path.startswith(PURE) and not path.startswith(DOORS)


def gaps(pure: Iterable[str], files: Mapping[str, Any]) -> list[str]:
    """Return a line for each pure file that is not covered wholly; `files` as in coverage's JSON report."""
    seen = [f"{path}: {missing_in(files[path])}" for path in pure if path in files and not whole(files[path])]
    return [*seen, *(f"{path}: never imported" for path in pure if path not in files)]


def whole(file: Mapping[str, Any]) -> bool:
    return not file["missing_lines"] and not file["missing_branches"]


def missing_in(file: Mapping[str, Any]) -> str:
    lines = [str(line) for line in file["missing_lines"]]
    branches = [f"{start}→{'exit' if end < 0 else end}" for start, end in file["missing_branches"]]
    missing = [*lines, *branches]
    return ", ".join([*missing[:MAX_SHOWN], *([f"and {len(missing) - MAX_SHOWN} more"] if missing[MAX_SHOWN:] else [])])


def measured() -> dict[str, Any]:
    """Return the files of the last covered run, path → coverage's report of it."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        coverage.json_report(outfile=str(report))
        files: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["files"]
    return {Path(path).as_posix(): file for path, file in files.items()}


def pure_sources() -> list[str]:
    paths = [*ROOT.glob("*.py"), *(path for room in PURE for path in (ROOT / room).glob("**/*.py"))]
    return sorted(path for path in (path.relative_to(ROOT).as_posix() for path in paths) if is_pure(path))


def main() -> int:
    try:
        files = measured()
    except NoDataError:
        sys.stderr.write("error: no coverage data; run `make unit`\n")
        return 1
    pure = pure_sources()
    missing = gaps(pure, files)
    for path in (path for path in files if path.startswith((*DOORS, *ALSO_SHOWN))):
        sys.stdout.write(f"door {path}: {files[path]['summary']['percent_covered']:.0f} %\n")
    for line in missing:
        sys.stdout.write(f"not covered: {line}\n")
    sys.stdout.write(f"coverage gate: {len(pure) - len(missing)} of {len(pure)} pure modules are covered wholly\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
