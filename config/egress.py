"""Where the configuration leads: what it names may be anywhere."""

import re
from collections.abc import Iterator

from config.brains import origins_of
from config.settings import Route, Settings
from egress.guard import Egress
from egress.origins import Origin, origin_of, origins_in, proxy_of, urls_in

_HOST_OF_A_CALL = re.compile(r"(?P<scheme>\w+://)(?:[^/?#]*@)?(?P<host>[^/?#@]*\{\{[^}]*\}\}[^/?#]*)")


def egress_of(settings: Settings) -> Egress:
    return Egress(frozenset(origin for origin in _named(settings) if origin), settings.egress.allow_cidrs)


def _named(settings: Settings) -> Iterator[Origin | None]:
    """Give where it leads. A host with a `{{…}}` in it is whoever's has called, and is none."""
    yield origin_of(settings.hooks.base_url or "")
    for vendor in settings.vendors.values():
        yield origin_of(vendor.url)
        yield proxy_of(vendor.proxy.get_secret_value())
    for brain in settings.brains.values():
        yield from map(origin_of, origins_of(brain))
    for route in settings.routes:
        for url in (route.url, route.status_hook, route.amd_hook):
            yield origin_of(url or "")
        yield from origins_in([route.verbs, route.fallback, route.busy])
        yield from (origin_of(tool.target) for tool in settings.tools.get(route.name, {}).values())


def hosts_of_calls(route: Route) -> Iterator[str]:
    """Say which hosts a route's calls choose: whoever has called may then choose one in our own network."""
    for url in dict.fromkeys(urls_in([route.verbs, route.fallback, route.busy])):
        if found := _HOST_OF_A_CALL.match(url):
            yield (
                f"the call chooses the host of {found['scheme']}{found['host']}, so it reaches the internet, and "
                "nothing private but what egress.allow_cidrs allows; write the host out if it is always the same"
            )
