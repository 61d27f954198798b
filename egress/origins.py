"""Where a URL leads, in the one way in which everybody reads it; and where a document's URLs lead. Pure."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from verbs import connecting

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
"0: of a hook transport that is not the web's, by which nothing but what the operator has written may lead."
_URL = re.compile(
    r"""(?P<scheme>[a-z]+)://
    ((?P<user>[^/?\#@\\\s]*)@)?
    (?P<host>\[[0-9a-f:.]+\]|[^/?\#@\\\s:\[\]{}<>"^`|%]+)
    (:(?P<port>[0-9]{1,5}))?
    (?=[/?\#]|\Z)""",
    re.IGNORECASE | re.VERBOSE,
)
"Stricter than any parser: what one would read as a host and another as something else is read as neither."

MOST_KNOWN = 1024
"URLs whose origins are remembered: each hook asks twice for its own."


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int
    proxy: bool = False
    "Whether it is a proxy: a connection may lead through it, and not to it."


@lru_cache(maxsize=MOST_KNOWN)
def origin_of(url: str) -> Origin | None:
    """Give where a URL leads; None for one of an unknown scheme, or that not everybody would read alike."""
    found = _URL.match(url)
    if found is None or not url.isprintable() or found["scheme"].lower() not in PORTS:
        return None
    scheme, host = found["scheme"].lower(), found["host"]
    # A host that is not ASCII is compared as it is written: two that look alike to us may not to a resolver.
    return Origin(scheme, host.lower() if host.isascii() else host, int(found["port"] or PORTS[scheme]))


def names_user(url: str) -> bool:
    found = _URL.match(url)
    return bool(found and found["user"] is not None)


def proxy_of(url: str) -> Origin | None:
    """Give where a proxy is."""
    origin = origin_of(url)
    return origin._replace(proxy=True) if origin else None


def origins_in(document: object) -> set[Origin]:
    """Give where the hooks, models and servers of tools of a document lead, those that it writes out."""
    leads = [proxy_of(url) if proxy else origin_of(url) for url, proxy in _urls(document)]
    return {origin for origin in leads if origin}


def urls_in(document: object) -> list[str]:
    """Give the URLs of a document that it is for us to call."""
    return [url for url, _ in _urls(document)]


def _urls(value: object) -> Iterator[tuple[str, bool]]:
    """Give each URL, and whether it is a proxy's."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _named(str(key), inner)
        case list() | tuple():
            for inner in value:
                yield from _urls(inner)


def _named(key: str, value: Any) -> Iterator[tuple[str, bool]]:
    match value:
        case str(url) | {"url": str(url)} if key.endswith("Hook"):
            yield url, False
        case dict() if key == "connectOptions":
            yield connecting.url_of(value), False
            yield str(value.get("proxy")), True
        case list() if key == "mcpServers":
            yield from ((str(server.get("url")), False) for server in value if isinstance(server, dict))
        case _ if key != "llmOptions":  # what stands there is the model's own
            yield from _urls(value)
