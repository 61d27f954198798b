"""What the routes have spent, day by day. Pure: the time comes from a clock, and what keeps it is told.

A day is a date in the time zone of its route's budget. What was spent before a restart is learnt from who keeps it; a
change of the time zone moves the next midnight, and takes nothing back.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from config.settings import Route
from cost.budget import Spent


class Entry(NamedTuple):
    day: str
    "As 2026-01-31."
    route: str
    spent: Spent


class Daybook:
    """`clock` gives Unix seconds; `keep` is told of each payment, and must neither wait nor raise."""

    def __init__(self, clock: Callable[[], float], keep: Callable[[Entry], None]) -> None:
        self._clock = clock
        self._keep = keep
        self._spent: dict[tuple[str, str], Spent] = {}

    def learn(self, entries: Iterable[Entry]) -> None:
        """Take in what was spent before."""
        for entry in entries:
            self._add(entry)

    def spent(self, route: Route) -> Spent:
        """Give what the route has spent today."""
        return self._spent.get((self._today(route), route.name), Spent())

    def pay(self, route: Route, spent: Spent) -> None:
        entry = Entry(self._today(route), route.name, spent)
        self._add(entry)
        self._keep(entry)

    def _today(self, route: Route) -> str:
        return route.budget.day_of(self._clock())

    def _add(self, entry: Entry) -> None:
        place = entry.day, entry.route
        if place not in self._spent:  # a day that is over is asked for no more
            over = [other for other in self._spent if other[1] == entry.route and other[0] < entry.day]
            for other in over:
                del self._spent[other]
        self._spent[place] = self._spent.get(place, Spent()).and_(entry.spent)


class DayPurse:
    """What all calls of a route may spend in a day: `cost.budget.Purse`."""

    def __init__(self, daybook: Daybook, route: Route) -> None:
        self._daybook = daybook
        self._route = route

    def pay(self, spent: Spent) -> None:
        self._daybook.pay(self._route, spent)

    def low(self) -> bool:
        budget = self._route.budget
        return budget.per_day.reached(self._daybook.spent(self._route), budget.wind_down_at)

    def empty(self) -> bool:
        return self._route.budget.per_day.reached(self._daybook.spent(self._route))
