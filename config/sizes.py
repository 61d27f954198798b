"""How long a route's documents are as they leave: what is too long for a control socket is refused here."""

import json
from collections.abc import Iterator
from functools import partial

import verbs
from config.settings import Route
from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.native import left_to_platform
from verbs.rewrite import leave, rewrite

MAX_DOCUMENT_BYTES = 24 * 1024 - 256
"""jambonz drops the socket that brings it a longer message, comes back, asks again, and gets the same one
(feature-server lib/config.js JAMBONES_WS_MAX_PAYLOAD). The rest is for what stands around the document."""

TICKET = "x" * 44
"As long as the tickets in our URLs."
LOCAL_URL = "http://127.0.0.1:65535"


def too_long(route: Route, *, version: str, public_url: str | None) -> Iterator[tuple[str, int]]:
    """Give (key, size in bytes) of each of a route's documents that no control socket can carry.

    What is measured is the document that leaves, with `{{…}}` as they are written.
    """
    url = public_url or LOCAL_URL
    hook = f"{url}/call/hook/{TICKET}"
    for key, written in (("verbs", route.verbs), ("fallback", route.fallback), ("busy", route.busy)):
        try:
            document = verbs.parse(written, version=version, native=route.native)
            fallback = verbs.parse(route.fallback, version=version)
        except verbs.DocumentError:
            continue  # it has its complaint
        if route.native:
            leaves = leave(document, item=partial(_left, version=version), hook_url=lambda _: hook).document
        else:
            leaves = rewrite(
                document,
                media_url=f"{url}/media/jambonz/{TICKET}",
                ended_url=f"{url}/call/ended/{TICKET}",
                hook_url=lambda _: hook,
                fallback=fallback,
                sample_rate_hz=route.media.sample_rate_hz,
            ).document
        size_bytes = len(json.dumps(leaves))
        if size_bytes > MAX_DOCUMENT_BYTES:
            yield key, size_bytes


def _left(_: int, llm: Llm, *, version: str) -> JsonObject:
    return left_to_platform(llm, version=version, auth=llm.auth, hook=lambda kind: kind)
