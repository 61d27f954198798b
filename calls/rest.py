"""A call at rest: what this process keeps of one that is over, until it is forgotten. Pure.

Whatever is asked of it after its end is answered as before: what was told is told again, and for the rest the call is
made anew from its row. Only keys were not written down: of what has not left, those of the configuration do, as after a
restart. No others are kept here but in the very bytes that a platform, which has shown a secret, was answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from calls.document import NOTHING, Before, Seat
from calls.keeping import again, configured
from calls.leaving import Again
from calls.leg import Leg, has_result
from calls.live import LiveCall
from calls.native import NativeLeg
from calls.orphans import remember
from calls.statuses import Statuses
from calls.waiting import Waiting
from config.settings import Route, Settings
from hooks.applications.base import Application
from hooks.asked import Call
from hooks.dispatcher import Dispatcher
from store.base import CallRow
from verbs.base import JsonObject

NONE: Mapping[int, Any] = MappingProxyType({})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rest:
    """What its row does not say. All that is not this call's alone is shared with others."""

    row_id: bytes
    sid: str
    answer: bytes
    "Its first document as it left; nothing where its row has the same."
    route: Route
    settings: Settings
    dispatcher: Dispatcher
    seat: Seat
    application: Application
    statuses: Statuses
    statuses_to: str | None
    superseded: Before
    ends_at: float
    gone: bool
    apart: bool
    answered: bool
    by_socket: bool
    numbered: int
    again: Mapping[int, Again]
    answers: Mapping[int, bytes]
    "To who asks what comes after a conversation; nothing where its row has the same."
    transfers: Mapping[int, bytes]
    wanted: Mapping[int, list[JsonObject] | None]
    "By the conversations of which the platform has not asked what comes next: what their actionHooks want."
    instead: Mapping[int, list[JsonObject]]
    redirects: Mapping[int, list[JsonObject] | bytes]


def may_rest(live: LiveCall, row: CallRow) -> bool:
    """Tell whether nothing is under way of a call that is over: all that was to be told is, and was written down."""
    begun: dict[int, Leg | NativeLeg] = {**live.legs, **live.native_legs}
    return (
        live.over
        and not (live.control or live.expected or live.held or live.consulting)
        and all(leg.is_told for leg in begun.values())
        and all(leg.end or (live.gone and nth not in begun) for nth, leg in enumerate(row.legs))
        and all(has_result(task) for task in (*live.answers.values(), *live.transfers.values()))
        and all(task.done() for task in live.telling)
        and not live.hooks.pending
    )


def at_rest(live: LiveCall, row: CallRow) -> Rest:
    # Nothing comes after one that the platform carries out, whatever its actionHook has answered.
    answers = dict.fromkeys(live.native_legs, NOTHING) | {nth: task.result() for nth, task in live.answers.items()}
    written = {nth: leg.ended_answer for nth, leg in enumerate(row.legs)}
    return Rest(
        row_id=live.row_id,
        sid=live.sid,
        answer=b"" if live.answer == row.document else live.answer,
        route=live.route,
        settings=live.settings,
        dispatcher=live.dispatcher,
        seat=live.seat,
        application=live.application,
        statuses=live.statuses,
        statuses_to=live.statuses_to,
        superseded=live.superseded,
        ends_at=live.ends_at,
        gone=live.gone,
        apart=live.apart,
        answered=live.answered,
        by_socket=live.by_socket,
        numbered=live.hooks.numbered,
        again=_kept(live.again),
        answers=_kept({nth: b"" if answer == written[nth] else answer for nth, answer in answers.items()}),
        transfers=_kept({nth: task.result() for nth, task in live.transfers.items()}),
        wanted=_kept({nth: leg.wanted for nth, leg in live.legs.items()}),
        instead=_kept(live.instead),
        redirects=_kept(live.redirects),
    )


def recalled(rest: Rest, row: CallRow, *, now: float) -> LiveCall:
    """Make a call anew that was at rest; its hooks, and what it has answered, are still to be set."""
    live = LiveCall(
        row,
        Call(row.call_sid, row.caller, row.called, rest.route.name, row.direction, row.attributes),
        rest.route,
        rest.settings,
        application=rest.application,
        seat=rest.seat,
        dispatcher=rest.dispatcher,
        now=now,
    )
    live.waiting = Waiting()
    live.answer = rest.answer or row.document
    remember(live, row, configured(rest.route, row.attributes))
    live.statuses, live.statuses_to = rest.statuses, rest.statuses_to
    live.superseded, live.ends_at, live.numbered = rest.superseded, rest.ends_at, rest.numbered
    live.gone, live.apart, live.answered = rest.gone, rest.apart, rest.answered
    live.left = live.over = live.journal.over = True
    live.by_socket, live.again = rest.by_socket, dict(rest.again)
    live.instead, live.redirects = dict(rest.instead), dict(rest.redirects)
    return live


def first_document(known: LiveCall | Rest | None, row: CallRow) -> bytes:
    """Give what a call was answered when it came; without its keys where nobody here knows them."""
    if known is None:
        return again(row.document)
    return known.answer or row.document


def _kept(some: Mapping[int, T]) -> Mapping[int, T]:
    """Nearly always there are none: an empty dict for each call would be most of what it costs."""
    return dict(some) if some else NONE
