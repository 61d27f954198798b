from pathlib import Path

import pytest
from hypothesis import settings

from tests import properties
from tests.conformance import Collected
from tests.contracts import under_test

settings.load_profile(properties.UNIT)  # `--hypothesis-profile=fuzz` (tests/fuzz.py) comes after this, and counts

pytest_plugins = ["tests.hooks.modules", "tests.untraced"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance", type=Path, metavar="FOLDER", help="write the conformance tables (tests/conformance.py)"
    )
    parser.addoption(
        "--extensions",
        type=Path,
        metavar="DIR",
        help="with tests/contracts: test what is installed beside the server, with its samples in DIR",
    )


def pytest_configure(config: pytest.Config) -> None:
    if path := config.getoption("--conformance"):
        config.pluginmanager.register(Collected(path))
    if samples := config.getoption("--extensions"):
        under_test.look_at_what_is_installed(samples)
