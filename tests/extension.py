"""The example of docs/extending.md, a distribution of somebody else's, as pip would install it: without a network."""

import os
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "tests" / "samples" / "extension"
SAMPLES = EXAMPLE / "samples"


def install(folder: Path, **changes: tuple[str, str]) -> dict[str, str]:
    """Install it into a folder; give the environment in which Python finds it.

    `changes`: by the name of a module (`vendor`, `tool`, …), a text in it and what is to stand in its place.
    """
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    information = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    information.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (information / "METADATA").write_text(metadata, encoding="utf-8")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
        for group, named in project["entry-points"].items()
    ]
    (information / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    package = folder / "hookswitch_acme"
    shutil.copytree(EXAMPLE / "hookswitch_acme", package, ignore=shutil.ignore_patterns("__pycache__"))
    for module, (text, other) in changes.items():
        file = package / f"{module}.py"
        source = file.read_text(encoding="utf-8")
        assert text in source
        file.write_text(source.replace(text, other), encoding="utf-8")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def python(*arguments: str) -> tuple[str, ...]:
    return sys.executable, *arguments
