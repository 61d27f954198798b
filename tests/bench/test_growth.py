from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bench import growth, page
from bench.__main__ import keep, kept_in
from bench.growth import Growth, Look
from bench.variant import Variant
from tests.bench.test_page import MACHINE
from tests.live.serving import serving_application

GROWN = Growth(
    [0.8, 1.2, 0.9],
    [0.7, 0.9, 0.8],
    [Look(0, 90_000, 90_000, 7, 27), Look(500, 104_000, 103_000, 7, 31), Look(1000, 104_500, 104_000, 7, 31)],
)


def test_what_stays_of_a_call_is_told_of_the_last_ones() -> None:
    found = growth.results(GROWN, MACHINE)
    figures = {name: found[name] for name in ("ready_s", "ready_cpu_s", "idle_rss_kb", "per_call_kb")}
    assert figures == {"ready_s": 0.9, "ready_cpu_s": 0.8, "idle_rss_kb": 90_000, "per_call_kb": 2.0}
    assert found["measured"] == asdict(GROWN)


def test_the_page_tells_of_growth_with_and_without_the_other_figures() -> None:
    text = page.figures({"growth": growth.results(GROWN, MACHINE)})
    assert text.startswith("### Before and after the calls\n\nMeasured 2026-01-01")
    assert "Ready 0.90 s after exec (0.80 s of CPU)" in text
    assert "Of each of the calls 500 to 1000 stayed 2.0 KB" in text
    assert "| 1000 | 104.0 | 104.5 | 7 | 31 |" in text


def test_another_run_leaves_it_in_the_file(tmp_path: Path) -> None:
    path, plain, tls = tmp_path / "results.json", Variant(), Variant(tls=True)
    run: dict[str, Any] = {"variant": "real time", "lost": 0}
    path.write_text('{"growth": {"ready_s": 1}}')
    keep(path, {"variant": "TLS", "lost": 2}, tls)
    assert kept_in(path)["variants"] == {"TLS": {"variant": "TLS", "lost": 2}}
    keep(path, run, plain)
    assert kept_in(path) == run | {"growth": {"ready_s": 1}, "variants": {"TLS": {"variant": "TLS", "lost": 2}}}


async def test_series_without_labels_are_read() -> None:
    async def told(request: web.Request) -> web.Response:
        assert request.headers["Host"].startswith("127.0.0.1:")
        return web.Response(text='# HELP a b\na 1.0\nb{c="d e"} 2\nhookswitch_tasks 7.0\n')

    application = web.Application()
    application.router.add_get("/metrics", told)
    async with serving_application(application) as url:
        assert await growth.metrics(url) == pytest.approx({"a": 1.0, "hookswitch_tasks": 7.0})
