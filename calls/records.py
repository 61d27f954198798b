"""The records of calls: of those that go on as they are now, of the others as they are kept."""

from collections.abc import Callable
from typing import NamedTuple

from calls import account
from calls.account import Conversation
from calls.journal import Journal
from calls.live import LiveCall
from calls.recorder import Recorder
from calls.register import Register
from hooks.delivery import Outcome
from store.base import CallRow, Store, summary
from store.summaries import Place, Sought, Summary


class Found(NamedTuple):
    """A call, and what was said in it."""

    row: CallRow
    said: list[Conversation]

    @property
    def summary(self) -> Summary:
        return summary(self.row)


class Records:
    """`clock` gives monotonic seconds."""

    def __init__(self, store: Store, calls: Register, recorder: Recorder, clock: Callable[[], float]) -> None:
        self._store = store
        self._calls = calls
        self.written = recorder.written
        self._clock = clock

    async def page(self, sought: Sought, after: Place | None, *, limit: int) -> tuple[list[Summary], Place | None]:
        """Give the calls from there on, the newest first, and where the next page begins; None: this is the last."""
        found = await self._store.calls(sought, after, limit=limit + 1)
        return found[:limit], found[limit - 1].place if len(found) > limit else None

    async def find(self, call_sid: str) -> Found | None:
        """Give a call; None for one that nobody knows."""
        row = await self._store.by_sid(call_sid)
        if row is None:
            return None
        live, said = self._calls.by_row(row.id), []
        for nth, leg in enumerate(row.legs):
            going_on = (live.legs.get(nth) or live.native_legs.get(nth)) if live else None
            record = going_on.record if going_on else None
            notes = [] if record or leg.end else await self._store.notes(row.id, nth)
            said.append(account.conversation(leg, record, notes, now=self._clock()))
        return Found(row, said)

    async def is_over(self, call_sid: str) -> bool | None:
        """Tell whether a call has ended, as far as anybody has said; None for one that nobody knows."""
        if (known := self._calls.known(call_sid)) is not None:
            return not isinstance(known, LiveCall) or known.over or known.gone
        row = await self._store.by_sid(call_sid)
        return None if row is None else row.state == "completed"

    def journal(self, call_sid: str) -> Journal | None:
        """Give the journal of a call that goes on here."""
        live = self._calls.by_sid(call_sid)
        return None if live is None or live.journal.over else live.journal

    def delivered(self, outcome: Outcome) -> None:
        """Let those who look on at a call see what became of a hook."""
        if live := self._calls.by_sid(outcome.delivery.call_sid):
            live.journal.add("hook", account.hook(outcome.delivery))
