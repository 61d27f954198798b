from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import page, plot, report
from bench.figures import Spread
from bench.plan import MINIMAL, OURS, PIPECAT, RELAY, WHOLE, WITHOUT_TLS, Capacity, Outcome
from bench.variant import Variant
from bench.window import Window

NONE = Spread(0.0, 0.0, 0.0)
MACHINE: dict[str, object] = {
    "cpu": "a CPU", "cores": 2, "kernel": "6.1", "python": "3.11.7", "packages": {"aiohttp": "3.14.5"},
    "load_core": 1, "native_load": True, "commit": "abc", "measured_at": "2026-01-01 00:00 UTC",
}  # fmt: skip


def window(cpu_s: float, calls: int = 60, **other: Any) -> Window:
    late = Spread(0.5, 1.25, 3.0)
    whole: dict[str, Any] = dict.fromkeys(Window.__slots__, 0)
    whole |= dict.fromkeys(("generator_late", "to_caller_whole", "heard_late", "silenced"), NONE)
    whole |= {"calls": calls, "seconds": 8.0, "server_cpu_s": cpu_s, "to_model": late, "to_caller": late}
    return Window(**whole | {"configured": late, "frames": 100} | other)


def found(**outcomes: Outcome) -> dict[str, Any]:
    return report.results(outcomes, WHOLE, Variant(), MACHINE)


@pytest.fixture
def measured() -> dict[str, Any]:
    ours = Outcome(
        few=[window(0.5, 8)],
        steady=[window(2.4), window(2.0), window(2.2)],
        full=[window(5.0, 140)],
        capacity=[Capacity(160, 168, 0.5)],
        memory_kb=[40.0],
    )
    theirs = Outcome(steady=[window(4.4)], capacity=[Capacity(80, 84, 0.4)], memory_kb=[80.0])
    relay = Outcome(steady=[window(1.1)], full=[window(2.0, 140)])
    pipecat = Outcome(few=[window(4.0, 8)], capacity=[Capacity(8, 9, 0.1)])
    return found(**{OURS: ours, MINIMAL: theirs, RELAY: relay, PIPECAT: pipecat})


def test_the_headline_figures_are_ratios_of_medians(measured: dict[str, Any]) -> None:
    names = ("cpu_vs_minimal", "calls_vs_minimal", "cpu_vs_relay", "cpu_vs_pipecat", "calls_vs_pipecat")
    assert {name: measured[name] for name in names} == {
        "cpu_vs_minimal": 0.5, "calls_vs_minimal": 2.0, "cpu_vs_relay": 2.5, "cpu_vs_pipecat": 0.125,
        "calls_vs_pipecat": 20.0,
    }  # fmt: skip
    assert (measured["p99_added_ms"], measured["lost"], measured["memory_per_call_kb"]) == (1.25, 0, 40.0)


def test_the_page_keeps_what_stands_around_the_figures(measured: dict[str, Any]) -> None:
    measured["variants"] = {"TLS": {**measured, "variant": "TLS"}}
    before = f"# Title\n\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    after = page.written(before, measured)
    assert after.startswith(f"# Title\n\n{page.BEGIN}\n")
    assert after.endswith(f"{page.END}\nafter\n")
    assert "old" not in after
    assert "| CPU per call-second, against the featureless relay | 2.50 | 2.50 |" in after
    assert "### Real time" in after
    assert "### TLS" in after
    assert page.written(after, measured) == after


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(page.PageError, match="two lines"):
        page.written("# Title\n", {})


def test_a_row_of_which_nothing_was_measured_is_left_out(measured: dict[str, Any]) -> None:
    text = page.figures(found(**{OURS: Outcome(steady=[window(2.0)])}))
    assert "barge-in" not in text
    assert "calls per core" not in text.split("### Real time")[1]


def test_the_picture_is_drawn_to_scale_and_reads_on_dark_pages(measured: dict[str, Any]) -> None:
    drawn = page.picture(measured)
    assert "prefers-color-scheme: dark" in drawn
    bars = [element for element in ET.fromstring(drawn).iter() if element.tag.endswith("rect")]  # noqa: S314  # our own
    ours, theirs, relay, pipecat, *carried = [float(bar.attrib["width"]) for bar in bars]
    assert theirs / ours == pytest.approx(2.0, rel=0.01)
    assert theirs / relay == pytest.approx(4.0, rel=0.01)
    assert pipecat == max(ours, theirs, relay, pipecat)
    assert carried[0] / carried[1] == pytest.approx(2.0, rel=0.01)


def test_a_label_cannot_break_the_picture() -> None:
    chart = plot.Chart("a < b", ".1f", [plot.Bar('<&">', 1.0, 1.0, 1.0)])
    assert ET.fromstring(plot.svg([chart])) is not None  # noqa: S314  # our own


def test_processes_that_share_a_core_are_noted() -> None:
    split = report.results({OURS: Outcome(steady=[window(2.0)])}, WHOLE, Variant(processes=2), MACHINE)
    assert any("what a split costs" in note for note in split["notes"])


def test_what_tls_adds_is_told_against_hookswitch_itself() -> None:
    with_tls = {OURS: Outcome(steady=[window(2.2)]), WITHOUT_TLS: Outcome(steady=[window(2.0)])}
    assert report.results(with_tls, WHOLE, Variant(tls=True), MACHINE)["cpu_vs_without_tls"] == 1.1


def test_a_load_that_was_the_limit_is_noted() -> None:
    capacity = Capacity(100, None, 0.9)
    notes = found(**{OURS: Outcome(steady=[window(2.0)], capacity=[capacity])})["notes"]
    assert any("lower bound" in note for note in notes)
    assert asdict(capacity)["failed"] is None
