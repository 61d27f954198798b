"""What `doctor` looks at besides what `check` does: what must be reachable, and what is said of it. Pure.

Nothing that is said holds more of a URL than where it leads: the rest may be a key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from calls.applications import SOCKETS
from calls.carrying import Candidate, candidate, others
from config.keys import lacking
from config.settings import Route, Settings
from config.urls import host_of, is_loopback
from egress.guard import TRUSTED
from hooks.applications.base import absolute
from media.realtime.base import ModelError, Realtime
from media.realtime.dial import Dial
from verbs import parse, templates
from verbs.llm import Llm

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
LOCAL = "only a platform on this machine reaches us: set it to the https:// URL by which yours does"


class Line(NamedTuple):
    grade: str
    "ok, warning or failure."
    text: str


class Place(NamedTuple):
    """A server that must take our connections, or the platform's."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Trial(NamedTuple):
    """A model that calls talk with."""

    what: str
    dial: Dial
    model: Realtime
    "By which its first words are understood."
    timeout_s: float
    "How long it may take to say them."
    remedy: str


def settled(settings: Settings) -> Iterator[Line]:
    """Say what needs no trying: keys that are missing, what `check` warns of, how the platform reaches us."""
    keys = list(lacking(settings))
    yield from (Line("failure", text) for text in keys)
    yield from (Line("warning", text) for text in settings.warnings if text not in keys)
    url = settings.server.public_url
    if url is None:
        yield Line("warning", f"server.public_url is not set, so {LOCAL}")
    elif is_loopback(host_of(url)):
        yield Line("warning", f"server.public_url is this machine, so {LOCAL}")
    elif url.startswith("http:"):
        text = "server.public_url begins with http://, so calls can be heard and tickets taken on the way: use https://"
        yield Line("warning", text)


def hook_places(settings: Settings) -> dict[Place, list[str]]:
    """Give where hooks and tools of the configuration are, with the names of the routes that want them."""
    return _places((route, url) for route in settings.routes for url in _urls(settings, route))


def application_places(settings: Settings) -> dict[Place, list[str]]:
    """Give where the applications are that routes ask for their verbs over HTTP, with the routes' names."""
    asked = ((route, route.url) for route in settings.routes if route.url and not route.url.startswith(SOCKETS))
    return _places(asked)


def application_sockets(settings: Settings) -> dict[str, list[str]]:
    """Give the URLs of those that are asked over a websocket, with the routes' names."""
    found: dict[str, list[str]] = {}
    for route in settings.routes:
        if route.url and route.url.startswith(SOCKETS) and place_of(route.url):
            found.setdefault(route.url, []).append(route.name)
    return found


def brain_places(settings: Settings) -> dict[Place, list[str]]:
    """Give where the models are that the file's brains ask in text, with the brains' names; they are asked nothing."""
    places: dict[Place, list[str]] = {}
    for brain in settings.brains.values():
        found = [] if brain.built_in else [brain.endpoint, *(spare for _, spare in brain.spares)]
        for place in dict.fromkeys(filter(None, (place_of(endpoint.url) for endpoint in found if endpoint))):
            places.setdefault(place, []).append(brain.name)
    return places


def place_of(url: str) -> Place | None:
    """Give the server of a URL; None where it depends on the call, or on a transport of somebody else's."""
    parts = urlsplit(url)
    if templates.names(parts.netloc) or not parts.hostname or parts.scheme not in PORTS:
        return None
    return Place(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])


def trials(settings: Settings) -> list[Trial]:
    """Give the models of the configuration, each once. One whose address or key depends on the call is not tried."""
    found: dict[str, tuple[Candidate, str, list[str]]] = {}
    for route in settings.routes:
        for llm in _llms(settings, route):
            if tried := _candidate(llm, route, settings):
                dial = tried.dial
                same = repr((dial, dial.headers, dial.proxy, dial.subprotocols))
                found.setdefault(same, (tried, llm.vendor, []))[2].append(route.name)
    return [
        Trial(
            f"vendor {vendor!r} at {place_of(tried.dial.url)} ({_routes(names)})",
            tried.dial,
            tried.model,
            settings.vendors[vendor].session_timeout_s,
            f"look at vendors.{vendor} (url, api_key, proxy, tls), or at `connectOptions` and `auth` of the verb",
        )
        for tried, vendor, names in found.values()
    ]


