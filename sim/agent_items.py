"""What the model said, item by item: how much it sent, the platform received, the caller heard, the model was told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sim.alignment import Found, find
from sim.happening import Happening
from sim.model_log import Item
from sim.platform.heard import Heard
from sim.platform.stream import MediaStream
from sim.scene import Hearing

MODEL_HZ = 24000
RESIDUE_S = 0.16
"The platform's prebuffer may hold so much of an item beyond a flush."
LOST_MS = 20
"A frame less than all of it is all of it."
SAME_MOMENT_S = 2.0
"A truncation belongs to an interruption this near."


@dataclass(frozen=True, slots=True)
class Account:
    """One item's audio in milliseconds; None where nothing of it was found at the platform."""

    item_id: str
    text: str
    sent_ms: int
    received_ms: int | None
    played_ms: int | None
    truncated_ms: int | None
    truncated_at_s: float | None

    @property
    def off_by_ms(self) -> int | None:
        """How much more the model believes to have been heard than was."""
        if self.truncated_ms is None or self.played_ms is None:
            return None
        return self.truncated_ms - self.played_ms


def accounts(items: Iterable[Item], stream: MediaStream | None) -> list[Account]:
    """Find each item, in order, in what one media socket received."""
    result, at = [], 0
    for item in items:
        found = _found(item, stream, at) if stream else None
        at = found.end if found else at
        result.append(_account(item, found))
    return result


def _found(item: Item, stream: MediaStream, at: int) -> Found | None:
    if stream.heard.rate_hz != MODEL_HZ:
        return None  # resampled on its way
    return find(bytes(item.audio), stream.heard, at, _stop(item, stream.heard, stream.opened_s))


def _stop(item: Item, heard: Heard, opened_s: float) -> int | None:
    """Where the search for a truncated item ends: the same words may come again later."""
    if item.truncated_at_s is None:
        return None
    tick = (item.truncated_at_s - opened_s) * 50
    ends = [flush.end for flush in heard.flushed if abs(flush.tick - tick) < SAME_MOMENT_S * 50]
    return ends[-1] + int(RESIDUE_S * heard.rate_hz) if ends else None


def _account(item: Item, found: Found | None) -> Account:
    return Account(
        item.item_id,
        item.text,
        len(item.audio) * 1000 // (MODEL_HZ * 2),
        found.received_ms if found else None,
        found.played_ms if found else None,
        item.truncated_ms,
        item.truncated_at_s,
    )


def truncation_fault(interrupted: Happening, told: Sequence[Account], within_ms: int) -> str:
    """Say how the truncation that belongs to an interruption misses what was heard; "" if it does not."""
    near = [
        one
        for one in told
        if one.truncated_at_s is not None and abs(one.truncated_at_s - interrupted.at_s) < SAME_MOMENT_S
    ]
    if not near:
        return "the model was not told what was heard: no conversation.item.truncate came"
    for one in near:
        if one.off_by_ms is None:
            return f"{one.item_id}: its audio was not found at the platform (resampled?), so nothing can be said"
        if abs(one.off_by_ms) > within_ms:
            return f"{one.item_id} was truncated to {one.truncated_ms} ms, but {one.played_ms} ms were heard"
    return ""


def hearing_fault(wanted: Hearing, told: Sequence[Account]) -> str:
    """Say how what was heard of the model's words misses what should have been; "" if it does not."""
    said = [one for one in told if wanted.text_contains.casefold() in one.text.casefold()]
    if not said:
        return "the model never said it"
    heard = max(said, key=lambda one: one.played_ms or 0)
    played_ms = heard.played_ms or 0
    whole = wanted.at_least_ms is None and wanted.at_most_ms is None
    at_least_ms = heard.sent_ms - LOST_MS if whole else wanted.at_least_ms or 0
    at_most_ms = heard.sent_ms if wanted.at_most_ms is None else wanted.at_most_ms
    if at_least_ms <= played_ms <= at_most_ms:
        return ""
    return f"{played_ms} ms of {heard.sent_ms} ms were heard"
