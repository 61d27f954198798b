"""The summary of a call: turns with their latencies, tools, hooks, and what became of the agent's speech."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sim.agent_items import Account
from sim.director import Verdict
from sim.happening import Happening
from sim.hooks import Received

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of the caller, and when the agent was heard after it."""

    text: str
    at_s: float
    latency_ms: int | None
    "From the end of the line to the first sound of the answer; None: interrupting, or never answered."


def turns(happenings: Sequence[Happening]) -> list[Turn]:
    spoken = [(place, one) for place, one in enumerate(happenings) if one.name == "user_stopped_speaking"]
    return [Turn(one.text, one.at_s, _latency_ms(happenings[place:], one.at_s)) for place, one in spoken]


def _latency_ms(after: Sequence[Happening], from_s: float) -> int | None:
    for one in after:
        if one.name == "user_started_speaking":
            return None
        if one.name == "agent_started_speaking" and one.at_s >= from_s:
            return round((one.at_s - from_s) * 1000)
    return None


def agent_turns(happenings: Sequence[Happening]) -> int:
    """Count how often the agent took the turn: once, however often it pauses, until the caller speaks again."""
    count, speaking = 0, False
    for one in happenings:
        if one.name == "agent_started_speaking":
            count, speaking = count + (not speaking), True
        if one.name == "user_started_speaking":
            speaking = False
    return count


def first_audio_ms(happenings: Sequence[Happening]) -> int | None:
    """From the opening of the media socket to the agent's first sound."""
    opened = next((one.at_s for one in happenings if one.name == "media_open"), None)
    spoke = next((one.at_s for one in happenings if one.name == "agent_started_speaking"), None)
    return None if opened is None or spoke is None else round((spoke - opened) * 1000)


def barge_ins_ms(happenings: Sequence[Happening]) -> list[int]:
    """From the caller's first sound to the silence of the agent, for each interruption of theirs."""
    result: list[int] = []
    began_s: float | None = None
    for one in happenings:
        if one.name == "user_started_speaking":
            began_s = one.at_s
        if one.name == "interrupted" and began_s is not None:
            result.append(round((one.at_s - began_s) * 1000))
    return result


def report(
    name: str,
    happenings: Sequence[Happening],
    items: Sequence[Account],
    hooks: Sequence[Received],
    verdicts: Sequence[Verdict],
) -> JsonObject:
    """Return the report as JSON; times are seconds since the call began."""
    start_s = happenings[0].at_s if happenings else 0.0
    return {
        "scene": name,
        "passed": all(verdict.passed for verdict in verdicts),
        "first_audio_ms": first_audio_ms(happenings),
        "barge_in_ms": barge_ins_ms(happenings),
        "turns": [
            {"text": turn.text, "at_s": round(turn.at_s - start_s, 3), "latency_ms": turn.latency_ms}
            for turn in turns(happenings)
        ],
        "agent_turns": agent_turns(happenings),
        "agent": [
            {
                "item_id": one.item_id,
                "text": one.text,
                "sent_ms": one.sent_ms,
                "received_ms": one.received_ms,
                "played_ms": one.played_ms,
                "truncated_ms": one.truncated_ms,
                "off_by_ms": one.off_by_ms,
            }
            for one in items
        ],
        "tools": [one.fields for one in happenings if one.name == "function_call"],
        "hooks": [
            {
                "kind": hook.kind,
                "path": hook.path,
                "seq": hook.headers.get("x-hook-seq"),
                "id": hook.headers.get("webhook-id"),
                "type": hook.body.get("type"),
                "at_s": round(hook.at_s - start_s, 3),
                "status": hook.status,
                "signed": hook.signed,
            }
            for hook in hooks
        ],
        "expectations": [
            {"where": one.where, "what": one.what, "passed": one.passed, "detail": one.detail} for one in verdicts
        ],
    }


def summary(told: JsonObject) -> str:
    """Say a report in a few lines."""
    latencies = [turn["latency_ms"] for turn in told["turns"] if turn["latency_ms"] is not None]
    kinds = [hook["kind"] for hook in told["hooks"] if 200 <= hook["status"] < 300]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "none"
    lines = [f"turns            {len(told['turns'])} of the caller, {told['agent_turns']} of the agent"]
    if told["first_audio_ms"] is not None:
        lines.append(f"first audio      {told['first_audio_ms']} ms after the media socket opened")
    if latencies:
        lines.append(f"answer latency   median {median(latencies):.0f} ms, longest {max(latencies)} ms")
    lines += [f"barge-in         silent {ms} ms after the caller began" for ms in told["barge_in_ms"]]
    lines += [_truncation(item) for item in told["agent"] if item["truncated_ms"] is not None]
    failed = [one for one in told["expectations"] if not one["passed"]]
    lines += [f"hooks delivered  {counted}"] if told["hooks"] else []
    held = len(told["expectations"]) - len(failed)
    lines += [f"expectations     {held} held, {len(failed)} failed"] if told["expectations"] else []
    lines += [f"FAILED           {one['where']}: {one['what']}: {one['detail']}" for one in failed]
    return "\n".join(f"  {line}" for line in lines)


def _truncation(item: JsonObject) -> str:
    return f"truncation       the model was told {item['truncated_ms']} ms, the caller heard {item['played_ms']} ms"
