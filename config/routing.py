"""Which route a call takes, and why not the others; the first that fits takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.numbers import fits, pattern_of, user_of
from config.settings import Route, Settings


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one route says to a call, in plain words."""

    route: Route
    matched: bool
    "True for the one route that the call takes."
    reason: str


def route_for(settings: Settings, call: Mapping[str, Any], *, named: str = "") -> Route | None:
    """Give the route of a call from the body of its call webhook; None when no route takes it.

    `named`: the one that was asked for when we placed the call, if it is still there.
    """
    chosen = next((route for route in settings.routes if route.name == named), None)
    return chosen or next((route for route in settings.routes if not _obstacle(route, call)), None)


def explain(settings: Settings, call: Mapping[str, Any]) -> list[Verdict]:
    """Give every route's verdict, in the order in which they are asked."""
    taken = route_for(settings, call)
    return [Verdict(route, route is taken, _reason(route, call, taken)) for route in settings.routes]


def _reason(route: Route, call: Mapping[str, Any], taken: Route | None) -> str:
    obstacle = _obstacle(route, call)
    if obstacle or taken is None:
        return obstacle
    return _fitting(route, call) if route is taken else f"would fit too, but route {taken.name!r} stands before it"


def _obstacle(route: Route, call: Mapping[str, Any]) -> str:
    """Say what keeps a call from a route; nothing when it fits."""
    called, caller, direction = _text(call, "to"), _text(call, "from"), _text(call, "direction")
    if not _one_fits(route.numbers, called):
        return f"the called number {called!r} is none of {_listed(route.numbers)}"
    if not _one_fits(route.from_, caller):
        return f"the caller {caller!r} is none of {_listed(route.from_)}"
    if route.direction not in {None, direction}:
        return f"the direction is {direction!r}, not {route.direction!r}"
    headers = _headers(call)
    for name, pattern in route.headers.items():
        value = headers.get(name.lower())
        if value is None:
            return f"there is no SIP header {name}"
        if not fits(pattern, value):
            return f"the SIP header {name} is {value!r}, not {pattern!r}"
    return ""


def _fitting(route: Route, call: Mapping[str, Any]) -> str:
    called = _text(call, "to")
    number = next((f"{called!r} fits {pattern!r}" for pattern in route.numbers if _one_fits([pattern], called)), "")
    others = [
        key
        for key, value in (("from", route.from_), ("direction", route.direction), ("headers", route.headers))
        if value
    ]
    conditions = [number or "any number fits", *(f"`{key}` fits" for key in others)]
    return ", ".join(conditions)


def _one_fits(patterns: Sequence[str], address: str) -> bool:
    """An empty list of patterns takes every address."""
    user = user_of(address)
    return not patterns or any(fits(pattern_of(pattern), user) for pattern in patterns)


def _text(call: Mapping[str, Any], key: str) -> str:
    value = call.get(key)
    return value if isinstance(value, str) else ""


def _headers(call: Mapping[str, Any]) -> dict[str, str]:
    """The INVITE's headers, as jambonz sends them in the first request of a call: `sip.headers`."""
    sip = call.get("sip")
    headers = sip.get("headers") if isinstance(sip, Mapping) else None
    pairs = headers.items() if isinstance(headers, Mapping) else ()
    return {str(name).lower(): value for name, value in pairs if isinstance(value, str)}


def _listed(patterns: Sequence[str]) -> str:
    return ", ".join(patterns)
