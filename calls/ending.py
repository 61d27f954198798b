"""What a call does after its conversation, and what the application is told of the end. Pure."""

from collections.abc import Sequence

from calls.document import HANGUP
from media.effects import End
from media.ends import HUNG_UP
from media.record import Record
from store.base import End as KeptEnd
from store.base import LlmLeg
from verbs.base import JsonObject


def kept(end: End, record: Record, *, at_s: float) -> KeptEnd:
    """Give the end as the row keeps it. `at_s` is Unix time."""
    return KeptEnd(
        reason_code=end.reason_code,
        completion_reason=end.completion_reason,
        ended_by=end.ended_by,  # type: ignore[arg-type]  # the same six words, typed loosely in media
        at_s=at_s,
        error=end.error,
        usage=record.usage,
        transcript=tuple(record.transcript),
    )


def next_verbs(leg: LlmLeg, wanted: Sequence[JsonObject] | None) -> list[JsonObject]:
    """Say what the call does next: what the actionHook wants, else the fallback after a fault, else the rest.

    Nothing where the platform itself ended the conversation: the caller is gone, or was sent elsewhere.
    """
    if wanted:
        return list(wanted)
    if leg.end and leg.end.completion_reason != HUNG_UP.completion_reason:
        return list(leg.fallback)
    if leg.end and leg.end.ended_by in {"caller", "platform"}:
        return []
    return list(leg.remaining) or [HANGUP]
