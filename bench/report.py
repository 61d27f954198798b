"""From windows to figures to a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.figures import middle, ratio
from bench.plan import (
    BARE,
    DISTURBED,
    GENERATOR_FULL,
    MINIMAL,
    OURS,
    PIPECAT,
    RELAY,
    WITH_GOOD_HOOKS,
    WITHOUT_TLS,
    Outcome,
    Plan,
)
from bench.variant import Variant
from bench.window import Window

DEFINITION = """\
Added latency. To the model: arrival of a caller frame less its sending. To the caller: arrival less the later of
(a) the sending of the delta that completed its lot (what came in one message, cut into 80 ms) and (b) its scheduled
time: when it fits under 200 ms of lead at the platform; ahead of that counts as 0. Lost: frames that did not come
sample for sample. Calls per core: the largest number with p99 below 20 ms both ways and nothing lost. See
bench/README.md."""

RATIOS = (
    *("cpu_vs_minimal", "calls_vs_minimal", "cpu_vs_relay", "cpu_vs_bare"),
    *("cpu_vs_pipecat", "calls_vs_pipecat", "cpu_vs_without_tls"),
    *("p50_added_vs_good_hooks", "p99_added_vs_good_hooks"),
)
Row = tuple[str, str, str]
ROWS: Sequence[Row] = (
    ("calls at once", "calls", ".0f"),
    ("CPU per call-second, ms", "cpu_ms_per_call_s", ".2f"),
    ("  of a few calls", "cpu_ms_per_call_s_few", ".2f"),
    ("  near a good server's limit", "cpu_ms_per_call_s_full", ".2f"),
    ("share of a core used", "share_of_core", ".0%"),
    ("calls per core", "calls_per_core", ".0f"),
    ("memory per call, KB", "memory_per_call_kb", ".0f"),
    ("webhook to session.update, p50 ms", "configured_p50_ms", ".1f"),
    ("added to the model, p50 ms", "to_model_p50_ms", ".2f"),
    ("added to the model, p99 ms", "to_model_p99_ms", ".2f"),
    ("added to the caller, p50 ms", "to_caller_p50_ms", ".2f"),
    ("added to the caller, p99 ms", "to_caller_p99_ms", ".2f"),
    ("  with gathering the lot, p50 ms", "to_caller_whole_p50_ms", ".2f"),
    ("  with gathering the lot, p99 ms", "to_caller_whole_p99_ms", ".2f"),
    ("frames lost", "lost", ".0f"),
    ("calls dropped", "dropped_calls", ".0f"),
    ("hooks delivered / due", "hooks_delivered", ".3f"),
    ("barge-in to silence told, p50 ms", "silenced_p50_ms", ".2f"),
    ("barge-in to silence told, p99 ms", "silenced_p99_ms", ".2f"),
)
BURST_ROWS: Sequence[Row] = (
    ("CPU per call-second, ms", "burst_cpu_ms_per_call_s", ".2f"),
    ("heard later than possible, p99 ms", "burst_heard_late_p99_ms", ".2f"),
    ("gaps heard, per call and minute", "burst_gaps_per_call_min", ".2f"),
    ("lead left at the platform, p1 ms", "burst_lead_p01_ms", ".0f"),
    ("added to the caller, p99 ms", "burst_to_caller_p99_ms", ".2f"),
    ("added to the model, p99 ms", "burst_to_model_p99_ms", ".2f"),
    ("frames lost", "burst_lost", ".0f"),
)


def summary(outcome: Outcome) -> dict[str, float | None]:
    """Medians over the rounds; losses are added up."""
    steady, bursts, full = outcome.steady or outcome.few, outcome.bursts, outcome.full
    due = sum(window.hooks_wanted for window in steady)
    return {
        "calls": middle([window.calls for window in steady]),
        "cpu_ms_per_call_s": _of(steady, lambda window: window.cpu_ms_per_call_s),
        "cpu_ms_per_call_s_few": _of(outcome.few, lambda window: window.cpu_ms_per_call_s),
        "cpu_ms_per_call_s_full": _of(full, lambda window: window.cpu_ms_per_call_s),
        "share_of_core": _of(steady, lambda window: window.server_share),
        "calls_per_core": middle([capacity.calls for capacity in outcome.capacity]),
        "memory_per_call_kb": middle(outcome.memory_kb),
        "configured_p50_ms": _of(steady, lambda window: window.configured.p50),
        "to_model_p50_ms": _of(steady, lambda window: window.to_model.p50),
        "to_model_p99_ms": _of(steady, lambda window: window.to_model.p99),
        "to_caller_p50_ms": _of(steady, lambda window: window.to_caller.p50),
        "to_caller_p99_ms": _of(steady, lambda window: window.to_caller.p99),
        "to_caller_whole_p50_ms": _of(steady, lambda window: window.to_caller_whole.p50),
        "to_caller_whole_p99_ms": _of(steady, lambda window: window.to_caller_whole.p99),
        "lost": sum(window.lost for window in (*outcome.few, *outcome.steady, *full)),
        "dropped_calls": sum(window.dropped_calls for window in outcome.windows),
        "hooks_delivered": sum(window.hooks_received for window in steady) / due if due else None,
        "silenced_p50_ms": _of(_interrupted(steady), lambda window: window.silenced.p50),
        "silenced_p99_ms": _of(_interrupted(steady), lambda window: window.silenced.p99),
        "barge_ins_missed": sum(window.barge_ins_missed for window in steady),
        "burst_cpu_ms_per_call_s": _of(bursts, lambda window: window.cpu_ms_per_call_s),
        "burst_heard_late_p99_ms": _of(bursts, lambda window: window.heard_late.p99),
        "burst_gaps_per_call_min": _of(bursts, lambda window: window.gaps * 60 / (window.calls * window.seconds)),
        "burst_lead_p01_ms": _of(bursts, lambda window: window.lead_p01_ms),
        "burst_to_model_p99_ms": _of(bursts, lambda window: window.to_model.p99),
        "burst_to_caller_p99_ms": _of(bursts, lambda window: window.to_caller.p99),
        "burst_lost": sum(window.lost for window in bursts),
    }


def results(
    outcomes: Mapping[str, Outcome], plan: Plan, variant: Variant, machine: Mapping[str, object]
) -> dict[str, Any]:
    """Give what bench/results.json holds of a run: Hookswitch's own figures, and ratios of them to the others'."""
    servers = {name: summary(outcome) for name, outcome in outcomes.items()}
    for name in servers.keys() - ({WITH_GOOD_HOOKS} if variant.bad_hooks else {OURS, WITHOUT_TLS}):
        servers[name]["hooks_delivered"] = None  # they have none, or nobody who counts them
    ours = servers.get(OURS, {})
    minimal, relay, bare = (servers.get(name, {}) for name in (MINIMAL, RELAY, BARE))
    pipecat, plain = (servers.get(name, {}) for name in (PIPECAT, WITHOUT_TLS))
    lost = [ours[key] for key in ("lost", "burst_lost") if ours]
    full = "cpu_ms_per_call_s_full" if plan.full_calls else "cpu_ms_per_call_s"
    return {
        "variant": variant.name,
        "cpu_vs_minimal": ratio(ours.get("cpu_ms_per_call_s"), minimal.get("cpu_ms_per_call_s")),
        "calls_vs_minimal": ratio(ours.get("calls_per_core"), minimal.get("calls_per_core")),
        "cpu_vs_relay": ratio(ours.get(full), relay.get(full)),
        "cpu_vs_bare": ratio(ours.get(full), bare.get(full)),
        "cpu_vs_relay_calls": plan.full_calls or plan.calls,
        "cpu_vs_pipecat": ratio(ours.get("cpu_ms_per_call_s_few"), pipecat.get("cpu_ms_per_call_s_few")),
        "calls_vs_pipecat": ratio(ours.get("calls_per_core"), pipecat.get("calls_per_core")),
        "cpu_vs_without_tls": ratio(ours.get("cpu_ms_per_call_s"), plain.get("cpu_ms_per_call_s")),
        "p50_added_vs_good_hooks": ratio(worse(ours, "p50"), worse(servers.get(WITH_GOOD_HOOKS, {}), "p50")),
        "p99_added_vs_good_hooks": ratio(worse(ours, "p99"), worse(servers.get(WITH_GOOD_HOOKS, {}), "p99")),
        "calls_is_lower_bound": any(is_lower_bound(outcome) for name, outcome in outcomes.items() if name == OURS),
        "p50_added_ms": worse(ours, "p50"),
        "p99_added_ms": worse(ours, "p99"),
        "burst_p99_added_ms": ours.get("burst_to_caller_p99_ms"),
        "lost": sum(value for value in lost if value is not None) if lost else None,
        "memory_per_call_kb": ours.get("memory_per_call_kb"),
        "memory_vs_minimal": ratio(ours.get("memory_per_call_kb"), minimal.get("memory_per_call_kb")),
        "calls_per_core": ours.get("calls_per_core"),
        "hooks_delivered": ours.get("hooks_delivered"),
        "servers": servers,
        "notes": notes(outcomes, variant, machine),
        "machine": dict(machine),
        "plan": asdict(plan),
        "windows": {name: asdict(outcome) for name, outcome in outcomes.items()},
    }


def worse(server: Mapping[str, float | None], quantile: str) -> float | None:
    """Of both directions."""
    both = (server.get(f"to_model_{quantile}_ms"), server.get(f"to_caller_{quantile}_ms"))
    return max((value for value in both if value is not None), default=None)


def is_lower_bound(outcome: Outcome) -> bool:
    return any(found.failed is None or found.generator_share > GENERATOR_FULL for found in outcome.capacity)


def notes(outcomes: Mapping[str, Outcome], variant: Variant, machine: Mapping[str, object]) -> list[str]:
    """What a reader must know before believing the figures."""
    said = []
    if machine.get("load_core") is None:
        said.append("only one core: server and load share it, so latency and capacity say little")
    if variant.processes > int(str(machine.get("server_cores", 1))):
        said.append(f"the {variant.processes} processes of a server shared fewer cores: this shows what a split costs")
    for name, outcome in outcomes.items():
        windows = outcome.windows
        shares = [found.generator_share for found in outcome.capacity]
        busy = max([*shares, *(window.generator_share for window in windows)], default=0.0)
        if busy > GENERATOR_FULL:
            said.append(f"{name}: the load generator was {busy:.0%} busy; calls per core is a lower bound")
        elif any(found.failed is None for found in outcome.capacity):
            said.append(f"{name}: the search ended before a number failed twice; calls per core is a lower bound")
        waited = max((window.server_waited_share for window in windows), default=0.0)
        if waited > DISTURBED:
            said.append(f"{name}: other programs kept the server waiting for its core, up to {waited:.0%} of the time")
    if not machine.get("native_load"):
        said.append("the load is the one in Python, for want of a compiler: it is the limit of a fast server")
    return said


def table(found: Mapping[str, Any]) -> str:
    plan, machine, servers = found["plan"], found["machine"], found["servers"]
    cpu = f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}"
    head = f"jambonz L16 both ways, {plan['calls']} calls, {plan['rounds']} rounds in turns; {cpu}"
    lines = [head, "", *_block(found["variant"], ROWS, servers)]
    if plan["burst_rounds"]:
        lines += ["", *_block("4 s utterances, 200 ms deltas at ten times real time", BURST_ROWS, servers)]
    busy = max((w["generator_cpu_s"] / w["seconds"] for s in found["windows"].values() for w in s["steady"]), default=0)
    lines += ["", f"load generator: {busy:.0%} of its core at {plan['calls']} calls"]
    lines += [f"{key}: {found[key]}" for key in RATIOS if found[key] is not None]
    lines += [f"note: {note}" for note in found["notes"]]
    return "\n".join([*lines, "", DEFINITION])


def _block(title: str, rows: Sequence[Row], servers: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    lines = [f"{title:<54}" + "".join(f"{name:>12}" for name in servers)]
    for label, key, form in rows:
        if any(server.get(key) is not None for server in servers.values()):
            lines.append(f"  {label:<52}" + "".join(_cell(server.get(key), form) for server in servers.values()))
    return lines


def _cell(value: float | None, form: str) -> str:
    return f"{'-' if value is None else format(value, form):>12}"


def _of(windows: Sequence[Window], figure: Callable[[Window], float]) -> float | None:
    return middle([figure(window) for window in windows])


def _interrupted(windows: Sequence[Window]) -> list[Window]:
    """Those in which the server has silenced the platform at all."""
    return [window for window in windows if window.barge_ins > window.barge_ins_missed]
