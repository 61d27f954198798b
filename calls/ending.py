"""How a conversation's end is kept, and what the call does after it. Pure."""

from collections.abc import Sequence

from calls.admission import Refusal
from calls.document import HANGUP
from media.effects import End
from media.ends import HUNG_UP, RESTART
from media.record import Record
from store.base import CallRow
from store.base import End as KeptEnd
from verbs.base import JsonObject


def kept(end: End, record: Record, *, at_s: float, duration_s: float | None = None) -> KeptEnd:
    """Give the end as the row keeps it. `at_s` is Unix time."""
    return KeptEnd(
        reason_code=end.reason_code,
        completion_reason=end.completion_reason,
        ended_by=end.ended_by,  # type: ignore[arg-type]  # the same six words, typed loosely in media
        at_s=at_s,
        error=end.error,
        told=end.told,
        usage=record.usage,
        bills=tuple(record.bills),
        transcript=tuple(record.transcript),
        history=record.shown_history,
        turns=tuple(record.turns),
        tools=tuple(record.tools),
        duration_s=duration_s,
    )


def turned_away(reason_code: str, message: str, *, at_s: float) -> KeptEnd:
    """Give the end of a call for which there was no room. `at_s` is Unix time."""
    return KeptEnd(
        reason_code=reason_code,
        completion_reason=RESTART.completion_reason,
        ended_by="server",
        at_s=at_s,
        error={"message": message},
    )


def call_end(row: CallRow, refusal: Refusal | None) -> KeptEnd | None:
    """Give a call's end: its last conversation's, or that there was no room for one; None: it was to have none."""
    refused = turned_away(*refusal, at_s=row.created_at_s) if refusal else None
    return next((leg.end for leg in reversed(row.legs) if leg.end and not leg.beside), refused)


def next_verbs(
    end: KeptEnd | None, *, remaining: Sequence[JsonObject], fallback: Sequence[JsonObject], beside: bool = False
) -> list[JsonObject]:
    """Say what the call does after a conversation of which the application wants nothing more.

    The fallback after a fault, else the rest; nothing where the platform itself ended the conversation: the caller
    is gone, or was sent elsewhere. One `beside` the call's document leads to its own rest, and then to that.
    """
    if beside:
        return list(remaining)
    if end and end.completion_reason != HUNG_UP.completion_reason:
        return list(fallback)
    if end and end.ended_by in {"caller", "platform"}:
        return []
    return list(remaining) or [HANGUP]
