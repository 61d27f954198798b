"""Rules that join several keys: who may reach the server, which route is never taken, what is only warned of."""

from collections.abc import Iterator, Sequence

import verbs
from config import budget
from config.brains import brain_warnings
from config.egress import hosts_of_calls
from config.keys import lacking
from config.manners import without_effect
from config.native import native_warnings
from config.numbers import covers, pattern_of
from config.settings import Platform, Route, Server, Settings, Vendor
from config.sizes import near_the_limit
from config.urls import SOCKET, host_of, is_loopback, url_fault
from verbs.llm import Llm
from verbs.offering import offered


def exposure(server: Server, platform: Platform, *, host: str | None = None) -> str | None:
    """Say why this server must not be reached from elsewhere: nothing tells the platform from a stranger.

    `host` stands in for `server.host` (`serve --host`).
    """
    if server.insecure or platform.webhook_secrets or platform.basic_auth:
        return None
    hosts = [host or server.host, host_of(server.public_url or "http://localhost")]
    if all(map(is_loopback, hosts)):
        return None
    return (
        "strangers could place calls on your account: set platform.webhook_secrets (JAMBONZ_WEBHOOK_SECRET) "
        "or platform.basic_auth, or say server.insecure: true"
    )


def vendor_url_fault(vendor: Vendor, *, insecure: bool) -> str | None:
    """Say what is wrong with a model's address: our key and the caller's voice travel to it."""
    if sentence := url_fault(vendor.url, SOCKET):
        return sentence
    if vendor.url.startswith("wss:") or insecure or is_loopback(host_of(vendor.url)):
        return None
    return "must begin with wss:// (ws:// is for this machine, or with server.insecure: true)"


def takes_all_of(wide: Route, narrow: Route) -> bool:
    """Tell whether every call that `narrow` would take is taken by `wide`."""
    headers = {name.lower(): value for name, value in narrow.headers.items()}
    return (
        _cover(wide.numbers, narrow.numbers)
        and _cover(wide.from_, narrow.from_)
        and wide.direction in {None, narrow.direction}
        and all(
            name.lower() in headers and covers(value, headers[name.lower()]) for name, value in wide.headers.items()
        )
    )


def shadowed(routes: Sequence[tuple[int, Route]]) -> Iterator[tuple[int, int]]:
    """Give (index, index of an earlier route that takes all its calls) of every route that is never taken.

    The earlier one must take the first number, so it is looked up by that: thousands of routes are no burden.
    """
    by_pattern: dict[str, list[tuple[int, Route]]] = {}
    for index, route in routes:
        patterns = [pattern_of(number) for number in route.numbers] or ["*"]
        wider = [patterns[0], *(f"{patterns[0][:length]}*" for length in range(len(patterns[0])))]
        takers = [
            earlier
            for pattern in wider
            for earlier, candidate in by_pattern.get(pattern, [])
            if takes_all_of(candidate, route)
        ]
        if takers:
            yield index, min(takers)
        for pattern in patterns:
            by_pattern.setdefault(pattern, []).append((index, route))


def warnings(settings: Settings) -> Iterator[str]:
    """Give what an operator should know and what keeps no server from serving."""
    if settings.store.startswith("postgresql:"):
        yield "store: this version knows no postgresql://, and will not serve; name a file, sqlite:///hookswitch.db"
    if settings.server.insecure:
        yield "server.insecure is true: anyone who reaches the port can place calls on your account"
    yield from (
        f"vendors.{name}.tls.verify is false: whoever stands on the way can hear the calls and take the key; "
        f"name the certificate that is to be trusted in vendors.{name}.tls.ca instead"
        for name, vendor in settings.vendors.items()
        if not vendor.tls.verify
    )
    yield from lacking(settings)
    yield from brain_warnings(settings.brains)
    for route in settings.routes:
        if route.url and route.url.startswith(("http://", "ws://")) and not is_loopback(host_of(route.url)):
            yield f"route {route.name!r}: its application is asked without TLS, numbers and all: write https:// or wss://"
        yield from (f"route {route.name!r}: {told}" for told in hosts_of_calls(route))
        yield from (
            f"route {route.name!r}: {told}" for told in budget.without_effect(route.budget, native=route.native)
        )
        parsed = verbs.parse(route.verbs, version=settings.platform.version, native=route.native)
        if route.native:
            told = [*native_warnings(settings, route, parsed), *near_the_limit(settings, route)]
            yield from (f"route {route.name!r}: {sentence}" for sentence in told)
            continue
        manners = without_effect(
            route.conversation, max_call_s=route.max_call_s, tool_timeout_s=settings.hooks.tool_timeout_s
        )
        odd = dict.fromkeys([*manners, *_odd_tools(settings, route, parsed)])
        yield from (f"route {route.name!r}: {told}" for told in odd)


def _odd_tools(settings: Settings, route: Route, parsed: Sequence[verbs.Verb]) -> Iterator[str]:
    declared = {name: tool.declaration for name, tool in settings.tools.get(route.name, {}).items()}
    for verb in parsed:
        if isinstance(verb, Llm):
            yield from offered(verb, declared).warnings


def _cover(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """An empty list takes every number."""
    return not wide or all(
        any(covers(pattern_of(taken), pattern_of(pattern)) for taken in wide) for pattern in narrow or ["*"]
    )
