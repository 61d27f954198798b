"""How long a route's documents are as they leave: what is too long for a control socket is refused here."""

import json
from collections.abc import Iterator
from functools import partial

import verbs
from config.native import all_events, key_for, with_tools
from config.settings import Route, Settings
from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.native import left_to_platform
from verbs.origin import from_origin
from verbs.rewrite import leave, rewrite

MAX_DOCUMENT_BYTES = 24 * 1024 - 256
"""jambonz drops the socket that brings it a longer message, comes back, asks again, and gets the same one
(feature-server lib/config.js JAMBONES_WS_MAX_PAYLOAD). The rest is for what stands around the document."""

TICKET = "x" * 44
"As long as the tickets in our URLs."
LOCAL_URL = "http://127.0.0.1:65535"


NEAR_THE_LIMIT_BYTES = 20 * 1024
"What an agent that the platform carries out may still grow by: `{{…}}`, and what its tools are described by."


def too_long(route: Route, settings: Settings) -> Iterator[tuple[str, int]]:
    """Give (key, size in bytes) of each of a route's documents that no control socket can carry."""
    yield from ((key, size_bytes) for key, size_bytes in sizes(route, settings) if size_bytes > MAX_DOCUMENT_BYTES)


def near_the_limit(settings: Settings, route: Route) -> Iterator[str]:
    """Tell of a document that little more would make too long."""
    size_bytes = dict(sizes(route, settings)).get("verbs", 0)
    if size_bytes > NEAR_THE_LIMIT_BYTES:
        yield f"its document has {size_bytes} bytes; on the websocket API jambonz reads {MAX_DOCUMENT_BYTES} at most"


def sizes(route: Route, settings: Settings) -> Iterator[tuple[str, int]]:
    """Give (key, size in bytes) of a route's documents as they leave, with `{{…}}` as they are written.

    With the models' keys in them where the platform shows a secret, for then they leave.
    """
    url, version = settings.server.public_url or LOCAL_URL, settings.platform.version
    hook = f"{url}/call/hook/{TICKET}"
    for key, written in (("verbs", route.verbs), ("fallback", route.fallback), ("busy", route.busy)):
        try:
            document = verbs.parse(written, version=version, native=route.native)
            fallback = verbs.parse(route.fallback, version=version)
        except verbs.DocumentError:
            continue  # it has its complaint
        if route.native:
            item = partial(_left, route=route, settings=settings)
            leaves = leave(document, item=item, hook_url=lambda _: hook).document
        else:
            leaves = rewrite(
                document,
                media_url=f"{url}/media/jambonz/{TICKET}",
                ended_url=f"{url}/call/ended/{TICKET}",
                hook_url=lambda _: hook,
                fallback=fallback,
                sample_rate_hz=route.media.sample_rate_hz,
            ).document
        yield key, len(json.dumps(from_origin(leaves, settings.hooks.base_url)))


def _left(_: int, llm: Llm, *, route: Route, settings: Settings) -> JsonObject:
    whole, platform = with_tools(llm, route, settings), settings.platform
    shown = bool(platform.webhook_secrets or platform.basic_auth)
    return left_to_platform(
        whole,
        version=platform.version,
        auth=key_for(whole, settings) if shown else None,
        hook=lambda kind: kind,
        all_events=all_events(route),
    )
