"""The platform's published validators, an oracle that none of our code is part of. They need node and npm."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules" / "@jambonz"
_INSTALLED = HERE / "node_modules" / ".package-lock.json"
_INSTALL_LIMIT_S = 50
_RUN_LIMIT_S = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What each says of one document; None: accepted."""

    specs: str | None
    "@jambonz/verb-specifications: what a 0.9 server runs."
    schema: str | None
    "@jambonz/schema: verb by verb."
    app: str | None
    "@jambonz/schema: the document as a whole."


@cache
def install() -> None:
    """Install the validators from their lock file, unless they are here. Skips the test where that cannot be."""
    if not (shutil.which("node") and shutil.which("npm")):
        _cannot("node and npm are not installed")
    if _INSTALLED.exists() and _versions(_INSTALLED) == _versions(HERE / "package-lock.json"):
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    limit_s = _INSTALL_LIMIT_S
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=limit_s, check=False)  # noqa: S603  # fixed
    if done.returncode:
        _cannot(f"npm ci failed: {done.stderr[-300:]}")


def specs() -> dict[str, Any]:
    """Return the table of the 0.9 platform, as published."""
    return _json(PACKAGES / "verb-specifications" / "specs.json")


def schemas(folder: str) -> dict[str, Any]:
    """Return the schemas of `verbs` or `components`, file name → schema."""
    paths = (PACKAGES / "schema" / folder).glob("*.schema.json")
    return {path.name.removesuffix(".schema.json"): _json(path) for path in paths}


def verdicts(documents: Sequence[Any]) -> list[Verdict]:
    """Ask about all documents in one run of node."""
    done = subprocess.run(
        ["node", "validate.mjs"],  # noqa: S607  # whichever node there is
        cwd=HERE,
        input=json.dumps(list(documents)),
        capture_output=True,
        text=True,
        timeout=_RUN_LIMIT_S,
        check=True,
    )
    return [Verdict(**json.loads(line)) for line in done.stdout.splitlines()]


def _versions(lock: Path) -> dict[str, str]:
    return {name: package["version"] for name, package in _json(lock)["packages"].items() if name}


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"the published validators are not there: {reason}")
    pytest.skip(reason)
