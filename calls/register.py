"""The calls at hand: those going on, and those just over, whose webhooks may still be repeated."""

from collections.abc import Callable, Iterator

from calls.leg import Leg
from calls.live import LiveCall
from calls.native import NativeLeg

Later = Callable[[float, Callable[[LiveCall], None], LiveCall], object]
"`call_later` of the loop."

FORGET_AFTER_S = 600.0
"How long a call that is over stays at hand: retries of its webhooks come within ten minutes."


class Register:
    """Finds a call by its row or by its sid; `later` forgets it, and `forgotten` is told of it."""

    def __init__(self, later: Later, forgotten: Callable[[LiveCall], None] = lambda _: None) -> None:
        self._later = later
        self._forgotten = forgotten
        self._calls: dict[bytes, LiveCall] = {}
        self._by_sid: dict[str, LiveCall] = {}
        self._not_over: dict[bytes, LiveCall] = {}
        "Few of those that are at hand: the others only wait to be forgotten."

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(list(self._calls.values()))

    @property
    def going_on(self) -> list[LiveCall]:
        return [call for call in self._not_over.values() if call.active]

    @property
    def active(self) -> int:
        """How many calls are going on."""
        return len(self.going_on)

    def add(self, live: LiveCall) -> None:
        self._calls[live.row_id] = self._by_sid[live.sid] = self._not_over[live.row_id] = live

    def by_row(self, row_id: bytes) -> LiveCall | None:
        return self._calls.get(row_id)

    def by_sid(self, call_sid: object) -> LiveCall | None:
        return self._by_sid.get(call_sid) if isinstance(call_sid, str) else None

    def legs(self) -> list[Leg | NativeLeg]:
        return [leg for live in self for leg in live.all_legs]

    def forget_after(self, seconds: float, live: LiveCall) -> None:
        """Keep a call that is over for so long."""
        self._not_over.pop(live.row_id, None)
        self._later(seconds, self._forget, live)

    def _forget(self, live: LiveCall) -> None:
        self._calls.pop(live.row_id, None)
        if self._by_sid.get(live.sid) is live:
            del self._by_sid[live.sid]
        self._forgotten(live)
