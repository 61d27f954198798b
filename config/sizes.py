"""How long a route's documents are as they leave: what is too long for a control socket is refused here."""

import json
from collections.abc import Iterator

import verbs
from config.settings import Route
from verbs.rewrite import rewrite

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
    for key, written in (("verbs", route.verbs), ("fallback", route.fallback), ("busy", route.busy)):
        try:
            document, fallback = verbs.parse(written, version=version), verbs.parse(route.fallback, version=version)
        except verbs.DocumentError:
            continue  # it has its complaint
        leaving = rewrite(
            document,
            media_url=f"{url}/media/jambonz/{TICKET}",
            ended_url=f"{url}/call/ended/{TICKET}",
            hook_url=lambda _: f"{url}/call/hook/{TICKET}",
            fallback=fallback,
            sample_rate_hz=route.media.sample_rate_hz,
        )
        size_bytes = len(json.dumps(leaving.document))
        if size_bytes > MAX_DOCUMENT_BYTES:
            yield key, size_bytes
