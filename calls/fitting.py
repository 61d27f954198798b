"""What a control socket can carry: a longer document is never sent. Pure."""

from math import inf

from calls.document import HANGUP, Next, as_bytes
from calls.live import LiveCall
from calls.opening import Opening
from media.platforms import PLATFORMS
from store.base import CallRow
from verbs import parse


def max_document_bytes(live: LiveCall) -> float:
    dialect = PLATFORMS[live.settings.platform.kind].control
    return dialect.max_document_bytes if dialect else inf


def fitted(live: LiveCall, row: CallRow, first: Opening) -> tuple[Opening, Next]:
    """Make a call's first document; its route's fallback, or a hangup, where its control socket cannot carry that."""
    next_ = live.next(row, first.verbs)
    size_bytes, max_bytes = _size(next_), max_document_bytes(live)
    if live.control is None or size_bytes <= max_bytes:
        return first, next_
    verbs = live.fallback if _size(live.next(row, live.fallback)) <= max_bytes else parse([HANGUP])
    told = {"bytes": size_bytes, "max_bytes": max_bytes}
    return Opening(verbs, "document_too_long", told), live.next(row, verbs)


def _size(next_: Next) -> int:
    return len(as_bytes(next_.document))
