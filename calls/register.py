"""The calls at hand: those going on, and those just over, whose webhooks may still be repeated."""

from collections.abc import Callable, Iterator

from calls.control import CallUnknownError, NobodyTalksError
from calls.leg import Leg
from calls.live import LiveCall
from calls.native import NativeLeg
from calls.rest import Rest
from hooks.applications.base import Application

Later = Callable[[float, Callable[[bytes], None], bytes], object]
"`call_later` of the loop."

FORGET_AFTER_S = 600.0
"How long a call that is over stays at hand: retries of its webhooks come within ten minutes."


class Register:
    """Finds a call by its row or by its sid; `later` forgets it, and `forgotten` is told of it."""

    def __init__(self, later: Later, forgotten: Callable[[LiveCall | Rest], None] = lambda _: None) -> None:
        self._later = later
        self._forgotten = forgotten
        self._calls: dict[bytes, LiveCall | Rest] = {}
        self._by_sid: dict[str, LiveCall | Rest] = {}
        self._not_over: dict[bytes, LiveCall] = {}
        "Few of those that are at hand: the others only wait to be forgotten."

    def __iter__(self) -> Iterator[LiveCall]:
        """Go through those that are not at rest."""
        return iter([call for call in self._calls.values() if isinstance(call, LiveCall)])

    @property
    def going_on(self) -> list[LiveCall]:
        return [call for call in self._not_over.values() if call.active]

    @property
    def active(self) -> int:
        """How many calls are going on."""
        return len(self.going_on)

    @property
    def applications(self) -> list[Application]:
        return [call.application for call in self._calls.values()]

    def add(self, live: LiveCall) -> None:
        self._calls[live.row_id] = self._by_sid[live.sid] = self._not_over[live.row_id] = live

    def replace(self, before: LiveCall | Rest, after: LiveCall | Rest) -> None:
        """Let a call that is over come to rest, or wake."""
        self._calls[after.row_id] = after
        if self._by_sid.get(after.sid) is before:
            self._by_sid[after.sid] = after

    def at_hand(self, row_id: bytes) -> LiveCall | Rest | None:
        return self._calls.get(row_id)

    def known(self, call_sid: object) -> LiveCall | Rest | None:
        return self._by_sid.get(call_sid) if isinstance(call_sid, str) else None

    def by_row(self, row_id: bytes) -> LiveCall | None:
        """Give a call that is not at rest."""
        return call if isinstance(call := self.at_hand(row_id), LiveCall) else None

    def by_sid(self, call_sid: object) -> LiveCall | None:
        """Give a call that is not at rest."""
        return call if isinstance(call := self.known(call_sid), LiveCall) else None

    def conversation(self, call_sid: str) -> tuple[LiveCall, int]:
        """Give the call, and the number of the conversation that goes on in it.

        :raises ControlError: there is none; a call that is over, at rest or not, is known for its record alone
        """
        live = self.by_sid(call_sid)
        if live is None or live.over or live.gone:
            raise CallUnknownError
        if live.talking is None:
            raise NobodyTalksError
        return live, live.talking

    def legs(self) -> list[Leg | NativeLeg]:
        return [leg for live in self for leg in live.all_legs]

    def forget_after(self, seconds: float, live: LiveCall) -> None:
        """Keep a call that is over for so long."""
        self._not_over.pop(live.row_id, None)
        self._later(seconds, self._forget, live.row_id)

    def _forget(self, row_id: bytes) -> None:
        call = self._calls.pop(row_id)
        if self._by_sid.get(call.sid) is call:
            del self._by_sid[call.sid]
        self._forgotten(call)
