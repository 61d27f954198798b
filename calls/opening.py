"""What a new call is answered with: its route's verbs, or why it gets others. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calls.carrying import candidate
from calls.document import filled, route_verbs
from calls.masking import told
from config.settings import Route, Settings
from media.realtime.base import ModelError
from verbs import DocumentError
from verbs.base import JsonObject, Verb
from verbs.llm import Llm

NOBODY: list[JsonObject] = [{"verb": "sip:decline", "status": 404}]
"The document for a number that no route matches."


@dataclass(frozen=True, slots=True)
class Opening:
    verbs: list[Verb]
    problem: str = ""
    "Why these are not the route's `verbs`: an event for the log, with `detail`."
    detail: JsonObject = field(default_factory=dict)


def opening(
    route: Route,
    settings: Settings,
    attributes: Mapping[str, Any],
    *,
    crowd: int | None = None,
    reachable_by: str | None = None,
) -> Opening:
    """Give the route's verbs; its `busy` where the call is one too many, its `fallback` where they cannot be done.

    `crowd`: how many calls there are already, where these are too many. `reachable_by`: the URL by which a platform
    seems to know us that has none of ours.
    """
    if crowd is not None:
        return Opening(filled(route.busy, attributes), "call_refused_busy", {"active": crowd})
    if reachable_by is not None:
        remedy = f"set server.public_url to the URL at which the platform reaches us, such as {reachable_by}"
        return _instead(route, attributes, "public_url_missing", remedy=remedy)
    try:
        verbs = route_verbs(route, attributes, version=settings.platform.version)
    except DocumentError as error:
        return _instead(route, attributes, "document_refused", complaint=told(error.complaints))
    if obstacle := obstacle_to(verbs, route, settings):
        return _instead(route, attributes, "model_not_configured", message=obstacle)
    return Opening(verbs)


def _instead(route: Route, attributes: Mapping[str, Any], problem: str, **detail: str) -> Opening:
    return Opening(filled(route.fallback, attributes), problem, detail)


def obstacle_to(verbs: Sequence[Verb], route: Route, settings: Settings) -> str:
    """Say why an `llm` among these verbs cannot be carried out; nothing where all can."""
    for llm in verbs:
        if not isinstance(llm, Llm):
            continue
        try:
            candidate(llm, route, settings)
        except ModelError as error:
            return str(error)
    return ""
