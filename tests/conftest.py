from pathlib import Path

import pytest

from tests.conformance import Collected

pytest_plugins = ["tests.hooks.modules"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance", type=Path, metavar="FILE", help="write the conformance table (tests/conformance.py)"
    )


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("--conformance"):
        config.pluginmanager.register(Collected(path))
