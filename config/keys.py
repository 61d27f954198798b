"""Which keys of vendors are missing, and what is not possible without them."""

from collections.abc import Iterator
from typing import NamedTuple

import verbs
from config.settings import Route, Settings
from config.urls import host_of
from verbs import JsonObject
from verbs.connecting import leads_elsewhere
from verbs.llm import Llm
from verbs.vendors import KEY_HEADERS, VENDORS

GET_FALLBACK = "calls get `fallback`"
NO_FALLING_BACK = "nothing falls back on it"
MOST_NAMED = 5


class Lack(NamedTuple):
    vendor: str
    so: str
    "What comes of it."
    remedy: str


def lacking(settings: Settings) -> Iterator[str]:
    """Say which keys are missing: a sentence for each, whatever the number of routes that want it."""
    routes: dict[Lack, list[str]] = {}
    for route in settings.routes:
        for lack in dict.fromkeys(_of_route(settings, route)):
            routes.setdefault(lack, []).append(route.name)
    for lack, names in routes.items():
        yield f"no key for vendor {lack.vendor!r}, {lack.so} in {_listed(names)}: {lack.remedy}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:MOST_NAMED]))
    more = f" and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else ""
    return f"route{'s' if names[1:] else ''} {shown}{more}"


def _of_route(settings: Settings, route: Route) -> Iterator[Lack]:
    if route.native:  # what its platform lacks is told beside what else is to be known of it
        return
    for verb in verbs.parse(route.verbs, version=settings.platform.version):
        if isinstance(verb, Llm) and (remedy := _of_verb(settings, verb)):
            yield Lack(verb.vendor, GET_FALLBACK, remedy)
    for spare in route.llm_fallback:
        brought = bool(spare.auth) or VENDORS[spare.vendor].keyless
        if remedy := None if brought else _of_vendor(settings, spare.vendor):
            yield Lack(spare.vendor, NO_FALLING_BACK, remedy)


def _of_verb(settings: Settings, verb: Llm) -> str | None:
    if _brings_key(verb) or VENDORS[verb.vendor].keyless:
        return None
    options = verb.connect_options or {}
    host = _host_named(options)
    if leads_elsewhere(options):
        return f"put `auth` beside `proxy` and `tls`, or set vendors.{verb.vendor}.proxy and .tls instead"
    if host and host != host_of(settings.vendors[verb.vendor].url):
        return f"put `auth` into the verb, for {host} is not the host of vendors.{verb.vendor}.url"
    return _of_vendor(settings, verb.vendor)


def _of_vendor(settings: Settings, name: str) -> str | None:
    """Say what to set so that a vendor can be called; None when nothing lacks."""
    vendor, variables = settings.vendors[name], VENDORS[name].variables
    if not vendor.url:
        return f"set {variables}_REALTIME_URL or vendors.{name}.url, and its key"
    return None if vendor.api_key.get_secret_value() else f"set {variables}_API_KEY or vendors.{name}.api_key"


def _brings_key(verb: Llm) -> bool:
    headers = (verb.connect_options or {}).get("headers") or {}
    return any((verb.auth or {}).values()) or any(name.lower() in KEY_HEADERS for name in headers)


def _host_named(connect_options: JsonObject) -> str:
    return host_of(str(connect_options.get("url") or "")) or host_of(f"//{connect_options.get('host') or ''}")
