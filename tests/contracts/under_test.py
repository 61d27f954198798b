"""What the contract tests run over: what is in the tree, or with `--extensions DIR` what is installed beside it.

Each vendor, platform and kind of tool has recordings in a folder of its name: in `tests/samples`, or in DIR.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from calls.extending import extensions
from extensions import Registry


@dataclass
class Scope:
    samples: Path
    installed: bool


scope = Scope(Path(__file__).parents[1] / "samples", installed=False)


def look_at_what_is_installed(samples: Path) -> None:
    """Let all tests run over that; what is left out is no extension, and has failed."""
    found = extensions()
    if wrong := [str(one) for one in found if one.fault]:
        raise pytest.UsageError("\n".join(wrong))
    if not found:
        raise pytest.UsageError("no extension is installed in this environment: see docs/extending.md")
    scope.samples, scope.installed = samples, True


def names(registry: Registry[Any]) -> list[str]:
    return [name for name in registry if (name in registry.origins) is scope.installed]


def samples_of(name: str) -> Path:
    return scope.samples / name


def lines(path: Path) -> list[dict[str, Any]]:
    """Read a recording: its head, and then what was recorded."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
