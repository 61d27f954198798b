"""The calls at hand: those going on, and those just over, whose webhooks may still be repeated."""

from collections.abc import Callable, Iterator

from calls.leg import Leg
from calls.live import LiveCall
from calls.native import NativeLeg

Later = Callable[[float, Callable[[LiveCall], None], LiveCall], object]
"`call_later` of the loop."


class Register:
    """Finds a call by its row or by its sid; `later` forgets it, and `forgotten` is told of it."""

    def __init__(self, later: Later, forgotten: Callable[[LiveCall], None] = lambda _: None) -> None:
        self._later = later
        self._forgotten = forgotten
        self._calls: dict[bytes, LiveCall] = {}
        self._by_sid: dict[str, LiveCall] = {}

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(list(self._calls.values()))

    @property
    def active(self) -> int:
        """How many calls are going on."""
        return sum(call.active for call in self._calls.values())

    def add(self, live: LiveCall) -> None:
        self._calls[live.row_id] = self._by_sid[live.sid] = live

    def by_row(self, row_id: bytes) -> LiveCall | None:
        return self._calls.get(row_id)

    def by_sid(self, call_sid: object) -> LiveCall | None:
        return self._by_sid.get(call_sid) if isinstance(call_sid, str) else None

    def legs(self) -> list[Leg | NativeLeg]:
        return [leg for live in self for leg in live.all_legs]

    def forget_after(self, seconds: float, live: LiveCall) -> None:
        self._later(seconds, self._forget, live)

    def _forget(self, live: LiveCall) -> None:
        self._calls.pop(live.row_id, None)
        if self._by_sid.get(live.sid) is live:
            del self._by_sid[live.sid]
        self._forgotten(live)
