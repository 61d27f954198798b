"""A call as its operators are told of it: in a list, whole, and as events. Pure.

Numbers and words are in it, for whom the server trusts; what was typed in confidence has been masked before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

from calls.agents import handovers
from calls.lost import LostRecord
from cost.meter import by_model, cost_of
from media.record import Record, summed
from store.base import CallRow, End, LlmLeg
from store.deliveries import Delivery, Note, shown
from store.summaries import Summary

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One `llm` verb of a call, over or going on."""

    leg: LlmLeg
    transcript: Sequence[JsonObject]
    turns: Sequence[JsonObject]
    tools: Sequence[JsonObject]
    usage: JsonObject
    bills: Sequence[JsonObject]
    duration_s: float | None


def conversation(leg: LlmLeg, record: Record | None, notes: Sequence[Note], *, now: float) -> Conversation:
    """Give what is known of a conversation.

    Its end says it all; before, its `record` does, and where that is another process' its `notes`. `now`: monotonic
    seconds.
    """
    if end := leg.end:
        return Conversation(leg, end.transcript, end.turns, end.tools, end.usage, end.bills, end.duration_s)
    if record is None and leg.media_state == "unopened":
        return Conversation(leg, (), (), (), {}, (), None)
    record = record or LostRecord(notes)
    said = record.transcript, record.turns, record.tools
    return Conversation(leg, *said, record.usage, record.bills, record.duration_s(now))


def listed(call: Summary, *, now_s: float) -> JsonObject:
    """Give what a list says of a call. `now_s` is Unix time."""
    return {
        "call_sid": call.call_sid,
        "route": call.route,
        "from": call.caller,
        "to": call.called,
        "direction": call.direction,
        "state": call.state,
        "started_at": moment(call.created_at_s),
        "duration_s": _lasted_s(call.created_at_s, call.ended_at_s, now_s, over=call.state == "completed"),
        "reason_code": call.reason_code,
    }


def states(row: CallRow) -> list[JsonObject]:
    reached = [("ringing", row.created_at_s), ("in_progress", row.answered_at_s), ("completed", row.ended_at_s)]
    return [{"state": state, "at": moment(at_s)} for state, at_s in reached if at_s is not None]


def whole(row: CallRow, said: Sequence[Conversation], hooks: Sequence[Delivery]) -> JsonObject:
    """Give what stands in a call's record beside what a list says of it."""
    end = row.end or next((each.leg.end for each in reversed(said) if each.leg.end), None)
    usage: JsonObject = {}
    bills = list(chain(*(each.bills for each in said)))
    for each in said:
        usage = summed(usage, each.usage)
    return {
        "states": states(row),
        "completion_reason": end.completion_reason if end else None,
        "ended_by": end.ended_by if end else None,
        "transcript": list(chain(*(each.transcript for each in said))),
        "turns": list(chain(*(each.turns for each in said))),
        "tools": list(chain(*(each.tools for each in said))),
        "hooks": [hook(row) for row in hooks],
        "usage": usage,
        "cost": cost_of(bills),
        "models": by_model(bills),
        "bills": bills,
        "error": end.error if end else None,
        "conversations": [_conversation(each) for each in said],
    }


def _conversation(said: Conversation) -> JsonObject:
    """Say which of the call's lines, turns and tools are this conversation's: so many, in order."""
    end, llm = said.leg.end, said.leg.llm
    began_at_s = end.at_s - said.duration_s if end and said.duration_s is not None else None
    return {
        "vendor": llm.get("vendor"),
        "model": llm.get("model"),
        "media": said.leg.media_state,
        "started_at": moment(began_at_s),
        "duration_s": said.duration_s,
        "reason_code": end.reason_code if end else None,
        "ended_by": end.ended_by if end else None,
        "error": end.error if end else None,
        "usage": said.usage,
        "cost": cost_of(said.bills),
        "models": by_model(said.bills),
        "handovers": handovers(said.tools),
        **{name: len(getattr(said, name)) for name in ("transcript", "turns", "tools", "bills")},
    }


def hook(row: Delivery) -> JsonObject:
    """Give a delivery; its URL without user, password and query."""
    return {
        "id": row.webhook_id,
        "kind": row.kind,
        "seq": row.seq,
        "url": shown(row.url),
        "state": row.state,
        "attempts": row.attempts,
        "last_status": row.last_status,
        "last_error": row.last_error,
        "created_at": moment(row.created_at),
        "last_attempt_at": moment(row.tried_at),
        "next_attempt_at": moment(row.next_at) if row.state == "pending" else None,
    }


def end_of(row: CallRow) -> JsonObject:
    """Give the last event of a call."""
    end: End | None = row.end
    return {
        "call_sid": row.call_sid,
        "reason_code": end.reason_code if end else None,
        "completion_reason": end.completion_reason if end else None,
        "ended_by": end.ended_by if end else None,
        "error": end.error if end else None,
        "duration_s": _lasted_s(row.created_at_s, row.ended_at_s, 0.0, over=True),
    }


def events(row: CallRow, said: Sequence[Conversation], hooks: Sequence[Delivery]) -> Iterator[tuple[str, JsonObject]]:
    """Tell a call that is over as it would have been told while it went on, but for what was cut short."""
    *before, last = [("state", state) for state in states(row)]
    yield from before
    line = 0
    for nth, each in enumerate(said):
        kinds = ("transcript", each.transcript), ("turn", each.turns), ("tool", each.tools), ("usage", each.bills)
        told = [(one.get("at", 0.0), kind, one) for kind, ones in kinds for one in ones]
        for _, kind, one in sorted(told, key=itemgetter(0)):
            line += kind == "transcript"
            yield kind, {"conversation": nth, **({"line": line} if kind == "transcript" else {}), **one}
    yield from (("hook", hook(each)) for each in hooks)
    yield last
    yield "end", end_of(row)


def moment(at_s: float | None) -> str | None:
    """Write a moment of Unix time as RFC 3339 does."""
    if at_s is None:
        return None
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lasted_s(began_at_s: float, ended_at_s: float | None, now_s: float, *, over: bool) -> float | None:
    until_s = ended_at_s if over else now_s
    return None if until_s is None else round(max(0.0, until_s - began_at_s), 3)