def hooks_told(place: Place, routes: Iterable[str], why_not: str) -> Line:
    """Say whether hooks are taken; `why_not` is empty where they are."""
    told = f"hooks of {_routes(routes)} at {place}"
    if not why_not:
        return Line("ok", told)
    return Line("failure", f"{told}: {why_not}; start the application, or mend hooks.base_url or the URL of the hook")


def application_told(place: Place, routes: Iterable[str], why_not: str) -> Line:
    """Say whether applications are there; `why_not` is empty where they are."""
    told = f"application of {_routes(routes)} at {place}"
    if not why_not:
        return Line("ok", told)
    return Line("failure", f"{told}: {why_not}; start the application, or mend the `url` of the route")


def brain_told(place: Place, brains: Iterable[str], why_not: str) -> Line:
    """Say whether models that are asked in text are there; `why_not` is empty where they are."""
    told = f"models of {_named('brain', brains)} at {place}"
    if not why_not:
        return Line("ok", told)
    return Line("failure", f"{told}: {why_not}; start that server, or mend model or base_url of the brain")


def public_told(place: Place, why_not: str) -> Line:
    """Say whether we are found: no failure, for we may be started later, and be reached from elsewhere alone."""
    told = f"server.public_url at {place}"
    if not why_not:
        return Line("ok", told)
    return Line("warning", f"{told}, as seen from here: {why_not}; the platform must find us there when we serve")


def model_told(trial: Trial, why_not: str) -> Line:
    return Line("failure", f"{trial.what}: {why_not}; {trial.remedy}") if why_not else Line("ok", trial.what)


def _routes(names: Iterable[str]) -> str:
    return _named("route", names)


def _named(what: str, names: Iterable[str]) -> str:
    several = list(dict.fromkeys(names))
    return f"{what}{'s' if several[1:] else ''} {', '.join(map(repr, several))}"


def _places(urls: Iterable[tuple[Route, str]]) -> dict[Place, list[str]]:
    places: dict[Place, list[str]] = {}
    for route, url in urls:
        if (place := place_of(url)) and route.name not in places.setdefault(place, []):
            places[place].append(route.name)
    return places


def _urls(settings: Settings, route: Route) -> Iterator[str]:
    hooks = [*_hooks([route.verbs, route.fallback, route.busy]), route.status_hook, route.amd_hook]
    base_url = None if route.url else settings.hooks.base_url  # an application's paths are on its own origin
    yield from (url for hook in hooks if (url := absolute(hook, base_url)))
    targets = [tool.target for tool in settings.tools.get(route.name, {}).values()]
    yield from (target for target in targets if target.startswith(("http://", "https://")))


def _hooks(value: Any) -> Iterator[Any]:
    """Give every hook of a document; what stands in `llmOptions` is the model's own."""
    match value:
        case dict():
            for key, inner in value.items():
                if key.endswith("Hook"):
                    yield inner
                elif key != "llmOptions":
                    yield from _hooks(inner)
        case list():
            for inner in value:
                yield from _hooks(inner)


def _llms(settings: Settings, route: Route) -> Iterator[Llm]:
    if route.native:  # the platform reaches them, from where it is
        return
    for llm in parse(route.verbs, version=settings.platform.version):
        if isinstance(llm, Llm):
            yield from (llm, *(other.llm for other in others(llm, route)))


def _candidate(llm: Llm, route: Route, settings: Settings) -> Candidate | None:
    if templates.names([llm.connect_options, llm.auth, llm.model]):
        return None
    try:
        found = candidate(llm, route, settings)
    except ModelError:  # for want of a key: which is told of
        return None
    return found._replace(dial=replace(found.dial, reach=TRUSTED))  # the configuration names it
