"""docs/performance.md: what stands between its two marks is written from results.json, and nothing of it by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench import first_words, growth, pure
from bench.plan import OURS
from bench.plot import Bar, Chart, svg
from bench.report import BURST_ROWS, RATIOS, ROWS, Row

NOTHING = "-"
BEGIN, END = "<!-- figures: written by `python -m bench report` -->", "<!-- end of figures -->"
PICTURE = "pictures/performance.svg"
MEANINGS = {
    "cpu_vs_minimal": "CPU per call-second, against the minimal bridge",
    "calls_vs_minimal": "calls per core, against the minimal bridge",
    "cpu_vs_relay": "CPU per call-second, against the featureless relay",
    "cpu_vs_bare": "CPU per call-second, against the relay written in Python",
    "cpu_vs_pipecat": "CPU per call-second, against pipecat 1.14",
    "calls_vs_pipecat": "calls per core, against pipecat 1.14",
    "p50_added_vs_good_hooks": "latency added to the audio, p50, with hooks that fail in every way against good ones",
    "p99_added_vs_good_hooks": "the same, p99",
    "cpu_vs_without_tls": "CPU per call-second with TLS on the model's side, against Hookswitch without",
}


class PageError(Exception):
    """The page has no place for the figures, or there are none."""


def written(page: str, found: Mapping[str, Any]) -> str:
    """Put the figures into the page.

    :raises PageError: it has not both marks
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise PageError(f"the page needs two lines, {BEGIN} and {END}: the figures go between them")
    return f"{before}{BEGIN}\n\n{figures(found)}\n\n{END}{after}"


def figures(found: Mapping[str, Any]) -> str:
    runs = [found, *found.get("variants", {}).values()] if "windows" in found else []
    parts = [] if not runs else [f"![CPU per call-second and calls per core, by server]({PICTURE})", ratios(runs)]
    for run in runs:
        parts += [f"### {run['variant'][0].upper()}{run['variant'][1:]}", provenance(run), *tables(run)]
    if grown := found.get("growth"):
        head, *rows = growth.rows(grown)
        parts += ["### Before and after the calls", f"{where(grown['machine'])}.", growth.sentence(grown)]
        parts += [markdown(head, rows)]
    if alone := found.get("pure"):
        head, *told = pure.rows(alone)
        parts += ["### The bridge alone, and what it does to sound", f"{where(alone['machine'])}."]
        parts += [pure.sentence(alone), markdown(head, told)]
    if spoken := found.get("first_words"):
        head, *rows = first_words.rows(spoken)
        parts += ["### The first word of a model that is asked in text", f"{where(spoken['machine'])}."]
        parts += [markdown(head, rows)]
    return "\n\n".join(parts)


def provenance(run: Mapping[str, Any]) -> str:
    machine, plan = run["machine"], run["plan"]
    how = f"{plan['rounds']} rounds in turns, windows of {plan['seconds']:g} s; medians"
    load = "the load in C" if machine.get("native_load") else "the load in Python"
    notes = "".join(f"\n- Note: {note}." for note in run["notes"])
    return f"{where(machine)}; {how}; {load}.{notes}"


def where(machine: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    system = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, Python {machine['python']}"
    return f"Measured {machine['measured_at']} at {machine['commit']}. {system}; {packages}"


def ratios(runs: Sequence[Mapping[str, Any]]) -> str:
    head = ["ratio", *(run["variant"] for run in runs)]
    rows = [[MEANINGS[key], *(_text(run.get(key), ".2f") for run in runs)] for key in RATIOS]
    return markdown(head, [row for row in rows if any(cell != NOTHING for cell in row[1:])])


def tables(run: Mapping[str, Any]) -> list[str]:
    servers = run["servers"]
    made = [_table("figure", ROWS, servers)]
    if run["plan"]["burst_rounds"]:
        made += ["4 s utterances in 200 ms deltas, at ten times real time:", _table("figure", BURST_ROWS, servers)]
    return made


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("--:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def picture(found: Mapping[str, Any]) -> str:
    """Draw what the steady windows cost, and how many calls a core carries."""
    cost = [_bar(name, _costs(found["windows"][name])) for name in found["servers"]]
    carried = [_bar(name, [one["calls"] for one in found["windows"][name]["capacity"]]) for name in found["servers"]]
    charts = [
        Chart("CPU per call and second, ms (less is better)", ".1f", [bar for bar in cost if bar]),
        Chart(
            "Calls per core, p99 added below 20 ms, none lost (more is better)", ".0f", [bar for bar in carried if bar]
        ),
    ]
    return svg([chart for chart in charts if chart.bars])


def _costs(windows: Mapping[str, Any]) -> list[float]:
    return [w["server_cpu_s"] * 1000 / (w["calls"] * w["seconds"]) for w in windows["steady"] or windows["few"]]


def _bar(name: str, values: Sequence[float]) -> Bar | None:
    if not values:
        return None
    ranked = sorted(values)
    middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
    return Bar(name, middle, ranked[0], ranked[-1], ours=name == OURS)


def _table(title: str, rows: Sequence[Row], servers: Mapping[str, Mapping[str, float | None]]) -> str:
    cells = [
        [label.strip(), *(_text(server.get(key), form) for server in servers.values())] for label, key, form in rows
    ]
    return markdown([title, *servers], [row for row in cells if any(cell != NOTHING for cell in row[1:])])


def _text(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)
