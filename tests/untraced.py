"""Tests that count for no coverage. Tracing costs as much again as what is traced, and more.

- Properties (hypothesis): what a random example has happened to reach today is no test of it tomorrow.
- Tests of `sim/` and `bench/`, which import nothing of what is judged.
"""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage

OTHERS = ("sim", "bench")
HERE = Path(__file__).parent


def is_untraced(item: pytest.Item) -> bool:
    if item.get_closest_marker("hypothesis"):
        return True
    return item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in OTHERS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    tracer = sys.gettrace()
    if not (Coverage.current() and is_untraced(item)):
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
