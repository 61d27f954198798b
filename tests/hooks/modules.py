"""Modules of somebody else's, beside the configuration."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hooks import functions

Write = Callable[[str, str], None]
"The file's name below the test's folder, and its text."


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Write modules beside the configuration; Python forgets them afterwards."""
    functions.forget()
    path, modules = list(sys.path), set(sys.modules)

    def written(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    yield written
    sys.path[:] = path
    functions.forget()
    for name in set(sys.modules) - modules:
        del sys.modules[name]
