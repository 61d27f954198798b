"""Calls that an earlier process has left, as calls of this one. Pure.

What was configured then is taken from the configuration of now: the route of the same name. Keys were never written
down, so a verb goes on with those of the configuration.
"""

import json
from collections.abc import Sequence

from calls.applications import Asking
from calls.document import Native, Place, Seat, asides, messages
from calls.keeping import again, configured, filled_in
from calls.live import LiveCall
from calls.masking import unmasked
from config.settings import Route, Settings
from cost.meter import paid
from hooks.applications.base import Application
from hooks.asked import Call
from hooks.dispatcher import Dispatcher
from store.base import CallRow
from verbs.base import JsonObject
from verbs.llm import Llm

AT_ONCE = frozenset({"answer", "config", "tag", "alert"})
"Verbs that take no time."


def leads_straight_to_it(row: CallRow) -> bool:
    """Whether the call's only conversation has not begun, and there is nothing before it that would keep it away."""
    if len(row.legs) != 1 or row.legs[0].media_state != "unopened" or row.legs[0].ended_answer is not None:
        return False
    verbs: list[JsonObject] = json.loads(row.document or b"[]")
    first = next((verb for verb in verbs if verb.get("verb") not in AT_ONCE), {})
    return "/call/ended/" in str(first.get("actionHook"))


def revived(
    row: CallRow, settings: Settings, place: Place, dispatcher: Dispatcher, asking: Asking, *, now: float, unix_s: float
) -> LiveCall:
    """Make a call anew from its row. `now` is monotonic, `unix_s` the same moment as Unix time."""
    route = next((route for route in settings.routes if route.name == row.route), None) or Route(name=row.route or "-")
    told = Call(row.call_sid, row.caller, row.called, route.name, row.direction, row.attributes)
    live = LiveCall(
        row,
        told,
        route,
        settings,
        application=_application(asking, route, settings, told, dispatcher, row=row),
        seat=Seat(place, authenticated=_asks_for_secrets(settings)),
        dispatcher=dispatcher,
        now=now,
    )
    live.by_socket = row.by_socket
    live.ends_at -= max(0.0, unix_s - row.created_at_s)
    known = configured(route, row.attributes)
    live.answer = again(row.document, known if live.trusts_its_platform else ())
    remember(live, row, known)
    # The platform carries these out, and was not disturbed.
    live.natives = {nth: native for nth, native in live.natives.items() if row.legs[nth].end is None}
    return live


def remember(live: LiveCall, row: CallRow, known: Sequence[JsonObject]) -> None:
    """Let a call that is made anew know of its documents what its row says; the keys are those of the verbs `known`."""
    live.asides, live.messages = asides(row), messages(row)
    live.beside = frozenset(nth for nth, leg in enumerate(row.legs) if leg.beside)
    for nth, leg in enumerate(row.legs):
        llm = Llm.model_validate(unmasked(leg.llm))
        live.purse.pay(paid(leg.end.bills if leg.end else ()))
        if live.route.native:
            live.natives[nth] = Native(llm, returns=True)
        else:
            live.llms[nth], live.remaining[nth] = llm, filled_in(leg.remaining, known)


def _application(
    asking: Asking, route: Route, settings: Settings, call: Call, dispatcher: Dispatcher, *, row: CallRow
) -> Application:
    """Make a call's application: a leg's own, where it had one and still has."""
    grown = asking.grown(route, settings, call, dispatcher, trusted=row.trusted) if row.grown else None
    return grown or asking.application(route, settings, call, dispatcher, trusted=row.trusted)


def _asks_for_secrets(settings: Settings) -> bool:
    """Tell whether every call's platform has shown a secret."""
    platform = settings.platform
    return bool(platform.webhook_secrets or platform.basic_auth) and not settings.server.insecure
