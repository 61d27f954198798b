"""Calls that are over come to rest some seconds after all of them is told, and wake when somebody asks for them."""

from collections.abc import Callable
from typing import TypeVar

from calls.document import NOTHING
from calls.legs import Legs
from calls.live import LiveCall
from calls.register import Register
from calls.rest import Rest, at_rest, may_rest, recalled
from store.base import Store
from store.deliveries import NUMBERS
from tasks import Tasks

REST_AFTER_S = 30.0
"Nearly all that is still said of a call comes sooner."
Later = Callable[[float, Callable[[LiveCall], None], LiveCall], object]
"`call_later` of the loop."
T = TypeVar("T")


class Resting:
    """`later` looks at a call again; `clock` gives monotonic seconds."""

    def __init__(
        self, store: Store, calls: Register, legs: Legs, tasks: Tasks, *, later: Later, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._calls = calls
        self._legs = legs
        self._tasks = tasks
        self._later = later
        self._clock = clock

    def soon(self, live: LiveCall) -> None:
        """Let a call that is over come to rest."""
        self._later(REST_AFTER_S, self._look, live)

    async def by_row(self, row_id: bytes) -> LiveCall | None:
        """Give a call that is at hand, awake."""
        return await self._awake(self._calls.at_hand(row_id))

    async def by_sid(self, call_sid: str) -> LiveCall | None:
        return await self._awake(self._calls.known(call_sid))

    async def then(self, rest: Rest, deed: Callable[[], None]) -> None:
        """Do this when the call is awake, if it can be."""
        if await self._awake(rest):
            deed()

    def _look(self, live: LiveCall) -> None:
        if self._calls.at_hand(live.row_id) is live:
            self._tasks.start(self._rest(live))

    async def _rest(self, live: LiveCall) -> None:
        row = await self._store.by_row(live.row_id)
        if row and may_rest(live, row):
            self._calls.replace(live, at_rest(live, row))
        else:
            self.soon(live)

    async def _awake(self, known: LiveCall | Rest | None) -> LiveCall | None:
        if not isinstance(known, Rest):
            return known
        row = await self._store.by_row(known.row_id)
        if row is None or self._calls.at_hand(known.row_id) is not known:  # who else asks may have been faster
            return self._calls.by_row(known.row_id)
        live = recalled(known, row, now=self._clock())
        live.hooks = self._legs.plain_hooks(live)
        self._store.reserve(live.sid, live.numbered + NUMBERS)
        for nth, wanted in known.wanted.items():
            live.legs[nth] = self._legs.recalled(live, wanted)
        answers = {nth: answer or row.legs[nth].ended_answer or NOTHING for nth, answer in known.answers.items()}
        live.answers = {nth: self._tasks.start(given(answer)) for nth, answer in answers.items()}
        live.transfers = {nth: self._tasks.start(given(answer)) for nth, answer in known.transfers.items()}
        self._calls.replace(known, live)
        self.soon(live)
        return live


async def given(what: T) -> T:
    return what
